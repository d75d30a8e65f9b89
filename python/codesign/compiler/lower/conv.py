# SPDX-License-Identifier: Apache-2.0
"""Conv and ConvTranspose, alone or with the activation after them → Conv2d and ConvTranspose2d."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from codesign.base.errors import InputError
from codesign.compiler.layers import Value
from codesign.compiler.lower.arrangement import quant_of, rearrange
from codesign.compiler.lower.constants import QUANTIZE_HINT
from codesign.compiler.lower.convert import converted, in_type
from codesign.compiler.lower.convolution import (
    NOT_FUSED,
    Fused,
    Geometry,
    ScaledConvolution,
    conv2d,
    conv_transpose2d,
    stacked_conv2d,
)
from codesign.compiler.lower.unfolded import Stack, Unfolded, stack, unfolded
from codesign.compiler.model.graph import Quant

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.operators.convolution import Convolution


def lower_conv(context: Context, op: Convolution) -> None:
    """Append the layer of `op`, with what follows it where the file has no parameters in between.

    Raises InputError for weights or values that are not quantized, and as `conv2d`.
    """
    from codesign.compiler.operators.conv_transpose import ConvTranspose  # it names this function, too

    if op.weight.quantized is None or op.weight.scale is None:
        raise InputError(f"{op.name}: the weights are not quantized", hint=QUANTIZE_HINT)
    fused, result = _fused(context, op)
    fused = replace(fused, rounding=op.rounding)
    quant = context.known_quant(op.name, result)
    taps, near = _taken_apart(context, op, quant), _near(context, op, quant)
    if near is not None:
        source = _once(context, op, near)
    else:
        source = context.source(op.name, op.source) if taps is None else taps.source
    if quant.bits == 16:
        source = in_type(context, f"{op.name}_wide", source, "int16")
    value = context.add_value(result, quant)
    target = _same_width(context, value, source)
    one = len(op.kernel) == 1
    time = (1, 1, 1, (0, 0)) if one else (op.kernel[0], op.stride[0], op.dilation[0], (op.before[0], op.after[0]))
    shape = context.graph.shapes[op.source]
    geometry = Geometry(
        (shape[0], 1 if one else shape[1], shape[-1]),
        (time[1], op.stride[-1]),
        (time[2], op.dilation[-1]),
        (time[3], (op.before[-1], op.after[-1])),
        op.groups,
    )
    weights = op.weight.quantized.reshape(len(op.bias), -1, time[0], op.kernel[-1])
    if taps is not None:
        size = (taps.channels, geometry.shape[1], shape[-1])
        geometry = Geometry(size, (1, 1), (1, taps.dilation), ((0, 0), taps.padding), op.groups, part=True)
        weights = weights.reshape(len(op.bias), -1, 1, taps.taps)
    scaled = ScaledConvolution(op.name, source, target, weights, op.weight.scale, op.bias, geometry, fused)
    if near is not None:
        context.layers.append(stacked_conv2d(scaled, near.neighbours, near.before, op.source))
    elif isinstance(op, ConvTranspose) and taps is None:
        more = op.more or (0,) * len(op.kernel)
        context.layers.append(conv_transpose2d(scaled, (0 if one else more[0], more[-1])))
    else:
        context.layers.append(conv2d(scaled))
    if target is not value:
        context.layers.append(converted(context.new_layer_name(f"{op.name}_narrow"), target, value))


def _taken_apart(context: Context, op: Convolution, result: Quant) -> Unfolded | None:
    """What `op` reads with taps in the place of channels, if its source was left where its elements are for that."""
    arranged = context.arranged.get(op.source)
    if arranged is None or not op.pointwise_groups or arranged.quant.bits != result.bits:
        return None
    found = unfolded(arranged.arrangement, arranged.quant, op.groups, context.values)
    if found is not None:
        del context.arranged[op.source]
    return found


def _near(context: Context, op: Convolution, result: Quant) -> Stack | None:
    """The channels of which `op` reads neighbours, if its source was left where its elements are for that."""
    arranged, kernel = context.arranged.get(op.source), op.frequency_kernel
    if arranged is None or kernel is None or not arranged.quant.bits == result.bits == 16:
        return None
    return stack(arranged.arrangement, kernel)


def _once(context: Context, op: Convolution, near: Stack) -> Value:
    """The value of those channels, once each: a copy, or where they are already."""
    arranged = context.arranged.pop(op.source)
    found = near.once.alias()
    if found is not None:
        value = context.values[found[0]]
        if (
            found[1] == 0
            and value.size == near.once.size
            and quant_of(value) == arranged.quant
            and not context.changes(value.name)
        ):
            return value
    value = context.add_value(context.new_name(f"{op.source}_once"), arranged.quant, near.once.shape)
    context.layers.append(rearrange(context.new_layer_name(f"{arranged.op}_once"), near.once, context.values, value))
    return value


def _fused(context: Context, op: Convolution) -> tuple[Fused, str]:
    """What the layer takes on, and the value that it makes then."""
    follower = context.graph.follower(op.output)
    if follower is None or context.quant(op.output) is not None:
        return NOT_FUSED, op.output
    if follower.slopes is not None and len(follower.slopes) in (1, len(op.bias)):
        context.done.add(follower.name)
        return Fused(slope=np.broadcast_to(follower.slopes, (len(op.bias),)).astype(np.float64)), follower.outputs[0]
    if follower.clamp is not None:
        context.done.add(follower.name)
        return Fused(*follower.clamp), follower.outputs[0]
    return NOT_FUSED, op.output


def _same_width(context: Context, value: Value, source: Value) -> Value:
    """What the layer writes: int16 before int8 where its source is that."""
    if quant_of(value).bits == quant_of(source).bits:
        return value
    scale = math.ldexp(value.scale, 1 - 8) * (1 + abs(value.zero_point) / 127)
    return context.add(Value(context.new_name(f"{value.name}_wide"), value.shape, "int16", scale))
