# SPDX-License-Identifier: Apache-2.0
"""An audiogram → the table of a compressor: NAL-R where speech is of average level, compression around it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.base.files.output_file import replace_file
from codesign.compiler.frontend.compressor import FASTEST_MS, SLOWEST_MS, Compressor
from codesign.compiler.model.chain_file import FIT_LIMIT, FIT_LOSS, fit_entries
from codesign.hearing.fitting.audiogram import Audiogram
from codesign.hearing.fitting.nal_r import CONSTANTS, insertion_gains

SPEECH_DB_SPL = 65.0
"""Of speech of average level, for which NAL-R is."""
LEVELS = tuple(float(level) for level in range(20, 111, 10))
"""dB SPL in a band: the columns of the table."""
KNEE_DB = 15.0
"""So far below average speech in its band begins the compression."""
MOST_RATIO = 2.0
ATTACK_MS, RELEASE_MS = 5.0, 100.0
ATTENUATION_LIMIT_DB = 3.0
"""What the network may take away of a wearer's noise unless something else is said: docs/hearing-aid-chain.md has why."""
_SPEECH_LEVELS = {
    **{160: 32.41, 200: 34.48, 250: 34.75, 315: 33.98, 400: 34.59, 500: 34.27, 630: 32.06, 800: 28.30, 1000: 25.01},
    **{1250: 23.00, 1600: 20.15, 2000: 17.32, 2500: 13.18, 3150: 11.55, 4000: 9.33, 5000: 5.31, 6300: 2.59, 8000: 1.13},
}
"""Spectrum level of speech of normal effort, dB SPL in 1 Hz, over Hz: ANSI S3.5-1997, table 3."""
_SPEECH_OVERALL = 62.35
_LOWEST_HZ, _HIGHEST_HZ = 140.0, 9000.0
"""Of the bands of that table."""


@dataclass(frozen=True)
class Fitting:
    """The compressor for an audiogram, and how much of the noise the network takes away at most, in dB (None: no limit).
    `speech_loss` is what the network takes of speech in dB, measured for this fitting (frontend.makeup; () as its file says).
    `insertion_gains` (dB, for speech at 65 dB SPL), `ratios` and `speech` (dB SPL of that
    speech in the band) are one for each of the compressor's frequencies.
    """

    audiogram: Audiogram
    compressor: Compressor
    insertion_gains: tuple[float, ...]
    ratios: tuple[float, ...]
    speech: tuple[float, ...]
    attenuation_limit: float | None = ATTENUATION_LIMIT_DB
    speech_loss: tuple[float, ...] = ()


def fit(
    audiogram: Audiogram,
    ratio: float | None = None,
    attack: float = ATTACK_MS,
    release: float = RELEASE_MS,
    attenuation_limit: float | None = ATTENUATION_LIMIT_DB,
    makeup: bool = True,
) -> Fitting:
    """The table for an audiogram, with one compression `ratio` in all bands or one that follows the loss; times in ms.

    In each band: speech of 65 dB SPL overall has the insertion gain of NAL-R. From 15 dB below its level there upwards the gain
    falls by 1 − 1/ratio dB for each dB of level, and it is never below 0; below that it is constant. Without `ratio` that is
    1 + H/100 for a hearing level of H dB, in 1…2: a choice of this project, more careful than what restores all of loudness.
    With `makeup` what a network takes of speech is given back, as much as its file says.

    Raises:
        InputError: a ratio that is not in 1…10, a limit not in 0…100 dB, or a time that no compressor has.
    """
    for name, value in (("attack", attack), ("release", release)):
        if not FASTEST_MS <= value <= SLOWEST_MS:
            raise InputError(f"{name} {value:g} is not in {FASTEST_MS:g}…{SLOWEST_MS:g} ms", hint="5 and 100 ms are usual")
    if attenuation_limit is not None and not 0 <= attenuation_limit <= 100:
        raise InputError(
            f"attenuation limit {attenuation_limit:g} is not in 0…100 dB",
            hint="3 is usual here, 0 keeps the input as it is",
        )
    if ratio is not None and not 1 <= ratio <= 10:
        raise InputError(f"ratio {ratio:g} is not in 1…10", hint="1 does not compress, 2 halves the range")
    frequencies = np.array(list(CONSTANTS), np.float64)
    gains, speech = insertion_gains(audiogram), _speech_in_bands(frequencies)
    losses = audiogram.at(frequencies)
    ratios = np.full(frequencies.size, ratio) if ratio is not None else (1 + losses / 100).clip(1.0, MOST_RATIO)
    above = np.maximum(np.array(LEVELS)[None, :], speech[:, None] - KNEE_DB) - speech[:, None]
    table = np.maximum(gains[:, None] - above * (1 - 1 / ratios)[:, None], 0.0)
    table = np.where(gains[:, None] > 0, table, 0.0)
    rows = tuple(tuple(round(value, 2) for value in row) for row in table.tolist())
    compressor = Compressor(tuple(frequencies.tolist()), LEVELS, rows, attack, release, makeup=makeup)
    numbers = [tuple(each.tolist()) for each in (gains, ratios, speech)]
    return Fitting(audiogram, compressor, numbers[0], numbers[1], numbers[2], attenuation_limit)


def _speech_in_bands(frequencies: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """dB SPL of speech of 65 dB SPL in the compressor's bands, which share what is between their centres."""  # noqa: D403
    step = 5.0
    f = np.arange(_LOWEST_HZ, _HIGHEST_HZ, step)
    density = np.interp(np.log(f), np.log(list(_SPEECH_LEVELS)), list(_SPEECH_LEVELS.values()))
    shares = np.stack([np.interp(f, frequencies, row) for row in np.eye(frequencies.size)])
    powers = shares @ (step * 10 ** (density / 10))
    return np.asarray(10 * np.log10(powers) + SPEECH_DB_SPL - _SPEECH_OVERALL)


def compressor_of(file: Path) -> Compressor:
    """The compressor that a file of `toml_of` has.

    Raises:
        InputError: the file cannot be used, or has none.
    """
    found = fit_entries(file).get("compressor")
    if not isinstance(found, Compressor):
        raise InputError(f"{file} has no [compression]", hint="codesign fit writes one")
    return found


def limit_of(file: Path) -> float | None:
    """The limit of attenuation in dB that a file of `toml_of` has, None without one.

    Raises:
        InputError: the file cannot be used.
    """
    found = fit_entries(file).get(FIT_LIMIT)
    return None if found is None else float(found)


def loss_of(file: Path) -> tuple[float, ...]:
    """What a file of `toml_of` says that the network takes of speech, in dB; () without it.

    Raises:
        InputError: the file cannot be used.
    """
    return tuple(fit_entries(file).get(FIT_LOSS, ()))


def write_fitting(path: Path, fitting: Fitting) -> None:
    """Write `toml_of` to a file, complete or not at all.

    Raises:
        InputError: the folder is missing or not writable.
    """
    with replace_file(path) as part:
        part.write_text(toml_of(fitting), encoding="utf-8")


def toml_of(fitting: Fitting) -> str:
    """The TOML of a fitting: what `build --fit` and the tables of a chain file take."""
    compressor = fitting.compressor
    points = zip(fitting.audiogram.frequencies, fitting.audiogram.levels, strict=True)
    limit = fitting.attenuation_limit
    limited = "# dB: what is removed of the noise at most, where the chain says nothing else."
    taken = "# dB at 250, 500, 750, 1000, 1500, 2000, 3000, 4000, 6000 Hz: what the network takes of speech, without a limit."
    lines = [
        *([] if limit is None else [limited, f"attenuation_limit = {limit:g}", ""]),
        *([] if not fitting.speech_loss else [taken, f"{FIT_LOSS} = {_list(fitting.speech_loss)}", ""]),
        "# Gains in dB at levels in dB SPL in the band, a row a frequency: NAL-R for speech of 65 dB SPL, compressed there.",
        "[compression]",
        f"frequencies = {_list(compressor.frequencies)}",
        f"levels = {_list(compressor.levels)}",
        "gains = [",
        *(f"    {_list(row)}," for row in compressor.gains),
        "]",
        f"attack = {compressor.attack:g}",
        f"release = {compressor.release:g}",
        *(["# What the network takes of speech is given back."] if compressor.makeup else []),
        *(["makeup = true"] if compressor.makeup else []),
        "",
        "[fit]",
        f'audiogram = "{",".join(f"{frequency:g}:{level:g}" for frequency, level in points)}"',
        'prescription = "NAL-R"',
        f"ratios = {_list(tuple(round(ratio, 3) for ratio in fitting.ratios))}",
    ]
    return "\n".join(lines) + "\n"


def _list(values: tuple[float, ...]) -> str:
    return f"[{', '.join(f'{value:g}' for value in values)}]"
