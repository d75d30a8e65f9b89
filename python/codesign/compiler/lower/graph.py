# SPDX-License-Identifier: Apache-2.0
"""`lower`: one operator after the other, each by the module of its kind."""

from __future__ import annotations

from codesign.base.errors import InputError
from codesign.compiler.layers import Value
from codesign.compiler.lower.activation import lower_activation
from codesign.compiler.lower.context import UNIT_SCALE, Context
from codesign.compiler.lower.linear import lower_linear
from codesign.compiler.lower.lstm import lower_lstm
from codesign.compiler.lower.network import Network
from codesign.compiler.lower.skip_gate import lower_skip_gate
from codesign.compiler.model.graph import Activation, Graph, Linear, LstmCell, SkipGate


def lower(graph: Graph) -> Network:
    """The integer network of a quantized graph, as docs/numerics.md defines it.

    Raises InputError, naming the operator, for a graph that is not quantized, for quantization the kernels do not
    compute (several scales in a gate, weights of −128) and for numbers that could overflow.
    """
    context = Context(graph)
    quant = context.int8_quant("model input", graph.input)
    context.add(Value(graph.input, graph.sizes[graph.input], "int8", quant.scale, quant.zero_point))
    old_states = {state.input for state in graph.states}
    for op in graph.ops:
        if op.name in context.done:
            continue
        if op.source in old_states and not isinstance(op, SkipGate):
            raise InputError(
                f"{op.name}: reads state '{op.source}' as it was before the step, which is overwritten",
                hint="read the layer's output instead",
            )
        match op:
            case Linear():
                lower_linear(context, op)
            case Activation():
                lower_activation(context, op)
            case LstmCell():
                lower_lstm(context, op)
            case SkipGate():
                pass  # when all layers it guards are there
    for op in graph.ops:
        if isinstance(op, SkipGate):
            lower_skip_gate(context, op)
    _check_states(context)
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


def _check_states(context: Context) -> None:
    known = {state.value.name for state in context.states}
    for state in context.graph.states:
        if state.input not in known:
            raise InputError(f"state '{state.input}' belongs to no LSTM layer or skip gate")
