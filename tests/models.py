# SPDX-License-Identifier: Apache-2.0
"""ONNX models for tests: float networks in every form that exporters write, and ways to spoil them."""

from __future__ import annotations

import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FORMS = ("operator", "stacked", "separate", "concat")


class Net:
    """Nodes and initializers as they grow."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.inputs: dict[str, int | tuple[int, ...]] = {}
        self.outputs: dict[str, int | tuple[int, ...]] = {}
        self.states: list[list] = []

    def constant(self, name: str, array: np.ndarray) -> str:
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def weights(self, name: str, *shape: int, gain: float = 0.6) -> str:
        return self.constant(name, (gain * self.rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32))

    def node(self, operator: str, inputs: list[str], output: str, name: str | None = None, **attributes) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output if name is None else name, **attributes))
        return output

    def state(self, name: str, size: int | tuple[int, ...], output: str | None = None, initial: float = 0.0) -> str:
        output = output or f"{name}_out"
        self.inputs[f"{name}_in"], self.outputs[output] = size, size
        self.states.append([f"{name}_in", output, *([initial] if initial else [])])
        return f"{name}_in"

    def model(self, opset: int = 21, metadata: dict[str, str] | None = None, **props: str) -> onnx.ModelProto:
        def info(sizes: dict[str, int | tuple[int, ...]]) -> list[onnx.ValueInfoProto]:
            shapes = {n: [size] if isinstance(size, int) else size for n, size in sizes.items()}
            return [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, *shape]) for n, shape in shapes.items()]

        graph = helper.make_graph(self.nodes, "step", info(self.inputs), info(self.outputs), self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        model.ir_version = 10
        n_mels = str(self.inputs["features"])
        common = {"n_mels": n_mels, "n_fft": "128", "window": "128", "hop": "64", "states": json.dumps(self.states)}
        helper.set_model_props(model, metadata if metadata is not None else {**common, **props})
        return model


def float_network(
    n_mels: int = 12,
    units: tuple[int, ...] = (8, 6),
    form: str = "operator",
    seed: int = 0,
    skip: bool = False,
    gain: float = 0.6,
) -> Net:
    """Features → LSTMs → Gemm, Relu → Gemm, Sigmoid."""
    net = Net(seed)
    net.inputs["features"] = n_mels
    if skip:
        net.state("gate", 1, initial=1.0)
        half = net.constant("half", np.array([[0.5]], np.float32))
        net.node("GreaterOrEqual", ["gate_in", half], "update")
    source, width = "features", n_mels
    for index, size in enumerate(units):
        h, c = net.state(f"h{index}", size), net.state(f"c{index}", size)
        new_h, new_c = (f"{s}{index}_new" if skip else f"{s}{index}_out" for s in "hc")
        (_operator if form == "operator" else _cell)(net, index, form, source, width, size, (h, c, new_h, new_c), gain)
        if skip:
            net.node("Where", ["update", new_h, h], f"h{index}_out")
            net.node("Where", ["update", new_c, c], f"c{index}_out")
        source, width = f"h{index}_out", size
    if skip:
        w, b = net.weights("gate_w", 1, width), net.constant("gate_b", np.array([-0.5], np.float32))
        net.node("Gemm", [source, w, b], "gate_logit", transB=1)
        net.node("Sigmoid", ["gate_logit"], "gate_delta")
        net.node("Add", ["gate_in", "gate_delta"], "gate_sum")
        net.node("Min", ["gate_sum", net.constant("one", np.array([[1.0]], np.float32))], "gate_limited")
        net.node("Where", ["update", "gate_delta", "gate_limited"], "gate_out")
    net.node("Gemm", [source, net.weights("fc0_w", 10, width), net.weights("fc0_b", 10)], "fc0", transB=1)
    net.node("Relu", ["fc0"], "fc0_relu")
    net.node("MatMul", ["fc0_relu", net.weights("fc1_w", 10, n_mels)], "fc1_product")
    net.node("Add", [net.weights("fc1_b", n_mels), "fc1_product"], "fc1")
    net.node("Sigmoid", ["fc1"], "mask")
    net.outputs["mask"] = n_mels
    return net


def _operator(
    net: Net, index: int, form: str, source: str, width: int, units: int, states: tuple[str, ...], gain: float
) -> None:
    h, c, new_h, new_c = states
    w = net.weights(f"lstm{index}_w", 1, 4 * units, width, gain=gain)
    r = net.weights(f"lstm{index}_r", 1, 4 * units, units, gain=gain)
    b = net.weights(f"lstm{index}_b", 1, 8 * units)
    axes = net.constant(f"axes{index}", np.array([0], np.int64))
    x3, h3, c3 = (net.node("Unsqueeze", [t, axes], f"{t}_lstm{index}") for t in (source, h, c))
    outputs = ["", f"lstm{index}_h", f"lstm{index}_c"]
    net.nodes.append(helper.make_node("LSTM", [x3, w, r, b, "", h3, c3], outputs, name=f"lstm{index}", hidden_size=units))
    net.node("Squeeze", [outputs[1], axes], new_h)
    net.node("Squeeze", [outputs[2], axes], new_c)


def _cell(net: Net, index: int, form: str, source: str, width: int, units: int, states: tuple[str, ...], gain: float) -> None:
    """A decomposed cell; in the stacked forms the gates stand in a shuffled order."""
    h, c, new_h, new_c = states
    p = f"cell{index}"
    if form == "separate":
        gates = []
        for k in "ifgo":
            x = net.node("MatMul", [source, net.weights(f"{p}_w{k}", width, units, gain=gain)], f"{p}_x{k}")
            bias = net.weights(f"{p}_b{k}", units)
            y = net.node("Gemm", [h, net.weights(f"{p}_r{k}", units, units, gain=gain), bias], f"{p}_h{k}", transB=1)
            gates.append(net.node("Add", [y, x] if k in "ig" else [x, y], f"{p}_{k}"))
        i, f, g, o = gates
    elif form == "stacked":
        w, r = (net.weights(f"{p}_{n}", 4 * units, k, gain=gain) for n, k in (("w", width), ("r", units)))
        x = net.node("Gemm", [source, w, net.weights(f"{p}_b", 4 * units)], f"{p}_x", transB=1)
        y = net.node("Gemm", [h, r], f"{p}_y", transB=1)
        both = net.node("Add", [x, y], f"{p}_both")
        sizes = net.constant(f"{p}_sizes", np.full(4, units, np.int64))
        g, o, i, f = names = [f"{p}_{k}" for k in "goif"]
        net.nodes.append(helper.make_node("Split", [both, sizes], names, name=f"{p}_split", axis=1))
    else:
        joined = net.node("Concat", [source, h], f"{p}_xh", axis=1)
        w = net.weights(f"{p}_w", width + units, 4 * units, gain=gain)
        both = net.node("Gemm", [joined, w, net.weights(f"{p}_b", 4 * units)], f"{p}_both")
        axis = net.constant(f"{p}_axis", np.array([1], np.int64))
        bounds = [net.constant(f"{p}_at{k}", np.array([k * units], np.int64)) for k in range(5)]
        f, i, o, g = (net.node("Slice", [both, bounds[k], bounds[k + 1], axis], f"{p}_{n}") for k, n in enumerate("fiog"))
    i, f, o = (net.node("Sigmoid", [t], f"{t}_s") for t in (i, f, o))
    net.node(
        "Add", [net.node("Mul", [c, f], f"{p}_keep"), net.node("Mul", [net.node("Tanh", [g], f"{p}_gt"), i], f"{p}_new")], new_c
    )
    net.node("Mul", [net.node("Tanh", [new_c], f"{p}_ct"), o], new_h, name=f"LSTM {index}/Mul")
