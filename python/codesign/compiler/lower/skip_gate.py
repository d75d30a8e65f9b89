# SPDX-License-Identifier: Apache-2.0
"""SkipGate: the gate before the LSTM layers it guards, its own layer after them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codesign.base.errors import InputError
from codesign.compiler.layers import Lstm, SkipGate, StateValue, Value
from codesign.compiler.lower.constants import LOGIT_SCALE, UNIT_SCALE
from codesign.compiler.lower.linear import linear_layer

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.operators.skip_gate import SkipGate as SkipGateOp


def lower_skip_gate(context: Context, op: SkipGateOp) -> None:
    """Insert the gate before the first layer it guards and add its two states; all LSTM layers are there already.

    Raises InputError for a gate that does not read a layer that it guards, or whose state is not its own or starts closed.
    """
    first, guarded = _guarded(context, op)
    hidden = {layer.hidden for layer in guarded}
    source = context.source(op.name, op.source)
    if source.name not in hidden:
        raise InputError(f"{op.name}: '{op.source}' is not the hidden state of a layer that the gate guards")
    state = context.state(op.name, op.state)
    if not context.in_place(op, op.state, op.outputs[0]):
        raise InputError(f"{op.name}: state '{op.state}' of the gate is not what it is given back as")
    if float(state.start.ravel()[0]) < 0.5:
        raise InputError(f"{op.name}: state '{op.state}' starts below 0.5, the gate would never open", hint="start at 1")
    logit, delta = context.new_name(f"{op.state}_logit"), context.new_name(f"{op.state}_delta")
    value = context.add(Value(logit, 1, "int16", LOGIT_SCALE))
    layer = linear_layer(f"{op.name}_delta", source, value, op.weight, op.bias)
    context.states.append(StateValue(context.add(Value(delta, 1, "int16", UNIT_SCALE))))
    context.aliases[op.outputs[0]] = op.state
    names = tuple(g.name for g in guarded)
    context.layers.insert(first, SkipGate(op.name, op.state, delta, names, layer))


def _guarded(context: Context, op: SkipGateOp) -> tuple[int, list[Lstm]]:
    """Position of the first guarded layer, and the guarded layers in order."""
    places = [i for i, layer in enumerate(context.layers) if isinstance(layer, Lstm) and layer.name in op.layers]
    guarded = [layer for layer in context.layers if isinstance(layer, Lstm) and layer.name in op.layers]
    if not guarded or {layer.name for layer in guarded} != set(op.layers):
        raise InputError(f"{op.name}: guards {', '.join(op.layers) or 'nothing'}, not all of which are LSTM layers")
    if places[-1] - places[0] + 1 != len(places):
        raise InputError(f"{op.name}: the layers it guards do not follow one another without a gap")
    return places[0], guarded
