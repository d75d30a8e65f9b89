# SPDX-License-Identifier: Apache-2.0
"""What verification plays to the enhancer: recordings, and the signals that break fixed-point code."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

PROOF_SECONDS = 60.0
PROOF_SIGNAL = "proof signal"


def proof_signal(
    recordings: list[npt.NDArray[np.int16]], sample_rate: int, seconds: float = PROOF_SECONDS
) -> npt.NDArray[np.int16]:
    """At least `seconds` of int16 PCM (n,): the parts of `proof_parts`, one after the other."""
    return np.concatenate([pcm for _, pcm in proof_parts(recordings, sample_rate, seconds)])


def proof_parts(
    recordings: list[npt.NDArray[np.int16]], sample_rate: int, seconds: float = PROOF_SECONDS
) -> list[tuple[str, npt.NDArray[np.int16]]]:
    """Silence, impulses, full-scale square wave, clipped and faint speech, full-scale noise, extreme sample values, and the
    recordings as they are for the rest: (name, int16 PCM) each, in order.
    """
    rng = np.random.default_rng(1)
    second = sample_rate
    speech = np.concatenate(recordings) if recordings else _buzz(rng, 4 * second, sample_rate)
    period = max(2, sample_rate // 200)
    impulses = np.zeros(2 * second, np.int16)
    impulses[:: sample_rate // 7] = 32767
    impulses[sample_rate // 14 :: sample_rate // 7] = -32768
    square = np.where(np.arange(2 * second) % period < period // 2, 32767, -32768).astype(np.int16)
    parts = [
        ("silence", np.zeros(2 * second, np.int16)),
        ("impulses", impulses),
        ("square wave", square),
        ("clipped speech", _scaled(speech[: 4 * second], 30.0)),
        ("faint speech", _scaled(speech[: 2 * second], 1e-3)),  # a few LSB
        ("full-scale noise", rng.integers(-32768, 32768, 2 * second).astype(np.int16)),
        ("extreme values", rng.choice(np.array([-32768, 32767], np.int16), second)),
        ("silence", np.zeros(second, np.int16)),
    ]
    missing = int(seconds * sample_rate) - sum(pcm.size for _, pcm in parts)
    return [*parts, ("recordings" if recordings else "synthetic voice", np.resize(speech, max(missing, second)))]


def _scaled(pcm: npt.NDArray[np.int16], gain: float) -> npt.NDArray[np.int16]:
    return np.asarray(np.clip(np.rint(pcm * gain), -32768, 32767), np.int16)


def _buzz(rng: np.random.Generator, samples: int, sample_rate: int) -> npt.NDArray[np.int16]:
    """A stand-in for speech where no recording is given: a gliding pulse train under noise."""
    phase = np.cumsum(110 + 60 * np.sin(2 * np.pi * 0.7 * np.arange(samples) / sample_rate)) / sample_rate
    wave = 6000 * (2 * (phase % 1.0) - 1) + 900 * rng.standard_normal(samples)
    return np.asarray(np.clip(np.rint(wave), -32768, 32767), np.int16)
