# SPDX-License-Identifier: Apache-2.0
"""load: model file → Graph, checked, with ONNX left behind."""

from codesign.compiler.model.graph import Graph
from codesign.compiler.model.onnx_model import load_onnx, read_chain

__all__ = ["Graph", "load_onnx", "read_chain"]
