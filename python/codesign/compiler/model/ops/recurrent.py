# SPDX-License-Identifier: Apache-2.0
"""GRU, RNN, and LSTM over positions: one step, or a run over an axis inside of the step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.recurrent import Scan
from codesign.compiler.model.graph import Matrix
from codesign.compiler.model.ops import lstm as lstm_step
from codesign.compiler.model.ops.step import Step, check_magnitude, matrix_of
from codesign.compiler.model.ops.view import result_of, viewed
from codesign.compiler.model.terms import Call, Constant, Operation, Term, rows_of, stacked
from codesign.compiler.operators import Concat, Slice, View
from codesign.compiler.operators.recurrent import GATES, Kind, Recurrent

_FUNCTIONS = {
    "gru": ([b"sigmoid", b"tanh"],),
    "rnn": ([b"tanh"], [b"relu"]),
    "lstm": ([b"sigmoid", b"tanh", b"tanh"],),
}
_FROM_ONNX = {"gru": (0, 1, 2), "rnn": (0,), "lstm": (0, 2, 3, 1)}


def recurrent(step: Step) -> None:
    """GRU or RNN, or an LSTM that is more than one step of one vector."""
    kind: Kind = step.node.op_type.lower()
    steps, batch, _ = step.shape(step.node.input[0])
    directions = {b"forward": ["forward"], b"reverse": ["reverse"], b"bidirectional": ["forward", "reverse"]}
    found = directions[step.attribute("direction", b"forward")]
    if kind == "lstm" and steps == batch == 1 and len(found) == 1 and step.has(5) and not _zero(step, 5):
        lstm_step.lstm(step)
        return
    relu = _check(step, kind, steps, len(found))
    states = range(5, 7 if kind == "lstm" else 6)
    from_zero = all(_zero(step, index) for index in states)
    if steps > 1 and batch > 1:
        raise step.refuse(f"runs over an axis of {steps} for each of {batch} others", hint="at most one of both may be above 1")
    if from_zero and batch > 1:
        raise step.refuse("has no state for its positions", hint="give initial_h, and initial_c for an LSTM, as states")
    if not from_zero and len(found) > 1:
        raise step.refuse("is bidirectional and has states", hint="let it run over an axis inside of one step, from zero")
    ways: list[Scan] = [way if from_zero or steps > 1 else "" for way in found]  # type: ignore[misc]
    positions = max(steps, batch)
    parts = [_one(step, kind, index, positions, way, relu, from_zero) for index, way in enumerate(ways)]
    _give(step, parts, ways, steps)


def _check(step: Step, kind: Kind, steps: int, directions: int) -> bool:
    """Refuse what no layer computes; whether an RNN has ReLU."""
    if step.attribute("clip") is not None or step.attribute("layout", 0) or (kind == "lstm" and step.has(7)):
        raise step.refuse("clip, peepholes and layout 1 are not supported")
    if kind == "lstm" and step.attribute("input_forget", 0):
        raise step.refuse("input_forget must be 0")
    named = [a.lower() for a in step.attribute("activations", [])]
    known = [a for a in _FUNCTIONS[kind] if named in ([], a * directions)]
    if not known:
        raise step.refuse(f"has the activations {', '.join(a.decode() for a in named)}, which no layer computes")
    if step.has(4) and (step.constant(4, "sequence_lens").values != steps).any():
        raise step.refuse(f"sequence_lens must be {steps}", hint="export one time step")
    return bool(named) and known[0] == [b"relu"]


def _zero(step: Step, index: int) -> bool:
    """Whether an initial state is left out or constant zero."""
    if not step.has(index):
        return True
    term = step.term(index)
    return isinstance(term, Constant) and not term.values.any()


def _one(step: Step, kind: Kind, index: int, positions: int, way: Scan, relu: bool, from_zero: bool) -> list[Operation]:
    """The results of one direction: hidden [positions, units], of a run from states its last one, and the cell state of an
    LSTM with states.
    """
    gates = GATES[kind]
    w, r = (_weights(step, step.constant(place, name), index, kind) for place, name in ((1, "W"), (2, "R")))
    units = w.values.shape[0] // gates
    bias = _bias(step, index, kind, units)
    after = bool(step.attribute("linear_before_reset", 0))
    operator = Recurrent("", kind, "", "", "", "", "", w, r, bias[0], bias[1], positions, way, reset_after=after, relu=relu)
    if way and not from_zero:
        operator = replace(operator, hidden_output="after")
    columns = w.values.shape[1]
    wanted = (columns,) if positions == 1 else (positions, columns)
    sources: list[Term] = [viewed(step, step.term(0), wanted, f"{step.display}:x{'_reverse' if index else ''}")]
    shape = (units,) if positions == 1 else (positions, units)
    state = (units,) if way else shape
    if not from_zero:
        for place in range(5, 7 if kind == "lstm" else 6):
            if _zero(step, place):
                raise step.refuse("has a state that is zero in each step, beside one that is not")
            sources.append(viewed(step, step.term(place), state, f"{step.display}:state{place}"))
    suffix = ("" if not index else "_reverse") + ("" if way else "_h")
    first = result_of(step, operator, shape, _name(step, way, f"{_given(step, 0) or step.display}{suffix}"), *sources)
    assert first.call is not None
    ends = [(1, "hidden")] if way and not from_zero else []
    ends += [(2, "cell")] if kind == "lstm" and not from_zero else []
    for index, what in ends:
        end = Operation(_given(step, index) or f"{step.display}:{what}", state, step.display, call=first.call, index=index)
        first.call.results.append(replace(end, index=len(first.call.results)))
    return first.call.results  # type: ignore[return-value]


def _name(step: Step, way: Scan, fallback: str) -> str:
    """Y_h is one value with Y where there is one step."""
    return fallback if way else _given(step, 1) or _given(step, 0) or fallback


def _given(step: Step, index: int) -> str:
    return str(step.node.output[index]) if index < len(step.node.output) else ""


def _give(step: Step, parts: list[list[Operation]], ways: Sequence[Scan], steps: int) -> None:
    """Bind Y [steps, directions, batch, units], Y_h and Y_c [directions, batch, units]."""
    hidden = [part[0] for part in parts]
    units = hidden[0].shape[-1]
    if _given(step, 0):
        joined = hidden[0] if len(hidden) == 1 else _joined(step, hidden, steps, units)
        step.give(viewed(step, joined, step.output_shape(0), _given(step, 0)), 0)
    if _given(step, 1):
        if len(parts[0]) > 1 and ways[0]:
            ends: list[Term] = [parts[0][1]]
        else:
            ends = [_end(step, h, way, steps, k) for k, (h, way) in enumerate(zip(hidden, ways, strict=True))]
        if len(ends) > 1:
            call = Call(Concat("", (), "", 0), list(ends), [])
            call.results.append(Operation(f"{step.display}:ends", (len(ends) * units,), step.display, call=call))
            ends = [call.results[0]]
        step.give(viewed(step, ends[0], step.output_shape(1), _given(step, 1)), 1)
    if _given(step, 2):
        if len(parts[0]) < 2:
            raise step.refuse("gives its last cell state, which a run over an axis does not keep")
        step.give(viewed(step, parts[0][-1], step.output_shape(2), _given(step, 2)), 2)


def _joined(step: Step, hidden: Sequence[Operation], steps: int, units: int) -> Term:
    """Both directions side by side: [steps, 2 · units]."""
    flat = [viewed(step, h, (steps, units), f"{step.display}:{k}") for k, h in enumerate(hidden)]
    return result_of(step, Concat("", (), "", 1), (steps, len(flat) * units), f"{step.display}:both", *flat)


def _end(step: Step, hidden: Operation, way: Scan, steps: int, index: int) -> Term:
    """The state after the last step."""
    if steps == 1:
        return hidden
    row = steps - 1 if way == "forward" else 0
    units = hidden.shape[-1]
    last = result_of(step, Slice("", "", "", row, row + 1, 0), (1, units), f"{step.display}:end{index}", hidden)
    return result_of(step, View("", "", "", (units,)), (units,), f"{step.display}:last{index}", last)


def _weights(step: Step, constant: Constant, direction: int, kind: Kind) -> Matrix:
    """The matrix of one direction, gates in our order."""
    values, gates = constant.values, GATES[kind]
    if values.ndim != 3 or values.shape[1] % gates:
        raise step.refuse(f"weights '{constant.name}' have shape {list(values.shape)}, three axes are expected")

    def part(array: npt.NDArray[Any] | None) -> npt.NDArray[Any] | None:
        return None if array is None else array.reshape(values.shape)[direction]

    one = replace(constant, values=values[direction], quantized=part(constant.quantized), scale=part(constant.scale))
    matrix, units = matrix_of(step, one, one.values, transpose=False), values.shape[1] // gates
    return stacked([rows_of(matrix, slice(k * units, (k + 1) * units)) for k in _FROM_ONNX[kind]])


def _bias(step: Step, direction: int, kind: Kind, units: int) -> npt.NDArray[np.float64]:
    """Biases of input and recurrent products, (2, gates · units)."""
    gates = GATES[kind]
    if not step.has(3):
        return np.zeros((2, gates * units))
    constant = step.constant(3, "B")
    check_magnitude(step, constant)
    if constant.values.ndim != 2 or constant.values.shape[1] != 2 * gates * units:
        raise step.refuse(f"B has shape {list(constant.values.shape)}, [directions, {2 * gates * units}] is expected")
    both = constant.values[direction].reshape(2, gates, units)
    return np.ascontiguousarray(both[:, list(_FROM_ONNX[kind])].reshape(2, -1))


_WAYS = "one step of one or many positions with states; over an axis from zero, forward, reverse or both"
OPERATORS = {
    "GRU": (recurrent, f"{_WAYS}; linear_before_reset 0 or 1"),
    "RNN": (recurrent, f"{_WAYS}; Tanh or Relu"),
    "LSTM": (recurrent, f"{_WAYS}; no peepholes, no clip"),
}
