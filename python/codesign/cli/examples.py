# SPDX-License-Identifier: Apache-2.0
"""codesign examples: what the tutorials begin with, in a folder of one's own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from codesign.base.files.output_folder import replace_folder
from codesign.base.resources import resource
from codesign.cli.console import emit_json, say
from codesign.cli.options import Json

_OTHERS = {
    "baseline-256-float.onnx": ("models", "baseline-256", "baseline-256-float.onnx"),
    "LICENCES.md": ("models", "demo", "README.md"),
}
"""Names in the folder beside the shipped networks, and the package's files that they are copies of."""


def command(
    output: Annotated[Path, typer.Argument(help="The folder to write.")] = Path("codesign-examples"),
    json: Json = False,
) -> None:
    """Write shipped networks and the demo's recordings into a folder: what the tutorials begin with.

    Example: codesign examples
    """
    recordings = sorted(resource("models", "demo").glob("*.flac"))
    shipped = {path.name: path for path in sorted(resource("models").glob("*/*.onnx")) if path.stem == path.parent.name}
    files = shipped | {name: resource(*parts) for name, parts in _OTHERS.items()}
    with replace_folder(output) as building:
        for kind in ("noisy", "clean"):
            (building / "recordings" / kind).mkdir(parents=True)
        for name, path in files.items():
            shutil.copyfile(path, building / name)
        for path in recordings:
            name, _, kind = path.name.rpartition("_")
            shutil.copyfile(path, building / "recordings" / Path(kind).stem / f"{name}{path.suffix}")
    if json:
        emit_json("examples", folder=output, files=list(files), recordings=len(recordings) // 2)
    else:
        say(f"wrote {output}: {len(files) - 1} networks, {len(recordings) // 2} noisy recordings with their clean signals")
