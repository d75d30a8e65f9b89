# SPDX-License-Identifier: Apache-2.0
"""The total delay of an image: from a sample's way in to its way out, measured in what a machine played."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend.resampler import PASS
from codesign.firmware.boards import Board
from codesign.firmware.image import Image
from codesign.firmware.machines.run import Run
from codesign.proof.verdict import Check, Delay

PRIMED_BLOCKS = 2
"""Blocks of silence that the application plays first: the default of CONFIG_CODESIGN_PRIMED_BLOCKS."""

_CLEAR = 8.0
"""How many times the correlation at its peak must stand above what it is elsewhere."""


def delay_of(run: Run, image: Image, pcm: npt.NDArray[np.int16]) -> Delay:
    """The delay of an image that `run` gave for `pcm`, int16 of the same length, from its first microphone.

    What lies between the streams is measured, by `lag_of`; where the output is too unlike the input it is what the chain says.
    A machine with an audio stream shows the application's buffers too; for others they are the application's defaults.
    """
    chain = image.network.frontend
    ends = chain.ends
    longest, band = 2 * ends.latency + chain.window * chain.resample, 2 * PASS / chain.resample if chain.resample > 1 else 1.0
    found = lag_of(pcm[:: ends.channels], run.pcm[:: ends.channels], longest, band)
    stream = ends.latency if found is None else found
    block = run.block_samples or ends.block
    primed = PRIMED_BLOCKS * block if run.primed_samples is None else run.primed_samples
    return Delay(
        sample_rate=ends.rate,
        algorithmic=stream + block,
        buffers=primed - block,
        measured=found is not None,
        streamed=run.primed_samples is not None,
    )


def delay_check(delay: Delay, board: Board) -> Check:
    """Whether the total is within the board's budget, where it has one."""
    limit = board.budget.delay_ms
    parts = f"algorithmic {delay.algorithmic_ms:g}, buffers {delay.buffers_ms:g}"
    how = "measured" if delay.measured else "by the chain: the output is too unlike the input"
    budget = "" if limit is None else f", limit {limit:g} ms"
    detail = f"{delay.total} samples, {delay.total_ms:g} ms ({parts}), {how}{budget}"
    return Check("total delay", limit is None or delay.total_ms <= limit, detail)


def lag_of(source: npt.NDArray[np.int16], result: npt.NDArray[np.int16], longest: int, band: float = 1.0) -> int | None:
    """By how many samples, 0 … `longest`, `result` lags behind `source`, both int16 (n,); None where nothing tells.

    The generalized cross-correlation with phase transform (Knapp and Carter, 1976), averaged over blocks with sound: its peak
    is sharp whatever the spectrum of the sound and the gains of a network. With a `band` below 1 only so much of the spectrum
    is there, from 0 on: what is above tells nothing, and a taper keeps the peak, which is wider, without side lobes.
    """
    size = 1 << (4 * longest + 3).bit_length()
    total, window = np.zeros(size // 2 + 1, np.complex128), np.hanning(size)
    for start in range(0, source.size - size + 1, size // 2):
        before, after = (np.fft.rfft(signal[start : start + size] * window) for signal in (source, result))
        cross = after * np.conj(before)
        sizes = np.abs(cross)
        if (largest := sizes.max()) > 0:
            total += cross / np.maximum(sizes, 1e-12 * largest)
    taper = np.cos(np.pi / 2 * np.minimum(np.linspace(0.0, 1.0, total.size) / band, 1.0)) ** 2 if band < 1 else 1.0
    correlation = np.abs(np.fft.irfft(total * taper)[: longest + 1])
    peak, beside = int(correlation.argmax()), 2 if band >= 1 else math.ceil(4 / band)
    others = np.delete(correlation, range(max(0, peak - beside), min(longest, peak + beside) + 1))
    clear = correlation[peak] > 0 and correlation[peak] >= _CLEAR * others.max(initial=0.0)
    return peak if clear else None
