# SPDX-License-Identifier: Apache-2.0
"""Other people's networks in a folder, scored as ours are: the same mixtures, the same clips, the same measures."""

from __future__ import annotations

import tomllib
from pathlib import Path

from codesign.base.errors import InputError
from codesign.hearing.evaluate import model_system
from codesign.hearing.evaluate.systems import System

MODELS = (".onnx", ".tflite")


def find_peers(folder: Path) -> dict[str, Path]:
    """Name → file that codesign loads: TOML files of networks in a row, and models that are in none, each with the chain of its
    metadata or of the TOML file of its name.

    Raises:
        InputError: no such folder, no model in it, or a TOML file that cannot be read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder", hint="give a folder of ONNX or TFLite files")
    rows: dict[str, Path] = {}
    staged: set[Path] = set()
    for path in sorted(folder.glob("*.toml")):
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: {error}", hint="see docs/model-file.md, Networks in a row") from error
        if "stage" in tables:
            rows[path.stem] = path
            staged |= {(folder / stage["model"]).resolve() for stage in tables["stage"] if isinstance(stage.get("model"), str)}
    alone = [path for path in sorted(folder.iterdir()) if path.suffix in MODELS and path.resolve() not in staged]
    found = rows | {path.stem if path.suffix == MODELS[0] else path.name: path for path in alone}
    if not found:
        raise InputError(
            f"{folder}: no network", hint=f"give {' or '.join(MODELS)} files, with a TOML file for what is around them"
        )
    return found


def peer_systems(folder: Path, scratch: Path, rate: int) -> tuple[list[System], list[str]]:
    """Systems at `rate` Hz of the networks that can be run, and a line for each that cannot."""
    systems, left = [], []
    for name, path in find_peers(folder).items():
        try:
            system = model_system(name, path, scratch)
        except InputError as error:
            left.append(f"{name}: {error}")
            continue
        if system.sample_rate in (None, rate):
            systems.append(system)
        else:
            left.append(f"{name}: at {system.sample_rate} Hz, the mixtures are at {rate} Hz")
    return systems, left
