# SPDX-License-Identifier: Apache-2.0
"""Weights beside an ONNX file."""

from __future__ import annotations

from pathlib import Path

import onnx

from codesign.base.errors import InputError
from codesign.compiler.model.limits import EXPORT_HINT, stored_bytes

_OUTSIDE = "store the weights in the .onnx file"


def read_external_data(path: Path, tensors: list[onnx.TensorProto]) -> None:
    """Put the external data of `tensors`, whose dimensions are checked, into them: as many bytes as these say, no more.

    Raises:
        InputError: a file outside of the model's folder, one that is missing, or one that does not hold what it should.
    """
    for tensor in tensors:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        where = f"{path}: tensor '{tensor.name}'"
        file = _inside(path, where, entries.get("location", ""))
        wanted = stored_bytes(tensor)
        offset, length = (_number(where, entries, key, default) for key, default in (("offset", 0), ("length", wanted)))
        if length != wanted:
            raise InputError(f"{where} needs {wanted:,} bytes, its external data has {length:,}", hint=EXPORT_HINT)
        try:
            with file.open("rb") as source:
                source.seek(offset)
                data = source.read(wanted)
        except OSError as error:
            raise InputError(f"{where}: cannot read {file}: {error.strerror or error}", hint=EXPORT_HINT) from error
        if len(data) != wanted:
            raise InputError(f"{where} needs {wanted:,} bytes, {file.name} holds {len(data):,}", hint=EXPORT_HINT)
        for field in ("external_data", "data_location"):
            tensor.ClearField(field)
        tensor.raw_data = data


def _inside(path: Path, where: str, location: str) -> Path:
    """The file at `location`, links followed, which must lie in the model's folder."""
    folder = path.parent.resolve()
    if location and "\0" not in location:
        target = (folder / location).resolve()
        if target.is_relative_to(folder) and target != folder:
            if not target.is_file():
                raise InputError(f"{where}: external data '{location}' is missing or no file", hint=EXPORT_HINT)
            return target
    raise InputError(f"{where} has external data at '{location}', outside of the model's folder", hint=_OUTSIDE)


def _number(where: str, entries: dict[str, str], key: str, default: int) -> int:
    text = entries.get(key, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InputError(f"{where}: {key} '{text}' of its external data is no number of bytes", hint=EXPORT_HINT)
    return int(text)
