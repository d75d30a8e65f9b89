"""Write the trained network as one ONNX time step: features and states in, mask and new states out.

python export.py RUN/last.pt starter-float.onnx
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from network import MaskNetwork, state_numpy
from onnx import TensorProto, helper, numpy_helper

from codesign.frontend import FrontEnd

TOOL = "0.1.0"
OPSET = 21
LSTM_LAYERS = 2


def step_model(weights: Mapping[str, np.ndarray], config: FrontEnd) -> onnx.ModelProto:
    """One step: LSTM operators of sequence length 1, Gemm, Relu, Sigmoid; states are [1, hidden] inputs and outputs."""
    hidden = weights["lstm0.weight_hh_l0"].shape[1]
    nodes: list[onnx.NodeProto] = []
    constants = {"axis_0": np.array([0], np.int64), "axis_0_1": np.array([0, 1], np.int64)}
    inputs, outputs, states = [_value("features", config.n_mels)], [], []
    nodes.append(helper.make_node("Unsqueeze", ["features", "axis_0"], ["x0"], name="sequence"))
    for layer in range(LSTM_LAYERS):
        name = f"lstm{layer}"
        constants |= {f"{name}_{key}": value for key, value in _lstm_constants(weights, name).items()}
        for kind in "hc":
            state = f"{kind}{layer}"
            nodes.append(helper.make_node("Unsqueeze", [f"{state}_in", "axis_0"], [f"{state}_3d"], name=f"{state}_unsqueeze"))
            inputs.append(_value(f"{state}_in", hidden))
            outputs.append(_value(f"{state}_out", hidden))
            states.append([f"{state}_in", f"{state}_out"])
        nodes.append(
            helper.make_node(
                "LSTM",
                [f"x{layer}", f"{name}_W", f"{name}_R", f"{name}_B", "", f"h{layer}_3d", f"c{layer}_3d"],
                ["", f"{name}_h", f"{name}_c"],
                name=name,
                hidden_size=hidden,
            )
        )
        for kind in "hc":
            nodes.append(
                helper.make_node("Squeeze", [f"{name}_{kind}", "axis_0"], [f"{kind}{layer}_out"], name=f"{kind}{layer}_squeeze")
            )
        if layer + 1 < LSTM_LAYERS:
            nodes.append(
                helper.make_node("Unsqueeze", [f"h{layer}_out", "axis_0"], [f"x{layer + 1}"], name=f"sequence{layer + 1}")
            )
    source = f"h{LSTM_LAYERS - 1}_out"
    for name, operator, target in (("fc0", "Relu", "fc0_relu"), ("fc1", "Sigmoid", "mask")):
        constants |= {f"{name}_W": weights[f"{name}.weight"], f"{name}_B": weights[f"{name}.bias"]}
        nodes.append(helper.make_node("Gemm", [source, f"{name}_W", f"{name}_B"], [f"{name}_out"], name=name, transB=1))
        nodes.append(helper.make_node(operator, [f"{name}_out"], [target], name=f"{name}_{operator.lower()}"))
        source = target
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "starter",
        inputs,
        [_value("mask", config.n_mels), *outputs],
        [numpy_helper.from_array(np.ascontiguousarray(v), k) for k, v in constants.items() if k in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10, producer_name="codesign")
    helper.set_model_props(model, metadata(config, states))
    onnx.checker.check_model(model, full_check=True)
    return model


def metadata(config: FrontEnd, states: list[list[str]]) -> dict[str, str]:
    keys = ("sample_rate", "n_fft", "hop", "window", "window_kind", "feature", "n_mels", "f_min", "f_max", "exponent")
    return {
        **{key: str(getattr(config, key)) for key in keys},
        "states": json.dumps(states),
        "tool": TOOL,
        "name": "starter",
        "licence": "Apache-2.0",
    }


def _value(name: str, size: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size])


def _lstm_constants(weights: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """Torch's gate order i f g o becomes ONNX's i o f c; B is Wb;Rb, with the whole bias in Wb."""

    def reorder(value: np.ndarray) -> np.ndarray:
        i, f, g, o = np.split(value, 4)
        return np.concatenate([i, o, f, g])[None]

    bias = reorder(weights[f"{name}.bias_ih_l0"] + weights[f"{name}.bias_hh_l0"])
    return {
        "W": reorder(weights[f"{name}.weight_ih_l0"]),
        "R": reorder(weights[f"{name}.weight_hh_l0"]),
        "B": np.concatenate([bias, np.zeros_like(bias)], axis=1),
    }


def largest_difference(model: onnx.ModelProto, network: MaskNetwork, frames: int = 200) -> float:
    """Largest difference between the masks of onnxruntime, step by step, and of torch over a random sequence."""
    import onnxruntime
    import torch

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    pairs = json.loads({p.key: p.value for p in model.metadata_props}["states"])
    shapes = {i.name: i.shape for i in session.get_inputs()}
    names = [o.name for o in session.get_outputs()]
    features = np.random.default_rng(0).gamma(1.0, 0.5, (frames, shapes["features"][1])).astype(np.float32)
    feed = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    masks = []
    for frame in features:
        feed["features"] = frame[None]
        result = dict(zip(names, session.run(None, feed), strict=True))
        masks.append(result["mask"][0])
        feed |= {source: result[target] for source, target in pairs}
    with torch.no_grad():
        expected = network(torch.from_numpy(features)[None])[0][0].numpy()
    return float(np.abs(np.array(masks) - expected).max())


def export(network: MaskNetwork, config: FrontEnd, path: Path) -> float:
    """Check and write the model (whole or not at all); returns the largest difference to torch."""
    model = step_model(state_numpy(network), config)
    difference = largest_difference(model, network)
    if difference > 1e-4:
        raise ValueError(f"{path}: onnxruntime and torch differ by {difference}")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(model.SerializeToString())
    temporary.replace(path)
    return difference


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("model", type=Path)
    arguments = parser.parse_args()
    config = FrontEnd()
    network = MaskNetwork(config.n_mels)
    network.load_state_dict(torch.load(arguments.checkpoint, weights_only=True)["network"])
    print(f"{arguments.model}: differs from torch by {export(network, config, arguments.model):.1e}")


if __name__ == "__main__":
    main()
