# SPDX-License-Identifier: Apache-2.0
"""metadata_props: what stands there, and the states. docs/model-file.md lists the keys."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path

import onnx

from codesign.base.errors import InputError
from codesign.compiler.model.graph import State
from codesign.compiler.operators.operator import Shape

MAX_STATES_TEXT = 2**20
_MOST_PARTS = 2
"""Inputs that features come in: real and imaginary part."""
_HINT = "correct metadata_props, see docs/model-file.md"
_PAIRS_HINT = (
    'say states = [["input", "output"], …] below [chain] in a TOML file (--chain), or as metadata, see docs/model-file.md'
)
_INPUTS_HINT = (
    "a state has an output of its own, and a chain gives one input: let the network compute its features from the spectrum, or "
    'name what it goes on from: states = [["input", "output"], …] (docs/model-file.md)'
)


def properties(model: onnx.ModelProto) -> dict[str, str]:
    """metadata_props as a mapping; protobuf hands out bytes where a damaged file holds no UTF-8."""
    return {_text(entry.key): _text(entry.value) for entry in model.metadata_props}


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def read_states(
    path: Path, props: Mapping[str, str], inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]
) -> tuple[State, ...]:
    """State pairs from metadata, or by names and shapes.

    `inputs` and `outputs` map the graph's names to shapes without the batch; one input and one output remain, the features
    and the mask.

    Raises:
        InputError: an entry that names no input or output, sizes that differ, or a state without a partner.
    """
    if "states" in props:
        return _listed(path, props["states"], inputs, outputs)
    states, unpaired, remaining = _paired(path, inputs, outputs)
    if len(unpaired) != 1 or len(remaining) != 1:
        raise _cannot_pair(path, unpaired, remaining)
    return tuple(states)


def named_states(
    path: Path, props: Mapping[str, str], inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]
) -> tuple[State, ...]:
    """The pairs that metadata says, or that names do, whatever else there is.

    Raises:
        InputError: as `read_states`, but for how many inputs and outputs are left.
    """
    if "states" in props:
        return _listed(path, props["states"], inputs, outputs)
    return tuple(_paired(path, inputs, outputs)[0])


def _cannot_pair(path: Path, inputs: list[str], outputs: list[str]) -> InputError:
    names = ", ".join(f"'{name}'" for name in (*inputs, *outputs)) or "none"
    message = f"{path}: cannot pair states; without a partner are {names}, where features and mask alone should be"
    return InputError(message, hint=_INPUTS_HINT if len(inputs) > len(outputs) == 1 else _PAIRS_HINT)


def free_ports(
    path: Path, props: Mapping[str, str], inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]
) -> tuple[list[str], list[str]]:
    """Inputs and outputs that are no states: several where the features, or what the network gives, come in parts.

    Raises:
        InputError: as `read_states`, but for how many there are.
    """
    if "states" in props:
        states = list(_listed(path, props["states"], inputs, outputs))
        used = {state.input for state in states} | {state.output for state in states}
        return [name for name in inputs if name not in used], [name for name in outputs if name not in used]
    _, unpaired, remaining = _paired(path, inputs, outputs)
    if len(unpaired) > _MOST_PARTS:
        raise _cannot_pair(path, unpaired, remaining)
    return unpaired, remaining


def _paired(path: Path, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]) -> tuple[list[State], list[str], list[str]]:
    """States by names and shapes, and the inputs and outputs that are left."""
    remaining, stems = dict(outputs), {name: stem(name) for name in (*inputs, *outputs)}
    states = []
    for name, shape in inputs.items():
        partners = [o for o in remaining if stems[o] == stems[name] and remaining[o] == shape]
        if len(partners) > 1:
            raise InputError(
                f"{path}: state '{name}' could be fed back from {' or '.join(repr(o) for o in partners)}", hint=_PAIRS_HINT
            )
        if partners:
            states.append(State(name, partners[0], shape))
            del remaining[partners[0]]
    paired = {state.input for state in states}
    return states, [name for name in inputs if name not in paired], list(remaining)


def _listed(path: Path, text: str, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]) -> tuple[State, ...]:
    if len(text) > MAX_STATES_TEXT:
        raise InputError(f"{path}: metadata states is longer than {MAX_STATES_TEXT:,} characters", hint=_HINT)
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: metadata states is not JSON: {error}", hint=_HINT) from error
    states = []
    for index, entry in enumerate(entries if isinstance(entries, list) else [entries]):
        if not isinstance(entry, list) or len(entry) not in (2, 3) or not all(isinstance(n, str) for n in entry[:2]):
            raise InputError(
                f"{path}: metadata states: entry {index + 1} is not [input, output] or [input, output, initial]", hint=_HINT
            )
        name, partner = entry[:2]
        for kind, wanted, known in (("input", name, inputs), ("output", partner, outputs)):
            if wanted not in known:
                raise InputError(f"{path}: state '{wanted}' is not an {kind} of the graph", hint=_HINT)
        sizes = math.prod(inputs[name]), math.prod(outputs[partner])
        if sizes[0] != sizes[1]:
            raise InputError(f"{path}: state '{name}' has {sizes[0]} elements and '{partner}' {sizes[1]}", hint=_HINT)
        initial = entry[2] if len(entry) == 3 else 0.0
        numbers = initial if isinstance(initial, list) else [initial]
        if not all(isinstance(x, int | float) and not isinstance(x, bool) and -1e6 < x < 1e6 for x in numbers):
            raise InputError(f"{path}: state '{name}': the initial value is no number within ±10⁶", hint=_HINT)
        if isinstance(initial, list) and len(initial) != sizes[0]:
            raise InputError(f"{path}: state '{name}' has {sizes[0]} elements and {len(initial)} initial values", hint=_HINT)
        states.append(State(name, partner, inputs[name], initial))
    if len({s.input for s in states}) < len(states) or len({s.output for s in states}) < len(states):
        raise InputError(f"{path}: metadata states names an input or output twice", hint=_HINT)
    return tuple(states)


_MARKS = ("in", "out", "prev", "previous", "next", "new", "old", "state")


def stem(name: str) -> str:
    """A state's name without what tells its input from its output: h0_in, h0_out → h0; hin, hout → h."""
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word not in _MARKS]
    return re.sub(r"(?<=.)(in|out|prev|next|new|old)$", "", "_".join(words))
