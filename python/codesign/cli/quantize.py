"""codesign quantize: a float network to int8, calibrated on recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from codesign.cli.console import cells, emit_json, progress, say, stderr, table
from codesign.cli.options import Json, Model
from codesign.quantize import quantize_file

NAME = "quantize"


def command(
    model: Model,
    data: Annotated[Path, typer.Option("--data", "-d", help="Folder of noisy WAV or FLAC files to calibrate with.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The int8 model to write.")] = None,
    json: Json = False,
) -> None:
    """Quantize a float model to int8 by running recordings through it.

    Example: codesign quantize float.onnx --data recordings/ -o int8.onnx
    """
    target = output or model.with_name(f"{model.stem}-int8.onnx")
    with progress() as show:
        report = quantize_file(model, data, target, progress=show)
    if json:
        emit_json("quantize", output=target, report=report)
        return
    rows = table("Float against int8", "value", "SNR dB")
    for row in report.layers:
        rows.add_row(*cells(row.name, "exact" if row.snr_db is None else f"{row.snr_db:.1f}"))
    stderr.print(rows)
    say(f"wrote {target}")
