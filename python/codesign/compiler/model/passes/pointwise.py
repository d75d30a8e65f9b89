# SPDX-License-Identifier: Apache-2.0
"""A convolution with one result a channel, of a kernel as large as what it reads, is a matrix times a vector: Gemm. Such are
those with kernel 1 on one position, and those over time that see one frame and its past.
"""

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
        if weight is None or weight.shape[2:] != shape[2:] or attribute(node, "group", 1) != 1:
            continue
        if any(attribute(node, "pads", [])) or any(n != 1 for n in draft.shape(node.output[0])[2:]):
            continue
        if node.op_type == "ConvTranspose" and math.prod(shape[2:]) != 1:
            continue
        result, name = node.output[0], node.name
        flat, product = draft.fresh(f"{result}_vector"), draft.fresh(f"{result}_product")
        vector = shape[0], math.prod(shape[1:])
        sizes = [draft.constant(np.asarray(s, np.int64), f"{result}_shape") for s in (vector, draft.shape(result))]
        matrix = draft.constant(weight.reshape(len(weight), -1), f"{result}_weight")
        bias = [operand(node, 2)] if operand(node, 2) else []
        new[id(node)] = [
            make("Reshape", [node.input[0], sizes[0]], [flat], f"{name}_vector"),
            make("Gemm", [flat, matrix, *bias], [product], name, transB=int(node.op_type == "Conv")),
            make("Reshape", [product, sizes[1]], [result], f"{name}_shape"),
        ]
    return draft.substitute(new)
