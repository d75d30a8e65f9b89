# SPDX-License-Identifier: Apache-2.0
"""Scales for every value and weight of a float graph, from what the values do on recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.model.graph import GATES, Activation, Graph, Linear, LstmCell, Matrix, Op, Quant, SkipGate
from codesign.compiler.quantize.balance import Channels
from codesign.compiler.quantize.float_run import float_steps
from codesign.compiler.quantize.headroom import FLOAT32, least_output_scale, least_row_scale, products_reach, saturating_bias

Seen = Mapping[str, npt.NDArray[np.float32]]
"""What every value that gets parameters did in all frames: name → (frames, size)."""

LOGIT = Quant(2.0**-12, 0, 16)
UNIT = Quant(2.0**-15, 0, 16)
HIDDEN = Quant(2.0**-7, 0, 8)
_CLIPS = np.linspace(0.3, 1.0, 71)
_CELL_MARGIN = 1.25  # room above the largest cell state that calibration saw
_STILL = 1 / 64  # of a value's largest magnitude: four int8 steps of a one-sided range


def quantize_graph(graph: Graph, features: Sequence[npt.NDArray[np.float32]]) -> Graph:
    """The graph with int8 weights and parameters for every value; biases stay real.

    features: one float32 array (frames, n) for each recording. Value ranges minimise the squared error over them, weight scales
    that of the weights: one a row, for an LSTM one a gate and matrix; but none is smaller than the kernels can hold.

    Raises:
        InputError: the graph is quantized already, no features, or a value that is not finite.
    """
    return quantize_seen(graph, observe(graph, features))


def observe(graph: Graph, features: Sequence[npt.NDArray[np.float32]]) -> Seen:
    """What the values of a float graph do on recordings, one float32 array (frames, n) of features for each.

    Raises:
        InputError: the graph is quantized already, no features, or a value that is not finite.
    """
    if graph.quants:
        raise InputError(f"{graph.name} is quantized already", hint="give the float model")
    frames = sum(map(len, features))
    if frames == 0:
        raise InputError("calibration needs at least one frame of features", hint="give a folder with recordings")
    names = (
        graph.input,
        *(op.cell_output if isinstance(op, LstmCell) else op.output for op in graph.ops if not isinstance(op, SkipGate)),
    )
    seen = {name: np.empty((frames, graph.sizes[name]), np.float32) for name in names}
    frame = 0
    with np.errstate(over="ignore", invalid="ignore"):  # what does not stay finite is said below
        for rows in features:
            for values in float_steps(graph, rows):
                for name, history in seen.items():
                    history[frame] = values[name]
                frame += 1
    for name, history in seen.items():
        if not np.isfinite(history).all():
            raise InputError(f"value '{name}' of {graph.name} is not finite on the calibration data", hint="check the model")
    return seen


def quantize_seen(graph: Graph, seen: Seen) -> Graph:
    """As `quantize_graph`, from what `observe` saw."""
    quants, results = _quants(graph, seen), _results(graph)
    ops: list[Op] = []
    for op in graph.ops:
        ops.append(_with_int8_weights(op, quants, results))
        if isinstance(linear := ops[-1], Linear):
            quants |= _wide_enough(linear, quants, results[linear.output])
    return replace(graph, quants=quants, ops=tuple(ops))


def still(quants: Mapping[str, Quant], seen: Seen) -> tuple[str, ...]:
    """Names of the values that hardly moved, and whose parameters are therefore of no use for anything else."""
    return tuple(
        name
        for name, history in seen.items()
        if quants.get(name, LOGIT) != LOGIT and float(np.ptp(history, axis=0).max()) <= _STILL * float(np.abs(history).max())
    )


def channels_of(graph: Graph, features: Sequence[npt.NDArray[np.float32]]) -> dict[str, Channels]:
    """What every value's channels do on the recordings; arguments and errors as `observe`."""
    return {
        name: Channels(np.abs(history).max(axis=0).astype(np.float64), np.square(history, dtype=np.float64).mean(axis=0))
        for name, history in observe(graph, features).items()
    }


def _quants(graph: Graph, seen: Seen) -> dict[str, Quant]:
    quants = {graph.input: value_quant(seen[graph.input])}
    reads = {op.source: op for op in graph.ops if isinstance(op, Activation)}
    for op in graph.ops:
        match op:
            case LstmCell():
                quants[op.hidden] = quants[op.output] = HIDDEN
                quants[op.cell] = quants[op.cell_output] = cell_quant(seen[op.cell_output])
            case Linear():
                follower = reads.get(op.output)
                if follower is None:
                    quants[op.output] = UNIT if op.output == graph.output else value_quant(seen[op.output])
                elif follower.kind in ("sigmoid", "tanh"):
                    quants[op.output] = LOGIT
            case Activation():
                quants[op.output] = UNIT if op.output == graph.output else _function_quant(op, seen[op.output])
            case SkipGate():
                quants[op.state] = UNIT
    return quants


def _results(graph: Graph) -> dict[str, str]:
    """Output of a linear layer → the value that holds its result in integers: behind a ReLU or a clip, that one's output."""
    results = {op.output: op.output for op in graph.ops if isinstance(op, Linear)}
    followers = {op.source: op for op in graph.ops if isinstance(op, Activation) and op.kind in ("relu", "clip")}
    return {name: followers[name].output if name in followers else name for name in results}


def _wide_enough(op: Linear, quants: Mapping[str, Quant], result: str) -> dict[str, Quant]:
    """The int8 result of a quantized layer with the scale that its multiplication can give."""
    if op.source not in quants or result not in quants or quants[result].bits != 8:
        return {}
    least = least_output_scale(op.weight, op.bias, quants[op.source])
    return {result: replace(quants[result], scale=float(np.float32(max(quants[result].scale, least))))}


def _function_quant(op: Activation, values: npt.NDArray[np.floating]) -> Quant:
    """As `value_quant`; a sigmoid's or tanh's is of integers of UNIT, and a finer scale would hold nothing more."""
    quant = value_quant(values)
    return replace(quant, scale=max(quant.scale, UNIT.scale)) if op.kind in ("sigmoid", "tanh") else quant


def value_quant(values: npt.NDArray[np.floating]) -> Quant:
    """int8 parameters of least squared error: −127 … 127 from the smallest value for one-sided ranges, symmetric otherwise."""
    one_sided = float(values.min()) >= 0.0
    top = float(values.max()) if one_sided else float(np.abs(values).max())
    levels, zero_point = (254, -127) if one_sided else (127, 0)
    sample = values.ravel()[:: max(1, values.size // 200_000)].astype(np.float64)
    return Quant(_best_scale(sample, top, levels, zero_point), zero_point, 8)


def cell_quant(values: npt.NDArray[np.floating]) -> Quant:
    """int16 with the finest power-of-two scale, 2^−8 to 2^−15, that holds the largest cell state and some room."""
    largest = float(np.abs(values).max()) * _CELL_MARGIN
    fraction = next((n for n in range(15, 8, -1) if largest <= 32767 * 2.0**-n), 8)
    return Quant(2.0**-fraction, 0, 16)


def weight_scale(weights: npt.NDArray[np.float64]) -> float:
    """Scale of least squared error of symmetric int8 weights."""
    return _best_scale(weights.ravel(), float(np.abs(weights).max()), 127, 0)


def _best_scale(values: npt.NDArray[np.float64], top: float, levels: int, zero_point: int) -> float:
    """The float32 scale of least squared error; that of a range of 1 where float32 has no normal number for the least."""
    if top * _CLIPS[0] / levels < FLOAT32.tiny:
        return 1.0 / levels
    errors = [_squared_error(values, top * clip / levels, zero_point) for clip in _CLIPS]
    return float(np.float32(top * _CLIPS[int(np.argmin(errors))] / levels))


def _squared_error(values: npt.NDArray[np.float64], scale: float, zero_point: int) -> float:
    q = np.clip(np.rint(values / scale) + zero_point, -127, 127)
    return float(np.square((q - zero_point) * scale - values).sum())


def _with_int8_weights(op: Op, quants: Mapping[str, Quant], results: Mapping[str, str]) -> Op:
    match op:
        case LstmCell():
            reach = products_reach(op.recurrent_weight.values.astype(np.float64), HIDDEN)
            if op.source in quants:
                reach = reach + products_reach(op.input_weight.values.astype(np.float64), quants[op.source])
            return replace(
                op,
                input_weight=_per_gate(op.input_weight, op.units),
                recurrent_weight=_per_gate(op.recurrent_weight, op.units),
                bias=saturating_bias(op.bias, reach, LOGIT),
            )
        case Linear() | SkipGate():
            rows, bias = op.weight.values.astype(np.float64), op.bias
            scale = np.array([weight_scale(row) for row in rows])
            source, result = quants.get(op.source), LOGIT if isinstance(op, SkipGate) else quants.get(results[op.output])
            if source and result:  # without, lowering says what is wrong
                bias = saturating_bias(bias, products_reach(rows, source), result)
                scale = _of_biased_rows(rows, scale, least_row_scale(bias, source.scale).astype(np.float32))
            return replace(op, weight=int8_matrix(rows, scale), bias=bias)
        case _:
            return op


def _of_biased_rows(
    rows: npt.NDArray[np.float64], scale: npt.NDArray[np.float64], least: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """The scale of each row that holds its bias, or that rounds it least where the row has no weights to round."""
    dead = ~np.rint(rows / scale[:, None]).any(axis=1) & (least >= FLOAT32.tiny)
    return np.where(dead, least, np.maximum(scale, least))


def _per_gate(matrix: Matrix, units: int) -> Matrix:
    values = matrix.values.astype(np.float64)
    scales = [weight_scale(values[k * units : (k + 1) * units]) for k in range(len(GATES))]
    return int8_matrix(values, np.repeat(scales, units))


def int8_matrix(values: npt.NDArray[np.float64], scale: npt.NDArray[np.float64]) -> Matrix:
    """Weights float64 (rows, columns) in int8 with a scale a row."""
    q = np.clip(np.rint(values / scale[:, None]), -127, 127).astype(np.int8)
    largest = float(FLOAT32.max)  # a rounded scale times 127 may be a bit beyond it
    return Matrix(np.clip(q * scale[:, None], -largest, largest).astype(np.float32), q, scale)
