"""The whole proof of one model on one board: build, run everywhere, compare, weigh against the budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.boards import Board
from codesign.build import Image, build_bare, build_host
from codesign.emulate import Run, emulate_unicorn
from codesign.emulate.host import run_host
from codesign.frontend import whole_hops
from codesign.load import load_onnx
from codesign.lower import lower
from codesign.metrics import estoi, si_sdr
from codesign.size import check_budget, measure
from codesign.size.stack import worst_stack
from codesign.verify.equality import equal, run_reference, same_in_one_call
from codesign.verify.oracle import against_onnxruntime
from codesign.verify.signals import PROOF_SECONDS, proof_signal
from codesign.verify.verdict import Check, Latency, Quality, Verdict

COUNTED_SECONDS = 20.0
"""The proof signal starts with the extreme signals; instructions are counted over them and some speech."""

Progress = Callable[[str, int, int], None]
"""Called with what is going on, steps done and steps in all."""


@dataclass(frozen=True)
class Recording:
    """Noisy int16 PCM at the model's rate, with the clean signal (same length and scale) if there is one."""

    name: str
    noisy: npt.NDArray[np.int16]
    clean: npt.NDArray[np.int16] | None = None


@dataclass(frozen=True)
class Proof:
    """The verdict with the runs and images behind it."""

    verdict: Verdict
    image: Image
    run: Run
    enhanced: tuple[npt.NDArray[np.int16], ...]


def prove(
    model: Path,
    board: Board,
    folder: Path,
    recordings: list[Recording],
    *,
    seconds: float = PROOF_SECONDS,
    progress: Progress = lambda what, done, total: None,
) -> Proof:
    """Build `model` for `board` under `folder` and verify it with at least `seconds` of audio.

    Raises:
        CodesignError: the model cannot be used, a tool is missing, a build failed, the image faulted. Checks that fail are
            in the verdict, not raised.
    """
    progress("load and lower", 0, 0)
    graph = load_onnx(model)
    network = lower(graph)
    config = network.frontend
    progress("build for the board", 0, 0)
    image = build_bare(network, board, folder / "bare")
    progress("build for the host", 0, 0)
    host_image = build_host(network, folder / "host")

    signal = proof_signal([r.noisy for r in recordings], config.sample_rate, seconds)
    pcm = whole_hops(signal, config.hop)
    counted = min(int(COUNTED_SECONDS * config.sample_rate), pcm.size) // config.hop
    progress("NumPy reference", 0, 0)
    reference = run_reference(network, pcm)
    progress("host library", 0, 0)
    host = run_host(host_image, pcm)
    emulated = emulate_unicorn(
        image,
        board,
        pcm,
        counted_frames=counted,
        progress=lambda done, total: progress(f"{board.core.cpu} image in Unicorn", done, total),
    )
    progress("onnxruntime", 0, 0)
    checks = [
        equal(emulated, host),
        equal(host, reference),
        same_in_one_call(host_image, pcm, host),
        against_onnxruntime(model, graph, network, reference.features),
    ]
    latency = _latency(network.macs, image, board, emulated)
    footprint = measure(image.path, board)
    checks += [_budget_check(b.name, b.used, b.limit, b.ok) for b in check_budget(footprint, board)]
    checks.append(_stack_check(image, board, emulated))
    checks.append(_latency_check(latency, board))
    progress("speech quality", 0, 0)
    enhanced = tuple(_enhance(host_image, recording.noisy) for recording in recordings)
    quality = tuple(
        _quality(recording, output, config.sample_rate)
        for recording, output in zip(recordings, enhanced, strict=True)
        if recording.clean is not None
    )
    verdict = Verdict(
        model=network.name,
        board=board.name,
        emulator="unicorn",
        compiler=image.compiler,
        seconds_of_audio=pcm.size / config.sample_rate,
        checks=tuple(checks),
        latency=latency,
        footprint=footprint,
        groups=footprint.by_group(image.symbols.groups),
        layers=emulated.layers,
        quality=quality,
    )
    return Proof(verdict, image, emulated, enhanced)


def _latency(macs: int, image: Image, board: Board, run: Run) -> Latency:
    assert run.instructions is not None, "prove() always counts some frames"
    network_stages = {layer.name for layer in image.network.schedule}
    return Latency(
        worst_instructions=int(run.instructions.max()),
        mean_instructions=float(run.instructions.mean()),
        counted_frames=len(run.instructions),
        clock_hz=board.core.clock_hz,
        cycles_per_instruction=board.timing.cycles_per_instruction,
        error=board.timing.error,
        hop_ms=image.network.frontend.hop_ms,
        algorithmic_ms=image.network.frontend.algorithmic_latency_ms,
        network_instructions=sum(layer.worst for layer in run.layers if layer.name in network_stages),
        macs=macs,
    )


def _latency_check(latency: Latency, board: Board) -> Check:
    limit = min(board.budget.worst_frame_ms, latency.hop_ms)
    upper = latency.worst_ms * (1 + latency.error)
    detail = f"{latency.worst_ms:.2f} ms ±{100 * latency.error:.0f} % (estimate), limit {limit:g} ms"
    return Check("worst frame", upper <= limit, detail)


def _budget_check(name: str, used: int, limit: int, ok: bool) -> Check:
    return Check(f"{name} budget", ok, f"{used:,} of {limit:,} bytes")


def _stack_check(image: Image, board: Board, run: Run) -> Check:
    report = worst_stack(image.path, image.symbols.entry, image.stack_usage, image.symbols.pointer_calls)
    measured = f"{run.stack_bytes:,} bytes used in the emulator"
    if report.unbounded or report.assumption:
        return Check("stack budget", False, f"{report.unbounded or report.assumption}; {measured}")
    ok = report.bytes <= board.budget.stack and (run.stack_bytes or 0) <= report.bytes
    return Check("stack budget", ok, f"at most {report.bytes:,} of {board.budget.stack:,} bytes; {measured}")


def _enhance(image: Image, noisy: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """Enhanced PCM aligned with `noisy`: the pipeline's delay removed."""
    config = image.network.frontend
    output = run_host(image, whole_hops(noisy, config.hop, config.latency_samples)).pcm
    return output[config.latency_samples :][: noisy.size]


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
