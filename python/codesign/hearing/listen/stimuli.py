# SPDX-License-Identifier: Apache-2.0
"""Recordings of several systems → stimuli that may be compared: same items, same length, same loudness, and an anchor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from codesign.base.audio import FULL_SCALE, AudioStream, read_audio
from codesign.base.errors import InputError
from codesign.base.progress import Progress, silent
from codesign.base.recordings import find_recordings
from codesign.base.signals import Signal
from codesign.hearing.listen.loudness import LOWEST_RATE, loudness

ANCHOR = "anchor"
ANCHOR_HZ = 3500.0
"""The low anchor of ITU-R BS.1534-3: the reference through a 3.5 kHz low-pass."""
TARGET_LUFS = -26.0
MAX_PEAK = 0.99
TRIM_SECONDS = 0.1


@dataclass(frozen=True)
class Stimulus:
    """One item by one system. samples float64 (n,), full scale 1.0; `gain_db` is what loudness matching applied."""

    item: str
    system: str
    samples: Signal
    gain_db: float = 0.0


@dataclass(frozen=True)
class StimulusSet:
    """All stimuli at one rate and loudness. `notes` say which recordings end early."""

    sample_rate: int
    lufs: float
    stimuli: tuple[Stimulus, ...]
    notes: tuple[str, ...] = ()

    @property
    def items(self) -> tuple[str, ...]:
        """Names of the items, in the order of the stimuli."""
        return tuple(dict.fromkeys(stimulus.item for stimulus in self.stimuli))

    def of(self, item: str, system: str) -> Stimulus:
        """The stimulus of an item by a system; StopIteration if there is none."""
        return next(s for s in self.stimuli if (s.item, s.system) == (item, system))


def load_stimuli(
    systems: Mapping[str, str],
    reference: str = "",
    progress: Progress = silent,
) -> StimulusSet:
    """Read `systems` (name → pattern), make the anchor from the system named `reference`, and match loudness.

    The rate is the first recording's; others are resampled. Versions of an item that differ by up to 0.1 s are cut to the
    shortest. When a stimulus would clip at TARGET_LUFS, all are made quieter by as much.

    Raises:
        InputError: a system lacks an item, lengths differ, a recording is silent or unusable.
    """
    files = {name: find_recordings(pattern) for name, pattern in systems.items()}
    items = sorted(set().union(*files.values()))
    for name, found in files.items():
        if missing := [item for item in items if item not in found]:
            raise InputError(f"{name} has no recording of {missing[0]}", hint="every system needs every item")
    if not items:
        raise InputError("no system to compare", hint="give a --system")
    first = next(iter(next(iter(files.values())).values()))
    rate = AudioStream(first, 16000).source_rate
    if rate < LOWEST_RATE:
        message = f"{first} is at {rate} Hz: loudness, by which stimuli are matched, needs {LOWEST_RATE} Hz or more"
        raise InputError(message, hint="give recordings of 8000 Hz or more")
    stimuli: list[Stimulus] = []
    notes: list[str] = []
    for number, item in enumerate(items):
        progress("read", number, len(items))
        stimuli += _item(item, {name: found[item] for name, found in files.items()}, reference, rate, notes)
    return replace(_matched(stimuli, rate, progress), notes=tuple(notes))


def _item(item: str, files: Mapping[str, Path], reference: str, rate: int, notes: list[str]) -> list[Stimulus]:
    read = {name: read_audio(path, rate) for name, path in files.items()}
    notes += [f"{item}, {name}: {what}" for name, audio in read.items() for what in audio.source.amiss]
    signals = {name: audio.pcm / FULL_SCALE for name, audio in read.items()}
    shortest = min(signal.size for signal in signals.values())
    cut_off = next((f"{files[name]} is {audio.cut_off}" for name, audio in read.items() if audio.cut_off), "")
    for name, signal in signals.items():
        if signal.size - shortest > TRIM_SECONDS * rate:
            seconds = (signal.size - shortest) / rate
            raise InputError(
                f"{files[name]} is {seconds:.2f} s longer than the other versions", hint=cut_off or "align the recordings"
            )
    if reference:
        signals[ANCHOR] = low_pass(signals[reference], rate)
    return [Stimulus(item, name, signal[:shortest]) for name, signal in signals.items()]


def low_pass(signal: Signal, rate: int) -> Signal:
    """The anchor: 3.5 kHz low-pass, linear phase, delay removed; the same as the reference at rates below 7.4 kHz."""
    if rate < 2.1 * ANCHOR_HZ:
        return signal
    from scipy.signal import fftconvolve, firwin

    taps = firwin(511, ANCHOR_HZ, fs=rate, window=("kaiser", 8.0))
    return np.asarray(fftconvolve(signal, taps, mode="same"))


def _matched(stimuli: list[Stimulus], rate: int, progress: Progress) -> StimulusSet:
    gains = []
    for number, stimulus in enumerate(stimuli):
        progress("match loudness", number, len(stimuli))
        level = loudness(stimulus.samples, rate)
        if not math.isfinite(level):
            raise InputError(f"{stimulus.item} of {stimulus.system} is silent", hint="leave the item out")
        gains.append(TARGET_LUFS - level)
    peaks = [float(np.abs(s.samples).max()) * 10 ** (gain / 20) for s, gain in zip(stimuli, gains, strict=True)]
    lower = min(0.0, 20 * math.log10(MAX_PEAK / max(peaks)))
    done = (
        replace(s, samples=s.samples * 10 ** ((gain + lower) / 20), gain_db=gain + lower)
        for s, gain in zip(stimuli, gains, strict=True)
    )
    return StimulusSet(rate, TARGET_LUFS + lower, tuple(done))
