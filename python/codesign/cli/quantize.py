# SPDX-License-Identifier: Apache-2.0
"""codesign quantize: a float network to int8, calibrated on recordings."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from codesign.base.files.output_file import check_files
from codesign.base.words import counted
from codesign.cli.console import cells, emit_json, progress, say, stderr, table
from codesign.cli.options import ChainFile, Json, Model, Result
from codesign.cli.plots import check_plot, show_plot, write_plot
from codesign.drawing.plots import Bar, BarPlot


class ActivationsKind(StrEnum):
    int8 = "int8"
    int16 = "int16"
    auto = "auto"


def command(
    model: Model,
    data: Annotated[Path, typer.Option("--data", "-d", help="Folder of noisy WAV or FLAC files to calibrate with.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The int8 model to write.")] = None,
    balance: Annotated[
        bool, typer.Option("--balance", help="Move scales between linear layers first, so that int8 fits both better.")
    ] = False,
    chain: ChainFile = None,
    result: Result = None,
    activations: Annotated[
        ActivationsKind,
        typer.Option("--activations", help="Values in int8, int16, or auto: int16 where int8 is coarse."),
    ] = ActivationsKind.int8,
    auto_db: Annotated[
        float, typer.Option("--auto-db", help="With auto: a value becomes int16 where int8 leaves it less SNR than this, dB.")
    ] = 40.0,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="File for a plot of each layer's SNR in the network: .svg or .png.")
    ] = None,
    json: Json = False,
) -> None:
    """Quantize a float model to int8 weights by running recordings through it.

    Example: codesign quantize codesign-examples/baseline-256-float.onnx --data codesign-examples/recordings/noisy -o int8.onnx
    """
    from codesign.compiler.model.row_file import is_row_file
    from codesign.compiler.quantize import quantize_file

    target = output or model.with_name(f"{model.stem}-int8{'.toml' if is_row_file(model) else '.onnx'}")
    check_files([target, *([plot] if plot else [])], [model, data])
    check_plot(plot)
    with progress() as show:
        report = quantize_file(
            model,
            data,
            target,
            progress=show,
            balanced=balance,
            chain=chain,
            result=result,
            activations=activations.value,
            threshold_db=auto_db,
        )
    for note in report.notes:
        say(note)
    for warning in report.warnings:
        say(f"warning: {warning}")
    bars = tuple(Bar(row.name, row.network_db) for row in report.layers)
    drawn = BarPlot("SNR of each layer in the network, int8 against float", "dB", bars)
    if plot is not None:
        write_plot(plot, drawn)
    if json:
        emit_json("quantize", output=target, report=report)
        return
    rows = table("SNR in dB, int8 against float", "layer", "kind", "weights", "alone", "in the network")
    for row in report.layers:
        rows.add_row(*cells(row.name, row.kind, *map(_db, (row.weights_db, row.alone_db, row.network_db))))
    stderr.print(rows)
    show_plot(drawn)
    for pair in report.balanced:
        gain = f"{counted(pair.channels, 'channel')} scaled, {pair.gain_db:.1f} dB less noise after them (estimate)"
        say(f"{pair.first} → {pair.second}: {gain if pair.channels else 'even as it is, nothing moved'}")
    if balance and not report.balanced:
        say("nothing to balance: no linear layer goes to a linear one through nothing or a ReLU")
    say(str(report.saturation))
    if plot is not None:
        say(f"wrote {plot}")
    say(f"wrote {target}: calibrated and compared on {counted(report.files, 'recording')}, {report.seconds:.0f} s")


def _db(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
