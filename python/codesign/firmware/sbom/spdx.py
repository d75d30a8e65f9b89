# SPDX-License-Identifier: Apache-2.0
"""Packages of the SPDX documents that `west spdx` left in a build's folder (tag-value form, SPDX 2.2 and 2.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from codesign.base.reading import read_limited
from codesign.firmware.sbom.component import Component

_FOLDERS = ("spdx", "zephyr/spdx")
_DOCUMENTS = ("zephyr.spdx", "modules-deps.spdx")
_MAX_BYTES = 64 * 2**20
_NOTHING = ("", "NOASSERTION", "NONE")
_HINT = "run west spdx again"


def spdx_packages(folder: Path) -> Iterator[Component]:
    """Zephyr and its modules, each once: what a package says of its version, licence, purl and CPE."""
    found: dict[str, dict[str, str]] = {}
    for place in (folder / name / document for name in _FOLDERS for document in _DOCUMENTS):
        if place.is_file():
            for tags in _packages(read_limited(place, _MAX_BYTES, _HINT).decode("utf-8", errors="replace")):
                name = re.sub(r"-(sources|deps)$", "", tags["PackageName"])
                before = found.setdefault(name, {})
                before.update({key: value for key, value in tags.items() if value not in _NOTHING and key not in before})
    for name, tags in found.items():
        if name == "codesign":
            continue
        licence = tags.get("PackageLicenseDeclared") or tags.get("PackageLicenseConcluded") or ""
        yield Component(
            "operating-system" if name == "zephyr" else "library",
            name,
            tags.get("PackageVersion", ""),
            licence,
            purl=tags.get("purl", ""),
            cpe=tags.get("cpe23Type", ""),
            origin=tags.get("PackageDownloadLocation", "Zephyr module"),
        )


def _packages(text: str) -> Iterator[dict[str, str]]:
    """The tags of each package; those of its files are left out."""
    for part in text.split("##### Package: ")[1:]:
        head = re.split(r"^FileName:", part, maxsplit=1, flags=re.MULTILINE)[0]
        tags = dict(re.findall(r"^(\w+): (.*)$", head, re.MULTILINE))
        for kind, value in re.findall(r"^ExternalRef: \S+ (purl|cpe23Type) (\S+)$", head, re.MULTILINE):
            tags.setdefault(kind, value)
        if tags.get("PackageName"):
            yield tags
