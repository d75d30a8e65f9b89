# SPDX-License-Identifier: Apache-2.0
"""BatchNormalization in inference is one factor and one offset a channel: Mul and Add, which `scales` folds into layers."""

from __future__ import annotations

import numpy as np
import onnx

from codesign.compiler.model.passes.draft import Draft, attribute, make


def run(draft: Draft) -> bool:
    """Whether a BatchNormalization was replaced.

    y = scale · (x − mean) / √(variance + epsilon) + B, ONNX BatchNormalization-15.
    """
    new: dict[int, list[onnx.NodeProto]] = {}
    for node in [node for node in draft.nodes if node.op_type == "BatchNormalization"]:
        if attribute(node, "training_mode", 0):
            raise draft.refuse(node, "is in training mode", hint="export the model in evaluation mode")
        numbers = [draft.constants.get(name) for name in node.input[1:5]]
        if any(array is None for array in numbers):
            raise draft.refuse(node, "its scale, bias, mean or variance is computed, they must be constant")
        scale, bias, mean, variance = (np.asarray(array, np.float64) for array in numbers)
        spread = variance + float(attribute(node, "epsilon", 1e-5))
        if (spread <= 0).any():
            raise draft.refuse(node, "has a variance that is not positive", hint="train or export it again")
        factor = scale / np.sqrt(spread)
        offset = bias - mean * factor
        rank, result = len(draft.shape(node.input[0])), node.output[0]
        shape = [-1 if axis == 1 else 1 for axis in range(rank)]
        names = [
            draft.constant(array.astype(np.float32).reshape(shape), f"{result}_{what}")
            for array, what in ((factor, "factor"), (offset, "offset"))
        ]
        scaled = draft.fresh(f"{result}_scaled")
        new[id(node)] = [
            make("Mul", [node.input[0], names[0]], [scaled], f"{node.name}_factor"),
            make("Add", [scaled, names[1]], [result], f"{node.name}_offset"),
        ]
    return draft.substitute(new)
