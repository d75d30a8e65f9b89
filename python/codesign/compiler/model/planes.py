# SPDX-License-Identifier: Apache-2.0
"""Real and imaginary parts as two inputs, or two outputs → one vector, all real parts and then all imaginary ones."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from codesign.base.errors import InputError
from codesign.compiler.frontend.read import Entry
from codesign.compiler.operators.operator import Shape

_REAL = re.compile(r"(^|[^a-z])m?(re|real|r)([^a-z]|$)")
_IMAGINARY = re.compile(r"(^|[^a-z])m?(im|imag|imaginary|i)([^a-z]|$)")
_HINT = (
    'inputs = ["re", "im"], or outputs, name two that are the parts of complex bins, inputs = { name = "log_magnitude" } says '
    'what each of several is, states = [["in", "out"]] pairs states (docs/model-file.md)'
)


@dataclass(frozen=True)
class Ports:
    """A model, the shapes of its inputs and outputs, and what follows for the chain from having joined some."""

    model: onnx.ModelProto
    inputs: dict[str, Shape]
    outputs: dict[str, Shape]
    entries: Mapping[str, Entry] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def planes_by_shape(*shapes: Shape) -> bool:
    """Whether a value of two parts has all of the first before the second: [2, bins] in one of the shapes, no [bins, 2]."""
    twos = [[n for n in shape if n != 1] for shape in shapes]
    pairs = [sizes for sizes in twos if len(sizes) == 2 and sizes.count(2) == 1]
    return bool(pairs) and all(sizes[0] == 2 for sizes in pairs)


def join_planes(path: Path, ports: Ports, free: tuple[Sequence[str], Sequence[str]], said: Mapping[str, Entry]) -> Ports:
    """The model with a pair of the free inputs and one of the free outputs joined, as the keys `inputs` and `outputs` in `said`
    name them, or by names such as re and im.

    Raises:
        InputError: keys that name something else, or several inputs or outputs of one size that are no such pair.
    """
    parts_in = _pair(path, "inputs", free[0], ports.inputs, said)
    parts_out = _pair(path, "outputs", free[1], ports.outputs, said)
    if parts_in is None and parts_out is None:
        return ports
    model, entries = onnx.ModelProto(), {"layout": Entry("planes", "two parts:")}
    model.CopyFrom(ports.model)
    inputs, outputs, notes = dict(ports.inputs), dict(ports.outputs), []
    if parts_in is not None:
        name, size = _split(model, parts_in, inputs)
        inputs = {name: (size,)} | {key: shape for key, shape in inputs.items() if key not in parts_in}
        notes.append(f"inputs '{parts_in[0]}' and '{parts_in[1]}' are the real and imaginary parts of a spectrum")
        entries["feature"] = Entry("spectrum", "two inputs:")
    if parts_out is not None:
        name, size = _joined(model, parts_out, outputs)
        outputs = {name: (size,)} | {key: shape for key, shape in outputs.items() if key not in parts_out}
        notes.append(f"outputs '{parts_out[0]}' and '{parts_out[1]}' are the real and imaginary parts of a mask or spectrum")
        entries["output"] = Entry("mask", "two outputs:")
    return Ports(model, inputs, outputs, entries, tuple(notes))


def _pair(
    path: Path, key: str, names: Sequence[str], shapes: Mapping[str, Shape], said: Mapping[str, Entry]
) -> tuple[str, str] | None:
    shown = ", ".join(f"'{name}' {list(shapes[name])}" for name in names) or "none"
    if key in said:
        first, second = _named(said[key], key, names, shown)
    elif len(names) < 2 or len({math.prod(shapes[name]) for name in names}) > 1:
        return None  # parts are as large as each other; others are states that lack a partner
    else:
        real = [name for name in names if _REAL.search(name.lower())]
        imaginary = [name for name in names if _IMAGINARY.search(name.lower()) and name not in real]
        if len(names) != 2 or len(real) != 1 or len(imaginary) != 1:
            verb = "is given" if key == "inputs" else "gives"
            raise InputError(f"{path}: {key} that are no states: {shown}; a network {verb} one vector", hint=_HINT)
        first, second = real[0], imaginary[0]
    if math.prod(shapes[first]) != math.prod(shapes[second]):
        raise InputError(f"{path}: {key} {shown} are not of one size", hint=_HINT)
    return first, second


def _named(entry: Entry, key: str, names: Sequence[str], shown: str) -> tuple[str, str]:
    value = entry.value
    try:
        wanted = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        wanted = None
    if not isinstance(wanted, list) or len(wanted) != 2 or wanted[0] == wanted[1] or any(n not in names for n in wanted):
        raise InputError(f"{entry.where} {key} does not name two of {shown}", hint=_HINT)
    return wanted[0], wanted[1]


def _split(model: onnx.ModelProto, pair: tuple[str, str], shapes: Mapping[str, Shape]) -> tuple[str, int]:
    """A new input in place of two: its name and size."""
    graph, name, size = model.graph, _new_name(model, "+".join(pair)), math.prod(shapes[pair[0]])
    nodes = []
    for number, part in enumerate(pair):
        info = next(i for i in graph.input if i.name == part)
        dims = [d.dim_value or 1 for d in info.type.tensor_type.shape.dim]
        graph.input.remove(info)
        cut = _new_name(model, f"{name}/{part}")
        bounds = {"start": number * size, "end": (number + 1) * size, "axis": 1}
        ends = [_constant(model, f"{cut}/{key}", [value]) for key, value in bounds.items()]
        nodes.append(helper.make_node("Slice", [name, *ends], [cut], name=cut))
        nodes.append(helper.make_node("Reshape", [cut, _constant(model, f"{cut}/shape", dims)], [part], name=f"{cut}/view"))
    for node in reversed(nodes):
        graph.node.insert(0, node)
    graph.input.insert(0, helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2 * size]))
    return name, 2 * size


def _joined(model: onnx.ModelProto, pair: tuple[str, str], shapes: Mapping[str, Shape]) -> tuple[str, int]:
    """A new output in place of two: its name and size."""
    graph, name, size = model.graph, _new_name(model, "+".join(pair)), math.prod(shapes[pair[0]])
    flat = []
    for part in pair:
        graph.output.remove(next(o for o in graph.output if o.name == part))
        flat.append(_new_name(model, f"{name}/{part}"))
        shape = _constant(model, f"{flat[-1]}/shape", [1, size])
        graph.node.append(helper.make_node("Reshape", [part, shape], [flat[-1]], name=flat[-1]))
    graph.node.append(helper.make_node("Concat", flat, [name], name=f"{name}/join", axis=1))
    graph.output.insert(0, helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2 * size]))
    return name, 2 * size


def _constant(model: onnx.ModelProto, wanted: str, numbers: Sequence[int]) -> str:
    name = _new_name(model, wanted)
    model.graph.initializer.append(numpy_helper.from_array(np.array(numbers, np.int64), name))
    return name


def _new_name(model: onnx.ModelProto, wanted: str) -> str:
    graph = model.graph
    taken = {value.name for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer)}
    taken |= {name for node in graph.node for name in (node.name, *node.output)}
    while wanted in taken:
        wanted += "+"
    return wanted
