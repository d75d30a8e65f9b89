# SPDX-License-Identifier: Apache-2.0
"""load: model file → Graph, checked, with ONNX left behind."""

from typing import TYPE_CHECKING, Any

from codesign.compiler.model.graph import Graph

if TYPE_CHECKING:
    from codesign.compiler.model.onnx_model import load_onnx

__all__ = ["Graph", "load_onnx"]


def __getattr__(name: str) -> Any:
    """`load_onnx` when it is asked for: loading rests on operators, which rest on the graph's types beside it."""
    if name == "load_onnx":
        from codesign.compiler.model.onnx_model import load_onnx

        return load_onnx
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
