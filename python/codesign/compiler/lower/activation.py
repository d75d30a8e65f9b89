# SPDX-License-Identifier: Apache-2.0
"""A function of its own, int8 → int8 → Lookup8."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.layers import Lookup8
from codesign.compiler.lower.constants import clamp

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.operators.activation import Activation


def lower_activation(context: Context, op: Activation) -> None:
    """Append a table of `op` over all int8 inputs: T[q + 128] = clamp(rne(f(s_x · (q − zp_x)) / s_y) + zp_y)."""
    source = context.int8_source(op.name, op.source)
    quant = context.int8_quant(op.name, op.output)
    reals = op.real(source.scale * (np.arange(-128, 128).astype(np.float64) - source.zero_point))
    y = _defined(op.name, reals).tolist()
    entries = [clamp(clamp(v / quant.scale, -1024, 1024) + quant.zero_point, -127, 127) for v in y]
    context.add_value(op.output, quant)
    context.layers.append(Lookup8(op.name, source.name, op.output, np.array(entries, np.int8)))


def _defined(name: str, y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """`y` with the next number in place of each NaN: arguments without a value, such as log's of a negative number, come from
    nothing but rounding.
    """
    defined = np.flatnonzero(~np.isnan(y))
    if defined.size == 0:
        raise InputError(f"{name}: the function has no value for any number that its source can be", hint="check the model")
    places = np.arange(y.size)
    after = defined[np.minimum(np.searchsorted(defined, places), defined.size - 1)]
    return np.where(np.isnan(y), y[after], y)
