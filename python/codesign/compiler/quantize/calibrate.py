# SPDX-License-Identifier: Apache-2.0
"""Scales for every value and weight of a float graph, from what the values do on recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.model.graph import Graph, Quant, State
from codesign.compiler.operators import Operator
from codesign.compiler.operators.compensation import MOST_COLUMNS, Moments
from codesign.compiler.operators.rounding import rounded
from codesign.compiler.operators.scales import HIDDEN, LOGIT, UNIT, int8_snr_db, value_quant, wide_quant
from codesign.compiler.quantize.balance import Channels
from codesign.compiler.quantize.float_run import float_steps

Seen = Mapping[str, npt.NDArray[np.float32]]
"""What every value that gets parameters did in all frames: name → (frames, size)."""

Activations = Literal["int8", "int16", "auto"]
AUTO_DB = 40.0
"""With "auto", values that int8 rounds with less than this signal-to-noise ratio become int16."""
_USUAL = 0.999
"""Share of what a value did that int16 holds at any rate, where weights beside it ask for a finer scale."""
_STILL = 1 / 64  # of a value's largest magnitude: four int8 steps of a one-sided range


@dataclass
class Calibration:
    """What operators choose their parameters by; `quants` are those of the values so far.

    `activations` says how wide values are: int8, int16, or "auto": int16 where int8 would leave less than `threshold_db`.
    `loud` is what values did on louder signals: int16 has room for them, int8 is for what `seen` is. `moments` are what the
    weights of operators, by name, are rounded by (`rounded_weights`); of others, each is rounded to the nearest.
    """

    graph: Graph
    seen: Seen
    quants: dict[str, Quant] = field(default_factory=dict)
    activations: Activations = "int8"
    threshold_db: float = AUTO_DB
    loud: Seen = field(default_factory=dict)
    moments: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    _wide: dict[str, bool] = field(default_factory=dict)

    def is_wide(self, name: str) -> bool:
        """Whether a value becomes int16; with "auto" no other than those that were observed."""
        if self.activations != "auto":
            return self.activations == "int16"
        name = self._observed(name)
        if name not in self._wide:
            self._wide[name] = name in self.seen and int8_snr_db(self.seen[name]) < self.threshold_db
        return self._wide[name]

    def measured(self, name: str) -> Quant:
        """The parameters of a linear layer's or its function's result: as wide as `activations` says, and for the
        output int16, Q0.15 where it is within ±1 by its nature.
        """
        if name != self.graph.output:
            return self.integers(name)
        maker = self.graph.maker(name)
        return UNIT if maker is not None and max(map(abs, maker.bounds)) <= 1.0 else wide_quant(self.loudest(name))

    def integers(self, name: str) -> Quant:
        """The parameters of an observed value: int8 of least squared error, or int16 that holds all that was seen."""
        observed, limit, wide = self._observed(name), self._limit(name), self.is_wide(name)
        values = self.loudest(observed) if wide else self.seen[observed]
        values = np.clip(values, -limit, limit) if np.isfinite(limit) else values
        if not wide:
            return value_quant(values)
        quant, step = wide_quant(values), self._step(name)
        if quant.scale <= step:
            return quant
        # Weights that are cut cost all of the signal, rare peaks beyond the range do not: gates are open or closed there.
        usual = float(np.quantile(np.abs(self.seen[observed]), _USUAL))
        return replace(quant, scale=float(np.float32(max(step, min(usual / 32767, quant.scale)))))

    def _step(self, name: str) -> float:
        """The largest int16 scale of a value beside which what reads it need not cut its weights."""
        if self.graph.is_kept(name):
            return float("inf")
        readers = [op for op in self.graph.readers(name) if name in op.sources[:1] or op.moves]
        return min((self._step(op.outputs[0]) if op.moves else op.source_step for op in readers), default=float("inf"))

    def loudest(self, name: str) -> npt.NDArray[np.float32]:
        """All that an observed value did, on louder signals too: (values,)."""
        return np.concatenate([found[name].ravel() for found in (self.seen, self.loud) if name in found])

    def start(self, name: str) -> npt.NDArray[np.float64]:
        """What a state starts from, (size,); nothing for what is no state."""
        state = self.graph.state(name)
        return np.zeros(0) if state is None else state.start.ravel()

    def _limit(self, name: str) -> float:
        """A magnitude of a value beyond which nothing changes for all that read it."""
        readers = self.graph.readers(name)
        if not readers or self.graph.is_kept(name):
            return float("inf")
        return max(self._limit(op.outputs[0]) if op.moves else op.source_limit for op in readers if name in op.sources)

    def _observed(self, name: str) -> str:
        """The value that was observed and that `name` is a part of, or has in another order."""
        maker = self.graph.maker(name)
        while name not in self.seen and maker is not None and maker.moves:
            (name,) = maker.sources
            maker = self.graph.maker(name)
        return name

    def kept(self, sources: Sequence[str], output: str) -> Quant:
        """The parameters of a value made of elements of `sources`: theirs where they agree: nothing is rounded again.

        Those of a state that nothing has chosen yet follow from the values that it gets.
        """
        known = [name for name in sources if name in self.quants or self.graph.state(name) is None]
        found = {self.quants.get(name) for name in known}
        (quant,) = found if len(found) == 1 else (None,)
        if quant is not None and (quant.bits == 8 or self.is_wide(output)):
            return quant
        return self.integers(output)


def quantize_graph(
    graph: Graph,
    features: Sequence[npt.NDArray[np.float32]],
    activations: Activations = "int8",
    threshold_db: float = AUTO_DB,
) -> Graph:
    """The graph with int8 weights and parameters for every value, as wide as `activations` says; biases stay real.

    features: one float32 array (frames, n) for each recording. Value ranges minimise the squared error over them, weight scales
    that of the weights: one a row, for an LSTM one a gate and matrix; but none is smaller than the kernels can hold.

    Raises:
        InputError: the graph is quantized already, no features, or a value that is not finite.
    """
    return quantize_seen(graph, observe(graph, features), activations, threshold_db)


def observe(
    graph: Graph, features: Sequence[npt.NDArray[np.float32]], moments: dict[str, npt.NDArray[np.float64]] | None = None
) -> Seen:
    """What the values of a float graph do on recordings, one float32 array (frames, n) of features for each; `moments`, where
    given, gets those of what operators multiply with their weights, by their names, if there are enough.

    Raises:
        InputError: the graph is quantized already, no features, or a value that is not finite.
    """
    if graph.quants:
        raise InputError(f"{graph.name} is quantized already", hint="give the float model")
    frames = sum(map(len, features))
    if frames == 0:
        raise InputError("calibration needs at least one frame of features", hint="give a folder with recordings")
    carried = {state for op in graph.ops for state in op.carried}
    states = (state.input for state in graph.states if state.input not in carried)
    names = (graph.input, *(name for op in graph.ops for name in op.observed), *states)
    seen = {name: np.empty((frames, graph.size(name)), np.float32) for name in names}
    gathered = [] if moments is None else _moments(graph)
    frame = 0
    with np.errstate(over="ignore", invalid="ignore"):  # what does not stay finite is said below
        for rows in features:
            for values in float_steps(graph, rows):
                for name, history in seen.items():
                    history[frame] = values[name].ravel()
                for op, sums in gathered:
                    if (vectors := op.multiplied(values)) is not None:
                        sums.add(vectors)
                frame += 1
    for name, history in seen.items():
        if not np.isfinite(history).all():
            raise InputError(f"value '{name}' of {graph.name} is not finite on the calibration data", hint="check the model")
    if moments is not None:
        moments |= {op.name: mean for op, sums in gathered if (mean := sums.mean) is not None}
    return seen


def _moments(graph: Graph) -> list[tuple[Operator, Moments]]:
    columns = [(op, sum(matrix.values.shape[1] for matrix in op.matrices)) for op in graph.ops]
    return [(op, Moments(count)) for op, count in columns if 0 < count <= MOST_COLUMNS]


def quantize_seen(
    graph: Graph,
    seen: Seen,
    activations: Activations = "int8",
    threshold_db: float = AUTO_DB,
    loud: Seen | None = None,
    moments: Mapping[str, npt.NDArray[np.float64]] | None = None,
) -> Graph:
    """As `quantize_graph`, from what `observe` saw; int16 values have room for what it saw on louder signals, `loud`, too.
    Weights are rounded by `moments`, where there are any.
    """
    calibration = Calibration(graph, seen, {}, activations, threshold_db, loud or {}, moments or {})
    quants = calibration.quants
    if not graph.has_float_input:
        quants[graph.input] = calibration.integers(graph.input)
    for op in graph.ops:
        quants |= op.scales(calibration)
    for state in graph.states:
        if state.input not in quants and not graph.is_float(state.input):
            quants[state.input] = _state_quant(calibration, state)
    ops: list[Operator] = []
    for op in graph.ops:
        changed, coarser = op.quantized(calibration)
        ops.append(changed)
        quants |= coarser
    return replace(graph, quants=quants, ops=tuple(ops))


def _state_quant(calibration: Calibration, state: State) -> Quant:
    """The parameters of a state that no operator chooses: those of the value that it has in the end, so that bytes are
    copied, if they are int8 and hold what it starts from; else its own.
    """
    graph, line = calibration.graph, [state.input]
    while (value := graph.next_value(state)) not in line and (before := graph.state(value)) is not None:
        line.append(value)
        state = before
    quant = calibration.quants.get(value)
    starts = np.concatenate([known.start.ravel() for known in graph.states if known.input in line])
    fits = quant is not None and (quant.bits == 8 or calibration.activations != "int8")
    if quant is not None and fits and np.abs(rounded(starts, quant) - starts).max() <= quant.scale / 2:
        return quant
    names = [name for name in line if name in calibration.seen]
    if any(map(calibration.is_wide, line)):
        return wide_quant(np.concatenate([*map(calibration.loudest, names), starts]))
    return value_quant(np.concatenate([*(calibration.seen[name].ravel() for name in names), starts]))


def still(quants: Mapping[str, Quant], seen: Seen) -> tuple[str, ...]:
    """Names of the values that hardly moved, and whose parameters are therefore of no use for anything else."""
    return tuple(
        name
        for name, history in seen.items()
        if quants.get(name, LOGIT) not in (LOGIT, HIDDEN)
        and float(np.ptp(history, axis=0).max()) <= _STILL * float(np.abs(history).max())
    )


def channels_of(graph: Graph, features: Sequence[npt.NDArray[np.float32]]) -> dict[str, Channels]:
    """What the channels of every value do on the recordings, by the value's name; arguments and errors as `observe`."""
    return {
        name: Channels(np.abs(history).max(axis=0).astype(np.float64), np.square(history, dtype=np.float64).mean(axis=0))
        for name, history in observe(graph, features).items()
    }
