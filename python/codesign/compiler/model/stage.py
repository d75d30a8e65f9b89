# SPDX-License-Identifier: Apache-2.0
"""A model file, and what is said of it elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from codesign.compiler.frontend.read import Entry


@dataclass(frozen=True)
class StageFile:
    """`chain` is a TOML file with the keys of the chain, or `keys` are they, with files of `folder`; without either,
    `<model>.toml` beside the model is taken when it has a [chain] table. `result` names the output to keep where the file has
    others than the mask.
    """

    model: Path
    chain: Path | None = None
    result: str | None = None
    keys: Mapping[str, Entry] = field(default_factory=dict)
    folder: Path | None = None
