# SPDX-License-Identifier: Apache-2.0
"""Where a chain stands: in a model's metadata_props, and in a TOML file for a model that cannot be edited."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from codesign.base.errors import InputError, one_line
from codesign.base.reading import read_limited
from codesign.base.toml import read_toml
from codesign.compiler.frontend.read import CHAIN_KEYS, MAX_NUMBERS, OTHER_KEYS, Entry, Find, read_value, unknown_keys
from codesign.compiler.frontend.tables import read_table
from codesign.compiler.model.stage import StageFile

SUFFIX = ".toml"
_TABLE = "chain"
_OF_FITTINGS = {"compression": "compressor", "program": "programs"}
TABLES_OF_FILES = {**_OF_FITTINGS, "beamformer": "beamformer"}
"""Tables that stand beside [chain], and the keys that they are."""
FIT_LIMIT = "attenuation_limit"
"""The key of a chain that a fitting sets where the chain does not."""
FIT_LOSS = "speech_loss"
"""The key of a chain that a fitting for one model says in its place."""
_FILES = (".npy", ".csv", ".txt")
_MAX_BYTES = 32 * 2**20
_FIT_HINT = "codesign fit writes one, see docs/hearing-aid-chain.md"
_HINT = "correct the [chain] table, see docs/model-file.md"


def chain_entries(stage: StageFile, props: Mapping[str, str]) -> dict[str, Entry]:
    """The keys of a model from its metadata and from what is said elsewhere, which wins.

    Raises:
        InputError: the file cannot be read, has no [chain] table or a key that nobody knows.
    """
    entries = {key: Entry(value, f"{stage.model}: metadata") for key, value in props.items()}
    found = None if stage.keys else chain_path(stage)
    said = dict(stage.keys) if found is None else chain_file_entries(found)
    if "preset" in said:  # it says everything about the chain
        entries = {key: entry for key, entry in entries.items() if key in OTHER_KEYS}
    return entries | said


def chain_file_entries(file: Path) -> dict[str, Entry]:
    """The keys of a chain file.

    Raises:
        InputError: as `chain_entries`.
    """
    document = read_toml(file, _HINT)
    table = document.get(_TABLE)
    if not isinstance(table, dict):
        raise InputError(f"{file} has no [{_TABLE}] table", hint="write the chain's keys below [chain], see docs/model-file.md")
    beside = {key: Entry(document[name], f"{file}:") for name, key in TABLES_OF_FILES.items() if name in document}
    return checked_keys({key: Entry(value, f"{file}: {_TABLE}", by_hand=True) for key, value in table.items()} | beside)


def fit_entries(file: Path) -> dict[str, Any]:
    """The tables of a fitting, [compression] and [[program]], its attenuation_limit and speech_loss as values of a chain's
    keys; [fit] says where they are from.

    Raises:
        InputError: the file cannot be read, or has none of them or others.
    """
    document = read_toml(file, _FIT_HINT)
    unknown = next((key for key in document if key not in (*_OF_FITTINGS, FIT_LIMIT, FIT_LOSS, "fit")), None)
    if unknown is not None or not document.keys() & _OF_FITTINGS.keys():
        said = "has no [compression]" if unknown is None else f"{one_line(unknown, 40)} means nothing in a fitting"
        raise InputError(f"{file}: {said}", hint=_FIT_HINT)
    found = {key: document[name] for name, key in _OF_FITTINGS.items() if name in document}
    keys = {key: read_table(key, value, f"{file}:") for key, value in found.items()}
    if FIT_LIMIT in document:
        limit = document[FIT_LIMIT]
        if isinstance(limit, bool) or not isinstance(limit, int | float) or not 0 <= limit <= 100:
            raise InputError(f"{file}: {FIT_LIMIT} {one_line(str(limit), 40)} is not in 0…100 dB", hint=_FIT_HINT)
        keys[FIT_LIMIT] = float(limit)
    if FIT_LOSS in document:
        keys[FIT_LOSS] = read_value(FIT_LOSS, Entry(document[FIT_LOSS], f"{file}:"), lambda name: None)
    return keys


def checked_keys(entries: dict[str, Entry]) -> dict[str, Entry]:
    """The entries themselves.

    Raises:
        InputError: one of them means nothing.
    """
    for unknown in unknown_keys(entries):
        raise InputError(unknown, hint=_HINT)
    return entries


def text_of(entries: Mapping[str, Entry]) -> dict[str, str]:
    """What is no part of the chain (states, name, licence), as metadata has it."""
    others = {key: entry.value for key, entry in entries.items() if key not in CHAIN_KEYS}
    return {key: value if isinstance(value, str) else json.dumps(value, default=str) for key, value in others.items()}


def finder(folder: Path | None, model: onnx.ModelProto | None) -> Find:
    """Numbers by name: of a file in `folder` (.npy, .csv, .txt), else of a tensor of `model`; either may be None."""

    def find(name: str) -> npt.NDArray[Any] | None:
        if folder is not None and name.lower().endswith(_FILES) and len(name) < 256:
            return _read_numbers(folder / name)
        for tensor in model.graph.initializer if model is not None else ():
            if tensor.name == name and 0 < np.prod(tensor.dims, dtype=object) <= MAX_NUMBERS:
                return np.asarray(onnx.numpy_helper.to_array(tensor))
        return None

    return find


def chain_path(stage: StageFile) -> Path | None:
    """The chain file of a model: the one given, else `<model>.toml` beside it when it has a [chain] table."""
    if stage.chain is not None:
        return stage.chain
    beside = stage.model.with_suffix(SUFFIX)
    if beside == stage.model or not beside.is_file():
        return None
    return beside if isinstance(read_toml(beside, _HINT).get(_TABLE), dict) else None


def _read_numbers(path: Path) -> npt.NDArray[Any]:
    data = read_limited(path, _MAX_BYTES, "give a smaller matrix")
    try:
        if path.suffix.lower() == ".npy":
            return _npy(data)
        text = data.decode("utf-8").replace(",", " ").replace(";", " ")
        return np.atleast_1d(np.loadtxt(io.StringIO(text), np.float64))
    except (ValueError, OverflowError, EOFError, UnicodeDecodeError, SyntaxError) as error:
        raise InputError(f"{path} holds no matrix of numbers: {one_line(str(error), 120)}", hint=_HINT) from error


def _npy(data: bytes) -> npt.NDArray[Any]:
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    if dtype.kind not in "fiu" or int(np.prod(shape, dtype=object)) * dtype.itemsize > len(data):
        raise ValueError(f"{dtype} of shape {shape}")
    return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))
