# SPDX-License-Identifier: Apache-2.0
"""States that neither metadata nor names pair: each output with the input that it goes on from, by what the graph computes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set

import onnx

from codesign.compiler.model.passes.draft import Draft
from codesign.compiler.model.passes.outputs import state_pairs

_VIEWS = {"Cast", "Expand", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}
_VIEWS |= {"DequantizeLinear", "QuantizeLinear"}
_MOVES = {"Concat", "Gather", "Pad", "ScatterND", "Slice", "Split"}
_ELEMENTS = {"Add", "Clip", "Div", "Max", "Min", "Mul", "Neg", "Sigmoid", "Sub", "Tanh", "Where"}
_RECURRENT = {"GRU", "LSTM", "RNN"}
_FAR = math.inf
Distances = Mapping[str, float]


def pair_states(draft: Draft, props: Mapping[str, str]) -> None:
    """Note the pairs of a file whose metadata and names say nothing of some states, where they are unambiguous.

    A state is paired with the output of its shape that takes on its elements in the fewest steps, as c' = f·c + i·g does; of
    those that are left, with the one output that is computed from it, as an LSTM's h' = o·tanh(c') is by its gates. What is
    joined with a state, as a frame with the one before it, may be what the state becomes. An input of the features' shape is a
    state where its elements, or what it is joined with, come out as they are.
    """
    if "states" in props:
        return
    named = state_pairs(draft, props)
    inputs = [name for name in draft.dims if name not in {pair[0] for pair in named}]
    outputs = [name for name in draft.outputs if name not in {pair[1] for pair in named}]
    if len(inputs) < 2 or len(inputs) > len(outputs):
        return
    alike = {name for name in inputs[1:] if draft.shape(name) == draft.shape(inputs[0]) and not _starts(draft, name)}
    states = inputs[1:]
    found = _matched(draft, states, outputs, alike)
    if len(found) == len(states):
        draft.states += sorted(named - set(draft.states)) + sorted(found.items())
        pairs = ", ".join(f"{state} → {output}" for state, output in sorted(found.items()))
        draft.note(f"states paired by what the graph computes: {pairs}")


def _starts(draft: Draft, name: str) -> bool:
    """Whether a recurrent layer starts from an input."""
    firsts = {source for node in draft.nodes if node.op_type in _RECURRENT for source in node.input[5:7] if source}
    return any(_distances(draft, first, {name}, {}, _MOVES).get(name) == 0.0 for first in firsts)


def _matched(draft: Draft, states: list[str], outputs: list[str], moved: Set[str]) -> dict[str, str]:
    """State → output, as far as there is one choice only; those of `moved` go nowhere but where their elements are moved."""
    joined = _joined(draft, set(states))
    reached = {name: _distances(draft, name, set(states) - moved, joined, _MOVES | _ELEMENTS) for name in outputs}
    for name in outputs if moved else ():
        near = _distances(draft, name, moved, joined, _MOVES)
        reached[name] |= {state: steps for state, steps in near.items() if steps < _FAR}
    found: dict[str, str] = {}
    while True:
        choices = {
            output: {n: d for n, d in reached[output].items() if n not in found and draft.shape(n) == draft.shape(output)}
            for output in outputs
            if output not in found.values()
        }
        pair = _nearest(choices) or _only(choices)
        if pair is None:
            return found
        found[pair[0]] = pair[1]


def _nearest(choices: Mapping[str, Distances]) -> tuple[str, str] | None:
    """The state and output with the smallest distance, where no other is as close to either."""
    ranked = sorted((d, name, output) for output, states in choices.items() for name, d in states.items() if d < _FAR)
    for d, name, output in ranked:
        rivals = [r for r in ranked if r[0] <= d and (r[1] == name) != (r[2] == output)]
        if not rivals:
            return name, output
    return None


def _only(choices: Mapping[str, Distances]) -> tuple[str, str] | None:
    """An output that is computed from one state alone of those that are left, which no other output is computed from alone."""
    single = [(next(iter(states)), output) for output, states in choices.items() if len(states) == 1]
    return next((pair for pair in single if sum(name == pair[0] for name, _ in single) == 1), None)


def _joined(draft: Draft, states: Set[str]) -> Mapping[str, Set[str]]:
    """Value → states that it is joined with."""
    makers, found = draft.makers(), dict[str, set[str]]()

    def seen(name: str) -> str:
        while name in makers and makers[name].op_type in _VIEWS:
            name = makers[name].input[0]
        return name

    for node in draft.nodes:
        parts = [seen(name) for name in node.input] if node.op_type == "Concat" else []
        for state in states & set(parts):
            for part in parts:
                if part != state and part not in draft.constants:
                    found.setdefault(part, set()).add(state)
    return found


def _distances(draft: Draft, output: str, inputs: Set[str], joined: Mapping[str, Set[str]], near: Set[str]) -> dict[str, float]:
    """Inputs that an output is computed from: in how many steps of kinds `near` it takes on their elements, or those of what is
    `joined` with them, or infinite.
    """
    makers = draft.makers()
    best: dict[str, float] = {}
    waiting = [(output, 0.0)]
    while waiting:
        name, far = waiting.pop()
        if name in best and best[name] <= far:
            continue
        best[name] = far
        if far == 0.0:
            waiting += [(state, 1.0) for state in joined.get(name, ())]
        node = makers.get(name)
        if node is not None:
            waiting += [(source, far + step) for source, step in _steps(node, name, near) if source]
    return {name: best[name] for name in inputs if name in best}


def _steps(node: onnx.NodeProto, name: str, near: Set[str]) -> list[tuple[str, float]]:
    """What a node's output is made from, and the steps that elements take through it."""
    if node.op_type in _VIEWS:
        return [(node.input[0], 0.0)]
    if node.op_type in _RECURRENT:
        own = 6 if len(node.output) > 2 and name == node.output[2] else 5
        return [(source, 1.0 if index == own else _FAR) for index, source in enumerate(node.input)]
    step = 1.0 if node.op_type in near else _FAR
    return [(source, step) for source in node.input]
