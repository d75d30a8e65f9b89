# SPDX-License-Identifier: Apache-2.0
"""Results → who counts, what each system was given, and whether two systems are the same to listeners."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

from codesign.base.errors import InputError
from codesign.base.intervals import Interval, mean_of
from codesign.base.words import counted
from codesign.hearing.listen.design import Key, Kind
from codesign.hearing.listen.results import Preference, Rating, Refused, Result
from codesign.hearing.listen.statistics import Equivalence, equivalence
from codesign.hearing.listen.stimuli import ANCHOR

MARGIN = {"preference": 0.5, "mushra": 5.0}
"""Differences that do not matter unless the user says otherwise: half a step of the ±3 scale, 5 of 100 points."""

SCALE: Mapping[Kind, tuple[float, float]] = {"preference": (-3.0, 3.0), "mushra": (0.0, 100.0)}
"""Lowest and highest score: no mean lies beyond, nor does its interval."""

FEW_LISTENERS = 8
"""Below this the mean of the listeners is not yet near enough to normal, and one listener decides it."""
FEW_ITEMS = 6
"""Below this a note says that other recordings may be heard otherwise."""

CHECKS_PASSED, IDENTICAL_STRONG = 0.75, 0.5
REFERENCE_SCORE, SHARE = 90, 0.15
"""Of `screening_rule`: shares of the check pages and of all pages, and a score of MUSHRA."""


@dataclass(frozen=True)
class Excluded:
    """A listener whom the screening rule leaves out, and why."""

    listener: str
    reason: str


@dataclass(frozen=True)
class SystemScore:
    """Score of a system over listeners, in all (condition "") or in one condition. Preference: over the unprocessed."""

    system: str
    condition: str
    score: Interval


@dataclass(frozen=True)
class SystemDifference:
    """Difference of two systems' scores: first − second."""

    first: str
    second: str
    result: Equivalence


@dataclass(frozen=True)
class ListenerAnalysis:
    """Everything that analyze found. The unit of observation is the listener: items are averaged within each.

    `notes` say how far the figures can be trusted.
    """

    test: str
    test_kind: Kind
    title: str
    rule: str
    listeners: int
    excluded: tuple[Excluded, ...]
    refused: tuple[Refused, ...]
    scores: tuple[SystemScore, ...]
    comparisons: tuple[SystemDifference, ...]
    notes: tuple[str, ...] = ()


def analyse(
    key: Key, results: Sequence[Result], refused: Sequence[Refused] = (), margin: float | None = None
) -> ListenerAnalysis:
    """Screen the listeners and weigh the systems against each other.

    Raises:
        InputError: no result is left, or the margin is not positive.
    """
    margin = MARGIN[key.test_kind] if margin is None else margin
    if not margin > 0:
        raise InputError(f"margin of {margin}", hint="give a difference that does not matter, above 0")
    excluded = [Excluded(result.listener, reason) for result in results if (reason := _screen(key, result))]
    out = {row.listener for row in excluded}
    kept = [result for result in results if result.listener not in out]
    if not kept:
        hint = f"screened out: {counted(len(excluded), 'listener')}; refused: {counted(len(refused), 'file')}"
        raise InputError("no result is left to analyse", hint=hint)
    tables = [_scores(key, result) for result in kept]
    systems, scale = _systems(key), SCALE[key.test_kind]
    conditions = sorted({stimulus.condition for stimulus in key.stimuli.values()} - {""})
    scores = []
    for condition in ["", *conditions]:
        for system in systems:
            values = [found for table in tables if (found := _average(table, system, condition)) is not None]
            if values:
                scores.append(SystemScore(system, condition, mean_of(values, scale)))
    compared = [system for system in systems if system not in (ANCHOR, key.reference)]
    comparisons = []
    for first, second in combinations(compared, 2):
        pairs = [(_average(table, first), _average(table, second)) for table in tables]
        complete = [(a, b) for a, b in pairs if a is not None and b is not None]
        if complete:
            result = equivalence([a for a, _ in complete], [b for _, b in complete], margin, scale)
            comparisons.append(SystemDifference(first, second, result))
    return ListenerAnalysis(
        key.test,
        key.test_kind,
        key.title,
        screening_rule(key.test_kind),
        len(kept),
        tuple(excluded),
        tuple(refused),
        tuple(scores),
        tuple(comparisons),
        _notes(len(kept), len({stimulus.item for stimulus in key.stimuli.values()})),
    )


def _notes(listeners: int, items: int) -> tuple[str, ...]:
    """What few listeners, and few recordings, take from the figures."""
    found = []
    if listeners < FEW_LISTENERS:
        count = counted(listeners, "listener")
        found.append(
            f"{count}: intervals and tests of fewer than {FEW_LISTENERS} are rough, and one listener more can turn them"
        )
    if listeners == 1:
        found.append("one listener has no interval: nothing is said of others")
    if items < FEW_ITEMS:
        count = counted(items, "recording")
        found.append(f"{count}: intervals are over listeners, and say nothing of recordings that were not in the test")
    return tuple(found)


def screening_rule(kind: Kind) -> str:
    """The rule in words."""
    if kind == "mushra":
        return (
            f"ITU-R BS.1534-3: out is who rates the hidden reference below {REFERENCE_SCORE}, or the anchor above it, on more "
            f"than {100 * SHARE:.0f} % of the pages."
        )
    return (
        f"Out is who prefers the reference to the anchor on less than {100 * CHECKS_PASSED:.0f} % of the check pages, or "
        f"answers ±2 or ±3 to two identical recordings on more than {100 * IDENTICAL_STRONG:.0f} % of such pages."
    )


def _screen(key: Key, result: Result) -> str:
    """Why a listener does not count, or ""."""
    return _screen_ratings(key, result) if key.test_kind == "mushra" else _screen_preferences(key, result)


def _screen_ratings(key: Key, result: Result) -> str:
    ratings = [answer for answer in result.answers if isinstance(answer, Rating)]
    pages = len(ratings)
    low = sum(_score(key, rating, key.reference) < REFERENCE_SCORE for rating in ratings)
    high = sum(_score(key, rating, ANCHOR) > REFERENCE_SCORE for rating in ratings)
    if low > SHARE * pages:
        return f"hidden reference below {REFERENCE_SCORE} on {low} of {pages} pages"
    if high > SHARE * pages:
        return f"anchor above {REFERENCE_SCORE} on {high} of {pages} pages"
    return ""


def _screen_preferences(key: Key, result: Result) -> str:
    checks, identical = [], []
    for answer in result.answers:
        assert isinstance(answer, Preference)
        role = key.trials[answer.trial].role
        if role == "check":
            checks.append(_towards(key, answer, key.reference) > 0)
        elif role == "identical":
            identical.append(abs(answer.score) >= 2)
    if checks and sum(checks) < CHECKS_PASSED * len(checks):
        return f"preferred the reference to the anchor on {sum(checks)} of {len(checks)} check pages"
    if identical and sum(identical) > IDENTICAL_STRONG * len(identical):
        return f"heard a clear difference between identical recordings on {sum(identical)} of {len(identical)} pages"
    return ""


def _systems(key: Key) -> list[str]:
    if key.test_kind == "preference":
        return [system for system in key.systems if system != key.unprocessed]
    return [key.reference, *key.systems, ANCHOR]


_Table = dict[tuple[str, str], list[float]]
"""(system, condition) → scores of one listener."""


def _scores(key: Key, result: Result) -> _Table:
    table: _Table = {}
    for answer in result.answers:
        if key.trials[answer.trial].role != "system":
            continue
        for system, condition, score in _rated(key, answer):
            table.setdefault((system, condition), []).append(score)
    return table


def _rated(key: Key, answer: Preference | Rating) -> Iterable[tuple[str, str, float]]:
    if isinstance(answer, Rating):
        for identifier, score in answer.scores.items():
            stimulus = key.stimuli[identifier]
            yield stimulus.system, stimulus.condition, float(score)
        return
    stimulus = next(key.stimuli[i] for i in (answer.left, answer.right) if key.stimuli[i].system != key.unprocessed)
    yield stimulus.system, stimulus.condition, _towards(key, answer, stimulus.system)


def _towards(key: Key, answer: Preference, system: str) -> float:
    """The score as preference for `system`."""
    return float(answer.score if key.stimuli[answer.right].system == system else -answer.score)


def _score(key: Key, rating: Rating, system: str) -> int:
    return next(score for identifier, score in rating.scores.items() if key.stimuli[identifier].system == system)


def _average(table: _Table, system: str, condition: str = "") -> float | None:
    values = [v for (name, where), scores in table.items() if name == system and condition in ("", where) for v in scores]
    return fmean(values) if values else None
