# SPDX-License-Identifier: Apache-2.0
"""QuantizeLinear, DequantizeLinear: parameters of values, the integers of weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.compiler.lower.constants import INT8_MAX, QUANTIZE_HINT
from codesign.compiler.model.graph import Quant
from codesign.compiler.model.ops.step import Step
from codesign.compiler.model.terms import Choice, Constant, Function, Operation, Pieces
from codesign.compiler.operators import View

_TYPES = {
    np.dtype(np.int8): (8, 0),
    np.dtype(np.uint8): (8, 128),
    np.dtype(np.int16): (16, 0),
    np.dtype(np.uint16): (16, 32768),
}
"""Type of integers → their bits, and what makes them signed when it is taken off."""
_NUMBERS: dict[int, np.dtype[Any]] = {
    2: np.dtype(np.uint8),
    3: np.dtype(np.int8),
    4: np.dtype(np.uint16),
    5: np.dtype(np.int16),
}
"""Of TensorProto."""
_HINT = "give every value one positive scale, see docs/model-file.md"


def quantize(step: Step) -> None:
    """QuantizeLinear of a value: remembered until its DequantizeLinear; of a constant: its integers."""
    term = step.term(0)
    if isinstance(term, Constant):
        step.give(_integers_of(step, term))
        return
    quant = _parameters(step)
    step.build.quantized[step.name()] = (term, quant)
    if step.build.quants.setdefault(term.name, quant) != quant:
        return  # the same numbers in other steps: a value of its own once it is real again
    # Of a concatenation, each part that has none gets the parameters: an LSTM that reads it reads the parts. What a skip gate
    # chooses has those of its choices.
    for part in term.parts if isinstance(term, Pieces) else ():
        if not (isinstance(part, Choice) and part.then.name in step.build.quants):
            step.build.quants.setdefault(part.name, quant)
    while isinstance(term, Operation) and term.call is not None and isinstance(term.call.operator, View):
        (term,) = term.call.sources  # the same numbers, which have these parameters unless the file gives them others
        step.build.viewed_quants.setdefault(term.name, quant)


def dequantize(step: Step) -> None:
    """DequantizeLinear of a quantized value, or of integer weights."""
    source = str(step.node.input[0])
    if source in step.build.quantized:
        term, quant = step.build.quantized[source]
        if _parameters(step) != quant:
            raise step.refuse("scale or zero point differ from those of its QuantizeLinear", hint=_HINT)
        if step.build.quants[term.name] != quant:
            term = Function(step.name(), term.extent, step.display, kind="clip", source=term)
            step.build.quants[term.name] = quant
            step.build.quantized[source] = (term, quant)
        step.give(term)
        return
    constant = step.constant(0, "the quantized tensor")
    if constant.dtype not in (*_TYPES, np.int32) or constant.scale is not None:
        raise step.refuse(f"'{constant.name}' is {constant.dtype}, weights must be integers of 8, 16 or 32 bits", hint=_HINT)
    scale, zero = _spread(step, constant)
    steps = constant.values - zero
    small = np.abs(steps).max(initial=0.0) <= INT8_MAX + 1 and constant.dtype != np.int32
    quantized = steps.astype(np.int8) if small and steps.max(initial=0.0) <= INT8_MAX else None
    dtype = np.dtype(np.int32 if quantized is None else np.int8)
    own = None  # a sum or product with all of it, as TFLite has them
    if step.constant(1, "the scale").size == 1 and np.unique(zero).size == 1 and constant.dtype in _TYPES:
        bits, offset = _TYPES[constant.dtype]
        own = Quant(float(scale.flat[0]), int(zero.flat[0]) - offset, bits)
    size, values = constant.size, steps * scale
    step.give(Constant(constant.name, size, values=values, quantized=quantized, scale=scale, dtype=dtype, quant=own))


def _spread(step: Step, constant: Constant) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Scale and zero point of each element of a constant, float64."""
    if step.attribute("block_size", 0):
        raise step.refuse(f"'{constant.name}' has a scale for every few elements of a row", hint=QUANTIZE_HINT)
    scale = step.constant(1, "the scale").values.astype(np.float64)
    zero = step.constant(2, "the zero point").values if step.has(2) else np.zeros(())
    if scale.size == 0 or zero.size == 0:
        raise step.refuse(f"scale or zero point of '{constant.name}' is empty", hint=_HINT)
    if not np.isfinite(scale).all() or (scale <= 0).any():
        raise step.refuse(f"scale of '{constant.name}' is not positive: {float(scale.min()):g}", hint=_HINT)
    axis, shape = int(step.attribute("axis", 1)), constant.values.shape
    axis += len(shape) if axis < 0 else 0
    spread = []
    for what, part in (("scales", scale), ("zero points", zero)):
        if part.size == 1:
            part = part.reshape(())
        elif part.ndim != 1 or not 0 <= axis < len(shape):
            raise step.refuse(f"{what} of shape {list(part.shape)} along axis {axis} do not fit '{constant.name}'", hint=_HINT)
        elif part.size != shape[axis]:
            raise step.refuse(f"{part.size} {what} for {shape[axis]} slices of '{constant.name}'", hint=_HINT)
        else:
            part = part.reshape([-1 if d == axis else 1 for d in range(len(shape))])
        spread.append(np.broadcast_to(part, shape))
    return spread[0], spread[1]


def _integers_of(step: Step, constant: Constant) -> Constant:
    """What QuantizeLinear makes of a constant, of the type of its zero point."""
    kind = _type(step)
    scale, zero = _spread(step, constant)
    info = np.iinfo(kind)
    with np.errstate(over="ignore"):
        ratio = constant.values.astype(np.float32) / scale.astype(np.float32)
    integers = np.clip(np.rint(ratio.astype(np.float64)) + zero, info.min, info.max)
    return Constant(step.name(), constant.size, values=integers, dtype=kind)


def _type(step: Step) -> np.dtype[Any]:
    """The type of integers that a node makes or reads."""
    if step.has(2):
        kind: np.dtype[Any] = np.dtype(step.constant(2, "the zero point").dtype)
    else:
        kind = _NUMBERS.get(int(step.attribute("output_dtype", 0)) or 2, np.dtype(np.float32))
    if kind not in _TYPES:
        raise step.refuse(f"quantizes to {kind}, integers of 8 or 16 bits are expected", hint=QUANTIZE_HINT)
    return kind


def _parameters(step: Step) -> Quant:
    """Signed parameters of a value: uint8 q is int8 q − 128, uint16 q is int16 q − 32768."""
    if step.attribute("block_size", 0):
        raise step.refuse("quantizes a value with more than one scale", hint=QUANTIZE_HINT)
    if step.constant(1, "the scale").values.size > 1 or (step.has(2) and step.constant(2, "the zero point").values.size > 1):
        raise step.refuse("quantizes a value with more than one scale", hint=QUANTIZE_HINT)
    scale, kind = step.scalar(1, "the scale"), _type(step)
    if not np.isfinite(scale) or scale <= 0:
        raise step.refuse(f"scale {scale:g} is not positive", hint=_HINT)
    bits, offset = _TYPES[kind]
    zero = int(step.scalar(2, "the zero point") if step.has(2) else 0) - offset
    return Quant(float(np.float32(scale)), zero, bits)


OPERATORS = {
    "QuantizeLinear": (quantize, "int8, uint8, int16, uint16; one scale; on values between operators, and of constants"),
    "DequantizeLinear": (
        dequantize,
        "of a QuantizeLinear, of weights (a scale a tensor or a row) less than 128 from zero, of biases",
    ),
}
