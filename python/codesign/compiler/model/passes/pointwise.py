# SPDX-License-Identifier: Apache-2.0
"""A convolution with kernel 1 on one position is a matrix times a vector: Gemm."""

from __future__ import annotations

import math

import numpy as np
import onnx

from codesign.compiler.model.passes.draft import Draft, attribute, make, operand


def run(draft: Draft) -> bool:
    """Whether a Conv or ConvTranspose was replaced."""
    new: dict[int, list[onnx.NodeProto]] = {}
    for node in [node for node in draft.nodes if node.op_type in ("Conv", "ConvTranspose")]:
        weight, shape = draft.constants.get(node.input[1]), draft.shape(node.input[0])
        if weight is None or math.prod(shape[2:]) != 1 or math.prod(weight.shape[2:]) != 1 or attribute(node, "group", 1) != 1:
            continue
        if draft.shape(node.output[0])[2:] != shape[2:] or any(attribute(node, "pads", [])):
            continue
        result, name = node.output[0], node.name
        flat, product = draft.fresh(f"{result}_vector"), draft.fresh(f"{result}_product")
        sizes = [draft.constant(np.asarray(s, np.int64), f"{result}_shape") for s in (shape[:2], draft.shape(result))]
        matrix = draft.constant(weight.reshape(weight.shape[:2]), f"{result}_weight")
        bias = [operand(node, 2)] if operand(node, 2) else []
        new[id(node)] = [
            make("Reshape", [node.input[0], sizes[0]], [flat], f"{name}_vector"),
            make("Gemm", [flat, matrix, *bias], [product], name, transB=int(node.op_type == "Conv")),
            make("Reshape", [product, sizes[1]], [result], f"{name}_shape"),
        ]
    return draft.substitute(new)
