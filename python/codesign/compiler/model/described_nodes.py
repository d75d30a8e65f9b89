# SPDX-License-Identifier: Apache-2.0
"""Nodes that compute features of several kinds from one spectrum, in front of a model."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.logarithm import log_scale
from codesign.compiler.frontend.running import running_start, smoothing
from codesign.compiler.names import unused
from codesign.compiler.operators.angle import phase_nodes

_LEAST = 1e-24
"""Added to the power that a direction is divided by the root of: silence has none."""


@dataclass(frozen=True)
class InputSource:
    """What an input is: `kind` of the lowest `bins`, or of the bands that `bank` makes of all, in `compression` (or ""); floors
    and normalizations are those of `chain`.
    """

    kind: str
    compression: str
    chain: Chain
    bins: int
    bank: npt.NDArray[np.float64] | None


class SpectrumWriter:
    """Nodes in front of a model that loses its inputs for one spectrum of `bins` in planes; `states` are its states in
    metadata, `kept` those that normalizations add: input, output, size.
    """

    def __init__(self, model: onnx.ModelProto, bins: int, states: list[list[object]]) -> None:
        graph = model.graph
        self._model, self._bins, self._states, self._nodes = model, bins, states, list[onnx.NodeProto]()
        values = (*graph.input, *graph.output, *graph.value_info, *graph.initializer)
        self._taken = {v.name for v in values} | {n for node in graph.node for n in (node.name, *node.output)}
        self.name = self._fresh("spectrum")
        self.kept: list[tuple[str, str, int]] = []

    def feed(self, name: str, source: InputSource) -> None:
        """Compute what the input `name` was given."""
        graph = self._model.graph
        info = next(i for i in graph.input if i.name == name)
        dims = [d.dim_value or 1 for d in info.type.tensor_type.shape.dim]
        graph.input.remove(info)
        made = self._scaled(self._complex(name, source) if source.kind == "spectrum" else self._real(name, source), source)
        shape = self._constant(np.array(dims, np.int64))
        self._nodes.append(helper.make_node("Reshape", [made, shape], [name], name=self._fresh(f"{self.name}_{source.kind}")))

    def finish(self) -> None:
        """Put the nodes in front of the others."""
        graph = self._model.graph
        for node in reversed(self._nodes):
            graph.node.insert(0, node)
        graph.input.insert(0, helper.make_tensor_value_info(self.name, TensorProto.FLOAT, [1, 2 * self._bins]))
        for state, after, size in self.kept:
            graph.input.append(helper.make_tensor_value_info(state, TensorProto.FLOAT, [1, size]))
            graph.output.append(helper.make_tensor_value_info(after, TensorProto.FLOAT, [1, size]))
        if self.kept:
            properties = {entry.key: entry.value for entry in self._model.metadata_props}
            helper.set_model_props(self._model, {**properties, "states": json.dumps(self._states)})

    def _real(self, name: str, source: InputSource) -> str:
        value = self._compressed(source)
        chain = source.chain
        if chain.running == "none":
            return value
        start = running_start(chain)
        count = chain.n_running
        level = self._level(value, chain)
        centred = self._node("Sub", value, self._past(f"{name}_mean", level, start[:count], chain))
        if chain.running == "mean":
            return centred
        square = self._level(self._node("Mul", centred, centred), chain)
        return self._over_root(centred, self._past(f"{name}_deviation", square, start[count:], chain), chain)

    def _complex(self, name: str, source: InputSource) -> str:
        parts, chain = self._parts(source.bins), source.chain
        if chain.running != "none":
            size = self._level(self._node("Sqrt", self._sum_of_squares(parts)), chain)
            start = running_start(chain)
            past = self._past(f"{name}_size", size, start[: source.bins] if start.size > 1 else start, chain)
            parts = [self._over_root(part, past, chain) for part in parts]
        if chain.layout == "planes":
            return self._concat(parts, 1)
        one = self._constant(np.array([1, source.bins, 1], np.int64))
        return self._concat([self._node("Reshape", part, one) for part in parts], 2)

    def _compressed(self, source: InputSource) -> str:
        chain, kind, parts = source.chain, source.kind, self._parts(self._bins)
        if kind in ("real", "imaginary"):
            return parts[kind == "imaginary"]
        power = self._sum_of_squares(parts)
        if kind == "phase":
            return phase_nodes(self._node, self._number, parts[1], parts[0])
        if kind in ("cos", "sin"):
            root = self._node("Sqrt", self._node("Add", power, self._number(_LEAST)))
            return self._node("Div", parts[kind == "sin"], root)
        size = power if kind.endswith("power") else self._node("Sqrt", power)
        if source.bank is not None:
            size = self._node("MatMul", size, self._constant(np.ascontiguousarray(source.bank.T, np.float32)))
        if not source.compression:
            return size
        size = self._node("Max", self._node("Add", size, self._number(chain.offset)), self._number(chain.floor))
        if source.compression == "compressed":
            return self._node("Pow", size, self._number(chain.exponent))
        log = self._node("Log", size)
        return log if source.compression == "log" else self._node("Mul", log, self._number(log_scale("log10") / math.log(2.0)))

    def _scaled(self, value: str, source: InputSource) -> str:
        chain = source.chain
        if chain.mean:
            value = self._node("Sub", value, self._constant(np.array(chain.mean, np.float32)))
        if chain.deviation:
            value = self._node("Mul", value, self._constant((1.0 / np.array(chain.deviation, np.float64)).astype(np.float32)))
        return value

    def _past(self, name: str, value: str, start: npt.NDArray[np.float32], chain: Chain) -> str:
        """What is kept of a value: a new state's next one."""
        keep, take = smoothing(chain)
        state, after = self._fresh(f"{name}_running_in"), self._fresh(f"{name}_running_out")
        sides = [self._node("Mul", side, self._number(by)) for side, by in ((state, keep), (value, take))]
        self._nodes.append(helper.make_node("Add", sides, [after], name=after))
        self._states.append([state, after, [float(x) for x in start]])
        self.kept.append((state, after, start.size))
        return after

    def _level(self, value: str, chain: Chain) -> str:
        return value if chain.running_over == "each" else self._node("ReduceMean", value, self._constant(np.array([1])))

    def _over_root(self, value: str, square: str, chain: Chain) -> str:
        root = self._node("Sqrt", self._node("Max", square, self._number(chain.running_floor)))
        return self._node("Div", value, root)

    def _parts(self, bins: int) -> list[str]:
        """Real and imaginary parts of the lowest bins."""
        bounds = ((part * self._bins, part * self._bins + bins, 1) for part in (0, 1))
        edges = [[self._constant(np.array([edge], np.int64)) for edge in part] for part in bounds]
        return [self._node("Slice", self.name, *part) for part in edges]

    def _sum_of_squares(self, parts: Sequence[str]) -> str:
        return self._node("Add", *(self._node("Mul", part, part) for part in parts))

    def _number(self, number: float | np.float32) -> str:
        return self._constant(np.array(number, np.float32))

    def _constant(self, array: npt.NDArray[np.generic]) -> str:
        name = self._fresh(f"{self.name}_constant")
        self._model.graph.initializer.append(numpy_helper.from_array(array, name))
        return name

    def _concat(self, parts: Sequence[str], axis: int) -> str:
        return self._node("Concat", *parts, axis=axis)

    def _node(self, kind: str, *inputs: str, **attributes: int) -> str:
        name = self._fresh(f"{self.name}_{kind.lower()}")
        self._nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def _fresh(self, wanted: str) -> str:
        name = unused(wanted, self._taken)
        self._taken.add(name)
        return name
