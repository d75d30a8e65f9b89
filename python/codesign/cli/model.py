# SPDX-License-Identifier: Apache-2.0
"""codesign model: networks as images of their own, for partitions of firmware that is there already."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from codesign.base.errors import ValidationError
from codesign.base.files.output_folder import check_folder
from codesign.base.reading import read_limited
from codesign.cli.console import emit_json, say
from codesign.cli.groups import Commands
from codesign.cli.options import DEFAULT_BOARD, BoardName, ChainFile, FitFile, FrontEndOption, Json, Model, Result, chosen_board

_LARGEST_IMAGE = 1 << 26

app = typer.Typer(
    cls=Commands,
    help="Networks in partitions of their own: pack, show (docs/update.md).",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.command()
def pack(
    model: Model,
    firmware: Annotated[
        Path, typer.Option("--firmware", help="zephyr.elf of the firmware that will run it.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the images, one for each partition.")],
    version: Annotated[str, typer.Option("--version", help="What the image says of itself, up to 15 letters.")] = "0",
    board: BoardName = DEFAULT_BOARD,
    front_end: FrontEndOption = None,
    chain: ChainFile = None,
    result: Result = None,
    fit: FitFile = None,
    json: Json = False,
) -> None:
    """Build a network as an image for each of the two partitions of a firmware.

    Example: codesign model pack new.onnx --firmware build/zephyr/zephyr.elf --version 1.2.0 -o update
    """
    from codesign.compiler.load import load_model
    from codesign.firmware.settings import set_up
    from codesign.firmware.toolchain.model_image import build_model_images, firmware_slots, read_model_image

    check_folder(output)  # before the work
    chosen, slots = chosen_board(board, front_end), firmware_slots(firmware)
    network = set_up(load_model(model, chain, result), chosen, fit).network
    files = build_model_images(network, chosen, slots, output, version)
    images = [read_model_image(file.read_bytes()) for file in files]
    if json:
        emit_json("model", ok=True, images=images)
        return
    for file, image in zip(files, images, strict=True):
        say(f"wrote {file}: {file.stat().st_size:,} of {slots.size:,} bytes at {image.address:#x}, also as Intel HEX")
    say(f"{images[0].memory:,} of {slots.memory:,} bytes of memory, stack {images[0].stack:,} of {slots.stack:,}")


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="An image, .bin.", show_default=False)],
    json: Json = False,
) -> None:
    """Say what an image is; exit code 1 when it is damaged.

    Example: codesign model show update/model-a.bin
    """
    from codesign.firmware.toolchain.model_image import read_model_image

    image = read_model_image(read_limited(file, _LARGEST_IMAGE, "codesign model pack makes one"))
    if json:
        emit_json("model", ok=not image.damage, images=[image])
    else:
        say(f"{image.name} {image.version}, generation {image.generation}, {image.body:,} bytes at {image.address:#x}")
        shape = image.shape
        audio = f"{shape.sample_rate:,} Hz, hops of {shape.hop}, blocks of {shape.block}, {shape.latency} samples late"
        say(f"{audio}; {shape.core}; memory {image.memory:,} bytes, stack {image.stack:,}")
        say(f"model {image.sha256[:12]}, sources {image.sources_sha256[:12]}")
    if image.damage:
        raise ValidationError(f"{file}: {image.damage}", hint="pack it again")
