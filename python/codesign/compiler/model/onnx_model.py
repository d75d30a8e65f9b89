# SPDX-License-Identifier: Apache-2.0
"""An ONNX file → Graph."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import onnx

from codesign.base.errors import InputError, one_line
from codesign.compiler.frontend.read import ChainReading, Entry, read_chain_keys
from codesign.compiler.model import shapes
from codesign.compiler.model.chain_file import SUFFIX, chain_entries, chain_file_entries, chain_path, finder, text_of
from codesign.compiler.model.file import opset_of, read_model
from codesign.compiler.model.graph import Activation, Graph, Linear
from codesign.compiler.model.limits import MAX_VECTOR, TOO_LARGE, type_name
from codesign.compiler.model.metadata import properties, read_states
from codesign.compiler.model.ops import OPERATORS
from codesign.compiler.model.ops.step import TABLE_HINT, Build, Step
from codesign.compiler.model.ops.view import constant_term
from codesign.compiler.model.recognize import Recognizer
from codesign.compiler.model.terms import Constant, Input

_SHAPE_HINT = "a model is one time step of vectors, see docs/model-file.md"


def load_onnx(path: Path, chain: Path | None = None) -> Graph:
    """The graph of an ONNX file of one time step, float or QDQ int8.

    `chain` is a TOML file with the keys of the chain, for a model that cannot be edited; without, `<model>.toml` beside the
    model is taken when it has a [chain] table.

    Raises:
        InputError: the file cannot be read or trusted, holds an operator or a pattern that is not supported, or numbers that
            make no sense. Names the file and the node, tensor or metadata key.
    """
    try:
        return _load(path, chain)
    except RecursionError:
        raise InputError(f"{path}: hundreds of operators in a row", hint="no network for a hearing aid is this deep") from None
    except MemoryError:
        raise InputError(f"{path}: needs more memory than there is", hint=TOO_LARGE) from None


def read_chain(path: Path, chain: Path | None = None) -> ChainReading:
    """The chain of a model, or of a chain file alone, with what was assumed and which keys are unknown.

    Raises:
        InputError: the file cannot be read, or a key has a value that makes no sense.
    """
    if path.suffix.lower() == SUFFIX:
        return read_chain_keys(chain_file_entries(path), str(path), finder(path.parent, None))
    model, _ = read_model(path)
    inputs, outputs = _sizes(path, model)
    entries = chain_entries(path, properties(model), chain)
    states = read_states(path, text_of(entries), inputs, outputs)
    features = _remaining(path, "input", inputs, {state.input for state in states})
    mask = _remaining(path, "output", outputs, {state.output for state in states})
    return _chain(path, model, entries, chain, inputs[features], outputs[mask])


def _chain(
    path: Path, model: onnx.ModelProto, entries: dict[str, Entry], file: Path | None, n_features: int, n_outputs: int
) -> ChainReading:
    found = chain_path(path, file)
    find = finder(found.parent if found else None, model)
    return read_chain_keys(entries, str(path), find, n_features, n_outputs)


def _sizes(path: Path, model: onnx.ModelProto) -> tuple[dict[str, int], dict[str, int]]:
    """Elements of the graph's inputs and of its outputs, by name."""
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = {i.name: _vector_size(path, i) for i in model.graph.input if i.name not in constants}
    return inputs, {o.name: _vector_size(path, o) for o in model.graph.output}


def _load(path: Path, chain: Path | None) -> Graph:
    model, sha256 = read_model(path)
    entries = chain_entries(path, properties(model), chain)
    props = text_of(entries)
    inputs, outputs = _sizes(path, model)
    states = read_states(path, props, inputs, outputs)
    feature = _remaining(path, "input", inputs, {state.input for state in states})
    mask = _remaining(path, "output", outputs, {state.output for state in states})
    frontend = _chain(path, model, entries, chain, inputs[feature], outputs[mask]).chain
    build = _build(path, model, inputs)
    for name in outputs:
        if name not in build.terms or isinstance(build.terms[name], Constant):
            raise InputError(f"{path}: output '{name}' is not computed from the inputs", hint=_SHAPE_HINT)
    recognizer = Recognizer(path, states, {name: build.terms[name] for name in outputs}, build.quants)
    mask_value = recognizer.emit_all(build.terms[mask])
    if not any(isinstance(op, Linear | Activation) and op.output == mask_value for op in recognizer.ops):
        raise InputError(
            f"{path}: mask '{mask}' is no linear layer's or activation's result",
            hint="end the network with a linear layer and a sigmoid",
        )
    for name, size in inputs.items():
        recognizer.sizes.setdefault(name, size)
    loaded = Graph(
        name=one_line(props.get("name", "") or path.stem, 80) or "model",
        frontend=frontend,
        input=feature,
        output=mask_value,
        states=states,
        ops=tuple(recognizer.ops),
        sizes=recognizer.sizes,
        quants=build.quants,
        licence=one_line(props.get("licence", ""), 80),
        sha256=sha256,
    )
    _check_states_are_used(path, loaded)
    return _with_output_named(loaded, mask)


def _build(path: Path, model: onnx.ModelProto, inputs: dict[str, int]) -> Build:
    graph, opset = model.graph, opset_of(model)
    values = (*graph.input, *graph.value_info, *graph.output)
    build = Build(path, frozenset([*(v.name for v in values), *(name for node in graph.node for name in node.output)]))
    for info in graph.input:
        build.types[info.name] = shapes.declared(info)
    for name, size in inputs.items():
        build.terms[name] = Input(name, size)
    for tensor in graph.initializer:
        build.terms[tensor.name] = constant_term(tensor.name, tensor)
        build.types[tensor.name] = shapes.stored(tensor)
    for node in graph.node:
        step = Step(build, node)
        if node.op_type not in OPERATORS:
            raise InputError(f"{step.label}: operator {node.op_type} is not supported", hint=TABLE_HINT)
        shapes.infer_outputs(step, opset)
        OPERATORS[node.op_type][0](step)
        _check_results(step)
    for info in (*graph.value_info, *graph.output):
        problem = shapes.mismatch(build.types[info.name], info) if info.name in build.types else ""
        if problem:
            raise InputError(f"{path}: '{info.name}' {problem}", hint=_SHAPE_HINT)
    return build


def _check_results(step: Step) -> None:
    """Every computed value is a vector of as many elements as onnx infers: nothing is broadcast, nothing is empty."""
    for index, name in enumerate(step.node.output):
        term = step.build.terms.get(name)
        if term is None or isinstance(term, Constant):
            continue
        size = step.size(index)
        if size != term.size or not 1 <= size <= MAX_VECTOR:
            raise step.refuse(
                f"output '{name}' has shape {list(step.shape(name))} where a vector of {term.size} is expected",
                hint=f"every value is one vector of 1 to {MAX_VECTOR} elements, see docs/model-file.md",
            )


def _vector_size(path: Path, info: onnx.ValueInfoProto) -> int:
    """Elements of a graph input or output."""
    kind = info.type.tensor_type
    if kind.elem_type != onnx.TensorProto.FLOAT:
        name = type_name(kind.elem_type)
        raise InputError(f"{path}: '{info.name}' is {name}, inputs and outputs must be float32", hint=_SHAPE_HINT)
    dims = list(shapes.dims(shapes.declared(info)))
    size = math.prod(dims)
    if sum(d != 1 for d in dims) > 1 or not 1 <= size <= MAX_VECTOR:
        raise InputError(f"{path}: '{info.name}' has shape {dims}, a vector of 1 to {MAX_VECTOR} is expected", hint=_SHAPE_HINT)
    return size


def _remaining(path: Path, kind: str, sizes: dict[str, int], taken: set[str]) -> str:
    left = [name for name in sizes if name not in taken]
    if len(left) != 1:
        names = ", ".join(f"'{name}'" for name in left) or "none"
        role = "features" if kind == "input" else "mask"
        raise InputError(f"{path}: {kind}s that are no states: {names}; exactly one is expected, the {role}", hint=_SHAPE_HINT)
    return left[0]


def _check_states_are_used(path: Path, graph: Graph) -> None:
    used = {getattr(op, key) for op in graph.ops for key in ("hidden", "cell", "state") if hasattr(op, key)}
    for state in graph.states:
        if state.input not in used:
            raise InputError(f"{path}: no LSTM or skip gate uses the state '{state.input}'", hint=_SHAPE_HINT)


def _with_output_named(graph: Graph, name: str) -> Graph:
    """The same graph with the mask's value called what the file calls the output: a QDQ pair in between gives it another."""
    old = graph.output
    if old == name:
        return graph

    def renamed(value: str) -> str:
        return name if value == old else value

    ops = tuple(
        replace(op, output=name) if isinstance(op, Linear | Activation) and op.output == old else op for op in graph.ops
    )
    return replace(
        graph,
        output=name,
        ops=ops,
        sizes={renamed(key): size for key, size in graph.sizes.items()},
        quants={renamed(key): quant for key, quant in graph.quants.items()},
    )
