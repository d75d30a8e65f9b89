# SPDX-License-Identifier: Apache-2.0
"""States that a file stacks into one input, taken apart: each is a state of its own, with a scale of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from codesign.compiler.model.graph import State
from codesign.compiler.model.terms import Operation, Part, Pieces, Term
from codesign.compiler.operators import Concat, View

Places = npt.NDArray[np.int64]


def taken_apart(states: Iterable[State], outputs: Mapping[str, Term]) -> tuple[tuple[State, ...], dict[str, Term]]:
    """The states with stacked ones taken apart, and the terms of the outputs, those of the new states among them.

    A state comes apart when all that is read of it are parts that do not overlap, and its next value is put together of values
    that lie where those parts do. What is never read is dropped.
    """
    found, terms = [], dict(outputs)
    reached = list(_reached(outputs.values()))
    for state in states:
        used = [part for part in reached if isinstance(part, Part) and part.state == state.input]
        parts = {part.places.tobytes(): part for part in sorted(used, key=lambda part: int(part.places[0]))}
        after = {places.tobytes(): term for term, places in _leaves(outputs[state.output], np.arange(state.size))}
        whole = not parts or _read_whole(state.input, reached)
        if whole or not _apart(state, parts.values()) or not parts.keys() <= after.keys():
            found.append(state)
            continue
        for index, (key, part) in enumerate(parts.items()):
            output = f"{state.output}[{index}]"
            found.append(State(part.name, output, part.shape, state.start.ravel()[part.places]))
            terms[output] = after[key]
        del terms[state.output]
    return tuple(found), terms


def _reached(terms: Iterable[Term]) -> Iterator[Term]:
    """All terms that some are made from, once each, without what parts of states are made from."""
    waiting, known = list(terms), set[int]()
    while waiting:
        term = waiting.pop()
        if id(term) not in known:
            known.add(id(term))
            yield term
            waiting += [] if isinstance(term, Part) else term.reads


def _read_whole(name: str, reached: Iterable[Term]) -> bool:
    return any(source.name == name for term in reached if not isinstance(term, Part) for source in term.reads)


def _apart(state: State, parts: Iterable[Part]) -> bool:
    places = np.concatenate([part.places for part in parts])
    return len(np.unique(places)) == len(places) <= state.size


def _leaves(term: Term, places: Places) -> Iterator[tuple[Term, Places]]:
    """The values that a term is put together of, and where each lies."""
    if isinstance(term, Pieces):
        position = 0
        for part in term.parts:
            yield from _leaves(part, places[position : position + part.size])
            position += part.size
    elif isinstance(term, Operation) and term.call is not None and isinstance(term.call.operator, View):
        yield from _leaves(term.call.sources[0], places)
    elif isinstance(term, Operation) and term.call is not None and isinstance(term.call.operator, Concat):
        axis, start = term.call.operator.axis, 0
        whole = places.reshape(term.shape)
        for source in term.call.sources:
            stop = start + source.shape[axis]
            yield from _leaves(source, whole.take(np.arange(start, stop), axis).ravel())
            start = stop
    else:
        yield term, places
