# SPDX-License-Identifier: Apache-2.0
"""The table of composed operators, and the pass that writes them in others."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import onnx

from codesign.compiler.model.file import first_words
from codesign.compiler.model.passes.composed import attention, extremes, maps, norms, pools, products, softmax, squares
from codesign.compiler.model.passes.draft import Draft

Rule = Callable[[Draft, onnx.NodeProto], list[onnx.NodeProto] | None]
"""The nodes in a node's place; None where it stays as it is."""

COMPOSED: Mapping[str, tuple[Rule, str]] = {
    **attention.COMPOSED,
    **extremes.COMPOSED,
    **maps.COMPOSED,
    **norms.COMPOSED,
    **pools.COMPOSED,
    **products.COMPOSED,
    **softmax.COMPOSED,
    **squares.COMPOSED,
}
"""Operator → its rule, and what is supported of it, for docs/operators.md."""


def run(draft: Draft) -> bool:
    """Whether an operator was written in others."""
    new: dict[int, list[onnx.NodeProto]] = {}
    for node in draft.nodes:
        rule = COMPOSED.get(node.op_type)
        try:
            found = rule[0](draft, node) if rule is not None else None
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise draft.refuse(node, f"has a form that is not read: {first_words(error)}") from error
        if found is not None:
            new[id(node)] = found
    return draft.substitute(new)
