"""Trained networks as files: one file each, of arrays and JSON; nothing in it is executed."""

from trainlab.models.export import export_onnx
from trainlab.models.storage import load, save

__all__ = ["export_onnx", "load", "save"]
