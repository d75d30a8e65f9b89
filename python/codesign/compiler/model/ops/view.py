# SPDX-License-Identifier: Apache-2.0
"""Operators that only look at a value in another way, take parts of it or join it, and constants."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from codesign.compiler.model.limits import MAX_PARTS
from codesign.compiler.model.ops.step import Step, without_batch
from codesign.compiler.model.terms import Affine, Call, Constant, Function, Operation, Pieces, Term, rows_of
from codesign.compiler.operators import Concat, Operator, Slice, View
from codesign.compiler.operators.operator import Shape


def same(step: Step) -> None:
    """Identity, Reshape, Squeeze, Unsqueeze, Flatten, Dropout, Cast between floats."""
    term = step.term(0)
    if step.node.op_type == "Cast" and step.attribute("to") != onnx.TensorProto.FLOAT:
        raise step.refuse("casts to another type than float")
    if step.node.op_type == "Dropout" and step.has(2) and step.scalar(2, "training_mode") != 0:
        raise step.refuse("is in training mode", hint="export the model in evaluation mode")
    if isinstance(term, Constant):
        step.give(reshaped(step, term))
        return
    shape = step.output_shape()
    if math.prod(shape) != term.size:
        raise step.refuse(f"turns {term.size} elements into {math.prod(shape)}")
    step.give(viewed(step, term, shape, step.name()))


def constant(step: Step) -> None:
    """Constant."""
    tensor = step.attribute("value")
    if tensor is None:
        tensor = _plain_constant(step)
    step.give(constant_term(step.name(), tensor))


def _plain_constant(step: Step) -> onnx.TensorProto:
    """The tensor of a Constant that is given as numbers."""
    for key, dtype in (
        ("value_float", np.float32),
        ("value_floats", np.float32),
        ("value_int", np.int64),
        ("value_ints", np.int64),
    ):
        numbers = step.attribute(key)
        if numbers is not None:
            array = np.asarray(numbers, dtype)
            if not np.isfinite(array).all():
                raise step.refuse("holds NaN or infinity")
            return onnx.numpy_helper.from_array(array)
    raise step.refuse("holds no numbers")


def constant_term(name: str, tensor: onnx.TensorProto) -> Constant:
    """The term of an initializer."""
    array = onnx.numpy_helper.to_array(tensor)
    return Constant(name, array.size, values=array.astype(np.float64), dtype=array.dtype)


def split(step: Step) -> None:
    """Split along one axis."""
    term, dims = step.term(0), step.shape(step.node.input[0])
    axis, start = int(step.attribute("axis", 0)) % len(dims), 0
    for index, name in enumerate(step.node.output):
        stop = start + step.shape(name)[axis]
        step.give(take(step, term, dims, axis, (start, stop), str(name)), index)
        start = stop


def slice_(step: Step) -> None:
    """Slice with any steps."""
    term = step.term(0)
    starts, ends = (step.constant(i, "start and end").values.ravel() for i in (1, 2))
    axes = step.constant(3, "the axis").values.ravel() if step.has(3) else np.arange(starts.size)
    if not starts.size == ends.size == axes.size:
        raise step.refuse(f"has {starts.size} starts, {ends.size} ends and {axes.size} axes")
    steps = step.constant(4, "the step").values.ravel() if step.has(4) else np.ones(starts.size)
    if not starts.size == steps.size or (steps == 0).any():
        raise step.refuse(f"has steps {steps.tolist()} for {starts.size} axes")
    dims = step.shape(step.node.input[0])
    for count, (start, end, axis, stride) in enumerate(zip(*(a.tolist() for a in (starts, ends, axes, steps)), strict=True)):
        place = int(axis) % len(dims)
        first, last = (int(min(max(number, -(2**31)), 2**31)) for number in (start, end))
        places = range(*slice(first, last, int(stride)).indices(dims[place]))
        if not places:
            raise step.refuse(f"takes no element along axis {place}")
        name = step.name() if count == starts.size - 1 else f"{step.name()}:{count}"
        term = take_range(step, term, dims, place, places, name)
        dims = (*dims[:place], len(places), *dims[place + 1 :])
    step.give(viewed(step, term, without_batch(dims), step.name()))


def concat(step: Step) -> None:
    """Concat of computed values, or of plain constants."""
    operands = [step.term(index) for index in range(len(step.node.input))]
    if all(isinstance(term, Constant) and term.scale is None for term in operands):
        step.give(_joined(step, [term for term in operands if isinstance(term, Constant)]))
        return
    dims, shape = step.shape(step.name()), step.output_shape()
    axis = int(step.attribute("axis", 0)) % len(dims)
    if len(operands) > MAX_PARTS:
        raise step.refuse(f"joins more than {MAX_PARTS} values")
    if len(shape) > 1:
        offset = len(dims) - len(shape)
        whole = [
            viewed(step, term, step.shape(str(name))[offset:], f"{step.name()}:{index}")
            for index, (term, name) in enumerate(zip(operands, step.node.input, strict=True))
        ]
        step.operate(Concat("", (), "", axis - offset), *whole)
        return
    if dims[axis] == 1 and max(dims) > 1:
        raise step.refuse(f"works along axis {axis}, which is not the vector's")
    parts: list[Term] = []
    for term in operands:
        parts += term.parts if isinstance(term, Pieces) else [term]
    if len(parts) > MAX_PARTS:
        raise step.refuse(f"joins more than {MAX_PARTS} vectors")
    step.give(Pieces(step.name(), step.size(), step.display, parts=parts))


def take_range(step: Step, term: Term, dims: Sequence[int], axis: int, places: range, name: str) -> Term:
    """Elements at `places` along an axis of the tensor of shape `dims` that `term` is."""
    if places.step == 1 or len(places) == 1:
        return take(step, term, dims, axis, (places[0], places[0] + len(places)), name)
    whole, offset = in_full(step, term, dims, (axis,), name)
    operator = Slice("", "", "", places.start, places.stop, axis - offset, places.step)
    shape = [*dims[:axis], len(places), *dims[axis + 1 :]]
    return viewed(step, operation(step, operator, whole, tuple(shape[offset:]), name), without_batch(shape), name)


def in_full(step: Step, term: Term, dims: Sequence[int], axes: Sequence[int], name: str) -> tuple[Term, int]:
    """The term in the shape of its tensor, which is `dims`, and how many axes of these it lacks: the batch, where `axes` spare
    it.
    """
    offset = int(len(dims) > 1 and dims[0] == 1 and 0 not in axes)
    return viewed(step, term, tuple(dims[offset:]), f"{name}:full"), offset


def take(step: Step, term: Term, dims: Sequence[int], axis: int, bounds: tuple[int, int], name: str) -> Term:
    """Elements start … stop − 1 along an axis of the tensor of shape `dims` that `term` is."""
    start, stop = bounds
    if bounds == (0, dims[axis]):
        return term
    after = without_batch([*dims[:axis], stop - start, *dims[axis + 1 :]])
    if term.shape == (term.size,):
        return piece(step, term, start, stop, name)
    return viewed(step, _sliced(step, term, dims, axis, bounds, name), after, name)


def _sliced(step: Step, term: Term, dims: Sequence[int], axis: int, bounds: tuple[int, int], name: str) -> Term:
    if len(term.shape) == 1:
        return operation(step, Slice("", "", "", *bounds), term, (bounds[1] - bounds[0],), name)
    place = axis - (len(dims) - len(term.shape))
    shape = (*term.shape[:place], bounds[1] - bounds[0], *term.shape[place + 1 :])
    return operation(step, Slice("", "", "", *bounds, place), term, shape, name)


def viewed(step: Step, term: Term, shape: Shape, name: str) -> Term:
    """The same elements in another shape."""
    shape = tuple(shape)
    while term.shape != shape and isinstance(term, Operation) and term.call is not None and term.name not in step.build.quants:
        if not isinstance(term.call.operator, View):
            break
        (term,) = term.call.sources
    if term.shape == shape:
        return term
    found = operation(step, View("", "", "", shape), term, shape, f"{name}:view")
    if term.name in step.build.quants:
        step.build.viewed_quants.setdefault(found.name, step.build.quants[term.name])
    return found


def whole(dims: Sequence[int]) -> Shape:
    """A tensor's shape without the batch, all its axes kept."""
    return tuple(dims[1:]) if len(dims) > 1 and dims[0] == 1 else tuple(dims)


def applied(step: Step, operator: Operator, shape: Shape, *sources: Term) -> None:
    """Bind the node's first output to that of an operator, which has `shape`, in the shape that a graph has it."""
    step.give(viewed(step, result_of(step, operator, shape, step.name(), *sources), step.output_shape(), step.name()))


def result_of(step: Step, operator: Operator, shape: Shape, name: str, *sources: Term) -> Operation:
    """The one result of an operator over `sources`."""
    while name in step.build.terms:
        name += "'"
    call = Call(operator, list(sources), [])
    result = Operation(name, shape, step.display, call=call)
    call.results.append(result)
    return result


def operation(step: Step, operator: Operator, term: Term, shape: Shape, name: str) -> Term:
    """The one output of an operator over a term."""
    return result_of(step, operator, shape, name, term)


def _joined(step: Step, constants: list[Constant]) -> Constant:
    values = np.concatenate([term.values for term in constants], axis=int(step.attribute("axis", 0)))
    return Constant(step.name(), values.size, values=values, dtype=constants[0].dtype)


def piece(step: Step, term: Term, start: int, stop: int, name: str) -> Term:
    """Elements start … stop − 1 of a vector: of what it is computed from, where that is possible."""
    if (start, stop) == (0, term.size):
        return term
    quant = step.build.quants.get(term.name)
    if quant is not None:
        step.build.quants[name] = quant
    match term:
        case Affine():
            rows = slice(start, stop)
            parts = [(source, rows_of(matrix, rows)) for source, matrix in term.parts]
            apart = None if term.apart is None else piece(step, term.apart, start, stop, name)
            return Affine(name, stop - start, step.display, parts=parts, bias=term.bias[rows], joined=term.joined, apart=apart)
        case Function():
            inner_name = f"{name}:source"
            while inner_name in step.build.names:
                inner_name += "'"
            inner = piece(step, term.source, start, stop, inner_name)
            return Function(
                name,
                stop - start,
                step.display,
                kind=term.kind,
                source=inner,
                low=term.low,
                high=term.high,
                parameters=term.parameters,
            )
        case Pieces():
            position = 0
            for part in term.parts:
                if position <= start and stop <= position + part.size:
                    return piece(step, part, start - position, stop - position, name)
                position += part.size
    return operation(step, Slice("", "", "", start, stop), term, (stop - start,), name)


def reshaped(step: Step, term: Constant) -> Constant:
    """A constant in the shape of the node's output, by Transpose in another order."""
    shape = step.shape(step.name())
    if int(np.prod(shape, dtype=np.int64)) != term.values.size:
        raise step.refuse(f"gives '{term.name}' another size")
    permutation: Sequence[int] | None = step.attribute("perm")
    transposes = step.node.op_type == "Transpose"

    def changed(array: npt.NDArray[Any] | None) -> npt.NDArray[Any] | None:
        if array is None:
            return None
        return np.transpose(array, permutation) if transposes else array.reshape(shape)

    values = changed(term.values)
    assert values is not None, "a constant has values"
    dtype = np.dtype(np.float32) if step.node.op_type == "Cast" else term.dtype
    return Constant(
        term.name, term.size, values=values, quantized=changed(term.quantized), scale=changed(term.scale), dtype=dtype
    )


_VIEW = "of values and constants; costs nothing"
OPERATORS = {
    **dict.fromkeys(("Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"), (same, _VIEW)),
    "Cast": (same, "to float32"),
    "Concat": (concat, "of values, of constants; a linear layer or an LSTM reads the parts, such as [x; h]"),
    "Constant": (constant, "tensors and numbers"),
    "Slice": (slice_, "any steps; how stacked gates come apart"),
    "Split": (split, "how stacked gates come apart"),
}
