# SPDX-License-Identifier: Apache-2.0
"""Convolutions with int8 weights and real scales → Conv2d and ConvTranspose2d."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.layers import Conv2d, ConvTranspose2d, StackedConv2d, Value
from codesign.compiler.layers.convolution import Pair
from codesign.compiler.lower.constants import INT8_MAX, QUANTIZE_HINT, quantized_multiplier, rne
from codesign.compiler.lower.rows import bias_unit, limits

_Kind = TypeVar("_Kind", Conv2d, ConvTranspose2d, StackedConv2d)
Floats = npt.NDArray[np.float64]
Rounding = Literal["once", "twice", "reduced"]
ACC_LIMIT = 2**31
"""|bias| and products together stay below this (docs/numerics.md, Convolution)."""
LARGEST_SHIFT = 30


@dataclass(frozen=True)
class Geometry:
    """A convolution's place over [channels, time, frequency]; `padding` is (before, after) of time and of frequency.
    `part`: the source may have more channels, after these.
    """

    shape: tuple[int, int, int]
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: tuple[Pair, Pair] = ((0, 0), (0, 0))
    groups: int = 1
    part: bool = False


@dataclass(frozen=True)
class Fused:
    """An activation in the rescaling: real bounds, and the slope of negative sums by output channel, (outputs,) or None.
    `rounding`: results are rounded once, as TFLite's convolutions with biases of 32 bits round them (twice), or with
    multipliers of 16 bits, as those with biases of 64 bits (reduced).
    """

    low: float = -math.inf
    high: float = math.inf
    slope: Floats | None = None
    rounding: Rounding = "once"


NOT_FUSED = Fused()


@dataclass(frozen=True)
class ScaledConvolution:
    """A convolution of `source` that gives `output`. Its real weights are int8 `weights` (outputs, inputs of a group, time,
    frequency) times `scales`; these and the real `bias` are float64 (outputs,).
    """

    name: str
    source: Value
    output: Value
    weights: npt.NDArray[np.int8]
    scales: Floats
    bias: Floats
    geometry: Geometry
    fused: Fused = NOT_FUSED


def transposed_weights(weights: npt.NDArray[Any], groups: int) -> npt.NDArray[Any]:
    """ONNX ConvTranspose's (inputs, outputs of a group, …) → (outputs, inputs of a group, …), as ConvTranspose2d has them."""
    split = weights.reshape(groups, len(weights) // groups, *weights.shape[1:])
    return np.ascontiguousarray(split.swapaxes(1, 2)).reshape(-1, split.shape[1], *weights.shape[2:])


def conv2d(given: ScaledConvolution) -> Conv2d:
    """The integer layer of a convolution.

    Raises InputError, naming layer and channel, where geometry, types or ranges do not fit.
    """
    return _checked(Conv2d(**_fields(given)), given)


def stacked_conv2d(given: ScaledConvolution, neighbours: int, before: int, stack: str = "") -> StackedConv2d:
    """As `conv2d` of channels that are `neighbours` along frequency of those in the source, the first so many before.

    `stack` is the graph's name of them all.
    """
    return _checked(StackedConv2d(**_fields(given), neighbours=neighbours, before=before, stack=stack), given)


def conv_transpose2d(given: ScaledConvolution, output_padding: Pair = (0, 0)) -> ConvTranspose2d:
    """As `conv2d`, transposed; the weights are as `transposed_weights` gives them."""
    return _checked(ConvTranspose2d(**_fields(given), output_padding=output_padding), given)


def _checked(layer: _Kind, given: ScaledConvolution) -> _Kind:
    if min(layer.result_shape) < 1:
        raise InputError(f"{layer.name}: no result: the kernel is larger than the padded source {layer.shape}")
    for what, value, shape, size in (
        ("source", given.source, layer.shape, layer.source_size),
        ("output", given.output, layer.result_shape, math.prod(layer.result_shape)),
    ):
        part = what == "source" and given.geometry.part and value.size > size
        if value.size != size and not part:
            raise InputError(f"{layer.name}: {what} '{value.name}' has {value.size} elements, the convolution {shape}")
    return layer


def _fields(given: ScaledConvolution) -> dict[str, Any]:
    """The fields that all kinds of convolution layers have."""
    name, source, output, weights = given.name, given.source, given.output, given.weights
    geometry, fused = given.geometry, given.fused
    outputs, inputs = weights.shape[:2]
    if source.dtype != output.dtype:
        raise InputError(f"{name}: {source.dtype} in and {output.dtype} out: a convolution keeps the type", hint=QUANTIZE_HINT)
    if geometry.groups < 1 or outputs % geometry.groups or inputs * geometry.groups != geometry.shape[0]:
        raise InputError(
            f"{name}: {geometry.shape[0]} channels, weights {weights.shape} and {geometry.groups} groups do not fit"
        )
    if weights.min(initial=0) < -INT8_MAX:
        raise InputError(f"{name}: a weight is −128, integer weights are −127…127", hint=QUANTIZE_HINT)
    for value in (source, output):
        if value.dtype == "int16" and value.zero_point != 0:
            raise InputError(f"{name}: int16 value '{value.name}' must have zero point 0", hint=QUANTIZE_HINT)
    low, high = limits(output, fused.low, fused.high)
    reach = -source.low if source.dtype == "int16" else 128 + abs(source.zero_point)
    bounds = reach * np.abs(weights.astype(np.int64)).reshape(outputs, -1).sum(axis=1)
    slopes = [None] * outputs if fused.slope is None else [float(a) for a in fused.slope]
    rows = [_channel(given, r, slopes[r], int(bounds[r])) for r in range(outputs)]
    biases, multipliers, negatives, shifts = (np.array(column, np.int32) for column in zip(*rows, strict=True))
    return {
        "name": name,
        "source": source.name,
        "output": output.name,
        "weights": weights,
        "bias": biases,
        "multiplier": multipliers,
        "shift": shifts,
        "shape": geometry.shape,
        "stride": geometry.stride,
        "dilation": geometry.dilation,
        "padding": geometry.padding,
        "groups": geometry.groups,
        "bits": 16 if source.dtype == "int16" else 8,
        "source_zero_point": source.zero_point,
        "zero_point": output.zero_point,
        "low": low,
        "high": high,
        "negative": None if fused.slope is None else negatives,
        "twice": fused.rounding == "twice",
    }


def _channel(given: ScaledConvolution, channel: int, slope: float | None, bound: int) -> tuple[int, int, int, int]:
    """(bias, multiplier, multiplier of negative sums, shift) of one output channel, whose products sum to ±`bound` at most."""
    name, source, output = given.name, given.source.scale, given.output.scale
    bias, scale, rounding = float(given.bias[channel]), float(given.scales[channel]), given.fused.rounding
    for used in (scale, output / source) if bound == 0 else (scale,):
        # The scale of a channel of zeros has no meaning: where it is unusable, the output's resolution serves.
        unit = source * used
        if not (unit > 0 and math.isfinite(unit) and math.isfinite(real := unit / output)):
            continue
        larger = real * max(1.0, abs(slope or 0.0))
        if not math.isfinite(larger) or not math.isfinite(exact := bias / bias_unit(given.source, used)):
            continue
        multiplier, shift = quantized_multiplier(larger)
        up = max(shift, 0) if rounding == "twice" else 0
        if (abs(exact) + 1 + bound) * 2.0**up >= ACC_LIMIT or shift > LARGEST_SHIFT:
            continue
        if rounding == "reduced":
            multiplier = min((multiplier + 2**15) >> 16, 2**15 - 1) << 16
        if slope is None:
            return rne(exact), multiplier, multiplier, shift
        steps = [min(rne(math.ldexp(real * a, 31 - shift)), 2**31 - 1) if multiplier else 0 for a in (1.0, slope)]
        return rne(exact), steps[0], steps[1], shift
    raise InputError(
        f"{name}: channel {channel} could overflow: bias {bias:g} against scales {source:g} · {scale:g} → {output:g}",
        hint="quantize the channel with a larger scale: " + QUANTIZE_HINT,
    )
