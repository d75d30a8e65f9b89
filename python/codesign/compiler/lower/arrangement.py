# SPDX-License-Identifier: Apache-2.0
"""An arrangement of values → Rearrange, with another scale for those that need it."""

from __future__ import annotations

from collections.abc import Mapping

from codesign.base.errors import InputError
from codesign.compiler.layers import Rearrange, Value
from codesign.compiler.layers.arrangement import Arrangement
from codesign.compiler.layers.rearrange import Piece, Rescale
from codesign.compiler.lower.constants import QUANTIZE_HINT, quantized_multiplier

LIMITS = {"int8": 127, "int16": 32767}
LARGEST_SHIFT = 12
"""|x − zero point| < 2^17, and MBQM takes values below 2^30 · 2^−(shift + 1)."""


def rearrange(name: str, arrangement: Arrangement, values: Mapping[str, Value], output: Value) -> Rearrange:
    """The layer that writes `arrangement` of `values` to `output`; padding is the real number 0.

    Raises InputError, naming the layer, for sizes that do not fit or a scale that is too small.
    """
    if arrangement.size != output.size:
        raise InputError(f"{name}: '{output.name}' has {output.size} elements, what is written {arrangement.size}")
    pieces = []
    for source, loops in arrangement.loops():
        if source is None:
            pieces.append(Piece(loops, None, fill=output.zero_point))
        else:
            pieces.append(Piece(loops, source, rescale=_rescale(name, values[source], output)))
    return Rearrange(name, output.name, output.size, tuple(pieces))


def _rescale(name: str, source: Value, output: Value) -> Rescale | None:
    if (source.dtype, source.scale, source.zero_point) == (output.dtype, output.scale, output.zero_point):
        return None
    multiplier, shift = quantized_multiplier(source.scale / output.scale)
    if shift > LARGEST_SHIFT:
        raise InputError(
            f"{name}: scale {output.scale:g} of '{output.name}' is too small for '{source.name}'", hint=QUANTIZE_HINT
        )
    limit = LIMITS[output.dtype]
    return Rescale(multiplier, shift, source.zero_point, output.zero_point, -limit, limit)
