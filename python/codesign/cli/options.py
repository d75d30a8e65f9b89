# SPDX-License-Identifier: Apache-2.0
"""Options and arguments that several commands share."""

from __future__ import annotations

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, overload

import typer

if TYPE_CHECKING:
    from codesign.firmware.boards import Board
    from codesign.firmware.toolchain.options import BuildOptions
    from codesign.learning.data.sources import Place
else:
    Place = str

DEFAULT_BOARD = "nrf5340dk"
DEFAULT_SECONDS = 60.0
"""proof.signals' PROOF_SECONDS: a help text imports none of the work."""

Model = Annotated[
    Path, typer.Argument(help="The model: an ONNX or TFLite file, or a TOML file of networks in a row.", show_default=False)
]
ChainFile = Annotated[
    Path | None,
    typer.Option("--chain", help="TOML file of what is around the network (default: metadata, or <model>.toml beside it)."),
]
Result = Annotated[
    str | None, typer.Option("--result", help="The output to keep, where the file has several.", show_default=False)
]
BoardName = Annotated[str, typer.Option("--board", "-b", help="A board's name, or the path of a board.toml.")]
FitFile = Annotated[Path | None, typer.Option("--fit", help="TOML file that codesign fit wrote: compression for an audiogram.")]
Seconds = Annotated[float, typer.Option("--seconds", min=20.0, max=3600.0, help="Seconds of audio to compare.")]
Define = Annotated[
    list[str] | None, typer.Option("--define", "-D", help="NAME=VALUE for CMake or Kconfig of the Zephyr image (repeatable).")
]
Fragment = Annotated[
    list[Path] | None, typer.Option("--conf", help="File of Kconfig options for the Zephyr image (repeatable).")
]
Overlay = Annotated[list[Path] | None, typer.Option("--overlay", help="Devicetree overlay for the Zephyr image (repeatable).")]
Elf = Annotated[Path | None, typer.Option("--elf", help="Run this build of the Zephyr application, not one of our own.")]
Shield = Annotated[
    list[str] | None,
    typer.Option("--shield", help="Zephyr's shield on the board, for example one with an I2S codec (repeatable)."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")]


def place(text: str) -> Place:
    """A folder, or a URL of shards."""
    return text.rstrip("/") if "://" in text else Path(text)


@overload
def absolute(folder: Path) -> Path: ...
@overload
def absolute(folder: None) -> None: ...
def absolute(folder: Path | None) -> Path | None:
    """The same for other processes and machines; links stay as they are."""
    return None if folder is None else Path(os.path.abspath(folder))  # noqa: PTH100


def anywhere(given: Place | None) -> Place | None:
    """A place as other processes and machines find it."""
    return given if isinstance(given, str) else absolute(given)


Speech = Annotated[
    Place | None,
    typer.Option(
        "--speech",
        parser=place,
        metavar="PLACE",
        help="Folder of clean speech, WAV or FLAC; or shards of codesign data pack, by folder or URL.",
        show_default=False,
    ),
]
Noise = Annotated[
    Place | None,
    typer.Option(
        "--noise",
        parser=place,
        metavar="PLACE",
        help="Folder of noise, WAV or FLAC; or shards, by folder or URL.",
        show_default=False,
    ),
]
PairedSpeech = Annotated[
    Path | None, typer.Option("--pairs", help="Folder of noisy recordings and their clean signals.", show_default=False)
]
Rooms = Annotated[
    Path | None,
    typer.Option("--rooms", help="Folder of rooms' impulse responses, in place of simulated ones.", show_default=False),
]
Ray = Annotated[str, typer.Option("--ray", help="Run on a Ray cluster: auto, its address, or local for one begun here.")]
RunFolder = Annotated[
    Path, typer.Option("--output", "-o", help="Folder of the run's checkpoints and logs.", show_default=False)
]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, or auto.")]


class FrontEndKind(StrEnum):
    float32 = "float32"
    q31 = "q31"


FrontEndOption = Annotated[
    FrontEndKind | None,
    typer.Option("--front-end", help="float32, or q31 for cores without an FPU (default: what suits the board's core)."),
]


def _hot_weights(value: str | None) -> str | None:
    if value is not None and value != "auto" and not re.fullmatch(r"[0-9]{1,9}", value):
        raise typer.BadParameter(f"'{value}' is neither a number of bytes nor auto")
    return value


HotWeightsOption = Annotated[
    str | None,
    typer.Option(
        "--hot-weights",
        callback=_hot_weights,
        metavar="BYTES|auto",
        help="RAM for copies of the constants that are read most often; auto: all that the RAM's budget leaves.",
        show_default=False,
    ),
]


ClockOption = Annotated[
    float | None,
    typer.Option("--clock", metavar="MHZ", help="A slower clock of the core that the board's card has.", show_default=False),
]


def chosen_board(
    name: str, front_end: FrontEndKind | None, hot_weights: str | None = None, clock: float | None = None
) -> Board:
    """The board, with the front end, the copies of constants and the clock that were asked for."""
    from codesign.firmware.boards import load_board

    board = load_board(name)
    board = board if clock is None else board.with_clock(clock)
    board = board if front_end is None else board.with_front_end(front_end.value)
    if hot_weights is None:
        return board
    return board.with_hot_weights("auto" if hot_weights == "auto" else int(hot_weights))


def build_options(
    define: list[str] | None, conf: list[Path] | None, overlay: list[Path] | None, shield: list[str] | None = None
) -> BuildOptions:
    """What the user adds to the Zephyr application."""
    from codesign.firmware.toolchain.options import BuildOptions

    return BuildOptions(tuple(define or ()), tuple(conf or ()), tuple(overlay or ()), tuple(shield or ()))
