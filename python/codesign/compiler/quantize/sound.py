# SPDX-License-Identifier: Apache-2.0
"""What the recordings of a calibration sound like, and what about it makes scales that fit nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.base.signals import FULL_SCALE, Pcm

SILENCE_DB = -70.0
"""Hops below this level, dBFS, are silence: 10 LSB of 16 bits."""
FAINT_DB = -50.0
ENOUGH_SECONDS = 10.0
MUCH_SILENCE, MUCH_CLIPPED = 0.5, 0.01


@dataclass(frozen=True)
class Sound:
    """Levels in dBFS (0 is a mean square, or a sample, of full scale), None where there is none.

    `level_db` is the RMS of all hops that are no silence, `peak_db` the largest sample; `silent` is the share of hops in which
    nothing but a constant is above SILENCE_DB, `clipped` that of samples at full scale.
    """

    seconds: float
    level_db: float | None
    peak_db: float | None
    silent: float
    clipped: float


def warnings_of(sound: Sound) -> tuple[str, ...]:
    """What is wrong with it for calibration, a sentence each."""
    found = []
    heard = sound.seconds * (1.0 - sound.silent)
    if sound.level_db is None:
        constant = " but a constant" if sound.peak_db is not None and sound.peak_db > SILENCE_DB else ""
        found.append(f"the recordings are silent: nothing{constant} in {sound.seconds:.2g} s is above {SILENCE_DB:.0f} dBFS")
    elif heard < ENOUGH_SECONDS:
        lengths = f"{heard:.2g} s of sound in {sound.seconds:.2g} s, {_percent(sound.silent)} silence"
        found.append(f"{lengths}: give {ENOUGH_SECONDS:.0f} s of sound or more")
    elif sound.silent > MUCH_SILENCE:
        found.append(f"{_percent(sound.silent)} of {sound.seconds:.0f} s are silence, below {SILENCE_DB:.0f} dBFS")
    if sound.level_db is not None and sound.level_db < FAINT_DB:
        found.append(f"the sound is faint, {sound.level_db:.0f} dBFS: louder sound will be beyond the range of the features")
    if sound.clipped > MUCH_CLIPPED:
        found.append(f"{_percent(sound.clipped)} of the samples are at full scale: the recordings are clipped")
    return tuple(found)


def at_full_scale(pcm: Pcm, sample_rate: int) -> Pcm:
    """A second around the largest sample of a recording int16 (n,), amplified until that is at full scale: int16 too, empty for
    silence.
    """
    largest = int(np.abs(pcm.astype(np.int32)).argmax())
    start = max(0, min(largest - sample_rate // 2, pcm.size - sample_rate))
    piece = pcm[start : start + sample_rate].astype(np.float64)
    peak = float(np.abs(piece).max())
    return np.rint(piece * (32767.0 / peak)).astype(np.int16) if peak > 0 else np.zeros(0, np.int16)


class SoundMeter:
    """Gathers recordings, int16 PCM (n,) each, hop by hop."""

    def __init__(self, sample_rate: int, hop: int) -> None:
        self._rate, self._hop = sample_rate, hop
        self._samples = self._hops = self._silent = self._clipped = self._peak = self._loud_samples = 0
        self._energy = 0.0

    def add(self, pcm: npt.NDArray[np.int16]) -> None:
        """Take one more recording, int16 (n,), not empty."""
        x = pcm.astype(np.int64)
        starts = np.arange(0, x.size, self._hop)
        lengths = np.diff(np.append(starts, x.size))
        # Without its mean: a constant is no sound.
        energy = np.add.reduceat(x * x, starts) - np.add.reduceat(x, starts) ** 2 / lengths
        loud = energy > lengths * (FULL_SCALE * 10 ** (SILENCE_DB / 20)) ** 2
        self._samples += x.size
        self._hops += starts.size
        self._silent += int(np.count_nonzero(~loud))
        self._energy += float(energy[loud].sum())
        self._loud_samples += int(lengths[loud].sum())
        self._clipped += int(np.count_nonzero((x == 32767) | (x == -32768)))
        self._peak = max(self._peak, int(np.abs(x).max()))

    def sound(self) -> Sound:
        """What all recordings together were."""
        level = self._energy / max(1, self._loud_samples)
        return Sound(
            seconds=self._samples / self._rate,
            level_db=_db(level) if self._loud_samples else None,
            peak_db=_db(float(self._peak) ** 2) if self._peak else None,
            silent=self._silent / max(1, self._hops),
            clipped=self._clipped / max(1, self._samples),
        )


def _db(power: float) -> float:
    return 10.0 * float(np.log10(power / FULL_SCALE**2))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
