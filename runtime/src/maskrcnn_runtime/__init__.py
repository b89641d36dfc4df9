"""Exported models of maskrcnn on small computers: NumPy, onnxruntime and Pillow, no torch."""

from maskrcnn_runtime.errors import RuntimeFault
from maskrcnn_runtime.network import Found
from maskrcnn_runtime.pictures import Model, read_picture

__all__ = ["Found", "Model", "RuntimeFault", "read_picture"]
__version__ = "0.1.0"
