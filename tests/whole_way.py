# SPDX-License-Identifier: Apache-2.0
"""A float network the whole way: as onnxruntime computes it, quantized, read again, layer by layer, and as firmware."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from codesign.compiler.lower import lower
from codesign.compiler.lower.network import Network
from codesign.compiler.model import load_onnx
from codesign.compiler.model.graph import Graph
from codesign.compiler.quantize import compare, quantize_graph, write_qdq
from codesign.compiler.quantize.calibrate import Activations
from codesign.compiler.quantize.compare import LayerReport
from codesign.compiler.quantize.float_run import float_run
from codesign.firmware.boards import load_board
from codesign.firmware.machines import MACHINES
from codesign.firmware.toolchain import build_bare, build_host
from codesign.proof.equality import equal, run_reference
from codesign.proof.oracle import against_onnxruntime


@dataclass(frozen=True)
class Way:
    """The float graph, the quantized one as its file says, its integer network and the report of each layer."""

    graph: Graph
    quantized: Graph
    network: Network
    layers: tuple[LayerReport, ...]

    @property
    def mask_db(self) -> float:
        return self.layers[-1].network_db or np.inf


def outputs_of_onnxruntime(path: Path, graph: Graph, features: np.ndarray) -> np.ndarray:
    """The output of a float step file, frame after frame, states fed back; (frames, size)."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    shapes = {i.name: [d if isinstance(d, int) else 1 for d in i.shape] for i in session.get_inputs()}
    assert set(shapes) == {graph.input, *(state.input for state in graph.states)}
    feed = {state.input: state.start.astype(np.float32).reshape(shapes[state.input]) for state in graph.states}
    names = [output.name for output in session.get_outputs()]
    rows = []
    for row in features:
        found = dict(zip(names, session.run(names, {graph.input: row.reshape(shapes[graph.input]), **feed}), strict=True))
        feed = {state.input: found[state.output] for state in graph.states}
        rows.append(found[graph.output].ravel())
    return np.array(rows)


def relative(found: np.ndarray, wanted: np.ndarray) -> float:
    """The largest difference beside the largest number."""
    return float(np.abs(found - wanted).max() / max(1e-9, np.abs(wanted).max()))


def float_way(path: Path, features: np.ndarray) -> Graph:
    """The graph of a file that computes what onnxruntime computes, to 1e-6 of the largest number."""
    graph = load_onnx(path)
    ours = float_run(graph, features).values[graph.output].reshape(len(features), -1)
    assert relative(ours, outputs_of_onnxruntime(path, graph, features)) <= 2e-6
    return graph


def whole_way(path: Path, features: np.ndarray, folder: Path, activations: Activations = "int8", emulated: bool = False) -> Way:
    graph = float_way(path, features)
    quantized = quantize_graph(graph, [features], activations)
    write_qdq(quantized, folder / "quantized.onnx")
    again = load_onnx(folder / "quantized.onnx")
    assert {name: again.quants[name] for name in quantized.shapes if name in again.quants} == {
        name: quant for name, quant in quantized.quants.items() if name in again.quants
    }
    network = lower(again)
    layers = compare(graph, quantized, lower(quantized), [features])
    quant = quantized.quants[graph.input]
    limit, dtype = (127, np.int8) if quant.bits == 8 else (32767, np.int16)
    integers = np.clip(np.rint(features / quant.scale) + quant.zero_point, -limit, limit).astype(dtype)
    check = against_onnxruntime(folder / "quantized.onnx", again, network, integers)
    assert check.ok, check.detail
    pcm = np.random.default_rng(3).integers(-(2**14), 2**14, 40 * network.frontend.hop).astype(np.int16)
    host, reference = MACHINES["host"].run(build_host(network, folder / "host"), pcm), run_reference(network, pcm)
    assert equal(host, reference).ok
    if emulated:
        board = load_board("nrf5340dk")
        assert equal(MACHINES["unicorn"].run(build_bare(network, board, folder / "bare"), pcm), reference).ok
    return Way(graph, again, network, layers)
