# SPDX-License-Identifier: Apache-2.0
"""Operators that only look at a vector in another way, and constants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from codesign.compiler.model.limits import MAX_PARTS
from codesign.compiler.model.ops.step import Step
from codesign.compiler.model.terms import Affine, Call, Constant, Function, Operation, Pieces, Term, rows_of
from codesign.compiler.operators import Slice


def same(step: Step) -> None:
    """Identity, Reshape, Squeeze, Unsqueeze, Flatten, Dropout, Cast between floats, Transpose of a vector."""
    term = step.term(0)
    if step.node.op_type == "Cast" and step.attribute("to") != onnx.TensorProto.FLOAT:
        raise step.refuse("casts to another type than float")
    if step.node.op_type == "Dropout" and step.has(2) and step.scalar(2, "training_mode") != 0:
        raise step.refuse("is in training mode", hint="export the model in evaluation mode")
    if isinstance(term, Constant):
        step.give(_reshaped(step, term))
        return
    if step.size() != term.size:
        raise step.refuse(f"turns {term.size} elements into {step.size()}")
    step.give(term)


def gather(step: Step) -> None:
    """Gather of the one slice along a dimension of 1: what exporters make of y[0]."""
    term, shape = step.term(0), step.shape(step.node.input[0])
    index = step.constant(1, "the index").values
    if isinstance(term, Constant) or index.size != 1 or shape[int(step.attribute("axis", 0))] != 1 or step.size() != term.size:
        raise step.refuse("takes elements out of a vector")
    step.give(term)


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
    """Split of a vector."""
    term, axis = step.term(0), int(step.attribute("axis", 0))
    _check_axis(step, axis)
    start = 0
    for index, name in enumerate(step.node.output):
        size = int(np.prod(step.shape(name), dtype=np.int64))
        step.give(piece(step, term, start, start + size, str(name)), index)
        start += size


def slice_(step: Step) -> None:
    """Slice of a vector, step 1."""
    term = step.term(0)
    starts, ends = (step.constant(i, "start and end").values.ravel() for i in (1, 2))
    axes = step.constant(3, "the axis").values.ravel() if step.has(3) else np.arange(starts.size)
    if not starts.size == ends.size == axes.size:
        raise step.refuse(f"has {starts.size} starts, {ends.size} ends and {axes.size} axes")
    if step.has(4) and (step.constant(4, "the step").values != 1).any():
        raise step.refuse("has a step other than 1")
    shape = step.shape(step.node.input[0])
    bounds = (0, term.size)
    for start, end, axis in zip(starts.tolist(), ends.tolist(), axes.tolist(), strict=True):
        first, last, _ = slice(int(start), int(min(end, 2**31))).indices(shape[int(axis)])
        if shape[int(axis)] != 1:
            bounds = (first, last)
    step.give(piece(step, term, *bounds, step.name()))


def concat(step: Step) -> None:
    """Concat of vectors, or of plain constants."""
    operands = [step.term(index) for index in range(len(step.node.input))]
    if all(isinstance(term, Constant) and term.scale is None for term in operands):
        step.give(_joined(step, [term for term in operands if isinstance(term, Constant)]))
        return
    _check_axis(step, int(step.attribute("axis", 0)), step.name())
    parts: list[Term] = []
    for term in operands:
        parts += term.parts if isinstance(term, Pieces) else [term]
    if len(parts) > MAX_PARTS:
        raise step.refuse(f"joins more than {MAX_PARTS} vectors")
    step.give(Pieces(step.name(), step.size(), step.display, parts=parts))


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
            return Affine(name, stop - start, step.display, parts=parts, bias=term.bias[rows], joined=term.joined)
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
    call = Call(Slice("", "", "", start, stop), [term], [])
    part = Operation(name, stop - start, step.display, call=call)
    call.results.append(part)
    return part


def _reshaped(step: Step, term: Constant) -> Constant:
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


def _check_axis(step: Step, axis: int, name: str = "") -> None:
    shape = step.shape(name or step.node.input[0])
    if shape[axis] == 1 and max(shape) > 1:
        raise step.refuse(f"works along axis {axis}, which is not the vector's")


_VIEW = "on vectors and constants, when the order of elements stays"
OPERATORS = {
    **dict.fromkeys(("Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"), (same, _VIEW)),
    "Cast": (same, "to float32"),
    "Concat": (concat, "of vectors, of constants; a linear layer or an LSTM reads the parts, such as [x; h]"),
    "Constant": (constant, "tensors and numbers"),
    "Gather": (gather, "of the one slice along a dimension of 1, such as y[0]"),
    "Slice": (slice_, "of a vector, step 1; how stacked gates come apart"),
    "Split": (split, "of a vector; how stacked gates come apart"),
}
