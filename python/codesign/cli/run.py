# SPDX-License-Identifier: Apache-2.0
"""codesign run: enhance a recording, on the host or in an emulated image."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

from codesign.base.audio import AudioStream, audio_format, read_audio, write_audio, writing_audio
from codesign.base.files.output_file import check_files, replace_file
from codesign.cli.console import emit_json, progress, say
from codesign.cli.emulators import Emulator, choose
from codesign.cli.options import DEFAULT_BOARD, BoardName, ChainFile, FrontEndOption, Json, Model, chosen_board
from codesign.cli.tables import print_stages
from codesign.compiler.frontend import whole_hops
from codesign.compiler.lower import lower
from codesign.compiler.lower.network import Network
from codesign.compiler.model import load_onnx
from codesign.firmware.boards import Board
from codesign.firmware.cost import CostReport, estimate
from codesign.firmware.machines import LayerCost, build_for_emulation, emulate_bare
from codesign.firmware.machines.firmware import FirmwareRun
from codesign.firmware.machines.host import HostEnhancer, enhance_blocks
from codesign.firmware.machines.renode import run_in_renode
from codesign.firmware.machines.zephyr_files import run_in_qemu, run_native
from codesign.firmware.toolchain import Image, build_host, build_zephyr
from codesign.proof.on_board import Progress

NAME = "run"

MAX_EMULATED_SECONDS = 3600
"""Emulators keep what the network saw in every frame; the host library runs recordings of any length that is read."""


class Where(StrEnum):
    unicorn = "unicorn"
    qemu = "qemu"
    renode = "renode"
    native = "native"
    host = "host"


def command(
    model: Model,
    audio: Annotated[Path, typer.Argument(help="The recording: WAV, FLAC or Ogg, any rate.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="WAV or FLAC to write: 16 bit, mono, the model's rate.")],
    emulator: Annotated[
        Where | None,
        typer.Option(
            help="unicorn: bare image; qemu, renode, native: Zephyr application; host: shared library (default: the board's)."
        ),
    ] = None,
    board: BoardName = DEFAULT_BOARD,
    front_end: FrontEndOption = None,
    chain: ChainFile = None,
    profile: Annotated[bool, typer.Option("--profile", help="Instructions and estimated cycles per layer (slower).")] = False,
    folded: Annotated[Path | None, typer.Option(help="File for the profile's folded stacks, cycles: for flame graphs.")] = None,
    json: Json = False,
) -> None:
    """Enhance a recording. The output is aligned with the input: the pipeline's delay is removed.

    Example: codesign run models/pruned/pruned.onnx noisy.wav -o enhanced.wav
    """
    profile = profile or folded is not None
    audio_format(output)  # before the work, not after it
    check_files([output, *([folded] if folded else [])], [model, audio])
    chosen = chosen_board(board, front_end)
    where = Where.host if emulator is Where.host else Where(choose(Emulator(emulator.value) if emulator else None, chosen))
    if profile and where not in (Where.unicorn, Where.qemu):
        raise typer.BadParameter("--profile needs --emulator unicorn or qemu: no other tells layers apart")
    network = lower(load_onnx(model, chain))
    with tempfile.TemporaryDirectory(prefix="codesign-") as name, progress() as show:
        folder = Path(name) / "build"
        if where is Where.host:
            result = _stream(network, chosen, folder, audio, output, show)
        else:
            result = _emulate(where, network, chosen, folder, audio, output, profile, show)
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
        print_stages(cost.stages, cost.error)
        clock = f"{chosen.core.clock_hz / 1e6:g} MHz"
        say(f"worst frame {cost.worst_cycles:,.0f} cycles, {cost.worst_ms(chosen):.2f} ms at {clock} ±{100 * cost.error:.0f} %")
        say(f"timing: {cost.source}")
    say(f"wrote {output}: {result.input.seconds:.2f} s, {result.runtime}, {result.seconds:.1f} s")


_ZEPHYR: dict[Where, Callable[[Image, Board, npt.NDArray[np.int16], Callable[[int, int], None]], FirmwareRun]] = {
    Where.native: lambda image, board, pcm, show: run_native(image, pcm),
    Where.qemu: lambda image, board, pcm, show: run_in_qemu(image, board, pcm),
    Where.renode: lambda image, board, pcm, show: run_in_renode(image, board, pcm, progress=show),
}


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


def _stream(network: Network, board: Board, folder: Path, audio: Path, output: Path, show: Progress) -> _Result:
    """On the host, in blocks: neither the recording nor the result is held."""
    config = network.frontend
    stream = AudioStream(audio, config.sample_rate)
    said = _say_notes(audio, stream.notes)
    enhancer = HostEnhancer(build_host(network, folder, board.front_end))
    started = time.perf_counter()
    total = round((stream.frames or 0) / stream.source_rate)
    with writing_audio(output, config.sample_rate) as write:
        for block in enhance_blocks(enhancer, stream.blocks(), config.latency_samples):
            write(block)
            show("host library", stream.samples // config.sample_rate, total)
    _say_notes(audio, stream.notes, said)
    seconds = stream.samples / config.sample_rate
    read = _Input(audio, seconds, stream.source_rate, stream.channels, stream.notes, stream.cut_off)
    return _Result(read, "host", enhancer.frames, enhancer.skipped, None, (), time.perf_counter() - started)


def _emulate(
    where: Where, network: Network, board: Board, folder: Path, audio: Path, output: Path, profile: bool, show: Progress
) -> _Result:
    """In an image, all at once: what it saw and gave in every frame is held."""
    config = network.frontend
    recording = read_audio(audio, config.sample_rate, MAX_EMULATED_SECONDS, "cut it into parts, or give --emulator host")
    _say_notes(audio, recording.notes)
    seconds = recording.pcm.size / config.sample_rate
    read = _Input(audio, seconds, recording.source_rate, recording.channels, recording.notes, recording.cut_off)
    pcm = whole_hops(recording.pcm, config.hop, config.latency_samples)

    def write(enhanced: npt.NDArray[np.int16]) -> None:
        write_audio(output, enhanced[config.latency_samples :][: recording.pcm.size], config.sample_rate)

    if where in (Where.native, Where.renode) or (where is Where.qemu and not profile):
        image = build_zephyr(network, board, folder, progress=show)
        run = _ZEPHYR[where](image, board, pcm, lambda done, total: show("Zephyr image", done, total))
        write(run.pcm)
        worst = run.worst_instructions or None
        return _Result(read, run.runtime, run.frames, run.stats.number("skipped"), worst, (), run.seconds)
    image = build_for_emulation(network, board, folder, files=where is Where.qemu)
    result = emulate_bare(
        image,
        board,
        pcm,
        counted_frames=pcm.size // config.hop if profile else 0,
        progress=lambda done, total: show(f"{board.core.cpu} image", done, total),
    )
    write(result.pcm)
    cost = estimate(result, image, board) if profile else None
    worst = None if result.instructions is None else int(result.instructions.max())
    skipped = int(result.skipped.sum())
    return _Result(read, result.runtime, result.frames, skipped, worst, result.layers, result.seconds, cost)


def _say_notes(audio: Path, notes: tuple[str, ...], said: tuple[str, ...] = ()) -> tuple[str, ...]:
    for note in notes:
        if note not in said:
            say(f"{audio.name}: {note}")
    return notes
