"""codesign run: enhance a recording, on the host or in an emulated image."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

from codesign.base.audio import audio_format, read_audio, write_audio
from codesign.base.output_file import check_files, replace_file
from codesign.cli.console import emit_json, progress, say
from codesign.cli.emulators import Emulator, choose
from codesign.cli.options import DEFAULT_BOARD, BoardName, FrontEndOption, Json, Model, chosen_board
from codesign.cli.tables import print_stages
from codesign.compiler.frontend import whole_hops
from codesign.compiler.lower import lower
from codesign.compiler.lower.network import Network
from codesign.compiler.model import load_onnx
from codesign.firmware.boards import Board
from codesign.firmware.cost import CostReport, estimate
from codesign.firmware.machines import LayerCost, build_for_emulation, emulate_bare
from codesign.firmware.machines.firmware import FirmwareRun
from codesign.firmware.machines.host import run_host
from codesign.firmware.machines.renode import run_in_renode
from codesign.firmware.machines.zephyr_files import run_in_qemu, run_native
from codesign.firmware.toolchain import Image, build_host, build_zephyr
from codesign.proof.on_board import Progress

NAME = "run"


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
    network = lower(load_onnx(model))
    config = network.frontend
    recording = read_audio(audio, config.sample_rate)
    for note in recording.notes:
        say(f"{audio.name}: {note}")
    pcm = whole_hops(recording.pcm, config.hop, config.latency_samples)
    with tempfile.TemporaryDirectory(prefix="codesign-") as name, progress() as show:
        folder = Path(name) / "build"
        result = _run(where, network, chosen, folder, pcm, profile, show)
    enhanced = result.pcm[config.latency_samples :][: recording.pcm.size]
    write_audio(output, enhanced, config.sample_rate)
    if folded is not None and result.cost is not None:
        with replace_file(folded) as building:
            building.write_text("".join(f"{stack} {cycles}\n" for stack, cycles in result.cost.folded), encoding="utf-8")
    if json:
        emit_json(
            "run",
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
    say(f"wrote {output}: {recording.pcm.size / config.sample_rate:.2f} s, {result.runtime}, {result.seconds:.1f} s")


_ZEPHYR: dict[Where, Callable[[Image, Board, npt.NDArray[np.int16], Callable[[int, int], None]], FirmwareRun]] = {
    Where.native: lambda image, board, pcm, show: run_native(image, pcm),
    Where.qemu: lambda image, board, pcm, show: run_in_qemu(image, board, pcm),
    Where.renode: lambda image, board, pcm, show: run_in_renode(image, board, pcm, progress=show),
}


@dataclass(frozen=True)
class _Result:
    """What the ways of running have in common. worst_instructions is None where nothing counted."""

    runtime: str
    pcm: npt.NDArray[np.int16]
    frames: int
    skipped: int
    worst_instructions: int | None
    layers: tuple[LayerCost, ...]
    seconds: float
    cost: CostReport | None = None


def _run(
    where: Where, network: Network, board: Board, folder: Path, pcm: npt.NDArray[np.int16], profile: bool, show: Progress
) -> _Result:
    if where in (Where.native, Where.renode) or (where is Where.qemu and not profile):
        image = build_zephyr(network, board, folder, progress=show)
        run = _ZEPHYR[where](image, board, pcm, lambda done, total: show("Zephyr image", done, total))
        worst = run.worst_instructions or None
        return _Result(run.runtime, run.pcm, run.frames, run.stats.number("skipped"), worst, (), run.seconds)
    cost = None
    if where is Where.host:
        result = run_host(build_host(network, folder, board.front_end), pcm)
    else:
        image = build_for_emulation(network, board, folder, files=where is Where.qemu)
        result = emulate_bare(
            image,
            board,
            pcm,
            counted_frames=pcm.size // network.frontend.hop if profile else 0,
            progress=lambda done, total: show(f"{board.core.cpu} image", done, total),
        )
        cost = estimate(result, image, board) if profile else None
    worst = None if result.instructions is None else int(result.instructions.max())
    skipped = int(result.skipped.sum())
    return _Result(result.runtime, result.pcm, result.frames, skipped, worst, result.layers, result.seconds, cost)
