# SPDX-License-Identifier: Apache-2.0
"""`lower`: one operator after the other, each by its own verb; then the states get their next values."""

from __future__ import annotations

from codesign.base.errors import InputError
from codesign.compiler.layers import Value
from codesign.compiler.lower.constants import UNIT_SCALE
from codesign.compiler.lower.context import Context
from codesign.compiler.lower.network import Network
from codesign.compiler.lower.states import add_states, update_states
from codesign.compiler.model.graph import Graph


def lower(graph: Graph) -> Network:
    """The integer network of a quantized graph, as docs/numerics.md defines it.

    Raises InputError, naming the operator, for a graph that is not quantized, for quantization the kernels do not
    compute (several scales in a gate, weights of −128) and for numbers that could overflow.
    """
    context = Context(graph)
    quant = context.int8_quant("model input", graph.input)
    context.add(Value(graph.input, graph.shapes[graph.input], "int8", quant.scale, quant.zero_point))
    add_states(context)
    for op in graph.schedule:
        if op.name not in context.done:
            op.lower(context)
    update_states(context)
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
    """Name of the mask. Raises InputError unless it is int8 or int16 Q0.15."""
    output = context.graph.output
    value = context.values.get(context.aliases.get(output, output))
    if value is None:
        raise InputError(f"model output '{output}' is not computed by any operator")
    if value.dtype == "int16" and value.scale != UNIT_SCALE:
        raise InputError(f"model output '{output}' is int16 with scale {value.scale:g}, a mask has 2^-15")
    return value.name
