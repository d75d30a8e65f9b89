# SPDX-License-Identifier: Apache-2.0
"""What the lowering of one graph knows so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codesign.base.errors import InputError
from codesign.compiler.layers import Layer, StateValue, Value
from codesign.compiler.layers.value import Dtype, bits_of
from codesign.compiler.lower.arrangement import Arranged, put
from codesign.compiler.lower.constants import QUANTIZE_HINT, clamp
from codesign.compiler.lower.convert import converted
from codesign.compiler.model.graph import Graph, Quant, State
from codesign.compiler.names import STAGES, identifier, unused

if TYPE_CHECKING:
    from codesign.compiler.operators import Operator


@dataclass
class Context:
    """The graph, and the network's parts as they grow.

    `aliases` maps names of the graph to names of the network where they differ (an LSTM's output is its hidden state; a state
    that changes before its last reader is read from a copy),
    `done` holds operators that an earlier one has absorbed, `lowered` those that have their layers, and `arranged` values that
    operators of layout have not put together yet. `histories` are the concatenations that states are held as: value → state.
    """

    graph: Graph
    values: dict[str, Value] = field(default_factory=dict)
    states: list[StateValue] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    arranged: dict[str, Arranged] = field(default_factory=dict)
    lowered: set[str] = field(default_factory=set)
    histories: dict[str, str] = field(default_factory=dict)

    @property
    def tflite(self) -> bool:
        """Whether the layers are to compute what TFLite's kernels do."""
        return self.graph.tflite

    def source(self, op: str, name: str) -> Value:
        """The value that `op` reads. Raises InputError when it is not computed before."""
        value = put(self, name) if name in self.arranged else self.values.get(self.aliases.get(name, name))
        if value is None:
            raise InputError(f"{op}: input '{name}' is not computed by an operator before it")
        return value

    def quant(self, *names: str) -> Quant | None:
        """Parameters of a value that goes by several names. Raises InputError when they differ or are out of range."""
        found = {name: self.graph.quants[name] for name in names if name in self.graph.quants}
        if len(set(found.values())) > 1:
            raise InputError(f"values {' and '.join(found)} are one value but quantized differently", hint=QUANTIZE_HINT)
        for name, quant in found.items():
            if quant.bits not in (8, 16) or not 0 < quant.scale < float("inf"):
                raise InputError(f"value '{name}': {quant.bits} bits with scale {quant.scale} cannot be used")
            if quant.bits == 8 and not -128 <= quant.zero_point <= 127:
                raise InputError(f"value '{name}': zero point {quant.zero_point}, activations are −127…127", hint=QUANTIZE_HINT)
            return quant
        return None

    def known_quant(self, op: str, *names: str) -> Quant:
        """Parameters of a value. Raises InputError when the file has none, or an int16 zero point."""
        quant = self.quant(*names)
        if quant is None:
            raise InputError(f"{op}: value '{names[0]}' is not quantized", hint=QUANTIZE_HINT)
        if quant.bits == 16 and quant.zero_point:
            raise InputError(f"{op}: int16 value '{names[0]}' must have zero point 0", hint=QUANTIZE_HINT)
        return quant

    def changes(self, name: str) -> bool:
        """Whether a layer that comes later may change the value `name` of the network in place: a state that is carried on."""
        return any(name in op.carried and op.name not in self.lowered for op in self.graph.ops)

    def add(self, value: Value) -> Value:
        """Register a value. Raises InputError when its name is taken."""
        if value.name in self.values:
            raise InputError(f"value '{value.name}' is computed twice")
        self.values[value.name] = value
        return value

    def add_value(self, name: str, quant: Quant, shape: Sequence[int] | None = None) -> Value:
        """Register a value with the parameters `quant`; without a shape it is one of the graph."""
        dtype: Dtype = "int16" if quant.bits == 16 else "int8"
        own = self.graph.shapes[name] if shape is None else shape
        return self.add(Value(name, own, dtype, quant.scale, quant.zero_point, full=self.tflite))

    def add_state(self, state: State, quant: Quant) -> Value:
        """Register a state with the parameters `quant`."""
        value = self.add_value(state.input, quant)
        starts = [clamp(x / value.scale + value.zero_point, value.low, value.high) for x in state.start.ravel().tolist()]
        self.states.append(StateValue(value, starts[0] if len(set(starts)) == 1 else tuple(starts)))
        return value

    def add_float_state(self, state: State) -> None:
        """Register a state of real numbers."""
        starts = bits_of(state.start.ravel()).tolist()
        value = self.add(Value(state.input, state.shape, "float32", 1.0))
        self.states.append(StateValue(value, starts[0] if len(set(starts)) == 1 else tuple(starts)))

    def in_place(self, op: Operator, name: str, output: str) -> bool:
        """Whether `op` may write `output` over the state `name`: that is its next value, and nobody reads the old one later."""
        graph = self.graph
        state = graph.state(name)
        if state is None or graph.next_value(state) != output:
            return False
        if name in self.aliases:  # all others read a copy
            return True
        if op.sources.count(name) != 1:
            return False
        if any(graph.next_value(other) == name for other in graph.states):
            return False
        order = [other.name for other in graph.schedule]
        return all(order.index(reader.name) <= order.index(op.name) for reader in graph.readers(name))

    def carried(self, op: Operator, name: str, output: str, quant: Quant) -> Value:
        """The value that is `name` before a layer that changes it in place and `output` after: a state or a copy of `name`."""
        if self.in_place(op, name, output):
            self.aliases[output] = name
            return self.values[name]
        source, value = self.source(op.name, name), self.add_value(output, quant)
        self.layers.append(converted(self.new_layer_name(f"{op.name}_{name}"), source, value))
        return value

    def new_name(self, wanted: str) -> str:
        """A name that neither graph nor network uses yet."""
        return unused(wanted, {*self.graph.shapes, *self.values})

    def new_layer_name(self, wanted: str) -> str:
        """A name that no operator of the graph and no layer of the network has."""
        return identifier(
            wanted, {*STAGES, *(op.name for op in self.graph.ops), *(layer.name for layer in self.layers)}, limit=48
        )

    def state(self, op: str, name: str) -> State:
        """The graph's state `name`. Raises InputError when there is none."""
        state = self.graph.state(name)
        if state is not None:
            return state
        raise InputError(f"{op}: '{name}' is not a state of the model (an input fed back from an output)")
