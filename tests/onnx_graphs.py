# SPDX-License-Identifier: Apache-2.0
"""Small ONNX graphs for tests of the import, and onnxruntime as the judge of what they compute."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from codesign.compiler.model.cells import cell_of
from codesign.compiler.model.metadata import stem
from codesign.compiler.model.passes import Simplified, simplify

PATH = Path("model.onnx")


class Graph:
    """Nodes and constants of a graph under way; the result of a node is called after its number."""

    def __init__(self, seed: int = 0, prefix: str = "") -> None:
        self.prefix = prefix  # of names in a body
        self.rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []

    def constant(self, array: np.ndarray) -> str:
        name = f"{self.prefix}k{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def ints(self, *numbers: int) -> str:
        return self.constant(np.array(numbers, np.int64))

    def weights(self, *shape: int) -> str:
        return self.constant((self.rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32))

    def __call__(self, kind: str, *inputs: str, outputs: list[str] | None = None, **attributes) -> str:
        outputs = outputs or [f"{self.prefix}v{len(self.nodes)}"]
        name = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), outputs, name=name, **attributes))
        return next(o for o in outputs if o)

    def model(self, inputs: dict[str, list], outputs: dict[str, list], opset: int = 17, **metadata: str) -> onnx.ModelProto:
        def infos(shapes: dict[str, list]) -> list[onnx.ValueInfoProto]:
            return [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()]

        graph = helper.make_graph(self.nodes, "graph", infos(inputs), infos(outputs), self.tensors)
        others = [helper.make_opsetid(domain, 1) for domain in sorted({node.domain for node in self.nodes} - {""})]
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), *others], ir_version=8)
        if metadata:
            helper.set_model_props(model, metadata)
        onnx.checker.check_model(model)
        return model


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    # its own rewriting of QDQ graphs fails for some files of opset 21
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def kinds(simplified: Simplified) -> list[str]:
    """Operators that are left, sorted, each once."""
    return sorted({node.op_type for node in simplified.model.graph.node})


def same_step(model: onnx.ModelProto, seed: int = 1) -> Simplified:
    """The simplified model, which computes what the model computes, for random inputs."""
    simplified = simplify(PATH, model)
    onnx.checker.check_model(simplified.model, full_check=True)
    before, after = session(model), session(simplified.model)
    rng = np.random.default_rng(seed)
    feed = {
        i.name: rng.standard_normal([d if isinstance(d, int) else 1 for d in i.shape]).astype(np.float32)
        for i in before.get_inputs()
    }
    joined = "LayerNormalization" in {n.op_type for n in simplified.model.graph.node} - {n.op_type for n in model.graph.node}
    own = [i.name for i in after.get_inputs() if i.name not in feed]
    names = [o.name for o in after.get_outputs() if o.name in {b.name for b in before.get_outputs()}]
    if own:  # parts of stacked states: all start from zero
        feed = {name: array if name == next(iter(feed)) else np.zeros_like(array) for name, array in feed.items()}
    left = {i.name: feed.get(i.name, np.zeros(i.shape, np.float32)) for i in after.get_inputs()}
    for name, old, new in zip(names, before.run(names, feed), after.run(names, left), strict=True):
        close(new, old, name, 2e-6 if joined else 1e-6)
    return simplified


def same_sequence(model: onnx.ModelProto, frames: int = 24, axis: int = 1, seed: int = 1) -> Simplified:
    """The step form of a model with one input and one output, which frame after frame gives what the sequence gives."""
    simplified = simplify(PATH, model, cell=cell_of)
    onnx.checker.check_model(simplified.model, full_check=True)
    whole, step = session(model), session(simplified.model)
    source, result = whole.get_inputs()[0].name, whole.get_outputs()[0].name
    shape = [d if isinstance(d, int) else 1 for d in whole.get_inputs()[0].shape]
    shape[axis] = frames
    sequence = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    states = {i.name: np.zeros(i.shape, np.float32) for i in step.get_inputs() if i.name != source}
    listed = json.loads({entry.key: entry.value for entry in simplified.model.metadata_props}.get("states", "[]"))
    for name, _, *initial in listed:
        states[name] += np.reshape(initial[0], states[name].shape).astype(np.float32) if initial else 0
    names = [o.name for o in step.get_outputs()]
    pairs = {name: next(o for o in names if o != result and stem(o) == stem(name)) for name in states}
    frames_out = []
    for frame in np.split(sequence, frames, axis):
        values = dict(zip(names, step.run(names, {source: frame, **states}), strict=True))
        states = {name: values[partner] for name, partner in pairs.items()}
        frames_out.append(values[result])
    zeros = {i.name: np.zeros(i.shape, np.float32) for i in whole.get_inputs()[1:]}
    close(np.concatenate(frames_out, axis), whole.run([result], {source: sequence, **zeros})[0], result)
    return simplified


def close(new: np.ndarray, old: np.ndarray, name: str, limit: float = 1e-6) -> None:
    """Equal to `limit` of the largest number, for float32 sums in another order."""
    assert new.shape == old.shape, name
    assert np.abs(new - old).max(initial=0) <= limit * max(1.0, float(np.abs(old).max(initial=0))), name
