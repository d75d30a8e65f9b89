# SPDX-License-Identifier: Apache-2.0
"""Enhancing signals: as a stream and whole with the firmware's own C on this computer, or once on any machine."""

from __future__ import annotations

import tempfile
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from codesign.base.audio import Audio, in_type_of, read_audio, resampled, to_int16
from codesign.base.errors import InputError
from codesign.base.progress import Progress, silent
from codesign.base.signals import Samples
from codesign.compiler.frontend import Arithmetic
from codesign.compiler.frontend.capture import Ends
from codesign.compiler.load import LoadedModel, load_model
from codesign.firmware.boards import Board
from codesign.firmware.cost import CostReport, estimate
from codesign.firmware.image import Image
from codesign.firmware.machines import machine_named
from codesign.firmware.machines.alignment import HopBuffer, alignment_of
from codesign.firmware.machines.host import HostEnhancer
from codesign.firmware.machines.machine import RunOptions
from codesign.firmware.machines.run import Run
from codesign.firmware.settings import set_up
from codesign.firmware.toolchain import build_host


class Enhancer:
    """An int8 model at work on a stream: blocks of any length at `sample_rate` Hz in, what is ready out.

    Output lags behind input by `latency` samples beside what waits for a whole hop. As a context manager, or by `close`, it
    removes the library that it was built into.

    Raises:
        InputError: the model is no int8 model that codesign can lower.
        ToolError, BuildError: no compiler, or it refused.
    """

    def __init__(
        self,
        model: str | Path,
        *,
        front_end: Arithmetic = "float32",
        chain: str | Path | None = None,
        result: str | None = None,
    ) -> None:
        network = load_model(Path(model), None if chain is None else Path(chain), result).network
        ends = network.frontend.ends
        if ends.channels > 1:
            raise InputError(
                f"{model}: its chain's beamformer takes {ends.channels} microphones, and this takes one signal",
                hint="codesign run takes a recording of both, or leave the beamformer out",
            )
        self._folder = tempfile.TemporaryDirectory(prefix="codesign-")
        try:
            self._enhancer = HostEnhancer(build_host(network, Path(self._folder.name) / "host", front_end))
        except BaseException:
            self._folder.cleanup()
            raise
        self._alignment = alignment_of(network.frontend)
        self.sample_rate, self.hop, self.latency = ends.rate, ends.hop, ends.latency
        self._buffer = HopBuffer(self.hop)

    def process(self, block: Samples) -> Samples:
        """Enhance the next samples, (n,) in int16 or in floating point within ±1; the samples that are ready, in the same type.

        Raises:
            InputError: another type or shape, or a sample that is not finite.
        """
        return in_type_of(block, self._enhancer.process(self._buffer.add(to_int16(block))))

    def whole(self, audio: Samples, sample_rate: int) -> Samples:
        """`enhance` on this model: everything heard before is forgotten, as it is afterwards.

        Raises:
            InputError: a signal without samples, or as `enhance`.
        """
        pcm = to_int16(audio)
        if pcm.size == 0:
            raise InputError("a signal of 0 samples", hint="give a signal")
        self.reset()
        at_rate = resampled(pcm, sample_rate, self.sample_rate)
        enhanced = self._alignment.apply(at_rate, self._enhancer.process)
        back = resampled(enhanced, self.sample_rate, sample_rate)
        self.reset()
        fitted = np.zeros(pcm.size, np.int16)
        fitted[: back.size] = back[: pcm.size]
        return in_type_of(audio, fitted)

    def reset(self) -> None:
        """Forget everything heard so far."""
        self._enhancer.reset()
        self._buffer = HopBuffer(self.hop)

    def close(self) -> None:
        """Remove the library's files."""
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def enhance(
    model: str | Path | Enhancer,
    audio: Samples,
    sample_rate: int,
    *,
    chain: str | Path | None = None,
    result: str | None = None,
) -> Samples:
    """Enhance a whole signal (n,) of int16, or of floating point within ±1, at `sample_rate` Hz; any length.

    The result has the type, length and rate of `audio` and is aligned with it. At another rate than the model's the signal is
    resampled there and back, and what lies above half of the lower rate is lost. An Enhancer is reset before and after.

    Raises:
        InputError: another type or shape, an empty signal, or a sample that is not finite.
    """
    if isinstance(model, Enhancer):
        return model.whole(audio, sample_rate)
    to_int16(audio)  # refused before anything is built
    with Enhancer(model, chain=chain, result=result) as enhancer:
        return enhancer.whole(audio, sample_rate)


@dataclass(frozen=True)
class Enhanced:
    """What a machine made of a signal.

    `samples` (n,) are aligned with the signal, in its type (int16 for a file), at `sample_rate` Hz, the model's. `run` is the
    padded run itself: PCM, and what else the machine shows. `cost` estimates cycles where a profile was asked for. `notes` say
    what was changed on the way or is amiss, `cut_off` what a file lacks at its end.
    """

    samples: Samples
    sample_rate: int
    run: Run
    cost: CostReport | None = None
    notes: tuple[str, ...] = ()
    cut_off: str = ""


def run_on(
    model: Path | LoadedModel | Image,
    audio: Samples | Path | Audio,
    machine_name: str,
    board: Board,
    *,
    sample_rate: int | None = None,
    profile: bool = False,
    folder: Path | None = None,
    progress: Progress = silent,
) -> Enhanced:
    """Enhance a signal on a machine of firmware/machines; a model is built for `board` first, an image is for its own.

    `audio` is an array, a file, or a recording that was read at the model's rate; `sample_rate` an array's, the model's by
    default. The build stays in `folder` if it is given.

    Raises:
        CodesignError: the model, image or signal cannot be used, a tool is missing, a build failed, the image faulted.
    """
    machine = machine_named(machine_name)
    runtime = machine.runtime_for(profile=profile)
    if not isinstance(model, Image):
        machine.check_board(board)
        machine.check_tools(profile=profile)
        model = set_up(load_model(model), board)
    config = model.network.frontend
    ends = config.ends
    signal, source = _signal(audio, sample_rate, ends)
    keeping = tempfile.TemporaryDirectory(prefix="codesign-") if folder is None else nullcontext(str(folder))
    with keeping as name:
        image = model
        if not isinstance(image, Image):
            image = machine.build(image.network, board, Path(name) / runtime, profile=profile, progress=progress)
        what = machine.title_on(image.board)
        alignment = alignment_of(config)
        pcm = alignment.pad(source.pcm)
        options = RunOptions(
            counted_frames=pcm.size // ends.hop if profile else 0,
            progress=lambda done, total: progress(what, done, total),
        )
        run = machine.run(image, pcm, options)
        cost = estimate(run, image) if profile else None
    enhanced = alignment.trim(run.pcm, source.pcm.size)[:: ends.channels]
    return Enhanced(in_type_of(signal, enhanced), ends.rate, run, cost, source.notes, source.cut_off)


def _signal(audio: Samples | Path | Audio, rate: int | None, ends: Ends) -> tuple[Samples, Audio]:
    """The signal as it came, and as int16 at the device's rate with notes on what was changed; of two microphones a file."""
    wanted = ends.rate
    if isinstance(audio, Path):
        if rate is not None:
            raise InputError(f"{audio}: a sample rate beside a file, which has its own", hint="leave sample_rate out")
        audio = read_audio(audio, wanted, microphones=ends.channels)
    if isinstance(audio, Audio):
        return audio.pcm, audio
    if ends.channels > 1:
        raise InputError(f"an array, where a beamformer takes {ends.channels} microphones", hint="give a file with both")
    signal = np.asarray(audio)
    pcm, source_rate = to_int16(signal), wanted if rate is None else rate
    if pcm.size == 0:
        raise InputError("a signal of 0 samples", hint="give a signal")
    notes = () if source_rate == wanted else (f"resampled from {source_rate} Hz to {wanted} Hz",)
    return signal, Audio(resampled(pcm, source_rate, wanted), source_rate, 1, notes)
