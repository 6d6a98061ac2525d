"""How populations are trained: members, chunks of members, engines, and what came out."""
