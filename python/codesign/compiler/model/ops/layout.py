# SPDX-License-Identifier: Apache-2.0
"""Operators that bring the elements of a value into another order, repeat them, or put zeros around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.compiler.model.ops.step import Step, without_batch
from codesign.compiler.model.ops.view import in_full, operation, reshaped, take_range, viewed
from codesign.compiler.model.terms import Constant, Term
from codesign.compiler.operators import Gather, Pad, Transpose

_MODES = {"reflect": "reflect", "edge": "edge", "wrap": "wrap"}


def transpose(step: Step) -> None:
    """Transpose; one that keeps the order of the elements is a view."""
    term, dims = step.term(0), step.shape(step.node.input[0])
    if isinstance(term, Constant):
        step.give(reshaped(step, term))
        return
    order = [int(axis) for axis in step.attribute("perm", list(range(len(dims)))[::-1])]
    moved = [axis for axis in order if dims[axis] != 1]
    if moved != sorted(moved):
        whole, offset = in_full(step, term, dims, () if order[0] == 0 else (0,), step.name())
        shape = tuple(dims[axis] for axis in order)
        axes = tuple(axis - offset for axis in order[offset:])
        term = operation(step, Transpose("", "", "", axes), whole, shape[offset:], step.name())
    step.give(viewed(step, term, step.output_shape(), step.name()))


def gather(step: Step) -> None:
    """Gather along an axis, with constant indices."""
    term, dims = step.term(0), step.shape(step.node.input[0])
    indices, axis = step.constant(1, "the indices").values.astype(np.int64), int(step.attribute("axis", 0)) % len(dims)
    if isinstance(term, Constant) or indices.size == 0 or not ((-dims[axis] <= indices) & (indices < dims[axis])).all():
        raise step.refuse(f"takes elements of a constant, none, or others than the {dims[axis]} along axis {axis}")
    step.give(viewed(step, taken(step, term, dims, axis, indices % dims[axis], step.name()), step.output_shape(), step.name()))


def taken(step: Step, term: Term, dims: Sequence[int], axis: int, indices: npt.NDArray[np.int64], name: str) -> Term:
    """Elements at `indices` along an axis of the tensor of shape `dims` that `term` is."""
    places = [int(index) for index in indices.ravel()]
    stride = places[1] - places[0] if len(places) > 1 else 1
    regular = range(places[0], places[0] + stride * len(places), stride) if stride else range(0)
    if list(regular) == places:
        return take_range(step, term, dims, axis, regular, name)
    whole, offset = in_full(step, term, dims, (axis,), name)
    shape = (*dims[offset:axis], len(places), *dims[axis + 1 :])
    return operation(step, Gather("", "", "", tuple(places), axis - offset), whole, shape, name)


def pad(step: Step) -> None:
    """Pad with zeros, or with elements of the value itself."""
    term, dims = step.term(0), step.shape(step.node.input[0])
    mode = step.attribute("mode", b"constant").decode()
    if isinstance(term, Constant) or (mode != "constant" and mode not in _MODES):
        raise step.refuse(f"pads a constant, or by the mode '{mode}'")
    widths = step.constant(1, "the widths").values.ravel().astype(np.int64)
    axes = step.constant(3, "the axes").values.ravel().astype(np.int64) % len(dims) if step.has(3) else np.arange(len(dims))
    if step.has(2) and mode == "constant" and step.scalar(2, "the constant") != 0.0:
        raise step.refuse("pads with another number than 0")
    if widths.size != 2 * axes.size or (widths < 0).any():
        raise step.refuse(f"pads {axes.size} axes by {widths.tolist()}, two numbers an axis that are not negative are expected")
    before, after = np.zeros(len(dims), np.int64), np.zeros(len(dims), np.int64)
    before[axes], after[axes] = np.split(widths, 2)
    if mode == "constant":
        used = [k for k in range(len(dims)) if before[k] or after[k]]
        if used:
            whole, offset = in_full(step, term, dims, used, step.name())
            operator = Pad("", "", "", tuple(before[offset:].tolist()), tuple(after[offset:].tolist()))
            shape = tuple(int(n) for n in (np.array(dims) + before + after)[offset:])
            term = operation(step, operator, whole, shape, step.name())
        step.give(viewed(step, term, step.output_shape(), step.name()))
        return
    around = (np.pad(np.arange(n), (int(a), int(b)), _MODES[mode]) for n, a, b in zip(dims, before, after, strict=True))  # type: ignore[call-overload]
    _repeated(step, term, dims, list(around))


def expand(step: Step) -> None:
    """Expand, Tile: elements that are repeated along axes."""
    term, dims = step.term(0), step.shape(step.node.input[0])
    if isinstance(term, Constant):
        _constant_like(step, term)
        return
    shape = step.shape(step.name())
    dims = (*[1] * (len(shape) - len(dims)), *dims)
    if any(n % size for n, size in zip(shape, dims, strict=True)):
        raise step.refuse(f"brings shape {list(dims)} to {list(shape)}")
    _repeated(step, term, dims, [np.tile(np.arange(size), n // size) for n, size in zip(shape, dims, strict=True)])


def _constant_like(step: Step, term: Constant) -> None:
    shape = step.shape(step.name())
    values: npt.NDArray[Any] = term.values.reshape([1] * (len(shape) - term.values.ndim) + list(term.values.shape))
    repeats = [n // size for n, size in zip(shape, values.shape, strict=True)]
    whole = np.tile(values, repeats)
    step.give(Constant(step.name(), whole.size, values=whole, dtype=term.dtype))


def _repeated(step: Step, term: Term, dims: Sequence[int], indices: Sequence[npt.NDArray[np.int64]]) -> None:
    """The elements at some indices of every axis."""
    shape = list(dims)
    for axis, places in enumerate(indices):
        if places.size != shape[axis] or (places != np.arange(shape[axis])).any():
            term = viewed(step, term, without_batch(shape), f"{step.name()}:{axis}")
            term = taken(step, term, shape, axis, places, f"{step.name()}:{axis}")
            shape[axis] = places.size
    step.give(viewed(step, term, step.output_shape(), step.name()))


OPERATORS = {
    "Expand": (expand, "to sizes that are known"),
    "Gather": (gather, "constant indices along an axis"),
    "Pad": (pad, "with zeros, or reflect, edge and wrap; constant widths"),
    "Tile": (expand, "constant repeats"),
    "Transpose": (transpose, "any order; one that keeps the order of elements costs nothing"),
}
