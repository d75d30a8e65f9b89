# SPDX-License-Identifier: Apache-2.0
"""Signals that are not aligned with their clean one: SI-SDR falls by tens of dB where nothing is heard but a delay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from codesign.base.signals import Pcm

LONGEST_SECONDS = 0.25
_HEARD_SECONDS = 30
"""So much of the beginning is looked at."""
_CLEAR_SHARE = 0.05
"""Of the signal's energy, at least so much is explained by the clean signal where they fit best: 13 dB below the rest."""
_CLEAR_DB = 3.0
"""What SI-SDR gains by aligning at least: less is what a network that rounds corners does."""


def lag_of(signal: Pcm, clean: Pcm, sample_rate: int) -> int:
    """Samples by which int16 (n,) `signal` lags behind `clean` of as many samples, below 0 where it is ahead.

    0 where they are aligned, as far as SI-SDR can tell, and where no lag is clear.
    """
    count = min(signal.size, _HEARD_SECONDS * sample_rate)
    longest = min(round(LONGEST_SECONDS * sample_rate), count - 1)
    late, early = signal[:count].astype(np.float64), clean[:count].astype(np.float64)
    energies = float(late @ late) * float(early @ early)
    if longest < 1 or energies == 0.0:
        return 0
    size = 1 << (count + longest).bit_length()
    whole = np.fft.irfft(np.fft.rfft(late, size) * np.conj(np.fft.rfft(early, size)), size)
    found = np.concatenate((whole[-longest:], whole[: longest + 1])) ** 2 / energies  # shares of the energy, lag by lag
    best = int(found.argmax())
    shares = np.clip((found[best], found[longest]), 1e-12, 1 - 1e-12)
    there, here = 10.0 * np.log10(shares / (1.0 - shares))
    return best - longest if found[best] >= _CLEAR_SHARE and there - here >= _CLEAR_DB else 0


def notes_on_lags(lags: Mapping[str, Sequence[int]], sample_rate: int) -> list[str]:
    """A line on every system whose signals are not aligned; `lags` of all items by system, "noisy" first.

    What the noisy signals lag the enhanced ones lag too: it is said once.
    """
    notes: list[str] = []
    before: Sequence[int] = ()
    for name, found in lags.items():
        shifted = [lag for lag in found if lag]
        if not shifted or found == before:
            continue
        before = before or found
        low, high = min(shifted, key=abs), max(shifted, key=abs)
        way = "are ahead of" if high < 0 else "lag behind"
        span = f"{abs(high):,}" if low == high else f"{abs(low):,} to {abs(high):,}"
        remedy = "shift each pair to one start" if name == next(iter(lags)) else "--delay says what recordings lag"
        notes.append(
            f"{name}: {len(shifted)} of {len(found)} signals {way} the clean ones, by {span} samples"
            f" ({abs(high) / sample_rate * 1000:.1f} ms): their figures are of signals that are not aligned; {remedy}"
        )
    return notes
