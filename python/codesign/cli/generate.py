# SPDX-License-Identifier: Apache-2.0
"""codesign generate: a model's C sources, for a build of one's own."""

from __future__ import annotations

import shutil
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from codesign.base.files.output_folder import check_folder, replace_folder
from codesign.base.resources import resource
from codesign.cli.console import emit_json, say
from codesign.cli.options import ChainFile, FrontEndKind, Json, Model, Result


class Kernel(StrEnum):
    plain = "plain"
    dsp = "dsp"
    dual = "dual"
    mve = "mve"


def command(
    model: Model,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")],
    kernel: Annotated[
        Kernel, typer.Option(help="plain: any core; dsp: DSP extension; dual: Cortex-M7; mve: M55, M85.")
    ] = Kernel.dsp,
    front_end: Annotated[FrontEndKind, typer.Option(help="q31: integers, for cores without an FPU.")] = FrontEndKind.float32,
    hot_weights: Annotated[
        int, typer.Option("--hot-weights", min=0, help="Bytes of RAM for copies of the constants that are read most often.")
    ] = 0,
    library: Annotated[
        Path | None, typer.Option("--library", help="Folder to write the C library to: runtime/, which they are compiled with.")
    ] = None,
    chain: ChainFile = None,
    result: Result = None,
    pipeline_only: Annotated[
        bool,
        typer.Option(
            "--pipeline-only",
            help="A Zephyr module for your own application: the model, the library and the audio pipeline, without main.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Write a model's C sources; compile them with runtime/ in any build, or name the folder as CODESIGN_MODEL in Zephyr's.

    Example: codesign generate codesign-examples/pruned.onnx -o generated --library runtime
    """
    from codesign.compiler.emit import emit
    from codesign.compiler.load import load_model
    from codesign.compiler.plan import plan_memory
    from codesign.firmware.toolchain.pipeline_folder import write_pipeline

    check_folder(output)  # before the work
    if library is not None:
        check_folder(library)
    network = load_model(model, chain, result).network
    plan = replace(plan_memory(network, kernel.value, front_end.value), hot_weights=hot_weights)
    generated = (write_pipeline if pipeline_only else emit)(network, plan, output)
    if library is not None:
        with replace_folder(library) as building:
            shutil.copytree(resource("runtime"), building, dirs_exist_ok=True)
    if json:
        emit_json("generate", folder=output, sources=generated.sources, symbol=generated.symbol, bytes=plan.bytes)
    else:
        if library is not None:
            say(f"wrote {library}: the C library")
        chosen = f"{kernel.value} kernels, {front_end.value} front end"
        say(f"wrote {output}: {generated.symbol}, {plan.bytes:,} bytes of memory, {chosen}")
