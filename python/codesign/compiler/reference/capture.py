# SPDX-License-Identifier: Apache-2.0
"""Beamformer and resampling in integers: every bit as runtime/dsp computes them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.beamformer import BEAM_TAPS, STATE_BITS, BeamTables, beam_tables
from codesign.compiler.frontend.capture import captures, ends_of
from codesign.compiler.frontend.resampler import TAP_BITS, resampler_taps

Pcm = npt.NDArray[np.int16]
_LIMIT = 1 << 30


def captured(chain: Chain, pcm: Pcm) -> Pcm:
    """What the network's frames are made of, int16 (frames · hop,), for what the device gave, int16 (frames · ends.hop,)."""
    if chain.beamformer is not None:
        pcm = beam(beam_tables(chain), pcm.reshape(-1, 2))
    return lower(pcm, chain.resample) if chain.resample > 1 else pcm


def raised(chain: Chain, pcm: Pcm) -> Pcm:
    """What the network's side made, int16 (frames · hop,), at the device's rate."""
    return higher(pcm, chain.resample) if chain.resample > 1 else pcm


def to_all(chain: Chain, pcm: Pcm) -> Pcm:
    """Samples int16 (n,) at the device's rate in each of its channels, interleaved: (n · channels,)."""
    return np.repeat(pcm, ends_of(chain).channels) if captures(chain) else pcm


def beam(tables: BeamTables, frames: npt.NDArray[np.int16]) -> Pcm:
    """One signal int16 (n,) of two microphones int16 (n, 2)."""
    sums = np.zeros(len(frames), np.int64)
    for microphone in (0, 1):
        padded = np.concatenate([np.zeros(BEAM_TAPS - 1, np.int64), frames[:, microphone]])
        sums += np.convolve(padded, tables.taps[:, microphone].astype(np.int64), "valid")
    levels = sums >> (tables.bits - STATE_BITS)
    if tables.leak:
        level, found = 0, []
        for each in levels.tolist():
            level = min(max(level - ((level * tables.leak) >> 32) + each, -_LIMIT), _LIMIT)
            found.append(level)
        levels = np.array(found, np.int64)
    return _saturated((levels + (1 << (STATE_BITS - 1))) >> STATE_BITS)


def lower(pcm: Pcm, ratio: int) -> Pcm:
    """Every ratio-th sample, the newest of each group, of the filtered signal: int16 (n / ratio,) of (n,)."""
    taps = resampler_taps(ratio).astype(np.int64)
    padded = np.concatenate([np.zeros(taps.size - 1, np.int64), pcm])
    return _rounded(np.convolve(padded, taps, "valid")[ratio - 1 :: ratio])


def higher(pcm: Pcm, ratio: int) -> Pcm:
    """The filtered signal with zeros put in, each sample at the start of its group: int16 (n · ratio,) of (n,)."""
    taps = resampler_taps(ratio).astype(np.int64)
    spread = np.zeros(pcm.size * ratio, np.int64)
    spread[::ratio] = pcm
    padded = np.concatenate([np.zeros(taps.size - 1, np.int64), spread])
    return _rounded(ratio * np.convolve(padded, taps, "valid"))


def _rounded(sums: npt.NDArray[np.int64]) -> Pcm:
    return _saturated((sums + (1 << (TAP_BITS - 1))) >> TAP_BITS)


def _saturated(values: npt.NDArray[np.int64]) -> Pcm:
    return np.asarray(values.clip(-32768, 32767), np.int16)
