# SPDX-License-Identifier: Apache-2.0
"""Gemm without alpha, beta, transA and computed biases; differences and quotients with constants as sums and products."""

from __future__ import annotations

import numpy as np
import onnx

from codesign.compiler.model.passes.draft import Draft, attribute, make, operand


def run(draft: Draft) -> bool:
    """Whether a node was rewritten."""
    return any([_computed_bias(draft), _gemm(draft), _signs(draft)])


def _computed_bias(draft: Draft) -> bool:
    """Gemm + C where C is computed, as of the gates that Keras adds up in a loop, as Gemm and Add."""
    new: dict[int, list[onnx.NodeProto]] = {}
    for node in draft.nodes:
        bias = operand(node, 2)
        if node.op_type != "Gemm" or not bias or bias in draft.constants or attribute(node, "beta", 1.0) != 1.0:
            continue
        if operand(node, 1) not in draft.constants or bias not in draft.types:
            continue
        product, own = draft.fresh(f"{node.output[0]}_product"), onnx.NodeProto()
        own.CopyFrom(node)
        own.input[:], own.output[:] = node.input[:2], [product]
        new[id(node)] = [own, make("Add", [product, bias], [node.output[0]], f"{node.name or node.output[0]}_sum")]
    return draft.substitute(new)


def _gemm(draft: Draft) -> bool:
    changed = False
    for node in draft.nodes:
        if node.op_type != "Gemm":
            continue
        alpha, beta = float(attribute(node, "alpha", 1.0)), float(attribute(node, "beta", 1.0))
        weight, bias = draft.constants.get(node.input[1]), draft.constants.get(operand(node, 2))
        has_bias = bool(operand(node, 2))
        if (alpha, beta) == (1.0, 1.0) or weight is None or (has_bias and bias is None):
            continue
        node.input[1] = draft.constant((alpha * weight.astype(np.float64)).astype(weight.dtype), f"{node.output[0]}_weight")
        if has_bias and bias is not None:
            node.input[2] = draft.constant((beta * bias.astype(np.float64)).astype(bias.dtype), f"{node.output[0]}_bias")
        kept = [entry for entry in node.attribute if entry.name not in ("alpha", "beta")]
        del node.attribute[:]
        node.attribute.extend(kept)
        changed = True
    return changed


def _signs(draft: Draft) -> bool:
    """X − c → x + (−c), x / c → x · (1 / c), −x → x · (−1), where x is float32."""
    changed = False
    for node in draft.nodes:
        if node.op_type not in ("Sub", "Div", "Neg") or draft.types[node.output[0]].kind != 1:
            continue
        if node.op_type == "Neg":
            node.op_type = "Mul"
            node.input.append(draft.constant(np.asarray(-1, np.float32), f"{node.output[0]}_sign"))
            changed = True
            continue
        other = draft.constants.get(node.input[1])
        if other is None or node.input[0] in draft.constants:
            continue
        if node.op_type == "Div" and ((other == 0).any() or not np.isfinite(np.float32(1) / other.astype(np.float64)).all()):
            raise draft.refuse(node, "divides by zero", hint="train or export it again")
        exact = other.astype(np.float64)
        value = -exact if node.op_type == "Sub" else 1 / exact
        node.op_type = "Add" if node.op_type == "Sub" else "Mul"
        node.input[1] = draft.constant(value.astype(np.float32), f"{node.output[0]}_operand")
        changed = True
    return changed


def name_signs(draft: Draft) -> None:
    """X · (−1) → −x, once no pass has put the sign into a layer: Neg is a function of one number, a product needs two."""
    for node in draft.nodes:
        if node.op_type != "Mul":
            continue
        for source, name in (node.input, reversed(node.input)):
            sign = draft.constants.get(name)
            if sign is not None and sign.size == 1 and sign.item() == -1 and draft.types[source] == draft.types[node.output[0]]:
                node.op_type = "Neg"
                node.input[:] = [source]
                break
