# SPDX-License-Identifier: Apache-2.0
"""An ONNX file → Graph."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import onnx

from codesign.base.errors import InputError, one_line
from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.chain import OUTPUT_STAGE, SHARED
from codesign.compiler.frontend.read import CHAIN_KEYS, ChainMisfitError, ChainReading, Entry, Find, read_chain_keys
from codesign.compiler.model.build import SHAPE_HINT, build_terms, graph_shape
from codesign.compiler.model.cells import cell_of
from codesign.compiler.model.chain_file import SUFFIX, chain_entries, chain_file_entries, chain_path, finder, text_of
from codesign.compiler.model.described_inputs import OF_INPUTS, described, with_spectrum
from codesign.compiler.model.file import read_model
from codesign.compiler.model.float_entry import with_float_entry
from codesign.compiler.model.graph import Graph, State
from codesign.compiler.model.limits import IR_VERSION, TOO_LARGE
from codesign.compiler.model.metadata import free_ports, properties, read_states
from codesign.compiler.model.ops import OPERATORS
from codesign.compiler.model.ops.step import Build
from codesign.compiler.model.passes import simplify
from codesign.compiler.model.planes import Ports, join_planes, planes_by_shape
from codesign.compiler.model.recognize import Recognizer
from codesign.compiler.model.stage import StageFile
from codesign.compiler.model.terms import Constant
from codesign.compiler.operators.operator import Shape


def load_onnx(path: Path, chain: Path | None = None, result: str | None = None) -> Graph:
    """The graph of an ONNX file alone, float or quantized: one time step, which a file over many frames is turned into.

    `result` names the output to keep where the file has others than the mask.

    `chain` is a TOML file with the keys of the chain, for a model that cannot be edited; without, `<model>.toml` beside the
    model is taken when it has a [chain] table.

    Raises:
        InputError: as `load_stage`.
    """
    return load_stage(StageFile(path, chain, result))[0]


def load_stage(
    stage: StageFile,
    before: Chain | None = None,
    *,
    strict: bool = True,
    as_float: bool = False,
    partial: bool = False,
) -> tuple[Graph, ChainReading]:
    """The graph of a model file, and what was read and assumed of its chain; without a preset, frames are those of the chain
    `before`, of the first network in a row, where nothing says otherwise. Unless `strict`, that a chain is missing, or has
    other sizes than the network, is told in the reading, and the graph has the default one.

    With `as_float`, a quantized network becomes the float one that it stands for, without parameters of values. With
    `partial` the graph ends before the first operator that no layer computes, which its notes name.

    Raises:
        InputError: the file cannot be read or trusted, holds an operator or a pattern that is not supported, or numbers that
            make no sense. Names the file and the node, tensor or metadata key.
    """
    try:
        return _load(stage, before, strict=strict, as_float=as_float, partial=partial)
    except RecursionError:
        raise InputError(
            f"{stage.model}: hundreds of operators in a row", hint="no network for a hearing aid is this deep"
        ) from None
    except MemoryError:
        raise InputError(f"{stage.model}: needs more memory than there is", hint=TOO_LARGE) from None


def step_model(path: Path) -> onnx.ModelProto:
    """The network of a file as one step in ONNX, from which the graph is made: for onnxruntime, where it cannot run the file.

    Raises:
        InputError: as `load_onnx`.
    """
    model = simplify(path, read_model(path)[0], cell=cell_of).model
    model.ir_version = min(model.ir_version, IR_VERSION)
    return model


def read_chain(path: Path, chain: Path | None = None) -> ChainReading:
    """The chain of a model, or of a chain file alone, with what was assumed and which keys are unknown.

    Raises:
        InputError: the file cannot be read, or a key has a value that makes no sense.
    """
    if path.suffix.lower() == SUFFIX:
        return read_chain_keys(chain_file_entries(path), str(path), finder(path.parent, None))
    return _open(StageFile(path, chain), None, strict=True).reading


@dataclass(frozen=True)
class _Opened:
    """A model after the import: what its inputs and outputs are, and what is around it."""

    model: onnx.ModelProto
    sha256: str
    notes: tuple[str, ...]
    reading: ChainReading
    inputs: dict[str, Shape]
    outputs: dict[str, Shape]
    states: tuple[State, ...]
    features: str
    result: str


def _open(stage: StageFile, before: Chain | None, *, strict: bool = True, as_float: bool = False) -> _Opened:
    path = stage.model
    model, sha256 = read_model(path)
    entries = chain_entries(stage, properties(model))
    if before is not None:
        shared = {key: getattr(before, key) for key in (OUTPUT_STAGE if "preset" in entries else SHARED)}
        entries = {key: Entry(value, "stage 1:") for key, value in shared.items() if value not in ((), None)} | entries
    said = onnx.ModelProto()
    said.CopyFrom(model)
    onnx.helper.set_model_props(said, text_of(entries))
    simplified = simplify(path, said, stage.result or text_of(entries).get("result"), as_float=as_float, cell=cell_of)
    graph = simplified.model.graph
    constants = {tensor.name for tensor in graph.initializer}
    inputs = {i.name: graph_shape(path, i) for i in graph.input if i.name not in constants}
    outputs = {o.name: graph_shape(path, o) for o in graph.output}
    props = properties(simplified.model)
    ports = Ports(simplified.model, inputs, outputs)
    found = None if stage.keys else chain_path(stage)
    find, where = finder(found.parent if found else stage.folder, model), f"{path} with {found}" if found else str(path)
    if kinds := described(entries):
        ports = with_spectrum(path, ports, kinds, lambda keys: _chain_with(entries, keys, where, find), find)
        entries = _of_spectrum(entries, ports.entries)
        props = properties(ports.model)
    ports = join_planes(path, ports, free_ports(path, props, ports.inputs, ports.outputs), entries)
    entries, inputs, outputs = {**ports.entries, **entries}, ports.inputs, ports.outputs
    states = tuple(read_states(path, props, inputs, outputs))
    features = _remaining(path, "input", inputs, {state.input for state in states})
    result = _remaining(path, "output", outputs, {state.output for state in states})
    if "preset" not in entries and planes_by_shape(inputs[features], outputs[result]):
        entries.setdefault("layout", Entry("planes", f"{path}: shapes"))
    sizes = math.prod(inputs[features]), math.prod(outputs[result])
    try:
        reading = read_chain_keys(entries, where, find, *sizes)
    except InputError as error:
        silent = not entries.keys() & {*CHAIN_KEYS, "preset"}
        if strict or not (silent or isinstance(error, ChainMisfitError)):
            raise
        reading = ChainReading(Chain(), (), (), error, silent=silent)
    return _Opened(ports.model, sha256, simplified.notes + ports.notes, reading, inputs, outputs, states, features, result)


def _of_spectrum(entries: Mapping[str, Entry], found: Mapping[str, Entry]) -> dict[str, Entry]:
    """The keys of the chain whose one spectrum is in the place of several inputs; gains of bands are those of the one that has
    bands.
    """
    kept = {key: entry for key, entry in entries.items() if key not in OF_INPUTS}
    own = "gains_matrix" in kept or ("gains" in kept and kept["gains"].value != "bands")
    return {**kept, **{key: entry for key, entry in found.items() if not (own and key.startswith("gains"))}}


def _chain_with(entries: Mapping[str, Entry], keys: Mapping[str, Entry], where: str, find: Find) -> Chain:
    """The chain of other features, whatever the network gives."""
    others = ("gain", "running", "mean", "deviation", "layout")
    kept = {key: entry for key, entry in entries.items() if not key.startswith(others)}
    return read_chain_keys({**kept, **keys, "output": Entry("mask", where)}, where, find).chain


def _load(stage: StageFile, before: Chain | None, *, strict: bool, as_float: bool, partial: bool) -> tuple[Graph, ChainReading]:
    path, opened = stage.model, _open(stage, before, strict=strict, as_float=as_float)
    model, inputs, outputs, states = opened.model, opened.inputs, opened.outputs, opened.states
    feature, mask, props = opened.features, opened.result, properties(model)
    build = build_terms(path, model, inputs, skip=partial, tflite=not as_float and props.get("integers") == "tflite")
    stored = props.get("integers", "")
    kept = (f"the file has {one_line(stored, 40)}: they are taken as real numbers",) if stored.endswith(" weights") else ()
    left_out = [step for step in build.skipped if step.node.op_type not in OPERATORS]
    if build.skipped:
        mask, outputs = _last_known(build, model, outputs, states)
    for name in outputs:
        if name not in build.terms or isinstance(build.terms[name], Constant):
            raise InputError(f"{path}: output '{name}' is not computed from the inputs", hint=SHAPE_HINT)
    terms = {name: build.terms[name] for name in outputs}
    recognizer = Recognizer(path, states, terms, build.quants, build.names, tflite=build.tflite)
    mask_value = recognizer.emit_all(build.terms[mask])
    if not any(mask_value in op.outputs for op in recognizer.ops):
        raise InputError(
            f"{path}: mask '{mask}' is no layer's result", hint="end the network with a linear layer and a sigmoid"
        )
    loaded = Graph(
        name=one_line(props.get("name", "") or path.stem, 80) or "model",
        frontend=opened.reading.chain,
        input=feature,
        output=mask_value,
        states=states,
        ops=tuple(recognizer.ops),
        shapes={feature: inputs[feature]},
        quants=build.quants,
        updates=recognizer.updates,
        licence=one_line(props.get("licence", ""), 80),
        sha256=opened.sha256,
        notes=(*opened.notes, *kept, *(f"{s.display} ({s.node.op_type}) is not shown: no layer computes it" for s in left_out)),
        tflite=build.tflite,
    )
    return with_float_entry(_with_output_named(loaded, mask), props.get("float32", "")), opened.reading


def _last_known(
    build: Build, model: onnx.ModelProto, outputs: dict[str, Shape], states: tuple[State, ...]
) -> tuple[str, dict[str, Shape]]:
    """The last value that is known before a node that is not, in the place of the result."""
    first = build.skipped[0]
    made = {name for node in model.graph.node for name in node.output}
    found = [name for name in first.node.input if name in made and not isinstance(build.terms.get(name), Constant | None)]
    if not found or any(state.output not in build.terms for state in states):
        raise first.refuse(f"operator {first.node.op_type} is not supported")
    return found[0], {found[0]: build.terms[found[0]].shape, **{state.output: outputs[state.output] for state in states}}


def _remaining(path: Path, kind: str, shapes_of: dict[str, Shape], taken: set[str]) -> str:
    left = [name for name in shapes_of if name not in taken]
    if len(left) != 1:
        names = ", ".join(f"'{name}'" for name in left) or "none"
        role = "features" if kind == "input" else "mask"
        hint = f"--result NAME keeps one; {SHAPE_HINT}" if kind == "output" and left else SHAPE_HINT
        raise InputError(f"{path}: {kind}s that are no states: {names}; exactly one is expected, the {role}", hint=hint)
    return left[0]


def _with_output_named(graph: Graph, name: str) -> Graph:
    """The same graph with the mask's value called what the file calls the output: a QDQ pair in between gives it another."""
    old = graph.output
    if old == name:
        return graph

    def renamed(value: str) -> str:
        return name if value == old else value

    ops = (op.wired(op.name, list(map(renamed, op.sources)), list(map(renamed, op.outputs))) for op in graph.ops)
    return replace(
        graph,
        output=name,
        ops=tuple(ops),
        shapes={graph.input: graph.shapes[graph.input]},
        quants={renamed(key): quant for key, quant in graph.quants.items()},
        updates={state: renamed(value) for state, value in graph.updates.items()},
    )
