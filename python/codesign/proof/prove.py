# SPDX-License-Identifier: Apache-2.0
"""The whole proof of one model on one board: build, run everywhere, compare, weigh against the budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from codesign.base.files.output_folder import check_folder
from codesign.base.metrics import estoi, si_sdr
from codesign.compiler.frontend import whole_hops
from codesign.compiler.lower import lower
from codesign.compiler.lower.network import Network
from codesign.compiler.model import load_onnx
from codesign.compiler.reference.saturation import of_run
from codesign.firmware.boards import Board
from codesign.firmware.machines import Run
from codesign.firmware.machines.host import run_host
from codesign.firmware.size import check_budget, measure
from codesign.firmware.size.parts import parts_of
from codesign.firmware.toolchain import Image, build_host
from codesign.firmware.toolchain.zephyr_folder import check_build_folder
from codesign.proof.equality import equal, run_reference, same_in_one_call
from codesign.proof.on_board import OnBoard, Progress, bare_in_unicorn, zephyr_in_renode, zephyr_on_files
from codesign.proof.oracle import against_onnxruntime
from codesign.proof.signals import PROOF_SECONDS, proof_parts
from codesign.proof.verdict import Check, Latency, Quality, Verdict

PROOF_SIGNAL = "proof signal"
Emulator = Literal["unicorn", "qemu", "renode", "native"]

_EMULATORS: dict[Emulator, Callable[[Network, Board, Path, npt.NDArray[np.int16], Run, Progress], OnBoard]] = {
    "unicorn": bare_in_unicorn,
    "qemu": zephyr_on_files,
    "renode": zephyr_in_renode,
    "native": zephyr_on_files,
}


@dataclass(frozen=True)
class Recording:
    """Noisy int16 PCM at the model's rate, with the clean signal (same length and scale) if there is one.

    `cut_off` says what the file lacks at its end, "" when it is whole.
    """

    name: str
    noisy: npt.NDArray[np.int16]
    clean: npt.NDArray[np.int16] | None = None
    cut_off: str = ""


@dataclass(frozen=True)
class Proof:
    """The verdict with the runs and the image behind it.

    `on_board` and `reference` are of the proof signal, whose `parts` are (name, samples) in order; `recording_runs` are the
    host library's runs of the recordings, and `enhanced` (n,) their PCM, aligned with the noisy one.
    """

    verdict: Verdict
    board: Board
    on_board: OnBoard
    reference: Run
    parts: tuple[tuple[str, int], ...]
    recording_runs: tuple[Run, ...]
    enhanced: tuple[npt.NDArray[np.int16], ...]

    @property
    def image(self) -> Image:
        return self.on_board.image


def prove(
    model: Path,
    board: Board,
    folder: Path,
    recordings: list[Recording],
    *,
    emulator: Emulator = "unicorn",
    seconds: float = PROOF_SECONDS,
    progress: Progress = lambda what, done, total: None,
    chain: Path | None = None,
) -> Proof:
    """Build `model` for `board` under `folder` and verify it with at least `seconds` of audio.

    `chain` is as for `load_onnx`. "unicorn" runs the bare image; "qemu", "renode" and "native" run the Zephyr application.

    Raises:
        CodesignError: the model cannot be used, a tool is missing, a build failed, the image faulted. Checks that fail are
            in the verdict, not raised.
    """
    check_folder(folder / "host")  # before the work
    (check_folder if emulator == "unicorn" else check_build_folder)(folder / ("bare" if emulator == "unicorn" else "zephyr"))
    progress("load and lower", 0, 0)
    graph = load_onnx(model, chain)
    network = lower(graph)
    config = network.frontend
    progress("build for the host", 0, 0)
    host_image = build_host(network, folder / "host", board.front_end)

    parts = proof_parts([r.noisy for r in recordings], config.sample_rate, seconds)
    pcm = whole_hops(np.concatenate([part for _, part in parts]), config.hop)
    progress("NumPy reference", 0, 0)
    reference = run_reference(network, pcm, board.front_end)
    progress("host library", 0, 0)
    host = run_host(host_image, pcm)
    on_board = _EMULATORS[emulator](network, board, folder, pcm, host, progress)
    progress("onnxruntime", 0, 0)
    checks = [
        on_board.equality,
        equal(host, reference),
        same_in_one_call(host_image, pcm, host),
        against_onnxruntime(model, graph, network, reference.features),
    ]
    image, footprint = on_board.image, None
    if not board.native:
        footprint = measure(image.path, board)
        checks += [Check(f"{b.name} budget", b.ok, f"{b.used:,} of {b.limit:,} bytes") for b in check_budget(footprint, board)]
    checks += on_board.checks
    if on_board.latency is not None:
        checks.append(_latency_check(on_board.latency, board))
    progress("speech quality", 0, 0)
    padded = [whole_hops(r.noisy, config.hop, config.latency_samples) for r in recordings]
    runs = tuple(run_host(host_image, noisy) for noisy in padded)
    saturation = (
        of_run(PROOF_SIGNAL, graph, network, pcm, reference.mask),
        *(
            of_run(recording.name, graph, network, noisy, run.mask)
            for recording, noisy, run in zip(recordings, padded, runs, strict=True)
        ),
    )
    enhanced = tuple(
        run.pcm[config.latency_samples :][: recording.noisy.size] for run, recording in zip(runs, recordings, strict=True)
    )
    quality = tuple(
        _quality(recording, output, config.sample_rate)
        for recording, output in zip(recordings, enhanced, strict=True)
        if recording.clean is not None
    )
    verdict = Verdict(
        model=network.name,
        board=board.name,
        emulator=on_board.emulator,
        compiler=image.compiler,
        seconds_of_audio=pcm.size / config.sample_rate,
        checks=tuple(checks),
        latency=on_board.latency,
        footprint=footprint,
        groups=parts_of(image, footprint) if footprint else (),
        layers=on_board.layers,
        stages=on_board.stages,
        quality=quality,
        stack=on_board.stack,
        stack_used=on_board.stack_used,
        saturation=saturation,
    )
    sizes = tuple((name, part.size) for name, part in parts)
    return Proof(verdict, board, on_board, reference, sizes, runs, enhanced)


def _latency_check(latency: Latency, board: Board) -> Check:
    limit = min(board.budget.worst_frame_ms, latency.hop_ms)
    upper = latency.worst_ms * (1 + latency.error)
    frame = "" if latency.worst_frame is None else f"frame {latency.worst_frame}: "
    cost = f"{latency.worst_instructions:,} instructions, {latency.worst_ms:.2f} ms ±{100 * latency.error:.0f} % (estimate)"
    detail = f"{frame}{cost}, limit {limit:g} ms"
    return Check("worst frame", upper <= limit, detail)


def _quality(recording: Recording, enhanced: npt.NDArray[np.int16], sample_rate: int) -> Quality:
    clean = recording.clean
    assert clean is not None
    return Quality(
        recording=recording.name,
        si_sdr_noisy=si_sdr(recording.noisy, clean),
        si_sdr_enhanced=si_sdr(enhanced, clean),
        estoi_noisy=estoi(recording.noisy, clean, sample_rate),
        estoi_enhanced=estoi(enhanced, clean, sample_rate),
    )
