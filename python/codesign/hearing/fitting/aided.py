# SPDX-License-Identifier: Apache-2.0
"""What a compressor makes of a signal: the hearing aid of an evaluation, the same for every signal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from codesign.base.signals import Signal
from codesign.compiler.frontend import Chain, analysis_window, synthesis_window
from codesign.compiler.frontend.compressor import DEFAULT_SPL, Compressor
from codesign.compiler.frontend.makeup import made_up_gains
from codesign.compiler.reference.compression import compression_gains

WINDOW_MS = 8.0


def aided(signal: Signal, spl: float, sample_rate: int, compressor: Compressor) -> Signal:
    """The signal (n,), of which an RMS of 1 is `spl` dB SPL, after the compressor: on the same scale and not delayed.

    In frames of about 8 ms that overlap by half, as a synchronous path of that window is; the level is the signal's own.

    Raises:
        InputError: the compressor does not fit the rate.
    """
    chain = chain_of_aid(sample_rate, compressor)
    window = chain.window
    scale = 10 ** ((spl - DEFAULT_SPL) / 20) / math.sqrt(2)  # a sine of full scale has DEFAULT_SPL
    x = np.concatenate([np.zeros(window), np.asarray(signal, np.float64) * scale, np.zeros(2 * window)])
    blocks = np.lib.stride_tricks.sliding_window_view(x, window)[:: chain.hop] * analysis_window(chain)
    spectrum = np.fft.rfft(blocks)
    pairs = np.stack([spectrum.real, spectrum.imag], axis=-1).astype(np.float32)
    gains = compression_gains(chain, pairs, None, np.zeros(len(pairs), np.int64))
    frames_out = np.fft.irfft(spectrum * gains) * synthesis_window(chain)
    y = np.zeros(x.size)
    for number, frame in enumerate(frames_out):
        y[number * chain.hop : number * chain.hop + window] += frame
    return y[window : window + np.size(signal)] / scale


def made_up(compressor: Compressor, makeup: Sequence[float]) -> Compressor:
    """The compressor that `aided` is for a signal of a network with this makeup (frontend.makeup), itself where it gives none:
    the level that it meters is that of the signal, which has lost what the makeup gives back.
    """
    if not compressor.makeup:
        return compressor
    rows = made_up_gains(replace(compressor, meter="after"), makeup)
    return replace(compressor, gains=tuple(map(tuple, rows.tolist())), makeup=False)


def chain_of_aid(sample_rate: int, compressor: Compressor) -> Chain:
    """The chain that `aided` is at this rate: frames of about 8 ms, half of one new, and the compressor.

    Raises:
        InputError: the compressor does not fit the rate, or cannot be.
    """
    window = 1 << round(math.log2(WINDOW_MS * sample_rate / 1000))
    return Chain(
        sample_rate=sample_rate,
        f_max=sample_rate / 2,
        window=window,
        n_fft=window,
        hop=window // 2,
        feature="magnitude",
        gains="bins",
        compressor=compressor,
    )
