# SPDX-License-Identifier: Apache-2.0
"""A quantized graph → a full-integer TFLite file of one step, states as inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from codesign.base.errors import InputError
from codesign.compiler.export import cells, convolutions, elements
from codesign.compiler.export.flat import Flat
from codesign.compiler.export.writer import Writer
from codesign.compiler.lower import lower
from codesign.compiler.model.graph import Graph
from codesign.compiler.operators import Activation, Binary, Concat, Conv, ConvTranspose, Linear, LstmCell, Mean, Slice, View
from codesign.compiler.operators.operator import Operator
from codesign.compiler.operators.pad import Pad
from codesign.compiler.operators.prelu import Prelu
from codesign.compiler.operators.recurrent import Recurrent
from codesign.compiler.operators.transpose import Transpose

_WRITERS: Mapping[type[Operator], Callable[[Writer, Any], None]] = {
    Activation: elements.activation,
    Binary: elements.binary,
    Concat: elements.concat,
    Conv: convolutions.conv,
    ConvTranspose: convolutions.conv_transpose,
    Linear: elements.linear,
    LstmCell: cells.lstm,
    Mean: elements.mean,
    Pad: elements.pad,
    Prelu: elements.prelu,
    Recurrent: cells.recurrent,
    Slice: elements.slice_,
    Transpose: elements.transpose,
    View: elements.view,
}


def tflite_of(graph: Graph) -> bytes:
    """The bytes of the file. Inputs: the features, then each state by its name; outputs: the result, then each state's next
    value, called `<state>_out`. Integers are those of the graph.

    Raises:
        InputError: a graph that is not quantized, an operator without a form in TFLite (by name), numbers out of reach.
        ToolError: the package with the schema is missing.
    """
    if not graph.quants:
        raise InputError(f"{graph.name} is float", hint="codesign quantize makes it int8 or int16")
    w = Writer(graph, lower(graph), Flat(graph.name))
    for name in (graph.input, *(state.input for state in graph.states)):
        quant = w.quant(name)
        if quant is None:  # a state that is held as what it is joined to
            quant = next(q for q in (w.quant(graph.readers(name)[0].outputs[0]), w.quant(graph.input)) if q is not None)
        w.values[name] = w.new(graph.shapes[name], quant, name)
    inputs = [w.values[name].tensor for name in (graph.input, *(state.input for state in graph.states))]
    for op in graph.schedule:
        if op.name in w.done:
            continue
        if type(op) not in _WRITERS:
            raise w.refuse(op)
        try:
            _WRITERS[type(op)](w, op)
        except InputError as error:
            named = error.message.startswith(op.name) or any(error.message.startswith(f"{o.name}:") for o in graph.ops)
            raise error if named else InputError(f"{op.name}: {error.message}", hint=error.hint) from error
    outputs = [_named(w, graph.output, f"{graph.output}_result" if graph.output == graph.input else graph.output)]
    for state in graph.states:
        after = w.requantized(w.values[graph.next_value(state)], w.values[state.input].quant)
        w.values[f"{state.input}:after"] = after
        outputs.append(_named(w, f"{state.input}:after", f"{state.input.removesuffix('_in')}_out"))
    return w.flat.bytes(inputs, outputs)


def _named(w: Writer, value: str, name: str) -> int:
    """A value as an output with a name of its own: a copy, because an output may also be read, or be there twice."""
    handle = w.values[value]
    shape = w.ints(1, *handle.shape)
    result = w.new(handle.shape, handle.quant, name)
    w.flat.operator("RESHAPE", [handle.tensor, shape], [result.tensor], 1, "Reshape")
    return result.tensor
