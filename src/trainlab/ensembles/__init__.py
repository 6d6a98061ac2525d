"""Ensembles: many networks of different kinds and boosted trees, the best of which vote."""
