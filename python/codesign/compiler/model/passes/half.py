# SPDX-License-Identifier: Apache-2.0
"""float16 becomes float32: weights exactly, and what a file computes in half precision in float32."""

from __future__ import annotations

import numpy as np
import onnx

from codesign.compiler.model.limits import all_nodes, graphs, tensors

_HALF, _FLOAT = onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT


def widened(model: onnx.ModelProto) -> tuple[onnx.ModelProto, bool]:
    """The model without float16, and whether it had values in it, beside weights. The model itself is not changed."""
    halves = any(tensor.data_type == _HALF for tensor in tensors(model))
    values = any(info.type.tensor_type.elem_type == _HALF for info in (*model.graph.input, *model.graph.output))
    values = values or any(_casts(node) for node in all_nodes(model))
    if not halves and not values:
        return model, False
    own = onnx.ModelProto()
    own.CopyFrom(model)
    for tensor in tensors(own):
        if tensor.data_type == _HALF:
            wide = onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor).astype(np.float32), tensor.name)
            tensor.CopyFrom(wide)
    for graph in graphs(own):
        for info in (*graph.input, *graph.output, *graph.value_info):
            if info.type.tensor_type.elem_type == _HALF:
                info.type.tensor_type.elem_type = _FLOAT
    for node in all_nodes(own):
        for entry in node.attribute:
            if _to_half(node, entry):
                entry.i = _FLOAT
    return own, values


def _casts(node: onnx.NodeProto) -> bool:
    return any(_to_half(node, entry) for entry in node.attribute)


def _to_half(node: onnx.NodeProto, entry: onnx.AttributeProto) -> bool:
    """Whether an attribute says that the node gives float16."""
    return entry.name in ("to", "dtype", "output_dtype") and entry.i == _HALF and node.op_type != "QuantizeLinear"
