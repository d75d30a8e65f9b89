"""onnxruntime on the QDQ file as an independent oracle, one step at a time from the reference's own states."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.load.graph import Graph
from codesign.lower.network import Network, Value
from codesign.reference import network as reference_network
from codesign.verify.verdict import Check

# In LSB of the value; derived in docs/numerics.md, "Against onnxruntime".
HIDDEN_LSB = 1
CELL_LSB = 3
MASK_LSB = 16


def against_onnxruntime(
    model: Path, graph: Graph, network: Network, features: npt.NDArray[np.int8], frames: int = 500
) -> Check:
    """Every step of the reference against onnxruntime's, from equal states, so that errors cannot add up unseen.

    features int8 (frames, n): `frames` of them, spread over all, are compared.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    compared = set(np.linspace(0, len(features) - 1, min(frames, len(features))).astype(int).tolist())
    shapes = {node.name: [d if isinstance(d, int) else 1 for d in node.shape] for node in session.get_inputs()}
    worst = {"hidden state": 0.0, "cell state": 0.0, "mask": 0.0}
    for frame, (before, output, state, _) in enumerate(reference_network.trace(network, features)):
        if frame not in compared:
            continue
        feed = {graph.input: _real(features[frame], network.values[network.input]).reshape(shapes[graph.input])}
        for pair in graph.states:
            feed[pair.input] = _real(before.values[pair.input], network.values[pair.input]).reshape(shapes[pair.input])
        names = [graph.output, *(pair.output for pair in graph.states)]
        results = dict(zip(names, session.run(names, feed), strict=True))
        worst["mask"] = max(worst["mask"], _distance(results[graph.output], output, network.values[network.output]))
        for pair in graph.states:
            value = network.values[pair.input]
            kind = "hidden state" if value.dtype == "int8" else "cell state"
            worst[kind] = max(worst[kind], _distance(results[pair.output], state.values[pair.input], value))
    limits = {"hidden state": HIDDEN_LSB, "cell state": CELL_LSB, "mask": MASK_LSB}
    ok = all(worst[kind] <= limit + 0.51 for kind, limit in limits.items())
    detail = ", ".join(f"{kind} {worst[kind]:.1f} (≤{limits[kind]})" for kind in limits)
    return Check("reference against onnxruntime, per step", ok, f"LSB: {detail}; {len(compared)} steps")


def _real(q: npt.NDArray[np.generic], value: Value) -> npt.NDArray[np.float32]:
    return ((q.astype(np.float64) - value.zero_point) * value.scale).astype(np.float32)


def _distance(real: npt.NDArray[np.float32], q: npt.NDArray[np.generic], value: Value) -> float:
    """Largest difference in LSB."""
    difference = real.astype(np.float64).ravel() / value.scale + value.zero_point - q.astype(np.float64).ravel()
    return float(np.max(np.abs(difference)))
