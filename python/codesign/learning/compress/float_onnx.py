# SPDX-License-Identifier: Apache-2.0
"""A float graph as ONNX: LSTM operators of sequence length 1, Gemm, and Where for a skip gate."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import helper

from codesign.base.files.output_file import replace_file
from codesign.compiler.model.graph import Graph
from codesign.compiler.model.limits import IR_VERSION
from codesign.compiler.quantize.qdq import OPSET, metadata, ports
from codesign.learning.float_writer import FloatWriter
from codesign.learning.operators import trained


def write_float(graph: Graph, path: Path) -> None:
    """Write a graph without quants, whole or not at all.

    Raises:
        InputError: the path cannot be written, or an operator that is not trained here.
    """
    model = float_model(graph)
    with replace_file(path) as temporary:
        temporary.write_bytes(model.SerializeToString())


def float_model(graph: Graph) -> onnx.ModelProto:
    """The ONNX model of a float graph."""
    writer = FloatWriter(graph)
    writer.begin()
    for op in graph.schedule:
        trained(op).write(op, writer)
    proto = helper.make_graph(writer.nodes, "step", *ports(graph))
    proto.initializer.extend(writer.initializers)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="codesign")
    model.ir_version = IR_VERSION
    helper.set_model_props(model, metadata(graph))
    return model
