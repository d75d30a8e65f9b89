# SPDX-License-Identifier: Apache-2.0
"""codesign run: enhance a recording, on the host or in an emulated image."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codesign.base.files.output_file import check_files, replace_file
from codesign.cli.console import emit_json, progress, say
from codesign.cli.machines import MachineOption, choose
from codesign.cli.options import (
    DEFAULT_BOARD,
    BoardName,
    ChainFile,
    ClockOption,
    FitFile,
    FrontEndOption,
    HotWeightsOption,
    Json,
    Model,
    Result,
    chosen_board,
)
from codesign.firmware.machines import HOST, MACHINES

if TYPE_CHECKING:
    from codesign.base.progress import Progress
    from codesign.compiler.load import LoadedModel
    from codesign.firmware.boards import Board
    from codesign.firmware.cost import CostReport
    from codesign.firmware.machines.machine import Machine
    from codesign.firmware.machines.run import LayerCost

MAX_EMULATED_SECONDS = 3600
"""Emulators keep what the network saw in every frame; the host library runs recordings of any length that is read."""


def command(
    model: Model,
    audio: Annotated[Path, typer.Argument(help="The recording: WAV, FLAC or Ogg, any rate.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="WAV or FLAC to write: 16 bit, mono, the model's rate.")],
    emulator: MachineOption = None,
    board: BoardName = DEFAULT_BOARD,
    front_end: FrontEndOption = None,
    hot_weights: HotWeightsOption = None,
    clock: ClockOption = None,
    chain: ChainFile = None,
    kept: Result = None,
    fit: FitFile = None,
    program: Annotated[int | None, typer.Option("--program", min=0, help="The chain's program, by number.")] = None,
    strength: Annotated[
        int | None, typer.Option("--strength", min=0, max=100, help="How much is done to the sound, in percent (default: all).")
    ] = None,
    profile: Annotated[bool, typer.Option("--profile", help="Instructions and estimated cycles per layer (slower).")] = False,
    folded: Annotated[Path | None, typer.Option(help="File for the profile's folded stacks, cycles: for flame graphs.")] = None,
    json: Json = False,
) -> None:
    """Enhance a recording. The output is aligned with the input: the pipeline's delay is removed.

    Example: codesign run codesign-examples/pruned.onnx noisy.wav -o enhanced.wav
    """
    from codesign.base.audio import audio_format
    from codesign.compiler.load import load_model
    from codesign.firmware.settings import set_up

    profile = profile or folded is not None
    audio_format(output)  # before the work, not after it
    check_files([output, *([folded] if folded else [])], [model, audio])
    chosen = chosen_board(board, front_end, hot_weights, clock)
    machine = choose(emulator, chosen, profile=profile)
    if profile and machine.profiled_runtime is None:
        profilers = " or ".join(name for name, each in MACHINES.items() if each.profiled_runtime)
        raise typer.BadParameter(f"--profile needs --emulator {profilers}: no other tells layers apart")
    loaded = set_up(load_model(model, chain, kept), chosen, fit, program, strength)
    with tempfile.TemporaryDirectory(prefix="codesign-") as name, progress() as show:
        folder = Path(name) / "build"
        if machine.name == HOST:
            result = _stream(loaded, chosen, folder, audio, output, show)
        else:
            result = _run(machine, loaded, chosen, folder, audio, output, profile, show)
    if folded is not None and result.cost is not None:
        with replace_file(folded) as building:
            building.write_text("".join(f"{stack} {cycles}\n" for stack, cycles in result.cost.folded), encoding="utf-8")
    if json:
        emit_json(
            "run",
            input=result.input,
            output=output,
            runtime=result.runtime,
            seconds=result.seconds,
            frames=result.frames,
            skipped=result.skipped,
            worst_instructions=result.worst_instructions,
            layers=result.layers,
            stages=result.cost.stages if result.cost else (),
            worst_cycles=result.cost.worst_cycles if result.cost else None,
            cycles_error=result.cost.error if result.cost else None,
        )
        return
    if (cost := result.cost) is not None:
        from codesign.cli.tables import print_stages

        print_stages(cost.stages, cost.error)
        at = f"{chosen.core.clock_hz / 1e6:g} MHz"
        say(f"worst frame {cost.worst_cycles:,.0f} cycles, {cost.worst_ms(chosen):.2f} ms at {at} ±{100 * cost.error:.0f} %")
        say(f"timing: {cost.source}")
    say(f"wrote {output}: {result.input.seconds:.2f} s, {result.runtime}, {result.seconds:.1f} s")


@dataclass(frozen=True)
class _Input:
    """The recording: its length, what was changed or is amiss, and of that what is missing at its end."""

    path: Path
    seconds: float
    source_rate: int
    channels: int
    notes: tuple[str, ...]
    cut_off: str


@dataclass(frozen=True)
class _Result:
    """What the ways of running have in common. worst_instructions is None where nothing counted."""

    input: _Input
    runtime: str
    frames: int
    skipped: int
    worst_instructions: int | None
    layers: tuple[LayerCost, ...]
    seconds: float
    cost: CostReport | None = None


def _stream(model: LoadedModel, board: Board, folder: Path, audio: Path, output: Path, show: Progress) -> _Result:
    """On the host, in blocks: neither the recording nor the result is held."""
    from codesign.base.audio import AudioStream, writing_audio
    from codesign.firmware.machines.alignment import alignment_of
    from codesign.firmware.machines.host import HostEnhancer
    from codesign.firmware.toolchain import build_host

    config = model.network.frontend
    ends = config.ends
    stream = AudioStream(audio, ends.rate, ends.channels)
    said = _say_notes(audio, stream.notes)
    enhancer = HostEnhancer(build_host(model.network, folder, board.front_end))
    started = time.perf_counter()
    total = round((stream.frames or 0) / stream.source_rate)
    with writing_audio(output, ends.rate) as write:
        for block in alignment_of(config).stream(stream.blocks(), enhancer.process):
            write(block[:: ends.channels])
            show("host library", stream.samples // ends.rate, total)
    _say_notes(audio, stream.notes, said)
    seconds = stream.samples / ends.rate
    read = _Input(audio, seconds, stream.source_rate, stream.channels, stream.notes, stream.cut_off)
    return _Result(read, HOST, enhancer.frames, enhancer.skipped, None, (), time.perf_counter() - started)


def _run(
    machine: Machine,
    model: LoadedModel,
    board: Board,
    folder: Path,
    audio: Path,
    output: Path,
    profile: bool,
    show: Progress,
) -> _Result:
    """In an image, all at once: what it saw and gave in every frame is held."""
    from codesign.base.audio import read_audio, write_audio
    from codesign.enhancer import run_on

    channels = model.network.frontend.ends.channels
    limit = "cut it into parts, or give --emulator host"
    recording = read_audio(audio, model.sample_rate, MAX_EMULATED_SECONDS, limit, channels)
    _say_notes(audio, recording.notes)
    seconds = recording.pcm.size / channels / model.sample_rate
    read = _Input(audio, seconds, recording.source_rate, recording.channels, recording.notes, recording.cut_off)
    found = run_on(model, recording, machine.address, board, profile=profile, folder=folder, progress=show)
    write_audio(output, found.samples, model.sample_rate)
    run, counts = found.run, found.run.counts
    worst, layers = (counts.worst, counts.layers) if counts else (None, ())
    return _Result(read, run.machine, run.frames, run.skipped_frames, worst, layers, run.seconds, found.cost)


def _say_notes(audio: Path, notes: tuple[str, ...], said: tuple[str, ...] = ()) -> tuple[str, ...]:
    for note in notes:
        if note not in said:
            say(f"{audio.name}: {note}")
    return notes
