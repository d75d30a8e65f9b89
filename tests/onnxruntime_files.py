# SPDX-License-Identifier: Apache-2.0
"""Small networks and what onnxruntime's own quantizers make of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

from onnx_graphs import Graph

SIZE, UNITS = 16, 12
INPUT, MASK = {"x": [1, SIZE]}, {"mask": [1, SIZE]}
TYPES = {"u8": QuantType.QUInt8, "s8": QuantType.QInt8, "u16": QuantType.QUInt16, "s16": QuantType.QInt16}


def _named(g: Graph, kind: str, *inputs: str, **attributes: Any) -> str:
    return g(kind, *inputs, outputs=["mask"], **attributes)


def mlp(opset: int) -> onnx.ModelProto:
    """Gemm, ReLU, Gemm, sigmoid."""
    g = Graph()
    y = g("Relu", g("Gemm", "x", g.weights(24, SIZE), g.weights(24), transB=1))
    _named(g, "Sigmoid", g("Gemm", y, g.weights(SIZE, 24), g.weights(SIZE), transB=1))
    return g.model(INPUT, MASK, opset)


def matmul(opset: int) -> onnx.ModelProto:
    """The same with MatMul and Add, which quantizers round in between."""
    g = Graph()
    y = g("Relu", g("Add", g("MatMul", "x", g.weights(SIZE, 24)), g.weights(24)))
    _named(g, "Sigmoid", g("Add", g("MatMul", y, g.weights(24, SIZE)), g.weights(SIZE)))
    return g.model(INPUT, MASK, opset)


def residual(opset: int) -> onnx.ModelProto:
    """A sum, a concatenation, a product, LeakyReLU, tanh and sigmoid."""
    g = Graph()
    y = g("Tanh", g("Gemm", "x", g.weights(SIZE, SIZE), g.weights(SIZE), transB=1))
    y = g("Concat", g("LeakyRelu", g("Add", y, "x"), alpha=0.1), "x", axis=1)
    gate = g("Sigmoid", g("Gemm", y, g.weights(SIZE, 2 * SIZE), g.weights(SIZE), transB=1))
    _named(g, "Mul", gate, "x")
    return g.model(INPUT, MASK, opset)


def clipped(opset: int) -> onnx.ModelProto:
    """A clip from both sides between linear layers, which quantizers leave to the range."""
    g = Graph()
    y = g("Gemm", "x", g.constant(4 * g.rng.standard_normal((24, SIZE)).astype(np.float32)), g.weights(24), transB=1)
    y = g("Clip", y, g.constant(np.float32(-1)), g.constant(np.float32(1)))
    _named(g, "Sigmoid", g("Gemm", y, g.weights(SIZE, 24), g.weights(SIZE), transB=1))
    return g.model(INPUT, MASK, opset)


def conv(opset: int) -> onnx.ModelProto:
    """Convolutions over the features with a sum of two of their results."""
    g = Graph()
    y = g("Relu", g("Conv", g("Reshape", "x", g.ints(1, 1, SIZE)), g.weights(4, 1, 3), g.weights(4), pads=[1, 1]))
    y = g("Add", g("Conv", y, g.weights(4, 4, 3), g.weights(4), pads=[1, 1]), y)
    y = g("Reshape", g("Conv", y, g.weights(1, 4, 1), g.weights(1)), g.ints(1, SIZE))
    _named(g, "Sigmoid", y)
    return g.model(INPUT, MASK, opset)


def causal(opset: int) -> onnx.ModelProto:
    """A convolution over time, of a file that reads many frames."""
    g = Graph()
    y = g("Pad", g("Transpose", "x", perm=[0, 2, 1]), g.ints(0, 0, 2, 0, 0, 0))
    y = g("Relu", g("Conv", y, g.weights(UNITS, SIZE, 3), g.weights(UNITS)))
    _named(g, "Transpose", g("Sigmoid", g("Conv", y, g.weights(SIZE, UNITS, 1), g.weights(SIZE))), perm=[0, 2, 1])
    return g.model({"x": [1, "frames", SIZE]}, {"mask": [1, "frames", SIZE]}, opset)


def _recurrent(kind: str, gates: int, opset: int) -> onnx.ModelProto:
    g, states = Graph(), ["h", "c"] if kind == "LSTM" else ["h"]
    parts = [g.weights(1, gates * UNITS, SIZE), g.weights(1, gates * UNITS, UNITS), g.weights(1, 2 * gates * UNITS)]
    options = {} if kind == "LSTM" else {"linear_before_reset": 1}
    outputs = ["y", *(f"{s}_out" for s in states)]
    g(kind, g("Unsqueeze", "x", g.ints(0)), *parts, "", *states, outputs=outputs, hidden_size=UNITS, **options)
    y = g("Squeeze", g("Squeeze", "y", g.ints(1)), g.ints(0))
    _named(g, "Sigmoid", g("Add", g("MatMul", y, g.weights(UNITS, SIZE)), g.weights(SIZE)))
    shapes = {s: [1, 1, UNITS] for s in states}
    return g.model({**INPUT, **shapes}, {**MASK, **{f"{s}_out": shapes[s] for s in states}}, opset)


def lstm(opset: int) -> onnx.ModelProto:
    """An LSTM and a linear layer."""
    return _recurrent("LSTM", 4, opset)


def gru(opset: int) -> onnx.ModelProto:
    """A GRU and a linear layer."""
    return _recurrent("GRU", 3, opset)


NETWORKS = {f.__name__: f for f in (mlp, matmul, residual, clipped, conv, causal, lstm, gru)}


def features(frames: int, seed: int = 1) -> np.ndarray:
    """Features float32 (frames, SIZE), none negative."""
    return np.abs(np.random.default_rng(seed).standard_normal((frames, SIZE))).astype(np.float32)


class Recordings(CalibrationDataReader):
    """Frames of features, states near zero."""

    def __init__(self, model: onnx.ModelProto, frames: int = 40) -> None:
        rng = np.random.default_rng(2)
        sizes = {i.name: [d.dim_value or 1 for d in i.type.tensor_type.shape.dim] for i in model.graph.input}
        states = {name: shape for name, shape in sizes.items() if name != "x"}
        self._feeds = iter(
            [
                {
                    "x": row.reshape(sizes["x"]),
                    **{n: 0.3 * rng.standard_normal(s).astype(np.float32) for n, s in states.items()},
                }
                for row in features(frames)
            ]
        )

    def get_next(self) -> Mapping[str, np.ndarray] | None:
        return next(self._feeds, None)


@contextmanager
def _quiet() -> Iterator[None]:
    logging.disable(logging.WARNING)  # onnxruntime recommends another preparation of every model
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def static(
    folder: Path,
    network: str,
    activations: str = "u8",
    weights: str = "s8",
    form: str = "QDQ",
    opset: int = 17,
    extra: Mapping[str, Any] | None = None,
    **options: Any,
) -> Path:
    """The file of a network that quantize_static has calibrated; `extra` are its extra_options."""
    source, result = folder / "float.onnx", folder / f"{network}.onnx"
    model = NETWORKS[network](opset)
    onnx.save(model, source)
    with _quiet():
        quantize_static(
            str(source),
            str(result),
            Recordings(model),
            quant_format=QuantFormat[form],
            activation_type=TYPES[activations],
            weight_type=TYPES[weights],
            extra_options=dict(extra or {}),
            **options,
        )
    return result


def dynamic(folder: Path, network: str, weights: str = "s8", **options: Any) -> Path:
    """The file of a network from quantize_dynamic."""
    source, result = folder / "float.onnx", folder / f"{network}.onnx"
    onnx.save(NETWORKS[network](17), source)
    with _quiet():
        quantize_dynamic(str(source), str(result), weight_type=TYPES[weights], **options)
    return result
