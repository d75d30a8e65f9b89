# SPDX-License-Identifier: Apache-2.0
"""An ONNX network in float over many frames: by onnxruntime where it computes what the importer says, else by the graph."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.compiler.model import Graph
from codesign.compiler.quantize.float_run import float_steps

Rows = npt.NDArray[np.float32]
CHECKED = 4
"""Frames on which onnxruntime must agree with the graph."""
TOLERANCE = 1e-4
"""Of the difference, relative to the largest value."""


class StepRunner:
    """Features (frames, n_features) → outputs (frames, n_outputs) from the initial states."""

    def __init__(self, path: Path, graph: Graph) -> None:
        self._graph = graph
        self._session: Any = _session(path) if _is_plain(graph) else None

    def __call__(self, features: Rows) -> Rows:
        """Of one signal, float32 of at least one frame."""
        if self._session is not None:
            head = features[:CHECKED]
            found, wanted = self._session_rows(head), self._graph_rows(head)
            if found is not None and np.abs(found - wanted).max() <= TOLERANCE * np.abs(wanted).max():
                rows = self._session_rows(features)
                assert rows is not None
                return rows
            self._session = None
        return self._graph_rows(features)

    def _graph_rows(self, features: Rows) -> Rows:
        name = self._graph.output
        return np.stack([values[name].ravel() for values in float_steps(self._graph, features)]).astype(np.float32)

    def _session_rows(self, features: Rows) -> Rows | None:
        """None where the file's inputs and outputs are not those of one step, or of a whole signal without states."""
        inputs = {port.name: port for port in self._session.get_inputs()}
        outputs = [port.name for port in self._session.get_outputs()]
        main = inputs.pop(self._graph.input, None)
        if main is None or self._graph.output not in outputs:
            return None
        if not inputs and self._graph.states:  # the states are inside: all frames in one call
            return self._called({main.name: features[None]}, [self._graph.output], len(features))
        shape = [size if isinstance(size, int) else 1 for size in main.shape]
        state_outputs = [name for name in outputs if name != self._graph.output]
        if math.prod(shape) != features.shape[1] or len(state_outputs) != len(inputs):
            return None
        states = {
            name: np.zeros([size if isinstance(size, int) else 1 for size in port.shape], np.float32)
            for name, port in inputs.items()
        }
        rows = []
        for row in features:
            found = self._run({main.name: row.reshape(shape), **states}, [self._graph.output, *state_outputs])
            if found is None or any(a.shape != b.shape for a, b in zip(found[1:], states.values(), strict=True)):
                return None
            rows.append(found[0].ravel())
            states = dict(zip(states, found[1:], strict=True))
        return np.stack(rows)

    def _called(self, feed: dict[str, Rows], names: list[str], frames: int) -> Rows | None:
        found = self._run(feed, names)
        return None if found is None or found[0].size % frames else found[0].reshape(frames, -1)

    def _run(self, feed: dict[str, Rows], names: list[str]) -> list[Rows] | None:
        try:
            return list(self._session.run(names, feed))
        except Exception:  # onnxruntime has kinds of its own; the graph computes the same
            return None


def _is_plain(graph: Graph) -> bool:
    return not graph.quants and all(np.all(state.start == 0) for state in graph.states)


def _session(path: Path) -> Any:
    """An onnxruntime session on one thread, None where there is none for this file."""
    try:
        import onnxruntime
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception:
        return None
