# SPDX-License-Identifier: Apache-2.0
"""C of convolutions: one cs_conv of runtime/include/codesign/conv.h for each phase, and its scratch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.code import Array, CodeContext, LayerCode
from codesign.compiler.layers.scratch import round_up

if TYPE_CHECKING:
    from codesign.compiler.layers.convolution import Convolution

_PATCH_ELEMENTS = 4096
_MOST_RESULTS = {False: 66, True: 64}  # of a block, by whether it is depthwise


@dataclass(frozen=True)
class Axis:
    """Time or frequency of a cs_conv: result r takes tap k from source element origin + r · step + k · dilation, and stands
    at y_step · r.
    """

    origin: int
    taps: int
    step: int
    dilation: int
    source: int
    results: int
    y_step: int


@dataclass(frozen=True)
class ConvPhase:
    """One cs_conv: weights int8 (outputs, inputs of a group, time taps, frequency taps), written from element `y_offset` on.
    Weights int16 are summed ones (layers/stacked_conv2d.py).

    With `interleaved` > 1 it is as many phases along frequency in one: each output has so many rows of weights one after the
    other, `idle` of whose weights are zeros that only fill the window.
    """

    weights: npt.NDArray[Any]
    time: Axis
    frequency: Axis
    y_offset: int
    interleaved: int = 1
    idle: int = 0

    @property
    def columns(self) -> int:
        """Weights of one output."""
        return int(self.weights[0].size)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one execution, those with taps of zeros left out."""
        return (int(self.weights.size) - self.idle) * self.time.results * self.frequency.results


def block_results(phase: ConvPhase, depthwise: bool) -> int:
    """Results along frequency that share one reading of the weights: about equal blocks that need little scratch."""
    most = _MOST_RESULTS[depthwise]
    if not depthwise:
        most = max(2, min(most, _PATCH_ELEMENTS // round_up(phase.columns, 4) // 2 * 2))
    blocks = -(-phase.frequency.results // most)
    return round_up(-(-phase.frequency.results // blocks), 2)


def phase_scratch(phase: ConvPhase, depthwise: bool) -> int:
    """Bytes; the formulas are those of runtime/include/codesign/conv.h."""
    block = block_results(phase, depthwise)
    if depthwise:
        return 4 * block + 8 * phase.time.taps
    return 2 * round_up(phase.columns, 4) * block + 8 * round_up(phase.columns, 8) + 16 * block


def pack_conv(weights: npt.NDArray[np.int8], groups: int) -> npt.NDArray[np.int8]:
    """int8 (outputs, …) → int8, groups · (outputs of a group)₄ · columns₄: the order of cs_conv.

    For each group and each four of its outputs, for each four columns, of each of the four outputs columns 0, 2, 1, 3.
    """
    rows = weights.reshape(groups, len(weights) // groups, -1)
    padded = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4), (0, -rows.shape[2] % 4)))
    quads = padded.reshape(groups, padded.shape[1] // 4, 4, -1, 4)  # group, row quad, row, column quad, column
    return np.ascontiguousarray(quads[..., [0, 2, 1, 3]].transpose(0, 1, 3, 2, 4)).reshape(-1)


def unpack_conv(packed: npt.NDArray[np.int8], groups: int, outputs: int, columns: int) -> npt.NDArray[np.int8]:
    """Inverse of `pack_conv`: int8 (groups · outputs, columns); `outputs` are those of a group."""
    quads = packed.reshape(groups, -(-outputs // 4), -(-columns // 4), 4, 4)[..., [0, 2, 1, 3]].transpose(0, 1, 3, 2, 4)
    return quads.reshape(groups, round_up(outputs, 4), -1)[:, :outputs, :columns].reshape(groups * outputs, columns)


def conv_code(layer: Convolution, context: CodeContext) -> LayerCode:
    """Its C: the phases' structs share everything but geometry and weights."""
    prefix, depthwise = context.functions[layer.name], layer.depthwise
    bias, multiplier, shift, *negative = layer.constants
    named = {"bias": bias, "multiplier": multiplier, "shift": shift}
    if negative:
        named["negative"] = negative[0]
    arrays = [Array.of(context.member(layer.name, name), values) for name, values in named.items()]
    rows = []
    for index, phase in enumerate(layer.phases()):
        packed = phase.weights.reshape(-1) if depthwise else pack_conv(phase.weights, layer.groups)
        weights = Array.of(context.member(layer.name, f"weights{index}"), packed)
        arrays.append(weights)
        rows.append({"phase": phase, "weights": weights.name, "block": block_results(phase, depthwise)})
    _, time, frequency = layer.result_shape
    before, x, scratch = layer.reading(context)
    code = context.render(
        "conv.c.j2",
        layer=layer,
        prefix=prefix,
        function=f"cs_{'depthwise' if depthwise else 'conv'}_s{layer.bits}",
        rows=rows,
        negative=f"{prefix}__negative" if negative else "0",
        y_channel=time * frequency,
        before=before,
        x=x,
        y=context.at(layer.output),
        scratch=scratch,
    )
    return LayerCode(prefix, tuple(arrays), code)
