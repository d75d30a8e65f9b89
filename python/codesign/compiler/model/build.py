# SPDX-License-Identifier: Apache-2.0
"""A one-step model → the terms of its values."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import onnx

from codesign.base.errors import InputError
from codesign.compiler.model import shapes
from codesign.compiler.model.file import opset_of
from codesign.compiler.model.hints import TABLE_HINT
from codesign.compiler.model.limits import MAX_VECTOR, type_name
from codesign.compiler.model.ops import OPERATORS
from codesign.compiler.model.ops.step import Build, Step, without_batch
from codesign.compiler.model.ops.view import constant_term
from codesign.compiler.model.terms import Constant, Input
from codesign.compiler.operators.operator import Shape

SHAPE_HINT = "a model is one time step of vectors, see docs/model-file.md"


def build_terms(path: Path, model: onnx.ModelProto, inputs: dict[str, Shape], *, skip: bool, tflite: bool) -> Build:
    """The terms of all values of a one-step model. With `skip`, operators that no layer computes are left out and listed.

    Raises:
        InputError: an operator or a pattern that is not supported, or sizes that do not fit, by node.
    """
    graph, opset = model.graph, opset_of(model)
    values = (*graph.input, *graph.value_info, *graph.output)
    names = frozenset([*(v.name for v in values), *(name for node in graph.node for name in node.output)])
    readers = Counter([*(name for node in graph.node for name in node.input), *(v.name for v in graph.output)])
    build = Build(path, names, readers=readers, tflite=tflite)
    for info in graph.input:
        build.types[info.name] = shapes.declared(info)
    for name, shape in inputs.items():
        build.terms[name] = Input(name, shape)
    for tensor in graph.initializer:
        build.terms[tensor.name] = constant_term(tensor.name, tensor)
        build.types[tensor.name] = shapes.stored(tensor)
    for node in graph.node:
        step = Step(build, node)
        if skip and (node.op_type not in OPERATORS or not all(name in build.types for name in node.input if name)):
            build.skipped.append(step)
            continue
        if node.op_type not in OPERATORS:
            raise InputError(f"{step.label}: operator {node.op_type} is not supported", hint=TABLE_HINT)
        shapes.infer_outputs(step, opset)
        OPERATORS[node.op_type][0](step)
        _check_results(step)
    build.quants = {**build.viewed_quants, **build.quants}
    for info in (*graph.value_info, *graph.output):
        problem = shapes.mismatch(build.types[info.name], info) if info.name in build.types else ""
        if problem:
            raise InputError(f"{path}: '{info.name}' {problem}", hint=SHAPE_HINT)
    return build


def _check_results(step: Step) -> None:
    """Every computed value has as many elements as onnx infers: nothing is broadcast, nothing is empty."""
    for name in step.node.output:
        term = step.build.terms.get(name)
        if term is None or isinstance(term, Constant):
            continue
        size = math.prod(step.shape(name))
        if size != term.size or not 1 <= size <= MAX_VECTOR:
            raise step.refuse(
                f"output '{name}' has shape {list(step.shape(name))} where {term.size} elements are expected",
                hint=f"every value has 1 to {MAX_VECTOR} elements, see docs/model-file.md",
            )


def graph_shape(path: Path, info: onnx.ValueInfoProto) -> Shape:
    """Shape of a graph input or output without the batch.

    Raises:
        InputError: it is not float32, or empty or too large.
    """
    kind = info.type.tensor_type
    if kind.elem_type != onnx.TensorProto.FLOAT:
        name = type_name(kind.elem_type)
        raise InputError(f"{path}: '{info.name}' is {name}, inputs and outputs must be float32", hint=SHAPE_HINT)
    dims = list(shapes.dims(shapes.declared(info)))
    size = math.prod(dims)
    if not 1 <= size <= MAX_VECTOR:
        raise InputError(f"{path}: '{info.name}' has shape {dims}, 1 to {MAX_VECTOR} elements are expected", hint=SHAPE_HINT)
    return without_batch(dims)
