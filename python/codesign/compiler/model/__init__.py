# SPDX-License-Identifier: Apache-2.0
"""load: model file → Graph, checked, with ONNX left behind."""

from typing import TYPE_CHECKING, Any

from codesign.compiler.model.graph import Graph

if TYPE_CHECKING:
    from codesign.compiler.model.onnx_model import load_onnx, read_chain
    from codesign.compiler.model.row_file import NetworkRow, load_row

__all__ = ["Graph", "NetworkRow", "load_onnx", "load_row", "read_chain"]


def __getattr__(name: str) -> Any:
    """What loads, when it is asked for: loading rests on operators, which rest on the graph's types beside it."""
    if name in ("load_onnx", "read_chain"):
        from codesign.compiler.model import onnx_model

        return getattr(onnx_model, name)
    if name in ("NetworkRow", "load_row"):
        from codesign.compiler.model import row_file

        return getattr(row_file, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
