# SPDX-License-Identifier: Apache-2.0
"""codesign export: a checkpoint to the ONNX file of one time step, or a quantized model to TFLite."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from codesign.base.errors import InputError
from codesign.base.files.output_file import check_files
from codesign.base.words import counted
from codesign.cli.console import emit_json, say
from codesign.cli.hints import from_a_checkpoint
from codesign.cli.options import Json


def command(
    checkpoint: Annotated[
        Path,
        typer.Argument(help="What codesign train or compress wrote; with --tflite a quantized model.", show_default=False),
    ],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The model to write.")] = None,
    as_float: Annotated[bool, typer.Option("--float", help="The unrounded weights, even after quantization.")] = False,
    tflite: Annotated[bool, typer.Option("--tflite", help="Write a quantized model as full-integer TFLite.")] = False,
    json: Json = False,
) -> None:
    """Write a checkpoint's network as ONNX: integers after quantization-aware training, float before.

    With --tflite a quantized model becomes a TFLite file of one step, states as inputs and outputs.

    Example: codesign export runs/pruned/last.pt -o pruned.onnx

    Example: codesign export --tflite codesign-examples/pruned.onnx -o pruned.tflite
    """
    if tflite:
        _write_tflite(checkpoint, output, json)
        return
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


def _write_tflite(model: Path, output: Path | None, json: bool) -> None:
    from codesign.base.files.output_file import replace_file
    from codesign.compiler.export import tflite_of
    from codesign.compiler.model.onnx_model import load_stage
    from codesign.compiler.model.stage import StageFile

    target = output or model.with_suffix(".tflite")
    check_files([target], [model])
    graph, _ = load_stage(StageFile(model), strict=False)
    if graph.tflite:
        raise InputError(f"{model} is a full-integer TFLite file already", hint="give a quantized ONNX file")
    data = tflite_of(graph)
    with replace_file(target) as part:
        part.write_bytes(data)
    states = [state.input for state in graph.states]
    if json:
        emit_json("export", output=target, quantized=True, bytes=len(data), states=states)
        return
    said = f"{counted(len(states), 'state')} as inputs and outputs" if states else "no states"
    say(f"wrote {target}: {len(data):,} bytes, {said}")
