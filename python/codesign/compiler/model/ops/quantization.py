# SPDX-License-Identifier: Apache-2.0
"""QuantizeLinear, DequantizeLinear: parameters of values, the integers of weights."""

from __future__ import annotations

import numpy as np

from codesign.compiler.model.graph import Quant
from codesign.compiler.model.ops.step import Step
from codesign.compiler.model.terms import Constant, Function, Operation, Pieces
from codesign.compiler.operators import View

_TYPES = {np.dtype(np.int8): 8, np.dtype(np.int16): 16}
_HINT = "quantize to signed int8 or int16 with one positive scale, see docs/model-file.md"


def quantize(step: Step) -> None:
    """QuantizeLinear of a value: remembered until its DequantizeLinear."""
    term = step.term(0)
    if isinstance(term, Constant):
        raise step.refuse("quantizes a constant", hint="store int8 weights and their DequantizeLinear")
    quant = _parameters(step)
    if step.build.quants.setdefault(term.name, quant) != quant:  # the same numbers in other steps
        term = Function(step.name(), term.extent, step.display, kind="clip", source=term)
        step.build.quants[term.name] = quant
    # Of a concatenation, each part that has none gets the parameters: an LSTM that reads it reads the parts.
    for part in term.parts if isinstance(term, Pieces) else ():
        step.build.quants.setdefault(part.name, quant)
    step.build.quantized[step.name()] = (term, quant)
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
        step.give(term)
        return
    constant = step.constant(0, "the quantized tensor")
    if constant.dtype not in (np.int8, np.int16, np.int32) or constant.scale is not None:
        raise step.refuse(f"'{constant.name}' is {constant.dtype}, weights must be int8 and biases int32", hint=_HINT)
    scale = step.constant(1, "the scale").values.astype(np.float64)
    zero = step.constant(2, "the zero point").values if step.has(2) else np.zeros(1)
    if scale.size == 0 or zero.size == 0:
        raise step.refuse(f"scale or zero point of '{constant.name}' is empty", hint=_HINT)
    if not np.isfinite(scale).all() or (scale <= 0).any():
        raise step.refuse(f"scale of '{constant.name}' is not positive: {float(scale.min()):g}", hint=_HINT)
    single = scale.size == zero.size == 1 and constant.dtype in _TYPES
    if (zero != 0).any() and not single:
        raise step.refuse(f"zero point of the constant '{constant.name}' is not 0", hint=_HINT)
    if scale.size > 1:
        axis = int(step.attribute("axis", 1))
        axis += constant.values.ndim if axis < 0 else 0
        if scale.ndim != 1 or not 0 <= axis < constant.values.ndim:
            raise step.refuse(f"scales of shape {list(scale.shape)} along axis {axis} do not fit '{constant.name}'", hint=_HINT)
        if scale.size != constant.values.shape[axis]:
            raise step.refuse(f"{scale.size} scales for {constant.values.shape[axis]} slices of '{constant.name}'", hint=_HINT)
        scale = scale.reshape([-1 if d == axis else 1 for d in range(constant.values.ndim)])
    full = np.broadcast_to(scale.reshape(scale.shape if scale.size > 1 else ()), constant.values.shape)
    integers = constant.values.astype(np.int64)
    quantized = integers.astype(np.int8) if constant.dtype == np.int8 and not (zero != 0).any() else None
    offset = int(zero.ravel()[0]) if single else 0
    own = Quant(float(scale.ravel()[0]), offset, _TYPES[constant.dtype]) if single else None
    values, dtype = (integers - offset) * full, constant.dtype
    step.give(Constant(constant.name, constant.size, values=values, quantized=quantized, scale=full, dtype=dtype, quant=own))


def _parameters(step: Step) -> Quant:
    scale = step.scalar(1, "the scale")
    if not np.isfinite(scale) or scale <= 0:
        raise step.refuse(f"scale {scale:g} is not positive", hint=_HINT)
    zero_point, bits = 0, 8
    if step.has(2):
        zero = step.constant(2, "the zero point")
        if zero.dtype not in _TYPES or zero.values.size != 1:
            raise step.refuse(f"zero point of type {zero.dtype} and {zero.values.size} elements", hint=_HINT)
        zero_point, bits = int(zero.values.ravel()[0]), _TYPES[zero.dtype]
    else:
        kind = step.attribute("output_dtype", 0)
        if kind not in (3, 5):  # TensorProto.INT8, INT16
            raise step.refuse("quantizes to an unsigned or unnamed type", hint=_HINT)
        bits = 8 if kind == 3 else 16
    return Quant(float(np.float32(scale)), zero_point, bits)


OPERATORS = {
    "QuantizeLinear": (quantize, "int8 or int16 (opset 21), one scale; on values between operators"),
    "DequantizeLinear": (dequantize, "of a QuantizeLinear, or of int8 weights (per tensor or per row) and int32 biases"),
}
