"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_BOARD = "nrf5340dk"

Model = Annotated[Path, typer.Argument(help="The model, an ONNX file of one time step.", show_default=False)]
BoardName = Annotated[str, typer.Option("--board", "-b", help="A board's name, or the path of a board.toml.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")]
Speech = Annotated[Path, typer.Option("--speech", help="Folder of clean speech, WAV or FLAC.", show_default=False)]
Noise = Annotated[Path, typer.Option("--noise", help="Folder of noise, WAV or FLAC.", show_default=False)]
RunFolder = Annotated[
    Path, typer.Option("--output", "-o", help="Folder of the run's checkpoints and logs.", show_default=False)
]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, or auto.")]
