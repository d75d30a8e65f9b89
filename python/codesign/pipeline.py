# SPDX-License-Identifier: Apache-2.0
"""The whole proof of one model on one board, stage after stage: load, lower, build, run, size, compare, verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.base.progress import Progress, silent
from codesign.compiler.frontend import whole_hops
from codesign.compiler.frontend.capture import to_microphones
from codesign.compiler.load import LoadedModel, load_model
from codesign.compiler.reference.saturation import of_run
from codesign.firmware.boards import Board
from codesign.firmware.image import Image
from codesign.firmware.machines import HOST, machine_named
from codesign.firmware.machines.alignment import alignment_of
from codesign.firmware.machines.machine import Machine, RunOptions
from codesign.firmware.machines.run import Run
from codesign.firmware.settings import set_up
from codesign.firmware.size.size import size
from codesign.firmware.toolchain import BuildOptions, check_image_folder, own_image
from codesign.firmware.toolchain.zephyr_folder import MODEL
from codesign.proof.checks import block_check, budget_checks, cost_of, energy_of, latency_check, latency_of, load_of, run_checks
from codesign.proof.clocks import slower_clocks
from codesign.proof.delay import delay_check, delay_of
from codesign.proof.equality import equal, run_reference, same_in_one_call
from codesign.proof.oracle import against_onnxruntime
from codesign.proof.proof import Proof
from codesign.proof.quality import quality_of
from codesign.proof.recordings import Recording
from codesign.proof.signals import PROOF_SECONDS, PROOF_SIGNAL, proof_parts
from codesign.proof.verdict import Check, Verdict

COUNTED_SECONDS = 20.0
"""The proof signal starts with the extreme signals; instructions are counted over them and some speech."""


def prove(
    model: Path | LoadedModel,
    board: Board,
    folder: Path,
    recordings: Sequence[Recording] = (),
    *,
    emulator: str = "unicorn",
    seconds: float = PROOF_SECONDS,
    options: BuildOptions | None = None,
    elf: Path | None = None,
    progress: Progress = silent,
) -> Proof:
    """Build `model` for `board` under `folder` and verify it with at least `seconds` of audio.

    `emulator` is the machine that runs the image, one of firmware/machines: "unicorn" the bare one, "qemu", "renode" and
    "native" the Zephyr application. A build plans the memory and emits the C sources first. `options` is what the user adds to
    that application; `elf` is a build of it by the user, which is then run in the place of one of ours.

    Raises:
        CodesignError: the model cannot be used, a tool is missing, a build failed, the image faulted. Checks that fail are
            in the verdict, not raised.
    """
    machine, on_host = machine_named(emulator), machine_named(HOST)
    for runtime in (on_host.runtime, machine.runtime):
        check_image_folder(runtime, folder / runtime)  # before the work
    if elf is not None and options:
        raise InputError("an ELF is what it is: nothing can be added to its build", hint="leave out --elf, or the options")
    if elf is None:
        machine.check_tools()
    progress("load and lower", 0, 0)
    loaded = set_up(load_model(model), board)
    network = loaded.network
    host_image = on_host.build(network, board, folder / on_host.runtime, progress=progress)

    parts = proof_parts([recording.noisy for recording in recordings], loaded.sample_rate, seconds)
    chain = network.frontend
    ends = chain.ends
    pcm = whole_hops(to_microphones(chain, np.concatenate([part for _, part in parts])), ends.hop)
    progress("NumPy reference", 0, 0)
    reference = run_reference(network, pcm, board.front_end)
    progress("host library", 0, 0)
    host = on_host.run(host_image, pcm)
    if elf is None:
        image = machine.build(network, board, folder / machine.runtime, options=options, progress=progress)
    else:
        image = own_image(network, board, elf, folder / MODEL)
    run = machine.run(image, pcm, _options(machine, image, pcm.size, folder, progress))
    measured = None if board.native else size(image)
    cost = cost_of(run, image, pcm)
    latency = latency_of(run.counts, cost, image) if run.counts and cost else None
    load = load_of(run.counts, latency, image) if run.counts and latency else None
    delay = delay_of(run, image, pcm)

    progress("onnxruntime", 0, 0)
    checks = (
        equal(run, host),
        equal(host, reference),
        same_in_one_call(host_image, pcm, host),
        *_against_files(loaded, reference),
        *budget_checks(measured),
        *run_checks(run, image, measured),
        *([latency_check(latency, board)] if latency else []),
        *([block] if latency and (block := block_check(run, latency, image)) else []),
        delay_check(delay, board),
    )
    progress("speech quality", 0, 0)
    heard = [_Heard.of(recording, on_host, host_image) for recording in recordings]
    enhanced = tuple(each.enhanced for each in heard)
    played = [(PROOF_SIGNAL, pcm, reference), *((each.name, each.pcm, each.run) for each in heard)]
    verdict = Verdict(
        model=network.name,
        board=board.name,
        emulator=machine.name,
        compiler=image.compiler,
        seconds_of_audio=pcm.size / ends.channels / ends.rate,
        checks=checks,
        latency=latency,
        delay=delay,
        energy=energy_of(latency, board, load) if latency else None,
        load=load,
        slower_clocks=slower_clocks(latency, board, load) if latency else (),
        footprint=measured.footprint if measured else None,
        groups=measured.groups if measured else (),
        layers=run.counts.layers if run.counts else (),
        stages=cost.stages if cost else (),
        quality=quality_of(recordings, enhanced, loaded.sample_rate),
        stack=measured.stack if measured and run.stack_bytes is not None else None,
        stack_used=run.stack_bytes,
        saturation=tuple(of_run(name, loaded.parts[-1].graph, network, signal, each.mask) for name, signal, each in played),
    )
    lengths = tuple((name, part.size * ends.channels) for name, part in parts)
    runs = tuple(each.run for each in heard)
    return Proof(verdict, image, measured, run, reference, lengths, runs, enhanced, tuple(recordings))


@dataclass(frozen=True)
class _Heard:
    """A recording as it was played, `pcm` int16 (hops · hop,), and what came of it, aligned with the recording: int16 (n,)."""

    name: str
    pcm: npt.NDArray[np.int16]
    run: Run
    enhanced: npt.NDArray[np.int16]

    @classmethod
    def of(cls, recording: Recording, machine: Machine, image: Image) -> _Heard:
        """Play a recording to an image of the machine."""
        chain = image.network.frontend
        channels, alignment = chain.ends.channels, alignment_of(chain)
        pcm = alignment.pad(to_microphones(chain, recording.noisy))
        run = machine.run(image, pcm)
        return cls(recording.name, pcm, run, alignment.trim(run.pcm, recording.noisy.size * channels)[::channels])


def _against_files(loaded: LoadedModel, reference: Run) -> Iterator[Check]:
    """The layers of each network against its file in onnxruntime, on what the reference saw."""
    assert reference.signals is not None, "the reference shows everything"
    for part, features in zip(loaded.parts, (reference.features, *reference.signals.between), strict=True):
        check = against_onnxruntime(part.path, part.graph, part.network, features)
        yield check if len(loaded.parts) == 1 else replace(check, name=f"{part.network.name}: {check.name}")


def _options(machine: Machine, image: Image, samples: int, folder: Path, progress: Progress) -> RunOptions:
    """Extreme signals counted, files kept in a folder of the machine's own."""
    ends = image.network.frontend.ends
    what = machine.title_on(image.board)
    progress(what, 0, 0)
    counted = min(int(COUNTED_SECONDS * ends.rate * ends.channels), samples) // ends.hop
    return RunOptions(counted, folder / machine.name, progress=lambda done, total: progress(what, done, total))
