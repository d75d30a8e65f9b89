# SPDX-License-Identifier: Apache-2.0
"""Random and extreme convolutions, and their C structs for 32-bit and 64-bit cores."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from codesign.compiler.layers import Conv2d, ConvTranspose2d
from codesign.compiler.layers.conv_code import Axis, ConvPhase, block_results, pack_conv
from codesign.compiler.layers.conv_runs_code import conv_runs
from codesign.compiler.layers.convolution import Convolution
from integer_layers import integers


def axis_struct() -> type[ctypes.Structure]:
    names = ("taps", "step", "dilation", "source", "results", "y_step")
    fields = (("origin", ctypes.c_int32), *((name, ctypes.c_uint16) for name in names))
    return type("AxisStruct", (ctypes.Structure,), {"_fields_": fields})


AXIS = axis_struct()


def conv_struct(pointer: Any) -> type[ctypes.Structure]:
    """cs_conv with pointers of the type `pointer`."""
    fields = (
        *((name, pointer) for name in ("weights", "bias", "multiplier", "negative", "shift")),
        *((name, AXIS) for name in ("time", "frequency")),
        *((name, ctypes.c_uint16) for name in ("groups", "inputs", "outputs", "block", "phases", "y_frequency")),
        *((name, ctypes.c_int32) for name in ("source_zero_point", "zero_point", "low", "high")),
        ("y_channel", ctypes.c_uint32),
        ("twice", ctypes.c_uint32),
    )
    return type("ConvStruct", (ctypes.Structure,), {"_fields_": fields})


def structs(layer: Convolution, pointer: Any, put: Callable[[np.ndarray], int]) -> list[tuple[ctypes.Structure, ConvPhase]]:
    """A filled cs_conv for each phase; `put` gives an array's address."""
    bias, multiplier, shift, *negative = layer.constants
    constants = (put(bias), put(multiplier), put(negative[0]) if negative else 0, put(shift))
    kind, found = conv_struct(pointer), []
    _, time, frequency = layer.result_shape
    for phase in layer.phases():
        packed = phase.weights.reshape(-1) if layer.depthwise else pack_conv(phase.weights, layer.groups)
        axes = [_axis(a) for a in (phase.time, phase.frequency)]
        shape = (layer.groups, phase.weights.shape[1], len(layer.weights) // layer.groups)
        rest = (layer.source_zero_point, layer.zero_point, layer.low, layer.high, time * frequency, layer.twice)
        block = block_results(phase, layer.depthwise)
        found.append((kind(put(packed), *constants, *axes, *shape, block, phase.interleaved, frequency, *rest), phase))
    return found


def run_structs(layer: Convolution, put: Callable[[np.ndarray], int]) -> list[tuple[ctypes.Structure, ConvPhase]]:
    """A filled cs_conv_runs_layer for each phase, of 32-bit cores; none where cs_conv_runs_s16 does not compute the layer."""
    fields = (
        *((name, ctypes.c_uint32) for name in ("weights", "constants")),
        *((name, AXIS) for name in ("time", "frequency")),
        *((name, ctypes.c_uint16) for name in ("groups", "inputs", "rows", "vectors", "block")),
        ("group_weights", ctypes.c_uint32),
    )
    kind, found = type("RunsStruct", (ctypes.Structure,), {"_fields_": fields}), []
    for run in conv_runs(layer) or ():
        phase, rows = run.phase, len(run.constants) // layer.groups
        shape = (layer.groups, phase.weights.shape[1], rows, run.vectors, run.block, run.weights[0].size)
        axes = [_axis(a) for a in (phase.time, phase.frequency)]
        found.append((kind(put(run.weights), put(run.constants), *axes, *shape), phase))
    return found


def function(layer: Convolution) -> str:
    return f"cs_{'depthwise' if layer.depthwise else 'conv'}_s{layer.bits}"


def source_of(rng: np.random.Generator, layer: Convolution, kind: str) -> np.ndarray:
    """Integers of the source's type and shape."""
    if layer.bits == 8:
        return integers(rng, layer.shape, kind)
    match kind:
        case "extreme":
            return (32767 * rng.choice([-1, 1], layer.shape)).astype(np.int16)
        case "maximum":
            return np.full(layer.shape, 32767, np.int16)
        case "zero":
            return np.zeros(layer.shape, np.int16)
        case _:
            return rng.integers(-32767, 32768, layer.shape).astype(np.int16)


def convolution(rng: np.random.Generator, bits: int, kind: str, *, transposed: bool = False, big: bool = False) -> Convolution:
    """Any geometry that has a result; sums stay below 2^31."""
    while True:
        groups = int(rng.choice([1, 1, 2, 3]))
        inputs, outputs = int(rng.integers(1, 6)), int(rng.integers(1, 8))
        taps = int(rng.integers(1, 4)), int(rng.integers(1, 6))
        shape = (groups * inputs, int(rng.integers(1, 8)), int(rng.integers(1, 70 if big else 20)))
        stride, dilation = ((int(rng.integers(1, 4)), int(rng.integers(1, 4))) for _ in range(2))
        padding = tuple((int(rng.integers(0, 4)), int(rng.integers(0, 4))) for _ in range(2))
        weights = integers(rng, (groups * outputs, inputs, *taps), kind)
        layer = with_constants(rng, weights, shape, stride, dilation, padding, groups, bits, transposed=transposed)
        if min(layer.result_shape) >= 1 and np.prod(layer.result_shape) < 4000:
            return layer


def with_constants(
    rng,
    weights,
    shape,
    stride=(1, 1),
    dilation=(1, 1),
    padding=((0, 0), (0, 0)),
    groups=1,
    bits=16,
    *,
    transposed=False,
    prelu=None,
) -> Convolution:
    """The layer with random bias, multipliers and bounds; results mostly inside of them."""
    outputs = len(weights)
    largest = 127 if bits == 8 else 32767
    if rng.random() < 0.5 or bits == 8:
        low, high = -largest, largest
    else:
        low, high = int(rng.integers(-largest, 1)), int(rng.integers(1, largest))
    usual = -1 - int(np.log2(max(weights[0].size, 1)) / 2 + 7)
    shift = rng.integers(usual - 3, usual + 3, outputs)
    odd = rng.random(outputs) < 0.1
    shift[odd] = rng.integers(-30, 31, odd.sum())
    twice = bool(rng.random() < 0.3) and int(shift.max()) <= 1  # sums stay below 2^30
    prelu = rng.random() < 0.5 if prelu is None else prelu
    fields = {
        "name": "conv",
        "source": "x",
        "output": "y",
        "weights": weights,
        "bias": rng.integers(-(2**26), 2**26, outputs).astype(np.int32) >> (0 if bits == 16 else 8),
        "multiplier": rng.integers(2**30, 2**31, outputs).astype(np.int32),
        "shift": shift.astype(np.int32),
        "shape": shape,
        "stride": stride,
        "dilation": dilation,
        "padding": padding,
        "groups": groups,
        "bits": bits,
        "source_zero_point": int(rng.integers(-127, 128)) if bits == 8 else 0,
        "zero_point": int(rng.integers(-127, 128)) if bits == 8 else 0,
        "low": low,
        "high": high,
        "negative": rng.integers(-(2**31) + 1, 2**31, outputs).astype(np.int32) if prelu else None,
        "twice": twice,
    }
    if transposed:
        return ConvTranspose2d(**fields, output_padding=(int(rng.integers(0, 2)), int(rng.integers(0, 2))))
    return Conv2d(**fields)


def gtcrn_layers(rng: np.random.Generator, bits: int = 16) -> dict[str, Convolution]:
    """The convolutions of a network for speech of 48 k parameters, by what they are, and one of a single channel."""
    flat, wide = ((0, 0), (2, 2)), ((0, 0), (1, 1))
    table = {
        "9→16, 1×5, stride 2": ((16, 9, 1, 5), (9, 1, 129), (1, 2), (1, 1), flat, 1, False),
        "16→16, 1×5, stride 2, 2 groups": ((16, 8, 1, 5), (16, 1, 65), (1, 2), (1, 1), flat, 2, False),
        "1→8, 2×3, stride 2": ((8, 1, 2, 3), (1, 2, 161), (1, 2), (1, 1), ((0, 0), (1, 1)), 1, False),
        "24→16, 1×1": ((16, 24, 1, 1), (24, 1, 33), (1, 1), (1, 1), ((0, 0), (0, 0)), 1, False),
        "depthwise 16, 3×3": ((16, 1, 3, 3), (16, 3, 33), (1, 1), (1, 1), wide, 16, False),
        "depthwise 16, 3×3, dilation 5": ((16, 1, 3, 3), (16, 11, 33), (1, 1), (5, 1), wide, 16, False),
        "16→8, 1×1": ((8, 16, 1, 1), (16, 1, 33), (1, 1), (1, 1), ((0, 0), (0, 0)), 1, False),
        "transposed 16→16, 1×5, stride 2, 2 groups": ((16, 8, 1, 5), (16, 1, 33), (1, 2), (1, 1), flat, 2, True),
        "transposed 16→2, 1×5, stride 2": ((2, 16, 1, 5), (16, 1, 65), (1, 2), (1, 1), flat, 1, True),
    }
    found = {}
    for name, (weights, shape, stride, dilation, padding, groups, transposed) in table.items():
        layer = with_constants(
            rng, integers(rng, weights), shape, stride, dilation, padding, groups, bits, transposed=False, prelu=not transposed
        )
        if transposed:
            fields = dict(vars(layer).items())
            layer = ConvTranspose2d(**fields, output_padding=(0, 0))
        found[name] = layer
    return found


def _axis(axis: Axis) -> ctypes.Structure:
    return AXIS(axis.origin, axis.taps, axis.step, axis.dilation, axis.source, axis.results, axis.y_step)
