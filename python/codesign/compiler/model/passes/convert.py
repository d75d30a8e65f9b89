# SPDX-License-Identifier: Apache-2.0
"""A checked ModelProto → Draft and back: functions inlined, one version of the operators, a name for every node."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError, EncodeError
from onnx import inliner, version_converter

from codesign.base.errors import InputError, one_line
from codesign.compiler.model.file import first_words, opset_of
from codesign.compiler.model.limits import EXPORT_HINT, MAX_LIST, MAX_NODES, TOO_LARGE
from codesign.compiler.model.passes.branches import graphs_of, hoist
from codesign.compiler.model.passes.draft import Draft, title
from codesign.compiler.model.passes.outputs import state_pairs

WORKING_OPSET = 21
"""The first with QuantizeLinear to int16; what readers and passes see of older files."""


def draft_of(path: Path, model: onnx.ModelProto) -> Draft:
    """The draft of a checked model, which is not changed.

    Raises:
        InputError: functions that call themselves or unfold to more nodes than any model has.
    """
    own = onnx.ModelProto()
    own.CopyFrom(model)
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in own.graph.initializer}
    infos = [info for info in own.graph.input if info.name not in constants]
    _set_inputs(own, infos)
    if own.functions:
        _check_unfolded(path, own)
        try:
            own = inliner.inline_local_functions(own)
        except (RuntimeError, ValueError, DecodeError, EncodeError) as error:
            raise InputError(f"{path}: its functions cannot be inlined: {first_words(error)}", hint=EXPORT_HINT) from error
    big = [tensor for tensor in own.graph.initializer if math.prod(tensor.dims) > MAX_LIST]
    notes = []
    if opset_of(own) < WORKING_OPSET:
        converted = _converted(own, big)
        if isinstance(converted, str):
            notes.append(f"read as opset {opset_of(own)}: the conversion to opset {WORKING_OPSET} fails ({converted})")
        else:
            own = converted
            known = {t.name for t in big}
            constants = {
                **{name: array for name, array in constants.items() if name in known},
                **{tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in own.graph.initializer},
            }
    draft = Draft(
        path=path,
        opset=opset_of(own),
        nodes=list(own.graph.node),
        constants=constants,
        kinds={info.name: info.type.tensor_type.elem_type for info in infos},
        dims={
            info.name: [
                d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else d.dim_param or f"{info.name}:{axis}"
                for axis, d in enumerate(info.type.tensor_type.shape.dim)
            ]
            for info in infos
        },
        outputs=[info.name for info in model.graph.output],
        said=[*model.graph.value_info, *model.graph.output],
        notes=notes,
    )
    draft.taken = {name for node in draft.nodes for name in (*node.input, *node.output)} | set(constants) | set(draft.dims)
    _name_nodes(draft)
    _blank_unread(draft)
    for node in draft.nodes:
        for graph in graphs_of(node):
            hoist(draft, graph, {})
    return draft


def _set_inputs(model: onnx.ModelProto, infos: list[onnx.ValueInfoProto]) -> None:
    """Keep these graph inputs, and nothing that says what values inside look like: it is computed."""
    kept = [onnx.ValueInfoProto.FromString(info.SerializeToString()) for info in infos]
    for field in (model.graph.input, model.graph.value_info):
        del field[:]
    model.graph.input.extend(kept)


def _check_unfolded(path: Path, model: onnx.ModelProto) -> None:
    bodies = {(f.domain, f.name): f for f in model.functions}
    sizes: dict[tuple[str, str], int] = {}
    open_: set[tuple[str, str]] = set()

    def size(key: tuple[str, str]) -> int:
        if key in open_ or len(open_) > 64:
            raise InputError(f"{path}: function '{one_line(key[1], 60)}' calls itself, or functions too deep", hint=EXPORT_HINT)
        if key not in sizes:
            open_.add(key)
            sizes[key] = nodes(bodies[key].node)
            open_.discard(key)
        return sizes[key]

    def nodes(found: Iterable[onnx.NodeProto]) -> int:
        total = 0
        for node in found:
            key = (node.domain, node.op_type)
            total += size(key) if key in bodies else 1
            total += sum(nodes(graph.node) for graph in graphs_of(node))
            if total > MAX_NODES:
                raise InputError(f"{path}: its functions unfold to more than {MAX_NODES:,} nodes", hint=TOO_LARGE)
        return total

    nodes(model.graph.node)


def _converted(model: onnx.ModelProto, big: list[onnx.TensorProto]) -> onnx.ModelProto | str:
    """The model in the working opset, without its big tensors (as inputs), or why it cannot be converted."""
    light = onnx.ModelProto()
    light.CopyFrom(model)
    names = {tensor.name for tensor in big}
    small = [tensor for tensor in light.graph.initializer if tensor.name not in names]
    kept = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in small]
    del light.graph.initializer[:]
    light.graph.initializer.extend(kept)
    light.graph.input.extend(onnx.helper.make_tensor_value_info(t.name, t.data_type, list(t.dims)) for t in big)
    try:
        return version_converter.convert_version(light, WORKING_OPSET)
    except (RuntimeError, ValueError, TypeError, DecodeError, EncodeError) as error:
        return one_line(first_words(error), 80)


def _name_nodes(draft: Draft) -> None:
    """Unnamed nodes are called after what they make."""
    for node in draft.nodes:
        if not node.name:
            node.name = title(node)


def _blank_unread(draft: Draft) -> None:
    """Outputs of loops that nobody reads are left out: they may be what a loop cannot hand on."""
    read = set(draft.outputs)
    for node in draft.nodes:
        read.update(node.input)
        for graph in graphs_of(node):
            read.update(_captured(graph))
    for node in draft.nodes:
        if node.op_type == "Loop":
            node.output[:] = [name if name in read else "" for name in node.output]


def _captured(graph: onnx.GraphProto) -> set[str]:
    """All names that nodes inside of a graph read."""
    found = {info.name for info in graph.output}
    for node in graph.node:
        found.update(node.input)
        for inner in graphs_of(node):
            found |= _captured(inner)
    return found


def _name_apart(draft: Draft) -> None:
    """Give nodes of one name names of their own, as onnxruntime wants them."""
    seen: set[str] = set()
    for node in draft.nodes:
        name, count = node.name, 1
        while node.name in seen:
            count += 1
            node.name = f"{name}_{count}"
        seen.add(node.name)


def model_of(draft: Draft, original: onnx.ModelProto) -> onnx.ModelProto:
    """The model that a draft became, with the metadata of the original."""
    _name_apart(draft)
    used = {name for node in draft.nodes for name in node.input} | set(draft.outputs)
    initializers = [onnx.numpy_helper.from_array(array, name) for name, array in draft.constants.items() if name in used]
    graph = onnx.helper.make_graph(
        draft.nodes,
        original.graph.name or "step",
        [onnx.helper.make_value_info(name, draft.types[name].proto()) for name in draft.dims],
        [onnx.helper.make_value_info(name, draft.types[name].proto()) for name in draft.outputs],
        initializers,
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", draft.opset)])
    model.ir_version = max(original.ir_version, 10)
    model.metadata_props.extend(entry for entry in original.metadata_props if entry.key != "states")
    states = _states(draft, original)
    if states:
        model.metadata_props.add(key="states", value=states)
    return model


def _states(draft: Draft, original: onnx.ModelProto) -> str:
    """The metadata of state pairs: those of the file and the new ones; nothing where names pair them."""
    text = next((entry.value for entry in original.metadata_props if entry.key == "states"), "")
    if draft.initial and not text:
        named = sorted(state_pairs(draft, {}) - set(draft.states))
        return json.dumps([*map(list, named), *(_entry(draft, pair) for pair in draft.states)])
    if not draft.states or (not text and len(draft.dims) > len(draft.states) + 1):
        return str(text)
    try:
        old = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return str(text)  # said where metadata is read
    if not isinstance(old, list):
        return str(text)
    gone = set(draft.split.values())
    initial = {e[0]: e[2:] for e in old if isinstance(e, list) and e and isinstance(e[0], str) and e[0] in gone}
    new = [[*_entry(draft, pair), *initial.get(draft.split.get(pair[0], ""), [])] for pair in draft.states]
    return json.dumps([*(e for e in old if not (isinstance(e, list) and e and e[0] in initial)), *new])


def _entry(draft: Draft, pair: tuple[str, str]) -> list[object]:
    return [*pair, *([draft.initial[pair[0]]] if pair[0] in draft.initial else [])]
