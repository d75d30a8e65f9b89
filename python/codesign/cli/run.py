"""codesign run: enhance a recording, on the host or in an emulated image."""

from __future__ import annotations

import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from codesign.audio import audio_format, read_audio, write_audio
from codesign.boards import load_board
from codesign.build import build_bare, build_host
from codesign.cli.console import emit_json, progress, say
from codesign.cli.options import DEFAULT_BOARD, BoardName, Json, Model
from codesign.cli.tables import print_layers
from codesign.emulate import Run, emulate_unicorn
from codesign.emulate.host import run_host
from codesign.frontend import whole_hops
from codesign.load import load_onnx
from codesign.lower import lower

NAME = "run"


class Emulator(StrEnum):
    unicorn = "unicorn"
    host = "host"


def command(
    model: Model,
    audio: Annotated[Path, typer.Argument(help="The recording: WAV, FLAC or Ogg, any rate.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="WAV or FLAC to write: 16 bit, mono, the model's rate.")],
    emulator: Annotated[Emulator, typer.Option(help="Where to run it.")] = Emulator.unicorn,
    board: BoardName = DEFAULT_BOARD,
    profile: Annotated[bool, typer.Option("--profile", help="Count instructions per layer (slower).")] = False,
    json: Json = False,
) -> None:
    """Enhance a recording. The output is aligned with the input: the pipeline's delay is removed.

    Example: codesign run models/starter/starter.onnx noisy.wav -o enhanced.wav
    """
    if profile and emulator is Emulator.host:
        raise typer.BadParameter("--profile needs an emulator: instructions of the host say nothing about the board")
    audio_format(output)  # before the work, not after it
    chosen = load_board(board)
    network = lower(load_onnx(model))
    config = network.frontend
    recording = read_audio(audio, config.sample_rate)
    for note in recording.notes:
        say(f"{audio.name}: {note}")
    pcm = whole_hops(recording.pcm, config.hop, config.latency_samples)
    with tempfile.TemporaryDirectory(prefix="codesign-") as name, progress() as show:
        folder = Path(name) / "build"
        if emulator is Emulator.host:
            result: Run = run_host(build_host(network, folder), pcm)
        else:
            image = build_bare(network, chosen, folder)
            counted = pcm.size // config.hop if profile else 0
            result = emulate_unicorn(
                image,
                chosen,
                pcm,
                counted_frames=counted,
                progress=lambda done, total: show(f"{chosen.core.cpu} in Unicorn", done, total),
            )
    enhanced = result.pcm[config.latency_samples :][: recording.pcm.size]
    write_audio(output, enhanced, config.sample_rate)
    if json:
        emit_json(
            "run",
            output=output,
            runtime=result.runtime,
            seconds=result.seconds,
            frames=result.frames,
            skipped=int(result.skipped.sum()),
            worst_instructions=None if result.instructions is None else int(result.instructions.max()),
            layers=result.layers,
        )
        return
    if result.layers:
        print_layers(result.layers)
    say(f"wrote {output}: {recording.pcm.size / config.sample_rate:.2f} s, {result.runtime}, {result.seconds:.1f} s")
