# SPDX-License-Identifier: Apache-2.0
"""codesign verify: the proof."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from codesign.cli.console import emit_json, progress
from codesign.cli.machines import EmulatorOption, choose
from codesign.cli.options import (
    DEFAULT_BOARD,
    DEFAULT_SECONDS,
    BoardName,
    ChainFile,
    ClockOption,
    Define,
    Elf,
    FitFile,
    Fragment,
    FrontEndOption,
    HotWeightsOption,
    Json,
    Model,
    Overlay,
    Result,
    Seconds,
    Shield,
    build_options,
    chosen_board,
)
from codesign.cli.recordings import recordings_with_notes


def command(
    model: Model,
    board: BoardName = DEFAULT_BOARD,
    front_end: FrontEndOption = None,
    hot_weights: HotWeightsOption = None,
    clock: ClockOption = None,
    chain: ChainFile = None,
    result: Result = None,
    fit: FitFile = None,
    emulator: EmulatorOption = None,
    audio: Annotated[list[Path] | None, typer.Option("--audio", "-a", help="Noisy recording (repeatable).")] = None,
    clean: Annotated[
        list[Path] | None, typer.Option("--clean", "-c", help="Its clean signal, in the order of --audio, for quality.")
    ] = None,
    seconds: Seconds = DEFAULT_SECONDS,
    define: Define = None,
    conf: Fragment = None,
    overlay: Overlay = None,
    shield: Shield = None,
    elf: Elf = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder to keep the builds in.")] = None,
    json: Json = False,
) -> None:
    """Build, emulate and compare with the references; exit code 1 unless everything holds.

    Example: codesign verify codesign-examples/pruned.onnx --audio noisy.wav --clean clean.wav
    """
    from codesign.cli.tables import print_verdict
    from codesign.compiler.load import load_model
    from codesign.firmware.settings import set_up
    from codesign.pipeline import prove

    chosen = chosen_board(board, front_end, hot_weights, clock)
    machine = choose(emulator, chosen)
    loaded = set_up(load_model(model, chain, result), chosen, fit)
    recordings = recordings_with_notes(audio, clean, loaded.sample_rate)
    with tempfile.TemporaryDirectory(prefix="codesign-") as name, progress() as show:
        where = output or Path(name)
        proof = prove(
            *(loaded, chosen, where, recordings),
            emulator=machine.address,
            seconds=seconds,
            options=build_options(define, conf, overlay, shield),
            elf=elf,
            progress=show,
        )
    verdict = proof.verdict
    if json:
        read = [{"name": recording.name, "cut_off": recording.cut_off} for recording in recordings]
        emit_json("verify", ok=verdict.ok, verdict=verdict, recordings=read)
    else:
        print_verdict(verdict)
    if not verdict.ok:
        raise typer.Exit(1)
