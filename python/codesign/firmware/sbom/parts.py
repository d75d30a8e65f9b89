# SPDX-License-Identifier: Apache-2.0
"""What is in a firmware: read from the folder that codesign built it in."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from codesign.base.errors import InputError
from codesign.base.reading import read_limited
from codesign.base.resources import resource
from codesign.firmware.sbom.component import Bill, Component
from codesign.firmware.sbom.spdx import spdx_packages

_HINT = "name a folder that codesign build, verify or demo wrote, with its manifest.json"
_MAX_BYTES = 64 * 2**20
_ELFS = ("firmware.elf", "zephyr/zephyr.elf", "zephyr/zephyr.exe")
_MODELS = ("manifest.json", "codesign_model/manifest.json")


def read_build(folder: Path) -> Bill:
    """The bill of a folder that codesign built a bare image or a Zephyr application in.

    Raises:
        InputError: no such folder, no image in it, or a manifest that is none.
    """
    elf = next((folder / name for name in _ELFS if (folder / name).is_file()), None)
    if elf is None:
        raise InputError(f"{folder} has no {' or '.join(_ELFS[:2])}", hint=_HINT)
    model = next((found for name in _MODELS if (found := _manifest(folder / name)) and "model" in found), None)
    if model is None:
        raise InputError(f"{folder} has no manifest.json that tells its model", hint=_HINT)
    try:
        return _bill(folder, elf, model)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        what = f"{type(error).__name__} {error}"
        raise InputError(f"{folder}: manifest.json is damaged: {what}", hint="build it again") from error


def _bill(folder: Path, elf: Path, model: Mapping[str, Any]) -> Bill:
    zephyr, network, tool = "zephyr" in elf.parts[-2:], model["model"], str(model["tool"])
    image = _manifest(folder / "manifest.json") or {}
    build = {**(image.get("build") or {}), **(model.get("build") or {})}
    info = _build_info(folder) if zephyr else {}
    board = str(build.get("board") or info.get("board") or "")
    version = tool.removeprefix("codesign ")
    generated = tuple(Component("file", name, sha256=digest) for name, digest in sorted(model["files"].items()))
    origin = "the model file that was compiled"
    licence, digest = str(network.get("licence") or ""), str(network["sha256"])
    parts = [
        Component("machine-learning-model", str(network["name"]), licence=licence, sha256=digest, origin=origin),
        Component("library", f"{network['name']}-generated", version, origin=f"sources by {tool}", files=generated),
        _own("runtime", version),
    ]
    notes = []
    if zephyr:
        parts.append(_own("app", version))
        packages = tuple(spdx_packages(folder))
        parts += packages or _zephyr_parts(folder, info)
        if not packages:
            notes.append("Zephyr and its modules without revisions and licences: west spdx in the build's folder tells them")
    compiler = str(build.get("compiler") or _cached_compiler(folder))
    if compiler:
        parts.append(Component("application", "compiler", compiler, origin="made the image, is not in it", excluded=True))
    digest = hashlib.sha256(elf.read_bytes()).hexdigest()
    name = f"{network['identifier']}-{board}" if board else str(network["identifier"])
    image_part = Component("firmware", name, digest[:12], sha256=digest, origin=elf.relative_to(folder).as_posix())
    return Bill(image_part, tuple(parts), board, tool, tuple(notes))


def _own(folder: str, version: str) -> Component:
    """A part of codesign itself."""
    where = resource(folder)
    return Component("library", f"codesign-{folder}", version, "Apache-2.0", _tree_hash(where), origin=f"codesign: {folder}/")


def _zephyr_parts(folder: Path, info: Mapping[str, str]) -> Iterator[Component]:
    base = Path(info.get("base", ""))
    yield Component("operating-system", "zephyr", info.get("version", ""), "Apache-2.0", origin=base.name or "ZEPHYR_BASE")
    modules = folder / "zephyr_modules.txt"
    text = modules.read_text(encoding="utf-8", errors="replace") if modules.is_file() else ""
    for name in re.findall(r'^"([^"]+)":', text, re.MULTILINE):
        if name != "codesign":
            yield Component("library", name, origin="Zephyr module")


def _build_info(folder: Path) -> dict[str, str]:
    """Board, Zephyr's version and base: of build_info.yml where this Zephyr writes one, else of CMake's cache."""
    cache = _text(folder / "CMakeCache.txt")
    found = {
        name: match[1].strip()
        for name, key in (("board", "BOARD"), ("base", "ZEPHYR_BASE"))
        if (match := re.search(rf"^{key}:\w+=(.*)$", cache, re.MULTILINE))
    }
    told = re.search(r"^  zephyr:\n(?:    .*\n)*?    version: '?([^'\n]+)'?$", _text(folder / "build_info.yml"), re.MULTILINE)
    if told:
        found["version"] = told[1]
    elif base := found.get("base"):
        fields = dict(re.findall(r"^(\w+)\s*=\s*(\w*)\s*$", _text(Path(base) / "VERSION"), re.MULTILINE))
        found["version"] = ".".join(fields.get(key, "") for key in ("VERSION_MAJOR", "VERSION_MINOR", "PATCHLEVEL")).strip(".")
    return found


def _cached_compiler(folder: Path) -> str:
    match = re.search(r"^CMAKE_C_COMPILER:\w+=(.*)$", _text(folder / "CMakeCache.txt"), re.MULTILINE)
    return Path(match[1]).name if match else ""


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _manifest(path: Path) -> Mapping[str, Any] | None:
    if not path.is_file():
        return None
    try:
        document = json.loads(read_limited(path, _MAX_BYTES, _HINT))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}", hint="build it again") from error
    return document if isinstance(document, dict) else None


def _tree_hash(folder: Path) -> str:
    """SHA-256 over names and SHA-256 of all source files of a folder, in order."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            line = f"{path.relative_to(folder).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}\n"
            total.update(line.encode())
    return total.hexdigest()
