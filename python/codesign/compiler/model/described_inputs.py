# SPDX-License-Identifier: Apache-2.0
"""Features in several inputs, where the chain says what each is → one spectrum, from which the model computes them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from codesign.base.errors import InputError, one_line
from codesign.compiler.frontend import Chain, analysis_bank
from codesign.compiler.frontend.chain import BAND_KINDS
from codesign.compiler.frontend.logarithm import log_scale
from codesign.compiler.frontend.read import Entry
from codesign.compiler.model.planes import Ports
from codesign.compiler.operators.operator import Shape

_BINS = ("real", "imaginary", "magnitude", "power", "cos", "sin")
_COMPRESSIONS = ("log", "log10", "compressed")
OF_INPUTS = ("inputs", "floor", "exponent")
"""Keys that say what the inputs are, and nothing of the spectrum that takes their place."""
_LEAST = 1e-24
"""Added to the power that a direction is divided by the root of: silence has none."""
_HINT = (
    f'inputs = {{ name = "kind" }} says what each is: {", ".join(_BINS)}, mel_power, erb_magnitude and others, all sizes '
    "also with log_, log10_ or compressed_ before them (docs/model-file.md)"
)


def described(said: Mapping[str, Entry]) -> dict[str, str]:
    """What the key `inputs` says of each: name → kind; nothing where it names the parts of a spectrum.

    Raises:
        InputError: a kind that nobody knows.
    """
    entry = said.get("inputs")
    value = entry.value if entry is not None else None
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if entry is None or not isinstance(value, dict):
        return {}
    for name, kind in value.items():
        if not isinstance(kind, str) or not _is_known(kind):
            raise InputError(f"{entry.where} inputs: '{one_line(str(name), 40)}' is {one_line(repr(kind), 40)}", hint=_HINT)
    return value


def with_spectrum(path: Path, ports: Ports, kinds: Mapping[str, str], chain: Callable[[Mapping[str, Entry]], Chain]) -> Ports:
    """The model with one input, the spectrum in planes, in place of those of `kinds`; `chain` reads a chain with other keys.

    Raises:
        InputError: an input that is not there, or of another size than its kind has.
    """
    missing = next((name for name in kinds if name not in ports.inputs), None)
    if missing is not None:
        known = ", ".join(f"'{name}'" for name in ports.inputs)
        raise InputError(f"{path}: inputs: there is no '{one_line(missing, 40)}', but {known}", hint=_HINT)
    model = onnx.ModelProto()
    model.CopyFrom(ports.model)
    spectrum = {"feature": Entry("spectrum", "several inputs:"), "layout": Entry("planes", "several inputs:")}
    power = Entry("power", "inputs:")  # what floor and exponent are of
    base = chain({"feature": Entry("magnitude", "inputs:"), "compression": power})
    writer = _Writer(model, base)
    for name, kind in kinds.items():
        wanted = math.prod(ports.inputs[name])
        bands = _bands(kind)
        bank = None
        if bands:
            own = chain({"feature": Entry(bands, "inputs:"), "n_mels": Entry(wanted, "inputs:"), "compression": power})
            bank = analysis_bank(own).dense()
        elif wanted != base.n_bins:
            raise InputError(
                f"{path}: input '{name}' has {wanted} values, {kind} of n_fft {base.n_fft} {base.n_bins}", hint=_HINT
            )
        writer.feed(name, kind, bank)
    writer.finish()
    others: dict[str, Shape] = {name: shape for name, shape in ports.inputs.items() if name not in kinds}
    notes = (f"inputs {', '.join(f'{name!r} ({kind})' for name, kind in kinds.items())} are computed from one spectrum",)
    return replace(ports, model=model, inputs={writer.name: (2 * base.n_bins,), **others}, entries=spectrum, notes=notes)


def _is_known(kind: str) -> bool:
    compression, _, rest = kind.partition("_")
    size = rest if compression in _COMPRESSIONS else kind
    plain = kind in _BINS or (size in ("magnitude", "power") and compression in _COMPRESSIONS)
    return plain or any(size == f"{bands}_{of}" for bands in BAND_KINDS if bands != "matrix" for of in ("magnitude", "power"))


def _bands(kind: str) -> str:
    """The feature of bands that a kind is a compression of, or ""."""
    return next(
        (f"{b}_{of}" for b in BAND_KINDS if b != "matrix" for of in ("magnitude", "power") if kind.endswith(f"{b}_{of}")), ""
    )


class _Writer:
    """Nodes in front of a model that has lost its inputs."""

    def __init__(self, model: onnx.ModelProto, chain: Chain) -> None:
        graph = model.graph
        self._model, self._chain, self._nodes = model, chain, list[onnx.NodeProto]()
        values = (*graph.input, *graph.output, *graph.value_info, *graph.initializer)
        self._taken = {v.name for v in values} | {n for node in graph.node for n in (node.name, *node.output)}
        self.name = self._fresh("spectrum")
        n = chain.n_bins
        bounds = [[self._constant(np.array([edge], np.int64)) for edge in part] for part in ((0, n, 1), (n, 2 * n, 1))]
        self._parts = [self._node("Slice", self.name, *edges) for edges in bounds]

    def feed(self, name: str, kind: str, bank: np.ndarray | None) -> None:
        """Compute what the input `name` was given."""
        graph = self._model.graph
        info = next(i for i in graph.input if i.name == name)
        dims = [d.dim_value or 1 for d in info.type.tensor_type.shape.dim]
        graph.input.remove(info)
        made = self._kind(kind, bank)
        shape = self._constant(np.array(dims, np.int64))
        self._nodes.append(helper.make_node("Reshape", [made, shape], [name], name=self._fresh(f"{self.name}_{kind}")))

    def finish(self) -> None:
        """Put the nodes in front of the others."""
        for node in reversed(self._nodes):
            self._model.graph.node.insert(0, node)
        size = 2 * self._chain.n_bins
        self._model.graph.input.insert(0, helper.make_tensor_value_info(self.name, TensorProto.FLOAT, [1, size]))

    def _kind(self, kind: str, bank: np.ndarray | None) -> str:
        re, im = self._parts
        match kind:
            case "real":
                return re
            case "imaginary":
                return im
            case "cos" | "sin":
                power = self._node("Add", self._power(), self._number(_LEAST))
                return self._node("Div", re if kind == "cos" else im, self._node("Sqrt", power))
        size = self._power() if kind.endswith("power") else self._node("Sqrt", self._power())
        if bank is not None:
            size = self._node("MatMul", size, self._constant(np.ascontiguousarray(bank.T, np.float32)))
        compression = kind.partition("_")[0]
        if compression not in _COMPRESSIONS:
            return size
        size = self._node("Max", self._node("Add", size, self._number(self._chain.offset)), self._number(self._chain.floor))
        if compression == "compressed":
            return self._node("Pow", size, self._number(self._chain.exponent))
        log = self._node("Log", size)
        return log if compression == "log" else self._node("Mul", log, self._number(float(log_scale("log10")) / math.log(2.0)))

    def _power(self) -> str:
        return self._node("Add", *(self._node("Mul", part, part) for part in self._parts))

    def _number(self, number: float) -> str:
        return self._constant(np.array(number, np.float32))

    def _constant(self, array: np.ndarray) -> str:
        name = self._fresh(f"{self.name}_constant")
        self._model.graph.initializer.append(numpy_helper.from_array(array, name))
        return name

    def _node(self, kind: str, *inputs: str) -> str:
        name = self._fresh(f"{self.name}_{kind.lower()}")
        self._nodes.append(helper.make_node(kind, list(inputs), [name], name=name))
        return name

    def _fresh(self, wanted: str) -> str:
        name, n = wanted, 2
        while name in self._taken:
            name, n = f"{wanted}_{n}", n + 1
        self._taken.add(name)
        return name
