# SPDX-License-Identifier: Apache-2.0
"""C of convolutions whose taps along frequency are neighbours, for vectors: one cs_conv_runs_layer of
runtime/include/codesign/conv.h for each phase.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    groups, 6): bias, multiplier, multiplier of negative sums, shift, bytes to the results, their number. With int16 weights
    the first and the last result have their own: `ends` int16 (groups, rows, 16 · vectors), the first's before the last's.
    """

    phase: ConvPhase
    weights: npt.NDArray[Any]
    constants: npt.NDArray[np.int32]
    block: int
    ends: npt.NDArray[np.int16] | None = None

    @property
    def vectors(self) -> int:
        """Vectors of weights in a row."""
        return int(self.weights.shape[2]) // _LANES


def conv_runs(
    layer: Convolution, phases: tuple[ConvPhase, ...] = (), ends: tuple[npt.NDArray[np.int16], ...] = ()
) -> tuple[ConvRuns, ...] | None:
    """Of each phase what cs_conv_runs_s16 reads, None where it does not compute the layer. The phases are the layer's own, or
    one of int16 weights with those of the first and of the last result, `ends`.
    """
    plain = layer.bits == 16 and (layer.low, layer.high, layer.twice) == (-32767, 32767, False)
    shifts = _SHIFTS[0] <= int(layer.shift.min()) and int(layer.shift.max()) <= _SHIFTS[1]
    lower = layer.negative is None or bool((layer.negative <= layer.multiplier).all())
    phases, most = phases or layer.phases(), _MOST_VECTORS // 2 if ends else _MOST_VECTORS
    if layer.depthwise or not (plain and shifts and lower) or not all(_has_runs(phase, most) for phase in phases):
        return None
    return tuple(_runs_of(layer, phase, ends) for phase in phases)


def _has_runs(phase: ConvPhase, most: int) -> bool:
    """Whether a patch is a run of the staged source, which takes no more room than the patches."""
    axis = phase.frequency
    return (axis.dilation == 1 or axis.taps == 1) and axis.step <= axis.taps and phase.columns <= _LANES * most


def _runs_of(layer: Convolution, phase: ConvPhase, own: tuple[npt.NDArray[np.int16], ...]) -> ConvRuns:
    outputs, phases = len(layer.weights), phase.interleaved
    weights = _rows(phase.weights, layer.groups)
    ends = np.concatenate([_rows(each, layer.groups) for each in own], axis=2) if own else None
    _, time, frequency = layer.result_shape
    channel, number = np.divmod(np.arange(outputs * phases), phases)
    results = -(-(frequency - number) // phases) if phases > 1 else np.full(outputs, phase.frequency.results)
    negative = layer.multiplier if layer.negative is None else layer.negative
    of_channels = np.stack([layer.bias, layer.multiplier, negative, layer.shift + 1], axis=1)[channel]
    places = np.stack([2 * (channel * time * frequency + number), results], axis=1)
    constants = np.concatenate([of_channels, places], axis=1).astype(np.int32)
    return ConvRuns(phase, weights, constants, block_results(phase, depthwise=False), ends)


def _rows(kernels: npt.NDArray[Any], groups: int) -> npt.NDArray[Any]:
    """Kernels (rows of all groups, inputs of a group, time taps, frequency taps) as (groups, rows, columns), filled up."""
    columns = kernels.transpose(0, 3, 2, 1).reshape(groups, len(kernels) // groups, -1)
    vectors = -(-columns.shape[2] // _LANES)
    more = -columns.shape[1] % _BLOCK_ROWS.get(vectors, 1), -columns.shape[2] % _LANES
    return np.ascontiguousarray(np.pad(columns, ((0, 0), (0, more[0]), (0, more[1]))))


def conv_runs_code(layer: Convolution, runs: tuple[ConvRuns, ...], context: CodeContext) -> LayerCode:
    """Its C."""
    prefix, arrays, rows = context.functions[layer.name], [], []
    for index, run in enumerate(runs):
        weights = Array.of(context.member(layer.name, f"weights{index}"), run.weights.reshape(-1))
        constants = Array.of(context.member(layer.name, f"constants{index}"), run.constants.reshape(-1))
        arrays += [weights, constants]
        ends = "0"
        if run.ends is not None:
            arrays.append(Array.of(context.member(layer.name, f"ends{index}"), run.ends.reshape(-1)))
            ends = arrays[-1].name
        rows.append({"run": run, "weights": weights.name, "constants": constants.name, "ends": ends})
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
