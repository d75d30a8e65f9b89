# SPDX-License-Identifier: Apache-2.0
"""codesign measure: the figures of a hearing aid's data sheet, of the image that runs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from codesign.base.errors import InputError
from codesign.base.files.output_file import check_files
from codesign.cli.console import cells, emit_json, progress, say, stderr, table
from codesign.cli.machines import MachineOption, choose
from codesign.cli.options import (
    DEFAULT_BOARD,
    BoardName,
    ChainFile,
    Define,
    Elf,
    FitFile,
    Fragment,
    FrontEndOption,
    Json,
    Model,
    Overlay,
    Result,
    build_options,
    chosen_board,
)


def command(
    model: Model,
    board: BoardName = DEFAULT_BOARD,
    front_end: FrontEndOption = None,
    chain: ChainFile = None,
    result: Result = None,
    fit: FitFile = None,
    program: Annotated[int | None, typer.Option("--program", min=0, help="The chain's program, by number.")] = None,
    strength: Annotated[
        int | None,
        typer.Option(
            min=-1,
            max=100,
            help="Percent of the network: 0 (default) measures what is around it, -1 leaves it as it is.",
            show_default=False,
        ),
    ] = None,
    emulator: MachineOption = None,
    define: Define = None,
    conf: Fragment = None,
    overlay: Overlay = None,
    elf: Elf = None,
    output: Annotated[list[Path] | None, typer.Option("--output", "-o", help=".html or .json file (repeatable).")] = None,
    json: Json = False,
) -> None:
    """Gain, maximum output, distortion, noise, attack, release and delay of an image, in the manner of IEC 60118.

    Example: codesign measure codesign-examples/low-latency.onnx --fit fit.toml -o measured.html
    """
    from codesign.compiler.load import load_model
    from codesign.firmware.settings import set_up
    from codesign.firmware.toolchain import own_image
    from codesign.hearing.measure import measure, measure_image
    from codesign.hearing.measure.write import check_output, write_figures
    from codesign.proof.aid import rows_of

    outputs = output or []
    for path in outputs:
        check_output(path)  # before the work
    check_files(outputs, [model, *([elf] if elf else [])])
    options = build_options(define, conf, overlay)
    if elf is not None and (options or strength not in (None, -1)):
        raise InputError(
            "an ELF is what it is: it has its strength, and nothing can be added to its build",
            hint="leave out --elf, or --strength and the options of a build",
        )
    chosen = chosen_board(board, front_end)
    machine = choose(emulator, chosen)
    loaded = set_up(load_model(model, chain, result), chosen, fit, program)
    with tempfile.TemporaryDirectory(prefix="codesign-") as name, progress() as show:
        folder = Path(name) / machine.runtime
        if elf is not None:
            image = own_image(loaded.network, chosen, elf, Path(name) / "model")
            found = measure_image(image, machine.address, Path(name) / machine.name, progress=show)
        else:
            how = None if strength == -1 else strength or 0
            found = measure(loaded, chosen, folder, machine.address, strength=how, options=options, progress=show)
    for path in outputs:
        write_figures(path, found)
    if json:
        emit_json("measure", figures=found)
        return
    rows = table(f"{found.model} on {found.board}, {found.machine}", "figure", "value")
    for row in rows_of(found):
        rows.add_row(*cells(*row))
    stderr.print(rows)
    curves = table("Over frequency", "Hz", "gain dB", "output dB SPL")
    for gain, loud in zip(found.gain, found.output, strict=True):
        curves.add_row(*cells(f"{gain.at:g}", f"{gain.value:.1f}", f"{loud.value:.1f}"))
    stderr.print(curves)
    if outputs:
        say(f"wrote {', '.join(map(str, outputs))}")
