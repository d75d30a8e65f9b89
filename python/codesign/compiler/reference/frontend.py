# SPDX-License-Identifier: Apache-2.0
"""The chain in NumPy, float32, in the operation order of docs/numerics.md: every bit as runtime/dsp computes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend import BandedMatrix, Chain, analysis_window, gains_bank, synthesis_window
from codesign.compiler.frontend.float_functions import banded_sums, power_of
from codesign.compiler.frontend.hops import check_hops
from codesign.compiler.frontend.output_stage import ONE
from codesign.compiler.reference.compression import compression_gains
from codesign.compiler.reference.features import (
    FLOOR,
    bank_of,
    features_of,
    normalized,
    quantize_features,
)
from codesign.compiler.reference.fft import irfft, rfft
from codesign.compiler.reference.filter_path import filtered, filters_of
from codesign.compiler.reference.filter_path_s16 import filtered_s16, fixed_filters
from codesign.compiler.reference.output_stage import finished, programs_at, share_path

__all__ = [
    "FLOOR",
    "Analysis",
    "Before",
    "analyse",
    "banded_sums",
    "enhanced_frames",
    "handed_over",
    "irfft",
    "output_of",
    "power_of",
    "quantize_features",
    "rfft",
    "synthesise",
]

Float = npt.NDArray[np.float32]
_Scalar = TypeVar("_Scalar", bound=np.generic)

_BLOCK = 1024  # frames transformed at a time: bounds the memory that long recordings take


@dataclass(frozen=True)
class Analysis:
    """`spectrum` float32 (frames, n_bins, 2) holds real and imaginary parts, `features` float32 (frames, n_features).

    Where a chain transforms nothing, the spectrum has no bins.
    """

    spectrum: Float
    features: Float


def analyse(chain: Chain, pcm: npt.NDArray[np.int16]) -> Analysis:
    """Spectra and real features of int16 PCM of whole hops, shape (frames · hop,).

    Frame t covers the samples (t+1)·hop − window … (t+1)·hop − 1; samples before the first are zero.

    Raises:
        ValueError: the length is not a multiple of the hop, or zero.
    """
    check_hops(pcm, chain.hop)
    tail = chain.window - chain.hop
    padded = np.concatenate([np.zeros(tail, np.int16), pcm.astype(np.int16, copy=False)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, chain.window)[:: chain.hop]
    window, bank = analysis_window(chain), bank_of(chain)
    spectra, features = [], []
    for block in _blocks(frames):
        analysis = _analysis(chain, block.astype(np.float32) * np.float32(1.0 / 32768.0) * window, bank)
        spectra.append(analysis.spectrum)
        features.append(analysis.features)
    return Analysis(np.concatenate(spectra), normalized(chain, np.concatenate(features)))


def _analysis(chain: Chain, frames: Float, bank: BandedMatrix | None) -> Analysis:
    x = np.zeros((len(frames), chain.n_fft), np.float32)
    x[:, : chain.window] = frames
    spectrum = rfft(x) if chain.transforms else np.zeros((len(x), 0, 2), np.float32)
    given = chain.feature == "frame"
    return Analysis(spectrum, x[:, : chain.window] if given else features_of(chain, spectrum, bank))


def output_of(
    chain: Chain,
    pcm: npt.NDArray[np.int16],
    spectrum: Float,
    outputs: Float,
    switches: Mapping[int, int] | None = None,
    before: Before | None = None,
) -> npt.NDArray[np.int16]:
    """What comes out for `pcm`, int16 (frames · hop,) each: by overlapping frames or filtered samples, compressed, mixed and
    limited.

    spectrum and outputs are as of `synthesise`; `switches` are changes of the program, hop → the one from there on. `before`
    is of the networks before it in a row.
    """
    if chain.compressor is not None:
        programs = programs_at(chain, len(outputs), switches)
        enhanced = _compressed(chain, pcm, spectrum, outputs.astype(np.float32), programs, before)
    elif chain.filters:
        enhanced = _filtered(chain, pcm, _product(before, bin_gains(chain, outputs.astype(np.float32))))
    else:
        enhanced = synthesise(chain, spectrum, outputs)
    return finished(chain, pcm, enhanced, switches)


def _compressed(
    chain: Chain,
    pcm: npt.NDArray[np.int16],
    spectrum: Float,
    outputs: Float,
    programs: npt.NDArray[np.int64],
    earlier: Before | None,
) -> npt.NDArray[np.int16]:
    """What a chain with a compressor does, which mixes spectra."""
    shares = share_path(chain, programs, 1)
    share = None if shares is None else (shares.astype(np.float32) * np.float32(1.0 / ONE))[:, None]
    before = chain.compressor is not None and chain.compressor.meter == "before"
    heard = spectrum if earlier is None else earlier.spectrum
    measured = compression_gains(chain, heard, None, programs) if before else None
    if earlier is not None and not chain.filters:
        after = enhanced(chain, spectrum, outputs)
        after = after if share is None else after + (heard - after) * share[..., None]
    elif chain.output == "gains":
        gains = bin_gains(chain, outputs)
        gains = _product(earlier, gains)
        gains = gains if share is None else gains + (np.float32(1.0) - gains) * share
        if chain.filters:
            gains = gains * (compression_gains(chain, heard, gains, programs) if measured is None else measured)
            return _filtered(chain, pcm, gains)
        after = spectrum * gains[..., None]
    elif chain.output == "mask":
        after = masked(spectrum, _mixed_mask(_pairs(chain, outputs), share))
    else:
        after = _pairs(chain, outputs)
        after = after + (spectrum - after) * (np.float32(0.0) if share is None else share[..., None])
    factors = compression_gains(chain, after, None, programs) if measured is None else measured
    return overlapped(chain, [irfft(after * factors[..., None])[:, : chain.window]])


def _filtered(chain: Chain, pcm: npt.NDArray[np.int16], gains: Float) -> npt.NDArray[np.int16]:
    filters = filters_of(chain, gains)
    fixed = chain.filter_type == "int16"
    return filtered_s16(chain, pcm, fixed_filters(filters)) if fixed else filtered(chain, pcm, filters)


def _mixed_mask(mask: Float, share: Float | None) -> Float:
    if share is None:
        return mask
    re, im = mask[..., 0], mask[..., 1]
    return np.stack([re + (np.float32(1.0) - re) * share, im - im * share], axis=-1)


def handed_over(first: Chain, second: Chain, spectrum: Float, outputs: Float) -> Analysis:
    """What the next network in a row is given, in its chain `second`: of spectra (frames, n_bins, 2) as of `analyse`, and of
    what the one before it gave, outputs float32 (frames, n_outputs) real values, in its chain `first`.

    A spectrum goes on as it is; a frame, without its synthesis window, where `first` gives one or `second` takes one.
    """
    bank = bank_of(second)
    parts = []
    for block, given in zip(_blocks(spectrum), _blocks(outputs.astype(np.float32)), strict=True):
        if "frame" in (first.output, second.feature):
            parts.append(_analysis(second, enhanced_frames(first, block, given), bank))
        else:
            after = enhanced(first, block, given)
            parts.append(Analysis(after, features_of(second, after, bank)))
    features = normalized(second, np.concatenate([part.features for part in parts]))
    return Analysis(np.concatenate([part.spectrum for part in parts]), features)


def synthesise(chain: Chain, spectrum: Float, outputs: Float) -> npt.NDArray[np.int16]:
    """PCM of what the network gave: int16 (frames · hop,), delayed by window − hop samples.

    spectrum float32 (frames, n_bins, 2) as of `analyse`; outputs float32 (frames, n_outputs), real values.
    """
    blocks = zip(_blocks(spectrum), _blocks(outputs.astype(np.float32)), strict=True)
    return overlapped(chain, (enhanced_frames(chain, block, given) for block, given in blocks))


def overlapped(chain: Chain, blocks: Iterable[Float]) -> npt.NDArray[np.int16]:
    """PCM int16 (frames · hop,) of frames float32 (frames, window) in blocks, by overlap-add."""
    tail, hop = chain.latency_samples, chain.hop
    first = chain.window - hop - tail  # of an asymmetric window what comes before is zero
    window = synthesis_window(chain)[first:]
    overlap = np.zeros(tail, np.float32)
    output = []
    for frames in blocks:
        for y in frames[:, first:] * window:
            total = np.concatenate([overlap + y[:tail], y[tail:]])
            output.append(total[:hop])
            overlap = total[hop:]
    limited = (np.stack(output) * np.float32(32768.0)).clip(np.float32(-32768.0), np.float32(32767.0))
    pcm: npt.NDArray[np.int16] = np.rint(limited).astype(np.int16)
    return pcm.reshape(-1)


def enhanced_frames(chain: Chain, spectrum: Float, outputs: Float) -> Float:
    """What is overlap-added, before the synthesis window: float32 (frames, window). Arguments as of `synthesise`."""
    if chain.output == "frame":
        return outputs
    return irfft(enhanced(chain, spectrum, outputs))[:, : chain.window]


def enhanced(chain: Chain, spectrum: Float, outputs: Float) -> Float:
    """Spectra float32 (frames, n_bins, 2) after the network's gains, complex mask or spectrum (frames, n_outputs)."""
    if chain.output == "gains":
        return spectrum * bin_gains(chain, outputs)[..., None]
    pairs = _pairs(chain, outputs)
    return pairs if chain.output == "spectrum" else masked(spectrum, pairs)


def masked(spectrum: Float, mask: Float) -> Float:
    """The complex products of spectra and masks, float32 (frames, n_bins, 2) each."""
    re, im, mask_re, mask_im = spectrum[..., 0], spectrum[..., 1], mask[..., 0], mask[..., 1]
    return np.stack([re * mask_re - im * mask_im, re * mask_im + im * mask_re], axis=-1)


def _pairs(chain: Chain, outputs: Float) -> Float:
    """Complex values float32 (frames, n_bins, 2) of what the network gave."""
    if chain.layout == "interleaved":
        return outputs.reshape(len(outputs), -1, 2)
    return np.moveaxis(outputs.reshape(len(outputs), 2, -1), 1, -1)


@dataclass(frozen=True)
class Before:
    """What is before the last of networks in a row: the `spectrum` of the input, float32 (frames, n_bins, 2), and in the filter
    path the product of the `gains` of bins of all networks so far, float32 (frames, n_bins).
    """

    spectrum: Float
    gains: Float | None = None

    def after(self, chain: Chain, outputs: Float) -> Before:
        """With one network more, in its `chain`, which gave `outputs` float32 (frames, n_outputs)."""
        return replace(self, gains=_product(self, bin_gains(chain, outputs))) if chain.filters else self


def _product(before: Before | None, gains: Float) -> Float:
    return gains if before is None or before.gains is None else before.gains * gains


def bin_gains(chain: Chain, outputs: Float) -> Float:
    """Real gains of bins float32 (frames, n_bins) of what the network gave (frames, n_outputs)."""
    low, high = chain.gain_limits
    gains = outputs.clip(np.float32(low), np.float32(high))
    return gains if chain.gains == "bins" else banded_sums(gains_bank(chain), gains)


def _blocks(frames: npt.NDArray[_Scalar]) -> Iterator[npt.NDArray[_Scalar]]:
    for start in range(0, len(frames), _BLOCK):
        yield frames[start : start + _BLOCK]
