"""Training: a plan, and one chunk of members taken from its first step to its last."""
