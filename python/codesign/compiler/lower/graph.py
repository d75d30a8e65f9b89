# SPDX-License-Identifier: Apache-2.0
"""`lower`: one operator after the other, each by its own verb; then the states get their next values."""

from __future__ import annotations

from codesign.base.errors import InputError
from codesign.compiler.layers import Value
from codesign.compiler.lower.context import Context
from codesign.compiler.lower.history import keep_rings
from codesign.compiler.lower.in_place import read_in_place
from codesign.compiler.lower.network import Network
from codesign.compiler.lower.states import add_states, update_states
from codesign.compiler.model.graph import Graph


def lower(graph: Graph) -> Network:
    """The integer network of a quantized graph, as docs/numerics.md defines it.

    Raises InputError, naming the operator, for a graph that is not quantized, for quantization the kernels do not
    compute (several scales in a gate, weights of −128) and for numbers that could overflow.
    """
    context = Context(graph)
    if graph.has_float_input:
        context.add(Value(graph.input, graph.shapes[graph.input], "float32", 1.0))
    else:
        context.add_value(graph.input, context.known_quant("model input", graph.input))
    add_states(context)
    for op in graph.schedule:
        if op.name not in context.done:
            op.lower(context)
        context.lowered.add(op.name)
    update_states(context)
    read_in_place(context)
    keep_rings(context)
    return Network(
        name=graph.name,
        frontend=graph.frontend,
        values=context.values,
        states=tuple(context.states),
        input=graph.input,
        output=_output(context),
        layers=tuple(context.layers),
        licence=graph.licence,
        sha256=graph.sha256,
    )


def _output(context: Context) -> str:
    """Name of the mask. Raises InputError where nothing computes it."""
    output = context.graph.output
    value = context.values.get(context.aliases.get(output, output))
    if value is None:
        raise InputError(f"model output '{output}' is not computed by any operator")
    return value.name
