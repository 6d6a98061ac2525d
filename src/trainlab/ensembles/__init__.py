"""Ensembles: many networks of different kinds, the best of which vote."""
