"""C of each layer kind: its constants, its descriptor and the function that runs it in the enhancer's memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.compiler.emit.literals import literals
from codesign.compiler.emit.names import checked, layer_identifier, member
from codesign.compiler.lower.network import (
    FullyConnected,
    Layer,
    Lookup8,
    Lookup16,
    Lstm,
    Network,
    Requantize,
    SkipGate,
)
from codesign.compiler.plan import BufferKey, MemoryPlan
from codesign.compiler.plan.packing import PACKERS

_CTYPES = {"int8": "int8_t", "int16": "int16_t", "uint16": "uint16_t", "int32": "int32_t", "uint32": "uint32_t"}
_CTYPES["float32"] = "float"


@dataclass(frozen=True)
class Array:
    """A constant C array."""

    name: str
    ctype: str
    count: int
    values: str

    @classmethod
    def of(cls, name: str, values: npt.NDArray[Any]) -> Array:
        return cls(checked(name), _CTYPES[str(values.dtype)], values.size, literals(values))


@dataclass(frozen=True)
class LayerCode:
    """C of one layer: the constants go to their own file, `code` to the model's, `function` is what the step calls."""

    function: str
    arrays: tuple[Array, ...]
    code: str


@dataclass(frozen=True)
class Context:
    """What the layers of one model have in common. `macro` has the names of the buffers' offsets."""

    model: str
    network: Network
    plan: MemoryPlan
    macro: Mapping[BufferKey, str]
    render: Callable[..., str]

    def at(self, name: str) -> str:
        """C expression for the value `name`, typed."""
        value = self.network.values[name]
        return f"({_CTYPES[value.dtype]} *)(memory + {self.value(name)})"

    def value(self, name: str) -> str:
        """Macro of the offset of the value `name`."""
        return self.macro[BufferKey("value", name)]

    def scratch(self, layer: str) -> str:
        return f"memory + {self.macro[BufferKey('scratch', layer)]}"

    def matrix(self, name: str, weights: npt.NDArray[np.int8]) -> tuple[Array, str]:
        """The packed array of a matrix and its cs_matrix initializer."""
        array = Array.of(name, PACKERS[self.plan.kernel](weights))
        rows, columns = weights.shape
        return array, f"{{ &cs_kernel_{self.plan.kernel}, {array.name}, {rows}, {columns} }}"


def emit_layer(layer: Layer, context: Context) -> LayerCode:
    """C of any layer."""
    prefix = layer_identifier(context.model, layer.name)
    match layer:
        case FullyConnected():
            return _fully_connected(layer, prefix, context)
        case Lstm():
            return _lstm(layer, prefix, context)
        case SkipGate():
            return _fully_connected(layer.delta_layer, prefix, context, scratch=layer.name)
        case Lookup16():
            table = f"cs_{layer.table}_table"
            return _elementwise(layer, prefix, context, (), f"cs_lookup_s16({table}, {{x}}, {{y}}, {{n}});")
        case Lookup8():
            array = Array.of(member(prefix, "table"), layer.table)
            return _elementwise(layer, prefix, context, (array,), f"cs_lookup_s8({array.name}, {{x}}, {{y}}, {{n}});")
        case Requantize():
            constants = f"{layer.multiplier}, {layer.shift}, {layer.zero_point}"
            return _elementwise(layer, prefix, context, (), f"cs_requantize_s16_s8({constants}, {{x}}, {{y}}, {{n}});")


def _fully_connected(layer: FullyConnected, prefix: str, context: Context, scratch: str = "") -> LayerCode:
    weights, matrix = context.matrix(member(prefix, "weights"), layer.weights)
    arrays = (
        weights,
        Array.of(member(prefix, "bias"), layer.bias),
        Array.of(member(prefix, "multiplier"), layer.multiplier),
        Array.of(member(prefix, "shift"), layer.shift.astype(np.int8)),
    )
    code = context.render(
        "layer_fully_connected.c.j2",
        layer=layer,
        prefix=prefix,
        matrix=matrix,
        bits=8 if context.network.values[layer.output].dtype == "int8" else 16,
        x=context.at(layer.source),
        y=context.at(layer.output),
        scratch=context.scratch(scratch or layer.name),
    )
    return LayerCode(prefix, arrays, code)


def _lstm(layer: Lstm, prefix: str, context: Context) -> LayerCode:
    inputs, input_matrix = context.matrix(member(prefix, "input_weights"), layer.input_weights)
    recurrent, recurrent_matrix = context.matrix(member(prefix, "recurrent_weights"), layer.recurrent_weights)
    code = context.render(
        "layer_lstm.c.j2",
        layer=layer,
        prefix=prefix,
        input_matrix=input_matrix,
        recurrent_matrix=recurrent_matrix,
        x=context.at(layer.source),
        hidden=context.at(layer.hidden),
        cell=context.at(layer.cell),
        scratch=context.scratch(layer.name),
    )
    return LayerCode(prefix, (inputs, recurrent, Array.of(member(prefix, "bias"), layer.bias)), code)


def _elementwise(
    layer: Lookup16 | Lookup8 | Requantize, prefix: str, context: Context, arrays: tuple[Array, ...], call: str
) -> LayerCode:
    x, y = context.at(layer.source), context.at(layer.output)
    statement = call.format(x=x, y=y, n=context.network.values[layer.source].size)
    return LayerCode(prefix, arrays, context.render("layer_elementwise.c.j2", prefix=prefix, statement=statement))
