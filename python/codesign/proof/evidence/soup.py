# SPDX-License-Identifier: Apache-2.0
"""Software of unknown provenance: what others wrote, in the firmware and in the tools that make and prove it."""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from codesign.firmware.sbom import read_build

_OURS = ("codesign-",)
_EXTRAS = ("emulator", "tflite")
"""Of codesign's extras those that take part in a proof."""


@dataclass(frozen=True)
class Soup:
    """One of them: where it is used, and who publishes it. "" where it does not say."""

    name: str
    version: str
    used: Literal["in the firmware", "to build", "to prove"]
    licence: str
    origin: str


def soup_of(build: Path | None) -> tuple[Soup, ...]:
    """What the build's bill has that is not codesign's, then Python and the packages that codesign's own depends on, as
    installed.
    """
    found = []
    if build is not None:
        for part in read_build(build).components:
            if part.kind in ("library", "operating-system", "application") and not _is_ours(part.name):
                used: Literal["in the firmware", "to build"] = "to build" if part.excluded else "in the firmware"
                found.append(Soup(part.name, part.version, used, part.licence, part.origin))
    found.append(Soup("Python", platform.python_version(), "to prove", "PSF-2.0", "python.org"))
    return (*found, *_packages())


def _is_ours(name: str) -> bool:
    return name.startswith(_OURS) or name.endswith("-generated")


def _packages() -> list[Soup]:
    waiting, seen, found = ["codesign"], {"codesign"}, []
    while waiting:
        name = waiting.pop()
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        about = package.metadata
        if name != "codesign":
            said = [one for key in ("License-Expression", "License") for one in about.get_all(key) or []]
            links = [one.rpartition(", ")[2] for key in ("Home-page", "Project-URL") for one in about.get_all(key) or []]
            licence, home = (said or [""])[0].split("\n")[0][:60], (links or [""])[0]
            found.append(Soup(about["Name"], package.version, "to prove", licence, home))
        for requirement in package.requires or []:
            needed = re.match(r"[A-Za-z0-9._-]+", requirement)
            extra = re.search(r"extra == ['\"](\w+)['\"]", requirement)
            if needed and (extra is None or (name == "codesign" and extra[1] in _EXTRAS)):
                key = re.sub(r"[-_.]+", "-", needed[0]).lower()
                if key not in seen:
                    seen.add(key)
                    waiting.append(key)
    return sorted(found, key=lambda one: one.name.lower())
