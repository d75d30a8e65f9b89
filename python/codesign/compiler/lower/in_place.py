# SPDX-License-Identifier: Apache-2.0
"""Recurrent layers that read a slice of a value where it is, and no copy of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from codesign.compiler.layers import Layer, Rearrange
from codesign.compiler.layers.loops import Loop
from codesign.compiler.layers.recurrent import Recurrent

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context


def read_in_place(context: Context) -> None:
    """Let recurrent layers read through plain copies with a step from position to position; drop copies that nobody reads."""
    copies: dict[str, tuple[int, Rearrange]] = {}
    for i, layer in enumerate(context.layers):
        if isinstance(layer, Rearrange):
            copies[layer.output] = i, layer
        elif isinstance(layer, Recurrent) and layer.source in copies:
            at, copy = copies[layer.source]
            context.layers[i] = _through(layer, copy, context.layers[at:i])
    unread = [copy for _, copy in copies.values() if not _is_read(context, copy.output)]
    for copy in unread:
        if any(isinstance(layer, Recurrent) and layer.source in _sources(copy) for layer in context.layers):
            context.layers.remove(copy)
            del context.values[copy.output]


def _through(layer: Recurrent, copy: Rearrange, between: Sequence[Layer]) -> Recurrent:
    """`layer` on what `copy` copies, or as it is where that is no run of positions or something changes it in between."""
    piece = copy.pieces[0]
    loops = piece.loops
    if len(copy.pieces) != 1 or piece.source is None or piece.rescale is not None or piece.table is not None:
        return layer
    if any(piece.source in (*other.writes, *other.states) for other in between) or len(loops.loops) != 2:
        return layer
    step = loops.loops[0].source
    if step <= 0 or loops.loops != (Loop(layer.positions, step, layer.inputs), Loop(layer.inputs, 1, 1)):
        return layer
    return replace(layer, source=piece.source, source_offset=loops.source_offset, source_stride=step)


def _sources(copy: Rearrange) -> set[str]:
    return {piece.source for piece in copy.pieces if piece.source is not None}


def _is_read(context: Context, name: str) -> bool:
    graph = context.graph
    kept = name == context.aliases.get(graph.output, graph.output) or any(state.value.name == name for state in context.states)
    return kept or any(name in (*layer.reads, *layer.states) for layer in context.layers)
