# SPDX-License-Identifier: Apache-2.0
"""codesign build: a model to C and an image."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from codesign.base.errors import ToolError
from codesign.base.resources import resource
from codesign.cli.console import emit_json, progress, say
from codesign.cli.options import (
    DEFAULT_BOARD,
    BoardName,
    ChainFile,
    ClockOption,
    Define,
    FitFile,
    Fragment,
    FrontEndOption,
    HotWeightsOption,
    Json,
    Overlay,
    Result,
    Shield,
    build_options,
    chosen_board,
)


class Runtime(StrEnum):
    zephyr = "zephyr"
    bare = "bare"
    host = "host"


_FOLDERS = {Runtime.zephyr: "build", Runtime.bare: "build-bare-{board}", Runtime.host: "build-host"}
"""Relative to where the command runs; `west flash` looks for `build`."""


def command(
    model: Annotated[Path | None, typer.Argument(help="The model (default: the shipped one).", show_default=False)] = None,
    board: BoardName = DEFAULT_BOARD,
    front_end: FrontEndOption = None,
    hot_weights: HotWeightsOption = None,
    clock: ClockOption = None,
    chain: ChainFile = None,
    result: Result = None,
    fit: FitFile = None,
    runtime: Annotated[
        Runtime, typer.Option(help="zephyr: what is flashed; bare: ELF without an operating system; host: shared library.")
    ] = Runtime.zephyr,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to write (build, build-bare-<board>, build-host).")
    ] = None,
    define: Define = None,
    conf: Fragment = None,
    overlay: Overlay = None,
    shield: Shield = None,
    json: Json = False,
) -> None:
    """Generate C for a model and build it; exit code 1 when the image is over the board's budget.

    Example: codesign build --board nrf5340dk && west flash
    """
    from codesign.cli.tables import print_footprint, print_stack
    from codesign.compiler.load import load_model
    from codesign.firmware.settings import set_up
    from codesign.firmware.size.size import size
    from codesign.firmware.toolchain import build_image, check_image_folder
    from codesign.firmware.toolchain.i2s_rate import rate_of_build

    chosen = chosen_board(board, front_end, hot_weights, clock)
    options = build_options(define, conf, overlay, shield)
    if options and runtime is not Runtime.zephyr:
        raise typer.BadParameter("--define, --conf, --overlay and --shield are for --runtime zephyr")
    folder = output or Path(_FOLDERS[runtime].format(board=chosen.name))
    check_image_folder(runtime.value, folder)  # before the work
    if runtime is Runtime.zephyr:
        typed = {"--board": board, "--front-end": front_end, "--chain": chain, "--result": result, "--fit": fit}
        words = [word for name, value in typed.items() if value for word in (name, str(value))]
        _check_zephyr([*([str(model)] if model else []), *words])
    loaded = load_model(model or resource("models", "pruned", "pruned.onnx"), chain, result)
    network = set_up(loaded, chosen, fit).network
    with progress() as show:
        image = build_image(runtime.value, network, chosen, folder, options=options, progress=show)
    if image.board.native:
        if json:
            emit_json("build", path=image.path, compiler=image.compiler, flags=image.flags)
        else:
            say(f"wrote {image.path} ({image.compiler})")
        return
    found = size(image)
    rate = rate_of_build(folder, network.frontend.ends.rate)
    if json:
        emit_json(
            "build",
            path=image.path,
            compiler=image.compiler,
            flags=image.flags,
            footprint=found.footprint,
            groups=found.groups,
            stack=found.stack,
            budget=found.budget,
            i2s_hz=rate.made if rate else None,
        )
    else:
        print_footprint(found.footprint, found.groups, found.budget)
        if found.stack:
            print_stack(found.stack)
        if rate:
            say(f"I2S: {rate}")
        say(f"wrote {image.path} ({image.compiler})")
        if runtime is Runtime.zephyr:
            say("flash it: west flash" if folder == Path("build") else f"flash it: west flash -d {folder}")
    if not found.ok:
        raise typer.Exit(1)


def _check_zephyr(typed: Sequence[str]) -> None:
    """Look for a Zephyr workspace before anything is done.

    Raises:
        ToolError: there is none: with what was `typed` as a command that needs none.
    """
    from codesign.firmware.toolchain.zephyr_workspace import find_workspace

    try:
        find_workspace()
    except ToolError as error:
        bare = shlex.join(["codesign", "build", *typed, "--runtime", "bare"])
        raise ToolError(error.message, hint=f"without Zephyr: {bare}; with it: {error.hint}") from error
