# SPDX-License-Identifier: Apache-2.0
"""The same numbers in another value, with its scale."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.layers import Copy, Layer, Piece, Requantize, Value
from codesign.compiler.lower.constants import QUANTIZE_HINT, clamp, quantized_multiplier


def converted(name: str, source: Value, output: Value) -> Layer:
    """The layer that brings all of `source` to `output`, a value of as many elements.

    Raises:
        InputError: int16 that would have to be made of int8, or of int16 with another scale.
    """
    if source.dtype == "int16" and output.dtype == "int8" and source.zero_point == 0:
        multiplier, shift = quantized_multiplier(source.scale / output.scale)
        if shift > 14:
            raise InputError(f"{name}: scale {output.scale:g} of '{output.name}' is too small for '{source.name}'")
        return Requantize(name, source.name, output.name, multiplier, shift, output.zero_point)
    return Copy(name, output.name, output.size, (Piece(source.name, source.size, table=requantizing(name, source, output)),))


def requantizing(name: str, source: Value, output: Value) -> npt.NDArray[np.int8] | None:
    """The table that brings int8 from one scale to the other, clamp(rne(s_x · (q − zp_x) / s_y) + zp_y); None where they agree.

    Raises:
        InputError: other types than int8 that do not agree.
    """
    if (source.dtype, source.scale, source.zero_point) == (output.dtype, output.scale, output.zero_point):
        return None
    if source.dtype != "int8" or output.dtype != "int8":
        kinds = f"{source.dtype}, scale {source.scale:g}, to {output.dtype}, scale {output.scale:g}"
        raise InputError(f"{name}: no layer brings '{source.name}' to '{output.name}': {kinds}", hint=QUANTIZE_HINT)
    reals = (source.scale * (q - source.zero_point) / output.scale for q in range(-128, 128))
    return np.array([clamp(clamp(y, -1024, 1024) + output.zero_point, -127, 127) for y in reals], np.int8)
