# SPDX-License-Identifier: Apache-2.0
"""Compression in bands in NumPy, float32, in the operation order of docs/numerics.md: every bit as runtime/dsp computes it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.compressor import CompressorTables, compressor_tables
from codesign.compiler.frontend.float_functions import exp2_of, log2_of
from codesign.compiler.frontend.programs import program_chains

Float = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

_SILENCE = np.float32(2.0**-40)


def compression_gains(chain: Chain, spectrum: Float, gains: Float | None, programs: Integers) -> Float:
    """Gains of bins float32 (frames, n_bins) of a chain that has a compressor, of spectra float32 (frames, n_bins, 2), times
    `gains` (frames, n_bins) where they are given; `programs` int64 (frames,) is the one in each frame.
    """
    tables = compressor_tables(chain)
    of_programs = np.stack([compressor_tables(each).gains for each in program_chains(chain)])
    return _spread(tables, _band_gains(tables, of_programs, _powers(tables, spectrum, gains), programs), chain.n_bins)


def band_gains(chain: Chain, spectrum: Float) -> Float:
    """Gains of bands in dB, float32 (frames, bands), of spectra as of `compression_gains`, in the chain's own program."""
    tables = compressor_tables(chain)
    start = np.zeros(len(spectrum), np.int64)
    found = _band_gains(tables, tables.gains[None], _powers(tables, spectrum, None), start)
    return found * np.float32(20.0 * np.log10(2.0))


def _powers(tables: CompressorTables, spectrum: Float, gains: Float | None) -> Float:
    """Float32 (frames, bands): sums in ascending order of bins from 0.0, without the first; each shared by two bands."""
    sizes = spectrum[..., 0] * spectrum[..., 0] + spectrum[..., 1] * spectrum[..., 1]
    if gains is not None:
        sizes = sizes * (gains * gains)
    powers = np.zeros((len(sizes), len(tables.gains)), np.float32)
    last = powers.shape[1] - 1
    for k in range(1, sizes.shape[1]):
        above = int(np.searchsorted(tables.first, k, side="right"))  # centres at or below the bin
        if 0 < above <= last:
            slope, start = tables.lines[above - 1]
            upper = sizes[:, k] * (np.float32(k) * slope + start)
            powers[:, above] += upper
            powers[:, above - 1] += sizes[:, k] - upper
        else:
            powers[:, min(above, last)] += sizes[:, k]
    return powers


def _band_gains(tables: CompressorTables, of_programs: Float, powers: Float, programs: Integers) -> Float:
    """Float32 (frames, bands): levels follow the powers, gains the levels by the table of each frame's program."""
    scaled = np.maximum(powers * np.float32(tables.scale), _SILENCE)
    targets = (log2_of(scaled) + np.float32(tables.offset)).clip(np.float32(0.0), tables.grid[-1])
    rise, fall = np.float32(tables.attack), np.float32(tables.release)
    level, found = np.zeros(powers.shape[1], np.float32), np.empty_like(powers)
    source = target = int(programs[0]) if len(programs) else 0
    faded = 0
    for frame, now in enumerate(targets):
        level = level + (now - level) * np.where(now > level, rise, fall)
        wanted = int(programs[frame])
        if source == target != wanted:
            target, faded = wanted, 0
        gain = _by_table(tables.grid, of_programs[source], level)
        if source != target:
            faded += 1
            if faded >= tables.fade:
                source = target
                gain = _by_table(tables.grid, of_programs[target], level)
            else:
                share = np.float32(faded) / np.float32(tables.fade)
                gain = gain + (_by_table(tables.grid, of_programs[target], level) - gain) * share
        found[frame] = gain
    return found


def _by_table(grid: Float, rows: Float, level: Float) -> Float:
    """Linear interpolation of each band's row (bands, levels) at its level (bands,)."""
    at = np.searchsorted(grid[1:-1], level, side="right")
    bands = np.arange(len(rows))
    slope = (rows[bands, at + 1] - rows[bands, at]) / (grid[at + 1] - grid[at])
    return np.asarray(rows[bands, at] + (level - grid[at]) * slope)


def _spread(tables: CompressorTables, gains: Float, n_bins: int) -> Float:
    """Float32 (frames, n_bins): factors, of octaves between the bands."""
    spread = np.empty((len(gains), n_bins), np.float32)
    spread[:, : tables.first[0]] = gains[:, :1]
    spread[:, tables.first[-1] :] = gains[:, -1:]
    for band, (first, end) in enumerate(zip(tables.first, tables.first[1:], strict=False)):
        slope, start = tables.lines[band]
        shares = np.arange(first, end).astype(np.float32) * slope + start
        step = (gains[:, band + 1] - gains[:, band])[:, None]
        spread[:, first:end] = gains[:, band, None] + step * shares
    return exp2_of(spread)
