"""Trained networks as files: one file each, of arrays and JSON, that is never run."""

from trainlab.models.storage import load, save

__all__ = ["load", "save"]
