# SPDX-License-Identifier: Apache-2.0
"""codesign export: a checkpoint to the ONNX file of one time step."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from codesign.base.files.output_file import check_files
from codesign.cli.console import emit_json, say
from codesign.cli.hints import from_a_checkpoint
from codesign.cli.options import Json


def command(
    checkpoint: Annotated[Path, typer.Argument(help="What codesign train or compress wrote.", show_default=False)],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The model to write.")] = None,
    as_float: Annotated[bool, typer.Option("--float", help="The unrounded weights, even after quantization.")] = False,
    json: Json = False,
) -> None:
    """Write a checkpoint's network as ONNX: integers after quantization-aware training, float before.

    Example: codesign export runs/pruned/last.pt -o pruned.onnx
    """
    from codesign.learning.train.device import need_torch

    need_torch()
    from codesign.learning.compress.export import export
    from codesign.learning.train.checkpoint import load

    state = load(checkpoint)
    target = output or checkpoint.with_name(f"{state.recipe.name}.onnx")
    check_files([target], [checkpoint])
    with from_a_checkpoint():
        graph = export(state, target, as_float)
    if json:
        emit_json("export", output=target, quantized=bool(graph.quants))
        return
    wide = bool(state.sizes.rounded())  # values of these families need 16 bits
    rounded = "int8 weights, int16 values" if wide else "int8"
    form = rounded if graph.quants else f"float: codesign quantize{' --activations int16' if wide else ''} makes it {rounded}"
    say(f"wrote {target} ({form})")
