"""Scales for every value and weight of a float graph, from what the values do on recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.model.graph import GATES, Activation, Graph, Linear, LstmCell, Matrix, Op, Quant, SkipGate
from codesign.compiler.quantize.balance import Channels
from codesign.compiler.quantize.float_run import float_steps

LOGIT = Quant(2.0**-12, 0, 16)
UNIT = Quant(2.0**-15, 0, 16)
HIDDEN = Quant(2.0**-7, 0, 8)
_CLIPS = np.linspace(0.3, 1.0, 71)
_CELL_MARGIN = 1.25  # room above the largest cell state that calibration saw


def quantize_graph(graph: Graph, features: Sequence[npt.NDArray[np.float32]]) -> Graph:
    """The graph with int8 weights and parameters for every value; biases stay real.

    features: one float32 array (frames, n) for each recording. Value ranges minimise the squared error over them, weight scales
    that of the weights: one a row, for an LSTM one a gate and matrix.

    Raises:
        InputError: the graph is quantized already, no features, or a value that is not finite.
    """
    if graph.quants:
        raise InputError(f"{graph.name} is quantized already", hint="give the float model")
    _check_frames(features)
    seen = _observed(graph, features)
    return replace(graph, quants=_quants(graph, seen), ops=tuple(_with_int8_weights(op) for op in graph.ops))


def _observed(graph: Graph, features: Sequence[npt.NDArray[np.float32]]) -> dict[str, npt.NDArray[np.float32]]:
    """What every value that gets parameters did in all frames: name → (frames, size)."""
    frames = sum(map(len, features))
    names = (
        graph.input,
        *(op.cell_output if isinstance(op, LstmCell) else op.output for op in graph.ops if not isinstance(op, SkipGate)),
    )
    seen = {name: np.empty((frames, graph.sizes[name]), np.float32) for name in names}
    frame = 0
    for rows in features:
        for values in float_steps(graph, rows):
            for name, history in seen.items():
                history[frame] = values[name]
            frame += 1
    for name, history in seen.items():
        if not np.isfinite(history).all():
            raise InputError(f"value '{name}' of {graph.name} is not finite on the calibration data", hint="check the model")
    return seen


def channels_of(graph: Graph, features: Sequence[npt.NDArray[np.float32]]) -> dict[str, Channels]:
    """What every value's channels do on the recordings.

    Raises:
        InputError: no frames, or a value that is not finite.
    """
    _check_frames(features)
    return {
        name: Channels(np.abs(history).max(axis=0).astype(np.float64), np.square(history, dtype=np.float64).mean(axis=0))
        for name, history in _observed(graph, features).items()
    }


def _check_frames(features: Sequence[npt.NDArray[np.float32]]) -> None:
    if not features or sum(map(len, features)) == 0:
        raise InputError("calibration needs at least one frame of features", hint="give a folder with recordings")


def _quants(graph: Graph, seen: dict[str, npt.NDArray[np.float32]]) -> dict[str, Quant]:
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
                is_mask = op.output == graph.output
                quants[op.output] = UNIT if is_mask else value_quant(seen[op.output])
            case SkipGate():
                quants[op.state] = UNIT
    return quants


def value_quant(values: npt.NDArray[np.floating]) -> Quant:
    """int8 parameters of least squared error: −127 … 127 from the smallest value for one-sided ranges, symmetric otherwise."""
    one_sided = float(values.min()) >= 0.0
    top = float(values.max()) if one_sided else float(np.abs(values).max())
    levels, zero_point = (254, -127) if one_sided else (127, 0)
    if top == 0.0:
        return Quant(1.0 / levels, zero_point, 8)
    sample = values.ravel()[:: max(1, values.size // 200_000)].astype(np.float64)
    errors = [_squared_error(sample, top * clip / levels, zero_point) for clip in _CLIPS]
    return Quant(float(np.float32(top * _CLIPS[int(np.argmin(errors))] / levels)), zero_point, 8)


def cell_quant(values: npt.NDArray[np.floating]) -> Quant:
    """int16 with the finest power-of-two scale, 2^−8 to 2^−15, that holds the largest cell state and some room."""
    largest = float(np.abs(values).max()) * _CELL_MARGIN
    fraction = next((n for n in range(15, 8, -1) if largest <= 32767 * 2.0**-n), 8)
    return Quant(2.0**-fraction, 0, 16)


def weight_scale(weights: npt.NDArray[np.float64]) -> float:
    """Scale of least squared error of symmetric int8 weights."""
    top = float(np.abs(weights).max())
    if top == 0.0:
        return 1.0 / 127
    errors = [_squared_error(weights.ravel(), top * clip / 127, 0) for clip in _CLIPS]
    return float(np.float32(top * _CLIPS[int(np.argmin(errors))] / 127))


def _squared_error(values: npt.NDArray[np.float64], scale: float, zero_point: int) -> float:
    q = np.clip(np.rint(values / scale) + zero_point, -127, 127)
    return float(np.square((q - zero_point) * scale - values).sum())


def _with_int8_weights(op: Op) -> Op:
    match op:
        case LstmCell():
            return replace(
                op, input_weight=_per_gate(op.input_weight, op.units), recurrent_weight=_per_gate(op.recurrent_weight, op.units)
            )
        case Linear() | SkipGate():
            rows = op.weight.values.astype(np.float64)
            return replace(op, weight=int8_matrix(rows, np.array([weight_scale(row) for row in rows])))
        case _:
            return op


def _per_gate(matrix: Matrix, units: int) -> Matrix:
    values = matrix.values.astype(np.float64)
    scales = [weight_scale(values[k * units : (k + 1) * units]) for k in range(len(GATES))]
    return int8_matrix(values, np.repeat(scales, units))


def int8_matrix(values: npt.NDArray[np.float64], scale: npt.NDArray[np.float64]) -> Matrix:
    """Weights float64 (rows, columns) in int8 with a scale a row."""
    q = np.clip(np.rint(values / scale[:, None]), -127, 127).astype(np.int8)
    return Matrix((q * scale[:, None]).astype(np.float32), q, scale)
