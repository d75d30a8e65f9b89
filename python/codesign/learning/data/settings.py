# SPDX-License-Identifier: Apache-2.0
"""Settings of mixtures: every range and probability that a recipe may change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields

from codesign.base.errors import InputError

KINDS = ("recorded", "events", "coloured", "babble", "voices")
"""What a background is made of: a stretch of the noise recordings, short sounds at random times, generated noise of a random
spectrum, many talkers of the speech recordings, one or two of them at `voices_speed`."""

Range = tuple[float, float]


@dataclass(frozen=True)
class MixSettings:
    """Ranges are (lowest, highest), drawn uniformly; shares and probabilities are 0 to 1.

    `speech_weights`, `noise_weights` and `voices_weights` make some folders likelier: pattern with * and ? of a folder's name →
    factor. Without, a folder is drawn with the square root of its minutes: a long one does not drown the others, a short one is
    not worn out.
    """

    snr_db: Range = (-6.0, 9.0)
    """Of speech to noise, both over the whole mixture."""
    wide_snr_db: Range = (-12.0, 20.0)
    wide: float = 0.2
    """Share of mixtures drawn from `wide_snr_db`: a network that knows no clean or hopeless input harms it."""
    level_db: Range = (-40.0, -15.0)
    """Root mean square of the mixture in dB of full scale; lower where its peak would clip."""
    noise_only: float = 0.02
    clean_only: float = 0.03
    pauses: float = 0.3
    """Probability that the talker begins late or ends early."""
    speech_speed: Range = (0.75, 1.2)
    """Factor on time and pitch: one voice becomes several."""
    noise_speed: Range = (0.7, 1.4)
    voices_speed: Range = (1.35, 1.8)
    """Of the kind `voices`: as high as children, or nothing would tell the network which talker is meant."""
    rooms: float = 0.4
    """Probability of a simulated room (pyroomacoustics) around the talker; the clean target is the talker in that room."""
    equalizer: float = 0.7
    speech_eq_db: float = 6.0
    """Spread of the random curve over frequency, two standard deviations."""
    noise_eq_db: float = 8.0
    bass: float = 0.4
    """Probability of 3 to 15 dB more below about 170 Hz: many recordings of voices went through a high-pass."""
    impacts: float = 0.4
    """Share of generated knocks, slams and clanks among the short sounds of the kind `events`."""
    thin: float = 0.2
    """Probability of a high-pass at 80 to 250 Hz on the talker, as small loudspeakers and many microphones have one."""
    hiss: float = 0.0
    """Probability of a steady faint noise over everything, as microphones and recorders have it: `snr_db` does not count it."""
    hiss_db: Range = (-45.0, -15.0)
    """Of that noise to the talker, both over the whole mixture."""
    kinds: Mapping[str, float] = field(
        default_factory=lambda: {"recorded": 0.4, "events": 0.2, "coloured": 0.25, "babble": 0.15}
    )
    """Relative weights of KINDS; a kind that is left out is not used."""
    layers: tuple[float, ...] = (0.45, 0.35, 0.2)
    """Probability that a background has one, two, three … kinds at once."""
    reuse: int = 1
    """Mixtures made of each rendered talker and background, each time with another partner, ratio and level: rendering is what
    takes time. Above 1 talker and background are in rooms of their own."""
    speech_weights: Mapping[str, float] = field(default_factory=dict)
    noise_weights: Mapping[str, float] = field(default_factory=dict)
    voices_weights: Mapping[str, float] = field(default_factory=dict)
    """Of the talkers in the kinds `voices` and `babble`; empty: those of `speech_weights`."""

    def __post_init__(self) -> None:
        for given in fields(self):
            problem = _type_problem(given.name, getattr(self, given.name), given.type)
            _check(not problem, problem)
        for name in ("snr_db", "wide_snr_db", "level_db", "hiss_db", "speech_speed", "noise_speed", "voices_speed"):
            low, high = getattr(self, name)
            _check(low <= high, f"{name} ({low}, {high}) is not (lowest, highest)")
        for name in ("speech_speed", "noise_speed", "voices_speed"):
            low, high = getattr(self, name)
            _check(low >= 0.25 and high <= 4.0, f"{name} ({low}, {high}) is not in 0.25…4")
        for name in ("wide", "noise_only", "clean_only", "pauses", "rooms", "equalizer", "bass", "thin", "impacts", "hiss"):
            _check(0.0 <= getattr(self, name) <= 1.0, f"{name} {getattr(self, name)} is not in 0…1")
        _check(self.noise_only + self.clean_only <= 1.0, "noise_only and clean_only are more than 1 together")
        _check(self.level_db[1] <= 0.0, f"level_db {self.level_db} goes beyond full scale")
        _check(1 <= self.reuse <= 12, f"reuse {self.reuse} is not in 1…12")
        unknown = [kind for kind in self.kinds if kind not in KINDS]
        _check(not unknown, f"kinds: '{''.join(unknown[:1])}' is not one of {', '.join(KINDS)}")
        for name in ("kinds", "speech_weights", "noise_weights", "voices_weights"):
            _check(all(value >= 0.0 for value in getattr(self, name).values()), f"{name}: a weight is negative")
        _check(sum(self.kinds.values()) > 0.0, "kinds: no weight above 0")
        _check(min(self.layers, default=-1.0) >= 0.0 and sum(self.layers) > 0.0, "layers: no probability above 0")


def _type_problem(name: str, value: object, wanted: object) -> str:
    """What is wrong with the type of a value out of a recipe, "" if nothing is; `wanted` is the annotation."""

    def numbers(values: Iterable[object]) -> bool:
        return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)

    match wanted:
        case "int":
            return "" if type(value) is int else f"{name} must be a whole number"
        case "float":
            return "" if numbers([value]) else f"{name} must be a number"
        case "Range":
            return "" if isinstance(value, tuple) and len(value) == 2 and numbers(value) else f"{name} must be two numbers"
        case "tuple[float, ...]":
            return "" if isinstance(value, tuple) and numbers(value) else f"{name} must be a list of numbers"
        case _:
            return "" if isinstance(value, Mapping) and numbers(value.values()) else f"{name} must be a table of numbers"


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise InputError(f"mixing: {message}", hint="correct the recipe's [mixing]")


PLAIN = MixSettings(
    wide=0.0,
    noise_only=0.0,
    clean_only=0.0,
    pauses=0.0,
    speech_speed=(1.0, 1.0),
    noise_speed=(1.0, 1.0),
    rooms=0.0,
    equalizer=0.0,
    bass=0.0,
    thin=0.0,
    impacts=0.0,
)
"""Recordings as they are: for validation and tests."""
