# SPDX-License-Identifier: Apache-2.0
"""Products of matrices that no linear layer computes: of two computed values, with weights of each group, Einsum."""

from __future__ import annotations

import math

import numpy as np
import onnx

from codesign.compiler.model.limits import MAX_VECTOR
from codesign.compiler.model.passes.composed.parts import Parts
from codesign.compiler.model.passes.draft import Array, Draft, attribute

_HINT = "attend to fewer places or frames, or with fewer channels at a time"


_OF_WEIGHTS = ("Cast", "DequantizeLinear", "Identity", "QuantizeLinear", "Reshape", "Squeeze", "Transpose", "Unsqueeze")


def matmul(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """MatMul of two computed values, as in attention, and with one matrix for each group."""
    left, right = node.input
    if min(len(draft.shape(name)) for name in node.input) < 2 or _is_known(draft, left):
        return None
    if not _is_known(draft, right):
        return _computed(draft, node)
    weights = draft.constants.get(right)
    return _grouped(draft, node, weights) if weights is not None and math.prod(weights.shape[:-2]) > 1 else None


def _is_known(draft: Draft, name: str) -> bool:
    """Whether a value is a constant, or made of constants alone, as weights that are dequantized."""
    makers, waiting = draft.makers(), [name]
    while waiting:
        name = waiting.pop()
        if name in draft.constants:
            continue
        if name not in makers or makers[name].op_type not in _OF_WEIGHTS:
            return False
        waiting += [source for source in makers[name].input if source]
    return True


def _computed(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """A · B as products of all pairs of rows and columns, and their sums."""
    (*batch, rows, inner), (*other, _, columns) = (draft.shape(name) for name in node.input)
    count = math.prod(np.broadcast_shapes(tuple(batch), tuple(other))) * rows * columns * inner
    if count > MAX_VECTOR:
        raise draft.refuse(node, f"multiplies two computed values in {count:,} products, more than {MAX_VECTOR:,}", hint=_HINT)
    parts = Parts(draft, node)
    order = [*range(len(other)), len(other) + 1, len(other)]
    turned = parts("Transpose", node.input[1], perm=order)
    a, b = parts.reshape(node.input[0], (*batch, rows, 1, inner)), parts.reshape(turned, (*other, 1, columns, inner))
    parts("ReduceSum", parts("Mul", a, b), parts.ints(-1), keepdims=0)
    return parts.end()


def _grouped(draft: Draft, node: onnx.NodeProto, weights: Array) -> list[onnx.NodeProto] | None:
    """Weights [groups, in, out]: a convolution with kernel 1 whose channels are the groups'."""
    *batch, rows, inner = draft.shape(node.input[0])
    columns = weights.shape[-1]
    after = np.broadcast_shapes(tuple(batch), weights.shape[:-2])
    groups = math.prod(after)
    if math.prod(batch) != groups:
        return None
    own = np.broadcast_to(weights, (*after, inner, columns)).reshape(groups, inner, columns)
    kernel = own.transpose(0, 2, 1).reshape(groups * columns, inner, 1)
    parts, rank = Parts(draft, node), len(batch) + 2
    swap = [*range(rank - 2), rank - 1, rank - 2]
    flat = parts.reshape(parts("Transpose", node.input[0], perm=swap), (1, groups * inner, rows))
    name = parts("Conv", flat, parts.reals(kernel), group=groups, kernel_shape=[1])
    shape = draft.shape(node.output[0])
    parts(
        "Transpose",
        parts.reshape(name, (*shape[:-2], columns, rows)),
        perm=[*range(len(shape) - 2), len(shape) - 1, len(shape) - 2],
    )
    return parts.end()


def einsum(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """Einsum of one or two values, written as one product of matrices."""
    terms, wanted = labels(draft, node)
    if len(terms) > 2 or any(len(set(term)) < len(term) for term in (*terms, wanted)):
        raise draft.refuse(node, "takes a diagonal, or more than two values", hint="write it as products of two values")
    sizes = {c: n for term, name in zip(terms, node.input, strict=True) for c, n in zip(term, draft.shape(name), strict=True)}
    parts = Parts(draft, node)
    names = list(node.input)
    for i, term in enumerate(terms):
        others = set(wanted).union(*(t for j, t in enumerate(terms) if j != i))
        gone = [c for c in term if c not in others]
        if gone:
            names[i] = parts("ReduceSum", names[i], parts.ints(*(term.index(c) for c in gone)), keepdims=0)
            terms[i] = "".join(c for c in term if c not in gone)
    if len(terms) == 1:
        parts("Transpose", names[0], perm=[terms[0].index(c) for c in wanted])
        return parts.end()
    if node.input[0] in draft.constants:  # weights stand on the right
        names, terms = names[::-1], terms[::-1]
    one, two = terms
    batch = [c for c in one if c in two and c in wanted]
    inner = [c for c in one if c in two and c not in wanted]
    rows, columns = [c for c in one if c not in two], [c for c in two if c not in one]
    groups, many, n, m = ([sizes[c] for c in group] for group in (batch, inner, rows, columns))
    a = parts("Transpose", names[0], perm=[one.index(c) for c in (*batch, *rows, *inner)])
    b = parts("Transpose", names[1], perm=[two.index(c) for c in (*batch, *inner, *columns)])
    a = parts.reshape(a, (*groups, math.prod(n), math.prod(many)))
    b = parts.reshape(b, (*groups, math.prod(many), math.prod(m)))
    product = parts.reshape(parts("MatMul", a, b), (*groups, *n, *m))
    order = [*batch, *rows, *columns]
    parts("Transpose", product, perm=[order.index(c) for c in wanted])
    return parts.end()


def labels(draft: Draft, node: onnx.NodeProto) -> tuple[list[str], str]:
    """The letters of each value's axes and of the result's, with letters of their own for what "..." stands for.

    Raises:
        InputError: a value has another number of axes.
    """
    text = attribute(node, "equation").decode("ascii", "replace").replace(" ", "")
    given, _, wanted = text.partition("->")
    terms, free = given.split(","), [chr(c) for c in range(0x3B1, 0x3CA)]
    most = 0
    for i, (term, name) in enumerate(zip(terms, node.input, strict=False)):
        rank = len(draft.shape(name))
        if "..." in term:
            extra = rank - len(term) + 3
            most = max(most, extra)
            terms[i] = term.replace("...", "".join(free[len(free) - extra :]))
        if len(terms[i]) != rank:
            raise draft.refuse(node, f"'{text[:60]}' does not fit '{name}' of {rank} axes")
    if len(terms) != len(node.input):
        raise draft.refuse(node, f"'{text[:60]}' does not fit {len(node.input)} values")
    if "->" not in text:
        found = "".join(terms)
        wanted = "..." + "".join(sorted(c for c in set(found) if found.count(c) == 1 and c.isascii()))
    return terms, wanted.replace("...", "".join(free[len(free) - most :]))


COMPOSED = {
    "Einsum": (einsum, "one or two values, as Transpose, MatMul and ReduceSum"),
    "MatMul": (
        matmul,
        f"of two computed values, at most {MAX_VECTOR:,} products of pairs, as Mul and ReduceSum; with a matrix for each group",
    ),
}
