# SPDX-License-Identifier: Apache-2.0
"""manifest.json of a build: the generated model's manifest plus how it was built."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from codesign.compiler.emit import Generated
from codesign.firmware.boards import Board
from codesign.firmware.symbols import ImageSymbols


def write_build_manifest(
    folder: Path,
    generated: Generated,
    compiler: str,
    flags: tuple[str, ...],
    symbols: ImageSymbols,
    board: Board | None = None,
) -> None:
    """Write `folder`/manifest.json from the generated sources' own."""
    document = json.loads(generated.manifest.read_text(encoding="utf-8"))
    document.pop("contents", None)  # of the folder of sources
    document["build"] = {"compiler": compiler, "flags": list(flags), "board": board.name if board else "host"}
    document["symbols"] = asdict(symbols)
    (folder / "manifest.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
