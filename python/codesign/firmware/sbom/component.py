# SPDX-License-Identifier: Apache-2.0
"""Components of a firmware, and all of them together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["firmware", "library", "operating-system", "machine-learning-model", "file", "application"]
"""Of CycloneDX's types those that a firmware has."""


@dataclass(frozen=True)
class Component:
    """One thing that the firmware consists of, or was made with where `excluded`. "" and () where nothing is known.

    `licence` is an SPDX expression, `sha256` of its file or of the names and contents of its files, `origin` says where it is
    from. `files` are its own parts.
    """

    kind: Kind
    name: str
    version: str = ""
    licence: str = ""
    sha256: str = ""
    purl: str = ""
    cpe: str = ""
    origin: str = ""
    excluded: bool = False
    files: tuple[Component, ...] = ()


@dataclass(frozen=True)
class Bill:
    """A firmware with its components. `notes` say what could not be known."""

    firmware: Component
    components: tuple[Component, ...]
    board: str
    tool: str
    notes: tuple[str, ...]
