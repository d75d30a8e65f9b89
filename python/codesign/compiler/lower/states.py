# SPDX-License-Identifier: Apache-2.0
"""States that no layer changes in place: what is read is the old value, and the step's last layers bring the next one."""

from __future__ import annotations

from codesign.base.errors import InputError
from codesign.compiler.layers import Value
from codesign.compiler.lower.constants import QUANTIZE_HINT
from codesign.compiler.lower.context import Context
from codesign.compiler.lower.convert import converted
from codesign.compiler.lower.history import add_history, history_of


def add_states(context: Context) -> None:
    """Register every state, with the parameters that an operator needs which carries it on in place.

    Raises InputError for a state whose next value nobody computes, or that has no parameters.
    """
    graph = context.graph
    guarded = {name for gate in graph.ops if gate.guards for name in (gate.name, *gate.guards)}
    for state in graph.states:
        after = graph.next_value(state)
        if after not in graph.shapes:
            raise InputError(f"state '{state.input}': its next value '{after}' is not computed by any operator")
        if graph.size(after) != state.size:
            raise InputError(f"state '{state.input}' has {state.size} elements, its next value {graph.size(after)}")
        if graph.is_float(state.input):
            context.add_float_state(state)
            continue
        joined = history_of(graph, state)
        if joined is not None:
            add_history(context, state, joined)
            continue
        carriers = [op for op in graph.ops if state.input in op.carried]
        owner = next((op for op in carriers if context.in_place(op, state.input, op.carried[state.input])), None)
        gated = next((op for op in carriers if op.name in guarded), None)  # it changes the state in place, or not at all
        changes = owner or gated
        own = changes.carried_quants(context).get(state.input) if changes is not None else None
        quant = own or context.quant(state.input) or context.quant(after)
        if quant is None:
            raise InputError(f"state '{state.input}' is not quantized", hint=QUANTIZE_HINT)
        value = context.add_state(state, quant)
        if gated is not None and (owner is None or (gated.guards and len(graph.readers(state.input)) > 1)):
            _keep_old(context, value)


def _keep_old(context: Context, state: Value) -> None:
    """A copy of a state as it is before the step, for all readers but the layer that changes it."""
    old = context.add(Value(context.new_name(f"{state.name}_old"), state.shape, state.dtype, state.scale, state.zero_point))
    context.layers.append(converted(context.new_layer_name(old.name), state, old))
    context.aliases[state.name] = old.name


def update_states(context: Context) -> None:
    """Append the copies of next values to states. A state that another one takes over is read before it is written."""
    waiting = dict(_next_values(context))
    while waiting:
        read = {source.name for source, _ in waiting.values()}
        ready = [name for name in waiting if name not in read]
        if not ready:  # states that change places: one of them steps aside
            name = next(iter(waiting))
            value = context.values[name]
            same = value.shape, value.dtype, value.scale, value.zero_point
            aside = context.add(Value(context.new_name(f"{name}_old"), *same, full=value.full))
            context.layers.append(converted(context.new_layer_name(f"{name}_aside"), value, aside))
            waiting = {n: (aside if source.name == name else source, to) for n, (source, to) in waiting.items()}
            ready = [name]
        for name in ready:
            source, to = waiting.pop(name)
            context.layers.append(converted(context.new_layer_name(f"{name}_next"), source, to))


def _next_values(context: Context) -> list[tuple[str, tuple[Value, Value]]]:
    """The states that need a copy: name, and from where to where."""
    found = []
    for state in context.graph.states:
        if state.input in context.histories.values():
            continue
        source = context.source(f"state {state.input}", context.graph.next_value(state))
        if source.name != state.input:
            found.append((state.input, (source, context.values[state.input])))
    return found
