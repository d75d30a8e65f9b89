"""load: model file → Graph, checked, with ONNX left behind."""

from codesign.load.graph import Graph
from codesign.load.onnx_model import load_onnx

__all__ = ["Graph", "load_onnx"]
