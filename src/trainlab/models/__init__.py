"""Trained networks as files: one file each, of arrays and JSON, that is never run."""

from trainlab.models.export import export_onnx
from trainlab.models.records import register
from trainlab.models.storage import load, save

__all__ = ["export_onnx", "load", "register", "save"]
