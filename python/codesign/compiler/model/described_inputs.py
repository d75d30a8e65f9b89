# SPDX-License-Identifier: Apache-2.0
"""Features in several inputs, where the chain says what each is → one spectrum, from which the model computes them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from codesign.base.errors import InputError, one_line
from codesign.compiler.frontend import Chain, analysis_bank
from codesign.compiler.frontend.bands import gains_bank
from codesign.compiler.frontend.chain import BAND_KINDS
from codesign.compiler.frontend.read import Entry, Find, read_value
from codesign.compiler.model.described_nodes import InputSource, SpectrumWriter
from codesign.compiler.model.metadata import named_states, properties
from codesign.compiler.model.planes import Ports, planes_by_shape
from codesign.compiler.operators.operator import Shape

_BINS = ("real", "imaginary", "magnitude", "power", "cos", "sin", "phase", "spectrum")
_COMPRESSIONS = ("log", "log10", "compressed")
OF_INPUTS = ("inputs", "floor", "exponent")
"""Keys that say what the inputs are, and nothing of the spectrum that takes their place."""
_OF_ONE = (
    *("kind", "bands_matrix", "f_min", "f_max", "floor", "offset", "exponent", "mean", "deviation", "layout"),
    *("running", "running_over", "running_smoothing", "running_start", "running_deviation", "running_floor"),
)
"""Keys of the table of one input."""
_HINT = (
    f'inputs = {{ name = "kind" }} says what each is: {", ".join(_BINS)}, mel_power, erb_magnitude and others, all sizes '
    'also with log_, log10_ or compressed_ before them; { kind = "…", running = "…" } also what it is normalized by '
    "(docs/model-file.md)"
)
_SPECTRUM_HINT = "a spectrum has two numbers a bin, of all bins or of the lowest ones (docs/model-file.md)"


@dataclass(frozen=True)
class Described:
    """What one input is: its kind, and keys of a chain that are its own."""

    kind: str
    keys: Mapping[str, Entry]


def described(said: Mapping[str, Entry]) -> dict[str, Described]:
    """What the key `inputs` says of each, by name; nothing where it names the parts of a spectrum.

    Raises:
        InputError: a kind or a key that nobody knows.
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
    return {name: _described(entry.where, str(name), one) for name, one in value.items()}


def _described(where: str, name: str, said: object) -> Described:
    table = said if isinstance(said, dict) else {"kind": said}
    where = f"{where} inputs: '{one_line(name, 40)}'"
    unknown = next((key for key in table if key not in _OF_ONE), None)
    if unknown is not None:
        raise InputError(f"{where} has {one_line(str(unknown), 40)}, which means nothing there", hint=_HINT)
    kind = table.get("kind")
    if not isinstance(kind, str) or not _is_known(kind):
        raise InputError(f"{where} is {one_line(repr(kind), 40)}", hint=_HINT)
    return Described(kind, {key: Entry(value, f"{where}") for key, value in table.items() if key != "kind"})


def with_spectrum(
    path: Path, ports: Ports, kinds: Mapping[str, Described], chain: Callable[[Mapping[str, Entry]], Chain], find: Find
) -> Ports:
    """The model with one input, the spectrum in planes, in place of those of `kinds`; `chain` reads a chain with other keys.

    Raises:
        InputError: an input that is not there, or of another size than its kind has, or normalized by what it is not.
    """
    missing = next((name for name in kinds if name not in ports.inputs), None)
    if missing is not None:
        known = ", ".join(f"'{name}'" for name in ports.inputs)
        raise InputError(f"{path}: inputs: there is no '{one_line(missing, 40)}', but {known}", hint=_HINT)
    states = named_states(path, properties(ports.model), ports.inputs, ports.outputs)
    model = onnx.ModelProto()
    model.CopyFrom(ports.model)
    base = chain({"feature": Entry("magnitude", "inputs:"), "compression": Entry("power", "inputs:")})
    writer = SpectrumWriter(model, base.n_bins, [[s.input, s.output, s.initial] for s in states])
    banks = []
    for name, one in kinds.items():
        source = _source(path, name, one, ports.inputs[name], base, chain, find)
        banks += [source.chain] if source.bank is not None else []
        writer.feed(name, source)
    writer.finish()
    entries = {"feature": Entry("spectrum", "several inputs:"), "layout": Entry("planes", "several inputs:")}
    if len(banks) == 1 and any(math.prod(shape) == banks[0].n_mels for shape in ports.outputs.values()):
        rows = tuple(map(tuple, gains_bank(replace(banks[0], output="gains", gains="bands")).dense().tolist()))
        entries |= {"gains": Entry("matrix", "several inputs:"), "gains_matrix": Entry(rows, "several inputs:")}
    inputs: dict[str, Shape] = {name: shape for name, shape in ports.inputs.items() if name not in kinds}
    inputs = {writer.name: (2 * base.n_bins,), **inputs, **{name: (size,) for name, _, size in writer.kept}}
    outputs = {**ports.outputs, **{name: (size,) for _, name, size in writer.kept}}
    told = ", ".join(f"{name!r} ({one.kind})" for name, one in kinds.items())
    notes = (f"inputs {told} are computed from one spectrum",)
    return replace(ports, model=model, inputs=inputs, outputs=outputs, entries=entries, notes=notes)


def _source(
    path: Path,
    name: str,
    one: Described,
    shape: Shape,
    base: Chain,
    chain: Callable[[Mapping[str, Entry]], Chain],
    find: Find,
) -> InputSource:
    """What an input of this shape is computed from, with its own chain."""
    wanted, bands = math.prod(shape), _bands(one.kind)
    bins = base.n_bins
    keys: dict[str, Entry] = {"compression": Entry("power", "inputs:"), "feature": Entry("magnitude", "inputs:")}
    own = dict(one.keys)
    if bands:
        keys |= {"feature": Entry(bands, "inputs:"), "n_mels": Entry(wanted, "inputs:")}
    elif one.kind == "spectrum":
        if wanted % 2 or wanted > 2 * bins:
            raise InputError(f"{path}: input '{name}' has {wanted} values, a spectrum up to {2 * bins}", hint=_SPECTRUM_HINT)
        bins = wanted // 2
        keys |= {"feature": Entry("spectrum", "inputs:")}
        if planes_by_shape(shape):
            keys["layout"] = Entry("planes", f"{path}: shapes")
        own |= {key: _all_bins(key, own[key], bins, base.n_bins, find) for key in ("running_start",) if key in own}
    elif wanted != bins:
        raise InputError(f"{path}: input '{name}' has {wanted} values, {one.kind} of n_fft {base.n_fft} {bins}", hint=_HINT)
    compression = one.kind.partition("_")[0]
    if "offset" in own:
        if compression not in ("log", "log10"):
            raise InputError(f"{path}: inputs: '{name}' has an offset, and {one.kind} is no logarithm", hint=_HINT)
        keys["compression"] = Entry(compression, "inputs:")
    read = chain({**keys, **own})
    return InputSource(
        one.kind, compression if compression in _COMPRESSIONS else "", read, bins, _dense(read) if bands else None
    )


def _dense(chain: Chain) -> npt.NDArray[np.float64]:
    return np.asarray(analysis_bank(chain).dense(), np.float64)


def _all_bins(key: str, entry: Entry, given: int, bins: int, find: Find) -> Entry:
    """A list with a value for each of the lowest bins, with its last one for all others, which nobody reads."""
    values: Any = read_value(key, entry, find)
    return Entry((*values, *values[-1:] * (bins - given)), entry.where) if len(values) == given else entry


def _is_known(kind: str) -> bool:
    compression, _, rest = kind.partition("_")
    size = rest if compression in _COMPRESSIONS else kind
    plain = kind in _BINS or (size in ("magnitude", "power") and compression in _COMPRESSIONS)
    return plain or any(size == f"{bands}_{of}" for bands in BAND_KINDS for of in ("magnitude", "power"))


def _bands(kind: str) -> str:
    """The feature of bands that a kind is a compression of, or ""."""
    return next((f"{b}_{of}" for b in BAND_KINDS for of in ("magnitude", "power") if kind.endswith(f"{b}_{of}")), "")
