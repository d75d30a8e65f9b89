# SPDX-License-Identifier: Apache-2.0
"""A graph that passes may change: nodes in order, constants as arrays, values with types."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from codesign.base.errors import InputError, one_line
from codesign.compiler.model.hints import TABLE_HINT
from codesign.compiler.model.limits import MAX_NODES, TOO_LARGE
from codesign.compiler.names import unused

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Shaped:
    """Type of a value: ONNX's number of the element type, and all sizes."""

    kind: int
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    def proto(self) -> onnx.TypeProto:
        """The same for an ONNX file."""
        return onnx.helper.make_tensor_type_proto(self.kind, list(self.shape))


@dataclass(frozen=True)
class CellWeights:
    """An LSTM's or GRU's cell in ONNX's order of gates: matrices (gates · units, columns), biases of both, one after the other;
    `hidden` is the state that is its result.
    """

    kind: str
    hidden: str
    input: Array
    recurrent: Array
    bias: Array
    reset_after: bool = False


@dataclass
class Draft:
    """Nodes in execution order; `types` of values and `constants` by name, notes for people.

    `dims` are the sizes of the graph's inputs as the file has them, a symbol where it gives no number.
    """

    path: Path
    opset: int
    nodes: list[onnx.NodeProto]
    constants: dict[str, Array]
    kinds: dict[str, int]
    dims: dict[str, list[int | str]]
    outputs: list[str]
    said: list[onnx.ValueInfoProto] = field(default_factory=list)
    """What the file says of values."""
    states: list[tuple[str, str]] = field(default_factory=list)
    split: dict[str, str] = field(default_factory=dict)
    """Inputs that are a part of a state of the file."""
    types: dict[str, Shaped] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    initial: dict[str, list[float]] = field(default_factory=dict)
    """What new states start from, by their inputs, row-major; zero where nothing is said."""
    cell: Callable[[onnx.ModelProto], CellWeights | None] | None = None
    """What finds the cell that a model of one step is, in loops."""

    def clone(self) -> Draft:
        """A draft of its own; arrays are shared, nobody writes into one."""
        nodes = []
        for node in self.nodes:
            own = onnx.NodeProto()
            own.CopyFrom(node)
            nodes.append(own)
        return Draft(
            self.path,
            self.opset,
            nodes,
            dict(self.constants),
            dict(self.kinds),
            copy.deepcopy(self.dims),
            list(self.outputs),
            self.said,
            list(self.states),
            dict(self.split),
            dict(self.types),
            list(self.notes),
            set(self.taken),
            dict(self.initial),
            self.cell,
        )

    def refuse(self, node: onnx.NodeProto, message: str, hint: str = TABLE_HINT) -> InputError:
        """The error for something in a node."""
        return InputError(f"{label(self.path, node)}: {message}", hint=hint)

    def note(self, text: str) -> None:
        """Remember what people should know of the import."""
        text = one_line(text, 200)
        if text not in self.notes:
            self.notes.append(text)

    def fresh(self, base: str) -> str:
        """A name of a value that is not taken yet."""
        name = unused(base, self.taken)
        self.taken.add(name)
        return name

    def constant(self, array: Array, base: str) -> str:
        """Name of a new constant."""
        name = self.fresh(base)
        self.put(name, np.asarray(array, order="C"))
        return name

    def put(self, name: str, array: Array) -> None:
        """Make a value a constant."""
        self.constants[name] = array
        self.types[name] = Shaped(int(onnx.helper.np_dtype_to_tensor_dtype(array.dtype)), array.shape)

    def take_constants(self) -> None:
        """Make constants of nodes that hold a tensor."""
        kept = []
        for node in self.nodes:
            tensor = attribute(node, "value") if node.op_type == "Constant" else None
            if tensor is None:
                kept.append(node)
            else:
                self.put(str(node.output[0]), np.asarray(onnx.numpy_helper.to_array(tensor)))
        self.nodes[:] = kept

    def shape(self, name: str) -> tuple[int, ...]:
        """Sizes of a value."""
        return self.types[name].shape

    def makers(self) -> dict[str, onnx.NodeProto]:
        """Value → the node that makes it."""
        return {name: node for node in self.nodes for name in node.output if name}

    def readers(self) -> dict[str, list[onnx.NodeProto]]:
        """Value → nodes that read it; a graph output counts as a reader of its own, an empty node."""
        found: dict[str, list[onnx.NodeProto]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.input):
                if name:
                    found.setdefault(name, []).append(node)
        for name in self.outputs:
            found.setdefault(name, []).append(onnx.NodeProto())
        return found

    def replace(self, old: str, new: str) -> None:
        """Let all nodes read `new` in place of `old`."""
        for node in self.nodes:
            for index, name in enumerate(node.input):
                if name == old:
                    node.input[index] = new

    def substitute(self, new: dict[int, list[onnx.NodeProto]]) -> bool:
        """Put nodes in the place of others, which are given by `id`; whether there were any."""
        self.nodes[:] = [node for old in self.nodes for node in new.get(id(old), [old])]
        return bool(new)

    def drop_dead(self) -> None:
        """Remove nodes and constants that no output needs."""
        needed, kept = set(self.outputs), []
        for node in reversed(self.nodes):
            if any(name in needed for name in node.output):
                kept.append(node)
                needed.update(node.input)
        self.nodes[:] = reversed(kept)
        for name in [name for name in self.constants if name not in needed]:
            del self.constants[name]
        self._check_size()

    def _check_size(self) -> None:
        if len(self.nodes) > MAX_NODES:
            raise InputError(f"{self.path}: more than {MAX_NODES:,} nodes once unfolded", hint=TOO_LARGE)


def label(path: Path, node: onnx.NodeProto) -> str:
    """How errors name a node."""
    return one_line(f"{path}: node '{title(node)}' ({node.op_type})", 200)


def title(node: onnx.NodeProto) -> str:
    """Name of a node, or of what it makes."""
    return str(node.name or next((name for name in node.output if name), "?"))


def attribute(node: onnx.NodeProto, name: str, default: Any = None) -> Any:
    """Value of an attribute."""
    for entry in node.attribute:
        if entry.name == name:
            return onnx.helper.get_attribute_value(entry)
    return default


def set_attribute(node: onnx.NodeProto, name: str, value: Any) -> None:
    """Give an attribute another value."""
    for index, entry in enumerate(node.attribute):
        if entry.name == name:
            del node.attribute[index]
            break
    node.attribute.append(onnx.helper.make_attribute(name, value))


def operand(node: onnx.NodeProto, index: int) -> str:
    """Name of an input, "" where it is left out."""
    return str(node.input[index]) if index < len(node.input) else ""


def make(kind: str, inputs: Sequence[str], outputs: Sequence[str], name: str, **attributes: Any) -> onnx.NodeProto:
    """A new node."""
    return onnx.helper.make_node(kind, list(inputs), list(outputs), name=name, **attributes)


def positive(axis: int, rank: int) -> int:
    """An axis counted from the front."""
    return axis + rank if axis < 0 else axis
