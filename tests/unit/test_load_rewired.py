# SPDX-License-Identifier: Apache-2.0
"""Networks with nodes rewired at random: refused in one line, or computed as onnxruntime computes them."""

import random

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from codesign.base.errors import InputError
from codesign.compiler.model import load_onnx
from codesign.compiler.quantize.float_run import float_run
from models import FORMS, float_network

pytestmark = pytest.mark.slow  # the file as a whole

OPERATORS = ("Add", "Mul", "Min", "Sigmoid", "Tanh", "Relu", "Identity", "Gemm", "MatMul", "Where", "Flatten", "Transpose")
CASES = 120


def shapes_of(model):
    graph = onnx.shape_inference.infer_shapes(model).graph
    values = {v.name: tuple(d.dim_value for d in v.type.tensor_type.shape.dim) for v in (*graph.input, *graph.value_info)}
    return values | {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}


def rewire(model, shapes, rng):
    """One change: another input of the same shape, another operator, inputs swapped, other numbers."""
    graph, node = model.graph, rng.choice(model.graph.node)
    match rng.randrange(6):
        case 0 | 1 | 2 if node.input:
            at = rng.randrange(len(node.input))
            before = list(graph.node)[: list(graph.node).index(node)]
            known = [v.name for v in graph.input] + [out for n in before for out in n.output if out]
            same = [name for name in known if shapes.get(name) == shapes.get(node.input[at])]
            node.input[at] = rng.choice(same or known)
        case 3 if len(node.input) > 1:
            node.input[0], node.input[1] = node.input[1], node.input[0]
        case 4:
            node.op_type = rng.choice(OPERATORS)
        case _:
            tensor = rng.choice(graph.initializer)
            array = numpy_helper.to_array(tensor)
            changed = rng.choice([array * 2, -array, array[..., :1], array.swapaxes(0, -1), array + 1])
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(changed.astype(array.dtype)), tensor.name))


def masks_of_onnxruntime(path, graph, features):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    values = {s.input: np.full((1, s.size), s.initial, np.float32) for s in graph.states}
    masks = []
    for row in features:
        mask, *new = session.run([graph.output, *(s.output for s in graph.states)], {graph.input: row[None], **values})
        masks.append(mask[0])
        values = {s.input: value for s, value in zip(graph.states, new, strict=True)}
    return np.array(masks)


@pytest.mark.slow
@pytest.mark.parametrize("skip", [False, True], ids=["", "skip gate"])
@pytest.mark.parametrize("form", FORMS)
def test_refused_or_the_same(form, skip, tmp_path):
    onnxruntime.set_default_logger_severity(4)
    rng, path, accepted = random.Random(f"{form}{skip}"), tmp_path / "model.onnx", 0
    data = float_network(n_mels=8, units=(8, 8), form=form, skip=skip, gain=2.0).model().SerializeToString()
    shapes = shapes_of(onnx.load_from_string(data))
    features = np.random.default_rng(1).uniform(0, 3, (20, 8)).astype(np.float32)
    for _ in range(CASES):
        model = onnx.load_from_string(data)
        for _ in range(rng.choice([1, 1, 2])):
            rewire(model, shapes, rng)
        path.write_bytes(model.SerializeToString())
        try:
            graph = load_onnx(path)
        except InputError:
            continue
        try:
            theirs = masks_of_onnxruntime(path, graph, features)
        except Exception as error:  # its errors share no base class
            if not type(error).__module__.startswith("onnxruntime"):
                raise
            continue  # it insists on the shapes of axes and split sizes, where none is ambiguous
        np.testing.assert_allclose(float_run(graph, features).values[graph.output], theirs, atol=1e-5)
        accepted += 1
    assert accepted > CASES // 25, "rewiring that is always refused proves nothing"
