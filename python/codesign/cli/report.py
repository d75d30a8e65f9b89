# SPDX-License-Identifier: Apache-2.0
"""codesign report: the proof as a page to look at and listen to, as JSON, as Markdown, as plots."""

from __future__ import annotations

import shlex
import sys
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from codesign.base.files.output_file import check_files
from codesign.cli.console import progress, say
from codesign.cli.machines import EmulatorOption, choose
from codesign.cli.options import (
    DEFAULT_BOARD,
    DEFAULT_SECONDS,
    BoardName,
    ChainFile,
    ClockOption,
    FitFile,
    FrontEndOption,
    HotWeightsOption,
    Model,
    Result,
    Seconds,
    chosen_board,
)
from codesign.cli.recordings import recordings_with_notes

DEFAULT_EMBEDDED = 30.0
"""proof.report.sound's EMBEDDED_SECONDS: a help text imports none of the work."""


class ReportFormat(StrEnum):
    html = "html"
    json = "json"
    md = "md"


def command(
    model: Model,
    audio: Annotated[list[Path] | None, typer.Argument(help="Noisy recordings.", show_default=False)] = None,
    clean: Annotated[
        list[Path] | None, typer.Option("--clean", "-c", help="A recording's clean signal (repeatable, same order).")
    ] = None,
    board: BoardName = DEFAULT_BOARD,
    front_end: FrontEndOption = None,
    hot_weights: HotWeightsOption = None,
    clock: ClockOption = None,
    chain: ChainFile = None,
    result: Result = None,
    fit: FitFile = None,
    emulator: EmulatorOption = None,
    output: Annotated[
        list[Path] | None, typer.Option("--output", "-o", help=".html, .json or .md file (repeatable; report.html).")
    ] = None,
    form: Annotated[ReportFormat | None, typer.Option("--format", help="Print this format to stdout.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Folder for PNG plots; needs the extra 'plots'.")] = None,
    seconds: Seconds = DEFAULT_SECONDS,
    measured: Annotated[
        int | None,
        typer.Option(
            "--measure",
            min=-1,
            max=100,
            help="Measure it as a hearing aid too, with the network at so many percent; -1: the proven image as it is.",
            show_default=False,
        ),
    ] = None,
    embed: Annotated[float, typer.Option(min=0.0, help="Seconds of sound in the page, all recordings together.")] = (
        DEFAULT_EMBEDDED
    ),
) -> None:
    """Prove a model as verify does, and write what was found; exit code 1 unless everything holds.

    Example: codesign report codesign-examples/pruned.onnx noisy.wav --clean clean.wav -o report.html
    """
    from codesign.compiler.load import load_model
    from codesign.firmware.settings import set_up
    from codesign.hearing.measure import measure, measure_image
    from codesign.pipeline import prove
    from codesign.proof.judgement import quality_in_words
    from codesign.proof.report import assemble, sounds
    from codesign.proof.report.write import render, report_format, write_report

    outputs = output or ([] if form else [Path("report.html")])
    formats = {report_format(path) for path in outputs} | ({form.value} if form else set())  # before the work
    check_files(outputs, [model, *(audio or []), *(clean or [])])
    if plots is not None:
        from codesign.proof.report.plots import load_figure

        load_figure()
    chosen = chosen_board(board, front_end, hot_weights, clock)
    machine = choose(emulator, chosen)
    loaded = set_up(load_model(model, chain, result), chosen, fit)
    recordings = recordings_with_notes(audio, clean, loaded.sample_rate)
    with tempfile.TemporaryDirectory(prefix="codesign-") as folder, progress() as show:
        proof = prove(loaded, chosen, Path(folder), recordings, emulator=machine.address, seconds=seconds, progress=show)
        aid = None
        if measured == -1:
            aid = measure_image(proof.image, machine.address, Path(folder) / "measured", progress=show)
        elif measured is not None:
            where = Path(folder) / "aid" / machine.runtime
            aid = measure(loaded, chosen, where, machine.address, strength=measured, progress=show)
        show("report", 0, 0)
        report = assemble(proof, recordings, [shlex.join(["codesign", *sys.argv[1:]])], aid)
        played = sounds(proof, recordings, embed) if "html" in formats else ()
        for path in outputs:
            write_report(path, report, played)
        if plots is not None:
            from codesign.proof.report.plots import write_plots

            write_plots(plots, report, proof, recordings)
    if form:
        print(render(report, form.value, played), end="")
    written = [*map(str, outputs), *([f"{plots}/*.png"] if plots else [])]
    say(f"{'proven' if report.ok else 'NOT PROVEN'}{': ' if written else ''}{', '.join(written)}")
    if report.quality is not None and report.quality.worse:
        say(quality_in_words(report.quality))
    if not report.ok:
        raise typer.Exit(1)
