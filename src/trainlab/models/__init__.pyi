from trainlab.models.export import export_onnx as export_onnx
from trainlab.models.records import register as register
from trainlab.models.storage import load as load
from trainlab.models.storage import save as save
