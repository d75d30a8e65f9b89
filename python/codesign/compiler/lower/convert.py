# SPDX-License-Identifier: Apache-2.0
"""The same numbers in another value, with its scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codesign.base.errors import InputError
from codesign.compiler.layers import Layer, Requantize, Value
from codesign.compiler.layers.value import Dtype
from codesign.compiler.lower.arrangement import copied
from codesign.compiler.lower.constants import quantized_multiplier
from codesign.compiler.lower.rows import FULL
from codesign.compiler.lower.unary import rescale_of

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context


def converted(name: str, source: Value, output: Value) -> Layer:
    """The layer that brings all of `source` to `output`, a value of as many elements.

    Raises:
        InputError: scales so far apart that the result could overflow.
    """
    if output.full:  # what files from TFLite hand on as real numbers is rounded once
        return copied(name, source, output)
    if source.dtype == "int16" and output.dtype == "int8" and source.zero_point == 0:
        multiplier, shift = quantized_multiplier(source.scale / output.scale)
        if shift > 14:
            raise InputError(f"{name}: scale {output.scale:g} of '{output.name}' is too small for '{source.name}'")
        return Requantize(name, source.name, output.name, multiplier, shift, output.zero_point)
    if output.dtype == "int16" and (source.dtype, source.scale) != ("int16", output.scale):
        return rescale_of(name, source, output)
    return copied(name, source, output)


def in_type(context: Context, name: str, source: Value, dtype: Dtype) -> Value:
    """The value in a type: itself, or what a layer `name` makes of it, wide enough for all that it holds."""
    if source.dtype == dtype:
        return source
    reach = source.scale * source.span
    value = context.add(Value(context.new_name(f"{source.name}_{dtype}"), source.shape, dtype, reach / FULL[dtype]))
    context.layers.append(rescale_of(context.new_layer_name(name), source, value))
    return value
