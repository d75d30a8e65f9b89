# SPDX-License-Identifier: Apache-2.0
"""An activation of its own, int8 → int8 → Lookup8."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from codesign.compiler.layers import Lookup8, Value
from codesign.compiler.lower.constants import clamp
from codesign.compiler.lower.context import Context
from codesign.compiler.model.graph import Activation


def lower_activation(context: Context, op: Activation) -> None:
    """Append a table of `op` over all int8 inputs: T[q + 128] = clamp(rne(f(s_x · (q − zp_x)) / s_y) + zp_y)."""
    source = context.int8_source(op.name, op.source)
    quant = context.int8_quant(op.name, op.output)
    f = _function(op)
    reals = (f(source.scale * (q - source.zero_point)) for q in range(-128, 128))
    entries = [clamp(clamp(y / quant.scale, -1024, 1024) + quant.zero_point, -127, 127) for y in reals]
    context.add(Value(op.output, source.size, "int8", quant.scale, quant.zero_point))
    context.layers.append(Lookup8(op.name, source.name, op.output, np.array(entries, np.int8)))


def _function(op: Activation) -> Callable[[float], float]:
    match op.kind:
        case "sigmoid":
            return lambda x: 0.5 * (1.0 + math.tanh(0.5 * x))
        case "tanh":
            return math.tanh
        case "relu":
            return lambda x: max(x, 0.0)
        case _:
            return lambda x: min(max(x, op.low), op.high)
