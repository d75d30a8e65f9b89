# SPDX-License-Identifier: Apache-2.0
"""Real or int8 weights in ONNX's order → Gru."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers import Value
from codesign.compiler.layers.gru import Gru
from codesign.compiler.layers.recurrent import Scan
from codesign.compiler.lower.gates import check_shapes, gate_numbers, hidden_scale, interleaved, products_of
from codesign.compiler.lower.rows import Rows

_GATES = ("update", "reset", "candidate")


def gru_of(
    name: str,
    source: Value,
    hidden: Value,
    input_rows: Rows,
    recurrent_rows: Rows,
    input_bias: npt.NDArray[np.float64],
    recurrent_bias: npt.NDArray[np.float64],
    *,
    reset_after: bool,
    positions: int = 1,
    scan: Scan = "",
) -> Gru:
    """A GRU of input_rows (3·units, inputs), recurrent_rows (3·units, units) and biases (3·units,) in ONNX's order of gates:
    update, reset, candidate; one scale a gate (`Rows.of(real, groups=3)`). `reset_after` is ONNX's linear_before_reset.

    `hidden` is the state [positions, units], or with `scan` the output. Raises InputError, naming layer and gate, for sizes
    that do not fit and for arithmetic that could overflow.
    """
    check_shapes(name, source, hidden, input_rows, recurrent_rows, 3, positions)
    x = products_of(f"{name}: input weights", input_rows, source, input_bias, 3)
    h = products_of(f"{name}: recurrent weights", recurrent_rows, hidden, recurrent_bias, 3)
    h[2] = replace(h[2], halved=reset_after)
    found = [gate_numbers(f"{name}: {gate} gate", pair) for gate, pair in zip(_GATES, zip(x, h, strict=True), strict=True)]
    multiplier, shift = hidden_scale(name, hidden, 22 if hidden.dtype == "int8" else 15)
    return Gru(
        name=name,
        source=source.name,
        hidden=hidden.name,
        gate_input_weights=interleaved([term.weights for term in x[:2]]),
        gate_recurrent_weights=interleaved([term.weights for term in h[:2]]),
        candidate_input_weights=np.ascontiguousarray(x[2].weights),
        candidate_recurrent_weights=np.ascontiguousarray(h[2].weights),
        gate_bias=np.stack([gate.biases[0] for gate in found[:2]], axis=1).reshape(-1),
        candidate_bias=found[2].biases[0],
        recurrent_bias=found[2].biases[1],
        input_multiplier=np.array([gate.multipliers[0] for gate in found], np.int32),
        recurrent_multiplier=np.array([gate.multipliers[1] for gate in found], np.int32),
        gate_shift=np.array([gate.shift for gate in found], np.int32),
        hidden_multiplier=multiplier,
        hidden_shift=shift,
        hidden_zero_point=hidden.zero_point,
        reset_after=reset_after,
        wide_input=source.dtype == "int16",
        wide=hidden.dtype == "int16",
        positions=positions,
        scan=scan,
    )
