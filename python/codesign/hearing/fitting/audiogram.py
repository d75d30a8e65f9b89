# SPDX-License-Identifier: Apache-2.0
"""Audiograms: hearing levels over frequency, by the name of a standard one or typed."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError, one_line

STANDARD_FREQUENCIES = (250, 375, 500, 750, 1000, 1500, 2000, 3000, 4000, 6000)
"""Hz at which the standard audiograms are given."""
AUDIOGRAMS: Mapping[str, tuple[float, ...]] = {
    "NH": (0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "N1": (10, 10, 10, 10, 10, 10, 15, 20, 30, 40),
    "N2": (20, 20, 20, 22.5, 25, 30, 35, 40, 45, 50),
    "N3": (35, 35, 35, 35, 40, 45, 50, 55, 60, 65),
    "N4": (55, 55, 55, 55, 55, 60, 65, 70, 75, 80),
    "N5": (65, 67.5, 70, 72.5, 75, 80, 80, 80, 80, 80),
    "N6": (75, 77.5, 80, 82.5, 85, 90, 90, 95, 100, 100),
    "N7": (90, 92.5, 95, 100, 105, 105, 105, 105, 105, 105),
    "S1": (10, 10, 10, 10, 10, 10, 15, 30, 55, 70),
    "S2": (20, 20, 20, 22.5, 25, 35, 55, 75, 95, 95),
    "S3": (30, 30, 35, 47.5, 60, 70, 75, 80, 80, 85),
}
"""Hearing levels in dB HL: the standard audiograms of IEC 60118-15 (Bisgaard, Vlaming and Dahlquist, Trends in Amplification
14(2), 2010): N flat and moderately sloping, S steep; NH is normal hearing."""
LOWEST_HZ, HIGHEST_HZ = 100.0, 16000.0
LEAST_DB, MOST_DB = -10.0, 120.0
_MOST_POINTS = 32
_MOST_TEXT = 1000
_HINT = "give a standard audiogram (NH, N1 to N7, S1 to S3) or points, --audiogram 250:20,500:25,1000:30,…"


@dataclass(frozen=True)
class Audiogram:
    """Hearing levels in dB HL at ascending frequencies in Hz, one each; `name` is the standard one's, or what was typed."""

    name: str
    frequencies: tuple[float, ...]
    levels: tuple[float, ...]

    def at(self, frequencies: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Hearing levels at these frequencies (n,) in Hz: linear over the logarithm of frequency, constant beyond the ends."""
        return np.interp(np.log(np.asarray(frequencies, np.float64)), np.log(self.frequencies), self.levels)


def read_audiogram(text: str) -> Audiogram:
    """The audiogram of a standard name, or of points as people type them: a frequency and a hearing level with a colon, an
    equals sign or a blank between, points parted by commas, semicolons, line ends or blanks; with or without k, Hz, dB and HL.

    Raises:
        InputError: no such name, or points that are none, do not ascend or lie beyond 100…16000 Hz or −10…120 dB HL.
    """
    name = text.strip()
    if name.upper() in AUDIOGRAMS:
        return Audiogram(name.upper(), tuple(map(float, STANDARD_FREQUENCIES)), AUDIOGRAMS[name.upper()])
    if not name[:1].isdigit() and ":" not in name:
        near = difflib.get_close_matches(name.upper(), list(AUDIOGRAMS), 1, 0.5) if len(name) <= 8 else []
        meant = f", did you mean {near[0]}?" if near else ""
        raise InputError(f"unknown audiogram '{one_line(name, 40)}'{meant}", hint=f"one of {', '.join(AUDIOGRAMS)}; or {_HINT}")
    if len(name) > _MOST_TEXT:
        raise InputError(f"audiogram of {len(name)} letters", hint=_HINT)
    points = [_point(part) for part in _parts(name)]
    if not 2 <= len(points) <= _MOST_POINTS:
        raise InputError(f"audiogram of {len(points)} point{'' if len(points) == 1 else 's'}, not 2…{_MOST_POINTS}", hint=_HINT)
    for (before, _), (after, _) in itertools.pairwise(points):
        if after <= before:
            raise InputError(f"audiogram: {after:g} Hz stands after {before:g} Hz, frequencies ascend", hint=_HINT)
    return Audiogram(name, tuple(f for f, _ in points), tuple(level for _, level in points))


def _parts(text: str) -> list[str]:
    """The points of a text, each FREQUENCY:LEVEL."""
    plain = re.sub(r"(?<=\d)\s*k(?:hz)?(?![a-z])", "e3", text.lower())
    plain = re.sub(r"(?<=[\d\s])(?:hz|db(?:\s*hl)?)(?![a-z])", "", plain)
    if not re.search(r"[:=]", plain) and not re.search(r"[,;\n]", plain):  # 250 20 500 25
        words = plain.split()
        return [":".join(words[at : at + 2]) for at in range(0, len(words), 2)]
    plain = re.sub(r"\s*[:=]\s*", ":", plain)
    parts = re.split(r"\s*[,;\n]\s*", plain) if re.search(r"[,;\n]", plain) else plain.split()
    return [re.sub(r"\s+", ":", part.strip()) for part in parts]


def _point(text: str) -> tuple[float, float]:
    parts = text.split(":")
    try:
        frequency, level = map(float, parts)
    except ValueError:
        raise InputError(f"audiogram: '{one_line(text, 40)}' is no point FREQUENCY:LEVEL", hint=_HINT) from None
    if not LOWEST_HZ <= frequency <= HIGHEST_HZ:
        raise InputError(f"audiogram: {frequency:g} Hz is not in {LOWEST_HZ:g}…{HIGHEST_HZ:g} Hz", hint=_HINT)
    if not LEAST_DB <= level <= MOST_DB:
        raise InputError(f"audiogram: {level:g} dB HL at {frequency:g} Hz is not in {LEAST_DB:g}…{MOST_DB:g} dB", hint=_HINT)
    return frequency, level
