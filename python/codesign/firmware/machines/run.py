# SPDX-License-Identifier: Apache-2.0
"""What a run of an image showed, on whatever machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from codesign.firmware.machines.console_report import ConsoleReport
from codesign.firmware.machines.profile import BlockCount


@dataclass(frozen=True)
class LayerCost:
    """Instructions that one stage of the pipeline executed, called functions included: worst frame and mean of frames."""

    name: str
    macs: int
    worst: int
    mean: float


@dataclass(frozen=True)
class NetworkSignals:
    """What the network saw and gave: features int8, int16 or float32, mask int16 or int8 (frames, n), skipped bool (frames,).

    Of networks in a row it is what the first one saw and the last one gave; `between` is what the others saw, where it is kept.
    """

    features: npt.NDArray[np.int8] | npt.NDArray[np.int16] | npt.NDArray[np.float32]
    mask: npt.NDArray[np.int16] | npt.NDArray[np.int8]
    skipped: npt.NDArray[np.bool_]
    between: tuple[npt.NDArray[np.int8] | npt.NDArray[np.int16] | npt.NDArray[np.float32], ...] = ()


@dataclass(frozen=True)
class Counts:
    """Executed instructions of the enhancer in the first `frames` frames, interrupts included where there are any.

    Where the machine tells frames apart, per_frame int64 (frames,); where it tells stages of the pipeline apart, layers, stages
    (the same as per_frame, by stage) and blocks (what ran in all of them), which are of fewer frames where that is slow.
    worst_frame is the number of the worst, from 0, where the machine says it. Of a whole application, outside is the mean of
    what a hop executes outside the enhancer: kernel, drivers, copies; by_firmware is per_frame by the firmware's own counter.
    Of a filter path, blocks_outside are the audio thread's blocks a hop that no frame is interrupted for, and made_outside the
    instructions that it executes in them: both are part of outside.
    executing, where a machine's time passes while the core sleeps, is the share of it in which the core executes, one
    instruction a cycle of its clock.
    """

    frames: int
    worst: int
    mean: float
    worst_frame: int | None = None
    per_frame: npt.NDArray[np.int64] | None = None
    layers: tuple[LayerCost, ...] = ()
    stages: Mapping[str, npt.NDArray[np.int64]] = field(default_factory=dict)
    blocks: tuple[BlockCount, ...] = ()
    outside: float | None = None
    by_firmware: npt.NDArray[np.int64] | None = None
    executing: float | None = None
    blocks_outside: float | None = None
    made_outside: float | None = None


def counts_of(
    per_frame: npt.NDArray[np.int64],
    layers: tuple[LayerCost, ...] = (),
    stages: Mapping[str, npt.NDArray[np.int64]] | None = None,
    blocks: tuple[BlockCount, ...] = (),
) -> Counts | None:
    """The counts of frames that were counted one by one, None without any: instructions of each frame, `per_frame` (frames,),
    and of each frame's stages.
    """
    if not per_frame.size:
        return None
    worst, mean = int(per_frame.max()), float(per_frame.mean())
    return Counts(per_frame.size, worst, mean, per_frame=per_frame, layers=layers, stages=stages or {}, blocks=blocks)


@dataclass(frozen=True)
class Measured:
    """What a real core's own counter counted: cycles of each frame, int64 (frames,), interrupts included, of a clock of `hz`;
    `source` is the counter, "dwt" or "kernel". `resent` are blocks that a damaged line made travel again.
    """

    cycles: npt.NDArray[np.int64]
    hz: int
    source: str
    resent: int = 0


@dataclass(frozen=True)
class Run:
    """One run: PCM out, and whatever else the machine shows.

    machine says what ran, for people; pcm is int16 (frames · hop,); skipped_frames are those in which a skip gate held the
    network. None where the machine does not show it: signals of every frame, counts of instructions, the console report of a
    whole application, measured, cycles of a real core, stack_bytes, the deepest stack that the run used, primed_samples, of
    silence that a stream began with before pcm, block_samples, in which an application's audio comes and goes, and unmapped,
    accesses of the image to what the machine's platform lacks. seconds is how long the run took here.
    """

    machine: str
    pcm: npt.NDArray[np.int16]
    frames: int
    skipped_frames: int
    signals: NetworkSignals | None = None
    counts: Counts | None = None
    console: ConsoleReport | None = None
    measured: Measured | None = None
    stack_bytes: int | None = None
    primed_samples: int | None = None
    block_samples: int | None = None
    unmapped: tuple[str, ...] | None = None
    seconds: float = 0.0

    @property
    def features(self) -> npt.NDArray[np.int8] | npt.NDArray[np.int16] | npt.NDArray[np.float32]:
        """int8 or int16 (frames, n). Raises ValueError where the machine shows no signals, as do mask and skipped."""
        return self._shown().features

    @property
    def mask(self) -> npt.NDArray[np.int16] | npt.NDArray[np.int8]:
        """int16 or int8 (frames, n)."""
        return self._shown().mask

    @property
    def skipped(self) -> npt.NDArray[np.bool_]:
        """Of each frame, whether a skip gate held the network: bool (frames,)."""
        return self._shown().skipped

    @property
    def instructions(self) -> npt.NDArray[np.int64] | None:
        """int64 (counted frames,), None where the machine does not count frame by frame or was not asked to."""
        return self.counts.per_frame if self.counts else None

    def _shown(self) -> NetworkSignals:
        if self.signals is None:
            raise ValueError(f"{self.machine} shows no signals of the network")
        return self.signals
