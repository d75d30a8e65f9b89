# SPDX-License-Identifier: Apache-2.0
"""How much of speech a network takes, in bands: what a makeup gain gives back."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.base.signals import Pcm
from codesign.compiler.frontend.makeup import LOSS_FREQUENCIES, MOST_LOSS_DB

FRAME_MS = 16.0
Floats = npt.NDArray[np.float64]


def speech_loss(signals: Iterable[tuple[Pcm, Pcm, Pcm]], sample_rate: int) -> tuple[float, ...]:
    """Loss of speech in dB at LOSS_FREQUENCIES from (noisy, enhanced, clean), aligned, each (n,): at least 0.

    The speech in a signal is what of its spectrum goes along with that of the clean one, Σ Re(X·S*), in frames of 16 ms; that
    of the enhanced one over that of the noisy one is the amplitude that is left. Bands are triangles between the frequencies. A
    signal counts in the bands in which the noisy one has speech; a band that none has, above half of the rate, takes the value
    below it.

    Raises:
        InputError: there is no speech.
    """
    frame = 2 * round(FRAME_MS * sample_rate / 2000)
    bins = np.fft.rfftfreq(frame, 1 / sample_rate)
    shares = np.stack([np.interp(bins, LOSS_FREQUENCIES, row) for row in np.eye(len(LOSS_FREQUENCIES))])
    sums, counts = np.zeros(len(shares)), np.zeros(len(shares), np.int64)
    for noisy, enhanced, clean in signals:
        length = min(noisy.size, enhanced.size, clean.size)
        spoken = _spectra(clean[:length], frame).conj()
        before, after = (shares @ (_spectra(each[:length], frame) * spoken).real.sum(0) for each in (noisy, enhanced))
        there = before > 0
        sums += np.divide(after, before, out=np.zeros_like(before), where=there).clip(0.0, 1.0)
        counts += there
    if not counts[0]:
        raise InputError("the noisy recordings have nothing of the clean ones", hint="see docs/evaluate.md for pairs")
    left = sums / np.maximum(counts, 1)
    for band in np.flatnonzero(counts == 0):
        left[band] = left[band - 1]
    loss = -20 * np.log10(left.clip(10 ** (-MOST_LOSS_DB / 20), 1.0)) + 0.0
    return tuple(round(value, 2) for value in loss.tolist())


def _spectra(pcm: Pcm, frame: int) -> npt.NDArray[np.complex128]:
    """Frames that overlap by half, (frames, bins); a signal that is shorter than one is filled with zeros."""
    padded = np.concatenate([pcm.astype(np.float64), np.zeros(max(0, frame - pcm.size))])
    return np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, frame)[:: frame // 2] * np.hanning(frame + 1)[:-1])
