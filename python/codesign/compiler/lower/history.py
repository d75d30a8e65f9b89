# SPDX-License-Identifier: Apache-2.0
"""A state joined with this step's frame, whose next value is that without the oldest frame → History, in place."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from codesign.compiler.layers import History, Layer, StateValue, Value
from codesign.compiler.layers.convolution import Convolution
from codesign.compiler.layers.depthwise_code import depthwise_rows
from codesign.compiler.lower.arrangement import copied, quant_of
from codesign.compiler.lower.constants import clamp
from codesign.compiler.model.graph import Graph, State

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.operators.concat import Concat
    from codesign.compiler.operators.operator import Operator


def history_of(graph: Graph, state: State) -> Concat | None:
    """The concatenation that a state is held as: the state, which nobody else reads, and one frame after it."""
    from codesign.compiler.operators.concat import Concat  # it names lower_history, too

    readers, after = graph.readers(state.input), graph.next_value(state)
    if len(readers) != 1 or any(graph.next_value(other) in (state.input, readers[0].outputs[0]) for other in graph.states):
        return None
    joined = readers[0]
    if not isinstance(joined, Concat) or len(joined.inputs) != 2 or joined.inputs[0] != state.input:
        return None
    shape, frame = graph.shapes[joined.output], graph.shapes[joined.inputs[1]]
    values = (state.input, joined.output, after)
    known = {graph.quants[name] for name in values if name in graph.quants}
    shifted = _shifted(graph, joined, after)
    fits = frame[joined.axis] == 1 and joined.inputs[1] != state.input and joined.output != graph.output
    fits = fits and math.prod(shape[: joined.axis + 1]) > 1
    return joined if fits and shifted is not None and len(known) == 1 and joined.output in graph.quants else None


def add_history(context: Context, state: State, joined: Concat) -> None:
    """Register a state as the concatenation that it becomes: in front of it is room for the frame that is forgotten first."""
    quant = context.quant(joined.output)
    assert quant is not None, "history_of has looked"
    value = context.add_value(joined.output, quant)
    start = np.insert(state.start.reshape(state.shape), 0, 0.0, axis=joined.axis)
    starts = [clamp(x / value.scale + value.zero_point, value.low, value.high) for x in start.ravel().tolist()]
    context.states.append(StateValue(value, starts[0] if len(set(starts)) == 1 else tuple(starts)))
    context.histories[joined.output] = state.input


def lower_history(context: Context, op: Concat) -> None:
    """Append the layer that puts this step's frame after those of a state."""
    graph, state = context.graph, context.graph.state(op.inputs[0])
    assert state is not None, "add_history has been here"
    value, source = context.values[op.output], context.source(op.name, op.inputs[1])
    if quant_of(source) != quant_of(value):
        frame = context.add_value(context.new_name(f"{op.inputs[1]}_frame"), quant_of(value), graph.shapes[op.inputs[1]])
        context.layers.append(copied(context.new_layer_name(f"{op.name}_frame"), source, frame))
        source = frame
    shape = graph.shapes[op.output]
    rows, size = math.prod(shape[: op.axis]), math.prod(shape[op.axis + 1 :])
    context.layers.append(History(op.name, source.name, value.name, rows, shape[op.axis], size))
    shifted = _shifted(graph, op, graph.next_value(state))
    if shifted is not None:
        context.done.add(shifted.name)


def keep_rings(context: Context) -> None:
    """Let histories be rings where all that reads them are convolutions that can read one."""
    for history in [layer for layer in context.layers if isinstance(layer, History)]:
        readers = [layer for layer in context.layers if history.state in layer.reads]
        able = [layer for layer in readers if isinstance(layer, Convolution) and depthwise_rows(layer) is not None]
        if len(able) < len(readers) or history.state in context.aliases.values():
            continue
        place = context.add(Value(context.new_name(f"{history.state}_place"), 1, "int16", 1.0)).name
        context.states.append(StateValue(context.values[place]))
        rings: dict[str, Layer] = {layer.name: replace(layer, place=place) for layer in able}
        rings[history.name] = replace(history, place=place)
        context.layers[:] = [rings.get(layer.name, layer) for layer in context.layers]


def _shifted(graph: Graph, joined: Concat, after: str) -> Operator | None:
    """The slice of a concatenation without its first frame that `after` is, which nothing else reads."""
    from codesign.compiler.operators.slice import Slice

    maker, frames = graph.maker(after), graph.shapes[joined.output][joined.axis]
    if not isinstance(maker, Slice) or maker.source != joined.output or graph.readers(after):
        return None
    found = (maker.axis, maker.start, maker.stop, maker.step)
    return maker if found == (joined.axis, 1, frames, 1) else None
