# SPDX-License-Identifier: Apache-2.0
"""Outputs that are no states: the one that is wanted stays, the others go with a note."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from codesign.base.errors import InputError
from codesign.compiler.model.metadata import stem
from codesign.compiler.model.passes.draft import Draft


def choose_output(draft: Draft, props: Mapping[str, str], wanted: str | None) -> None:
    """Keep the output `wanted`, or the one as large as the features or larger than one number, and the states.

    Where several are equally good (real and imaginary part of a mask) they all stay.

    Raises:
        InputError: the graph has no such output.
    """
    pairs = state_pairs(draft, props)
    states_in, states_out = {name for name, _ in pairs}, {name for _, name in pairs}
    free = [name for name in draft.outputs if name not in states_out]
    if wanted is not None and wanted not in free:
        names = ", ".join(f"'{name}'" for name in free) or "none"
        raise InputError(f"{draft.path}: no output '{wanted}' beside the states", hint=f"outputs are {names}")
    if len(free) < 2:
        return
    sizes = {math.prod(draft.shape(name)) for name in draft.dims if name not in states_in}
    fitting = [name for name in free if math.prod(draft.shape(name)) in sizes]
    wide = [name for name in free if math.prod(draft.shape(name)) > 1]
    alone = wide if len(wide) == 1 else []  # beside one number, such as the probability of speech
    kept = [wanted] if wanted is not None else fitting or alone or free
    for name in free:
        if name not in kept:
            draft.outputs.remove(name)
            draft.note(f"output '{name}' {list(draft.shape(name))} is dropped: '{kept[0]}' is the network's result")


def state_pairs(draft: Draft, props: Mapping[str, str]) -> set[tuple[str, str]]:
    """Inputs and outputs that are states: those that metadata lists, or whose names and sizes agree, and new ones."""
    pairs = set(draft.states)
    if "states" in props:
        try:
            listed = json.loads(props["states"])
        except (ValueError, RecursionError):
            listed = []  # said where metadata is read
        entries = [entry for entry in listed if isinstance(entry, list)] if isinstance(listed, list) else []
        pairs |= {(e[0], e[1]) for e in entries if len(e) > 1 and isinstance(e[0], str) and isinstance(e[1], str)}
    else:
        pairs |= {
            (name, output)
            for name in draft.dims
            for output in draft.outputs
            if stem(name) == stem(output) and math.prod(draft.shape(name)) == math.prod(draft.shape(output))
        }
    return pairs


def pairs_by_shape(draft: Draft, pairs: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs, and of what is left each input and output that alone have one shape, but for the first input: the features."""
    taken = {name for pair in pairs for name in pair}
    by_shape: dict[tuple[int, ...], tuple[list[str], list[str]]] = {}
    for index, names in enumerate((list(draft.dims), draft.outputs)):
        left_over = [name for name in names if name not in taken]
        for name in left_over:
            if index or name != left_over[0]:
                by_shape.setdefault(draft.shape(name), ([], []))[index].append(name)
    alone = [(left[0], right[0]) for left, right in by_shape.values() if len(left) == len(right) == 1]
    return [*sorted(pairs), *alone]
