# SPDX-License-Identifier: Apache-2.0
"""codesign measure: the figures of a hearing aid's data sheet, of the image that runs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from codesign.base.files.output_file import check_files
from codesign.cli.console import cells, emit_json, progress, say, stderr, table
from codesign.cli.machines import MachineOption, choose
from codesign.cli.options import DEFAULT_BOARD, BoardName, ChainFile, FitFile, FrontEndOption, Json, Model, Result, chosen_board


def command(
    model: Model,
    board: BoardName = DEFAULT_BOARD,
    front_end: FrontEndOption = None,
    chain: ChainFile = None,
    result: Result = None,
    fit: FitFile = None,
    program: Annotated[int | None, typer.Option("--program", min=0, help="The chain's program, by number.")] = None,
    strength: Annotated[
        int, typer.Option(min=-1, max=100, help="Percent of the network: 0 measures what is around it, -1 leaves it as it is.")
    ] = 0,
    emulator: MachineOption = None,
    output: Annotated[list[Path] | None, typer.Option("--output", "-o", help=".html or .json file (repeatable).")] = None,
    json: Json = False,
) -> None:
    """Gain, maximum output, distortion, noise, attack, release and delay of an image, in the manner of IEC 60118.

    Example: codesign measure models/low-latency/low-latency.onnx --fit fit.toml -o measured.html
    """
    from codesign.compiler.load import load_model
    from codesign.firmware.settings import set_up
    from codesign.hearing.measure import measure
    from codesign.hearing.measure.write import check_output, rows_of, write_figures

    outputs = output or []
    for path in outputs:
        check_output(path)  # before the work
    check_files(outputs, [model])
    chosen = chosen_board(board, front_end)
    machine = choose(emulator, chosen)
    loaded = set_up(load_model(model, chain, result), chosen, fit, program)
    with tempfile.TemporaryDirectory(prefix="codesign-") as name, progress() as show:
        folder = Path(name) / machine.runtime
        how = None if strength < 0 else strength
        found = measure(loaded, chosen, folder, machine.address, strength=how, progress=show)
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
