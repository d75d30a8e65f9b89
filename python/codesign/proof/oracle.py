# SPDX-License-Identifier: Apache-2.0
"""onnxruntime on the QDQ file as an independent oracle of the reference, layer by layer.

Every layer is given what onnxruntime had before it, and every step starts from the reference's states, so that a difference
cannot hide behind, or grow out of, an earlier one. docs/numerics.md, "Against onnxruntime", derives the limits.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from google.protobuf.message import DecodeError

from codesign.base.errors import one_line
from codesign.compiler.layers import Layer, StackedConv2d, Value
from codesign.compiler.layers.recurrent import Recurrent
from codesign.compiler.layers.value import reals_of
from codesign.compiler.lower.network import Network
from codesign.compiler.model.graph import Graph
from codesign.compiler.model.onnx_model import step_model
from codesign.compiler.model.passes.integers import OPERATORS
from codesign.compiler.operators.view import View
from codesign.compiler.reference import network as reference_network
from codesign.proof.verdict import Check


def against_onnxruntime(
    model: Path, graph: Graph, network: Network, features: reference_network.Features, frames: int = 500
) -> Check:
    """Compare the layers of `frames` of the given frames, spread over all; features (frames, n)."""
    oracle = _Oracle(model, graph, network)
    compared = set(np.linspace(0, len(features) - 1, min(frames, len(features))).astype(int).tolist())
    for frame, (before, _, _, _) in enumerate(reference_network.trace(network, features)):
        if frame in compared:
            oracle.compare(features[frame], before)
    bad = [name for name, (worst, limit) in oracle.worst.items() if worst > limit]
    found = ", ".join(
        f"{one_line(name, 40)} {worst} (≤{limit})" for name, (worst, limit) in oracle.worst.items() if not bad or name in bad
    )
    return Check("layers against onnxruntime", not bad, f"LSB: {found}; {len(compared)} steps")


class _Oracle:
    """A session that gives the values between layers too, and the worst differences so far."""

    def __init__(self, model: Path, graph: Graph, network: Network) -> None:
        import onnxruntime

        self.worst: dict[str, tuple[int, int]] = {}
        self._graph, self._network = graph, network
        self._runner = reference_network.Runner(network)
        proto = _proto(model, graph)
        self._last = {name: layer.name for layer in network.schedule for name in (*layer.writes, *layer.states)}
        self._stacks = {layer.source: layer for layer in network.schedule if isinstance(layer, StackedConv2d) and layer.stack}
        known = {output.name for output in proto.graph.output}
        made = {name for node in proto.graph.node for name in node.output} | known
        tensors = {name: _viewed(graph, tensor, made) for name, tensor in _tensors(graph, network).items()}
        wanted = _rounded(proto.graph, tensors, graph, network)
        self._tensors = {name: tensor for name, tensor in wanted.items() if tensor in made}
        for name in sorted(set(self._tensors.values()) - known):
            proto.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        # Optimisation would fuse QDQ groups into integer kernels of its own; the file's operators are the oracle.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self._session: Any = onnxruntime.InferenceSession(
            proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._shapes = {i.name: [d if isinstance(d, int) else 1 for d in i.shape] for i in self._session.get_inputs()}

    def compare(self, features: reference_network.Features, before: reference_network.NetworkState) -> None:
        """One step from the states `before`."""
        network, graph = self._network, self._graph
        values = dict(before.values)
        values[network.input] = reference_network.given(features)
        feed = {name: self._fed(values, name) for name in (graph.input, *(state.input for state in graph.states))}
        names = list(self._tensors.values())
        results: Mapping[str, npt.NDArray[np.float32]] = dict(zip(names, self._session.run(names, feed), strict=True))

        def after_layer(layer: Layer) -> None:
            for name, limit in layer.tolerance(network.values).items():
                if name in self._tensors and self._last[name] == layer.name:  # before that it is not yet what it will be
                    theirs = _integers(self._part(results[self._tensors[name]], name), network.values[name])
                    ours = values[name]
                    if isinstance(layer, Recurrent) and layer.scan and len(layer.starts) == 1 and name == layer.hidden:
                        start = before.values[layer.kept[0]] if layer.kept else None
                        ours = layer.after_given(values, theirs, start, self._runner.matrices[layer.name])
                    difference = int(np.abs(ours - theirs).max())
                    self.worst[name] = (max(difference, self.worst.get(name, (0, 0))[0]), limit)
                    values[name] = theirs

        self._runner.advance(values, after_layer)

    def _part(self, real: npt.NDArray[np.float32], name: str) -> npt.NDArray[np.float32]:
        """What the value `name` is of its tensor: all, or of channels that are stacked with their neighbours the channels."""
        layer = self._stacks.get(name)
        if layer is None or name == layer.stack or name in self._graph.shapes:
            return real
        return layer.unstacked(real)

    def _fed(self, values: Mapping[str, npt.NDArray[np.int64]], name: str) -> npt.NDArray[np.float32]:
        """An input of the file. A state may be held as the value that it is the front of: before the step, all but a frame."""
        if name in self._network.values:
            return self._real(values, name).reshape(self._shapes[name])
        (joined,) = self._graph.readers(name)
        (held,) = joined.outputs
        state, shape = self._graph.state(name), self._graph.shapes[held]
        assert state is not None, "only states are held so"
        axis = next(k for k, (a, b) in enumerate(zip(state.shape, shape, strict=True)) if a != b)
        return np.delete(self._real(values, held).reshape(shape), 0, axis).reshape(self._shapes[name])

    def _real(self, values: Mapping[str, npt.NDArray[np.int64]], name: str) -> npt.NDArray[np.float32]:
        value = self._network.values[name]
        if value.dtype == "float32":
            return reals_of(value, values[name])
        return ((values[name] - value.zero_point) * value.scale).astype(np.float32)


def _tensors(graph: Graph, network: Network) -> dict[str, str]:
    """Values of the network that the file computes too → the tensor to ask for."""
    tensors = {state.input: state.output for state in graph.states if state.input in network.values}
    tensors |= {name: name for op in graph.ops for name in op.outputs if name in network.values}
    stacks = [layer for layer in network.schedule if isinstance(layer, StackedConv2d) and layer.stack]
    tensors |= {layer.source: layer.stack for layer in stacks if layer.source not in tensors}
    return tensors


def _viewed(graph: Graph, name: str, made: Container[str]) -> str:
    """The tensor that holds the elements of `name` in their order: a view that the import added is of a tensor of the file."""
    makers = {output: op for op in graph.ops for output in op.outputs}
    while name not in made and isinstance(view := makers.get(name), View):
        (name,) = view.sources
    return name


def _proto(model: Path, graph: Graph) -> onnx.ModelProto:
    """The file, where onnxruntime can run it step by step and in real numbers: kernels for integers saturate on some computers.
    Else the one step that the import made of it.
    """
    try:
        proto = onnx.load(model)
    except DecodeError:
        return step_model(model)  # no ONNX file
    sizes = {i.name: math.prod(d.dim_value or 1 for d in i.type.tensor_type.shape.dim) for i in proto.graph.input}
    inputs = (graph.input, *(state.input for state in graph.states))
    integers = any(node.op_type in OPERATORS for node in proto.graph.node)
    return step_model(model) if integers or any(sizes.get(name) != graph.size(name) for name in inputs) else proto


def _rounded(file: onnx.GraphProto, wanted: Mapping[str, str], graph: Graph, network: Network) -> dict[str, str]:
    """Values of the network → the tensors to ask for: of what the file rounds to a value's scale, what it goes on with, for the
    range may stand for a ReLU that is left out; of a view in another scale, its source as it is rounded.
    """
    scales = {tensor.name: tensor for tensor in file.initializer}
    scales |= {
        node.output[0]: a.t for node in file.node if node.op_type == "Constant" for a in node.attribute if a.HasField("t")
    }
    real = {node.input[0]: node.output[0] for node in file.node if node.op_type == "DequantizeLinear"}
    reshaped = {node.output[0]: node.input[0] for node in file.node if node.op_type == "Reshape"}
    found: dict[tuple[str, float], str] = {}
    for node in file.node:
        if node.op_type == "QuantizeLinear" and node.output[0] in real and node.input[1] in scales:
            scale = float(onnx.numpy_helper.to_array(scales[node.input[1]]).ravel()[0])
            for name in (node.input[0], node.output[0]):
                found[name, scale] = real[node.output[0]]
                while name in reshaped:
                    name = reshaped[name]
                    found.setdefault((name, scale), real[node.output[0]])
    rounded = {}
    for name, tensor in wanted.items():
        own = found.get((tensor, graph.quants[tensor].scale), tensor) if tensor in graph.quants else tensor
        rounded[name] = found.get((tensor, network.values[name].scale), own)
    return rounded


def _integers(real: npt.NDArray[np.float32], value: Value) -> npt.NDArray[np.int64]:
    """ONNX QuantizeLinear: unlike the firmware's int8, it reaches −128, and the next layer must then be given that."""
    low, high = (-128, 127) if value.dtype == "int8" else (-32768, 32767)
    q = np.rint(real.ravel() / np.float32(value.scale)).astype(np.int64) + value.zero_point
    return np.asarray(np.clip(q, low, high))
