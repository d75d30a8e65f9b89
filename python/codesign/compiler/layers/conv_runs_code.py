# SPDX-License-Identifier: Apache-2.0
"""C of convolutions whose taps along frequency are neighbours, for vectors: one cs_conv_runs_layer of
runtime/include/codesign/conv.h for each phase.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.code import Array, CodeContext, LayerCode
from codesign.compiler.layers.conv_code import ConvPhase, block_results

if TYPE_CHECKING:
    from codesign.compiler.layers.convolution import Convolution

_LANES = 8
"""int16 of a vector."""
_MOST_VECTORS = 6
_BLOCK_ROWS = {1: 3, 2: 3, 3: 2}
"""Rows whose weights stay in six vectors, by the vectors of a row; else one."""
_SHIFTS = (-31, -2)  # those that are one shift to the right after a product's high half


@dataclass(frozen=True)
class ConvRuns:
    """One cs_conv_runs_layer. weights int8 (groups, rows filled up to whole blocks, 8 · vectors); constants int32 (rows of all
    groups, 6): bias, multiplier, multiplier of negative sums, shift, bytes to the results, their number.
    """

    phase: ConvPhase
    weights: npt.NDArray[np.int8]
    constants: npt.NDArray[np.int32]
    block: int

    @property
    def vectors(self) -> int:
        return int(self.weights.shape[2]) // _LANES


def conv_runs(layer: Convolution) -> tuple[ConvRuns, ...] | None:
    """Of each phase what cs_conv_runs_s16 reads, None where it does not compute the layer."""
    plain = layer.bits == 16 and (layer.low, layer.high, layer.twice) == (-32767, 32767, False)
    shifts = _SHIFTS[0] <= int(layer.shift.min()) and int(layer.shift.max()) <= _SHIFTS[1]
    lower = layer.negative is None or bool((layer.negative <= layer.multiplier).all())
    phases = layer.phases()
    if layer.depthwise or not (plain and shifts and lower) or not all(_has_runs(phase) for phase in phases):
        return None
    return tuple(_runs_of(layer, phase) for phase in phases)


def _has_runs(phase: ConvPhase) -> bool:
    """Whether a patch is a run of the staged source, which takes no more room than the patches."""
    axis = phase.frequency
    return (axis.dilation == 1 or axis.taps == 1) and axis.step <= axis.taps and phase.columns <= _LANES * _MOST_VECTORS


def _runs_of(layer: Convolution, phase: ConvPhase) -> ConvRuns:
    outputs, phases = len(layer.weights), phase.interleaved
    columns = phase.weights.transpose(0, 3, 2, 1).reshape(layer.groups, outputs // layer.groups * phases, -1)
    vectors = -(-columns.shape[2] // _LANES)
    more = -columns.shape[1] % _BLOCK_ROWS.get(vectors, 1), -columns.shape[2] % _LANES
    weights = np.pad(columns, ((0, 0), (0, more[0]), (0, more[1])))
    _, time, frequency = layer.result_shape
    channel, number = np.divmod(np.arange(outputs * phases), phases)
    results = -(-(frequency - number) // phases) if phases > 1 else np.full(outputs, phase.frequency.results)
    negative = layer.multiplier if layer.negative is None else layer.negative
    of_channels = np.stack([layer.bias, layer.multiplier, negative, layer.shift + 1], axis=1)[channel]
    places = np.stack([2 * (channel * time * frequency + number), results], axis=1)
    constants = np.concatenate([of_channels, places], axis=1).astype(np.int32)
    return ConvRuns(phase, np.ascontiguousarray(weights), constants, block_results(phase, depthwise=False))


def conv_runs_code(layer: Convolution, runs: tuple[ConvRuns, ...], context: CodeContext) -> LayerCode:
    """Its C."""
    prefix, arrays, rows = context.functions[layer.name], [], []
    for index, run in enumerate(runs):
        weights = Array.of(context.member(layer.name, f"weights{index}"), run.weights.reshape(-1))
        constants = Array.of(context.member(layer.name, f"constants{index}"), run.constants.reshape(-1))
        arrays += [weights, constants]
        rows.append({"run": run, "weights": weights.name, "constants": constants.name})
    code = context.render(
        "conv_runs.c.j2",
        layer=layer,
        prefix=prefix,
        rows=rows,
        x=context.at(layer.source),
        y=context.at(layer.output),
        scratch=context.scratch(layer.name),
    )
    return LayerCode(prefix, tuple(arrays), code)
