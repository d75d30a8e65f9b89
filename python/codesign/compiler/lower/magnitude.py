# SPDX-License-Identifier: Apache-2.0
"""Magnitudes → Magnitude, whose parts are int16 of one scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codesign.compiler.layers import Value
from codesign.compiler.lower.arrangement import quant_of
from codesign.compiler.lower.convert import converted
from codesign.compiler.lower.reductions import magnitude_of
from codesign.compiler.lower.rows import FULL

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.operators.magnitude import Magnitude


def lower_magnitude(context: Context, op: Magnitude) -> None:
    """Append the layer, after and before others where its parts or its result are not of its type."""
    re, im = (context.source(op.name, name) for name in op.sources)
    scale = max(part.scale * part.span for part in (re, im)) / FULL["int16"]
    if {re.dtype, im.dtype} != {"int16"} or re.scale != im.scale:
        re, im = (_wide(context, op, part, scale) for part in (re, im))
    value = context.add_value(op.output, context.known_quant(op.name, op.output))
    target = value
    if quant_of(value).bits == 8:
        target = context.add(Value(context.new_name(f"{op.output}_wide"), value.shape, "int16", value.scale / 128))
    context.layers.append(magnitude_of(op.name, re, im, target))
    if target is not value:
        context.layers.append(converted(context.new_layer_name(f"{op.name}_narrow"), target, value))


def _wide(context: Context, op: Magnitude, part: Value, scale: float) -> Value:
    wide = context.add(Value(context.new_name(f"{part.name}_wide"), part.shape, "int16", scale))
    context.layers.append(converted(context.new_layer_name(f"{op.name}_wide"), part, wide))
    return wide
