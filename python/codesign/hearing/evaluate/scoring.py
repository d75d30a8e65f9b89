# SPDX-License-Identifier: Apache-2.0
"""Every system on every item, figure by figure, in processes of their own: figures come as they are made."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace

from codesign.base.audio import AudioStream, Source, read_audio
from codesign.base.errors import CodesignError, InputError
from codesign.base.isolate import Answer, LimitedCall, Pool
from codesign.base.progress import Progress
from codesign.base.signals import Pcm
from codesign.compiler.frontend.compressor import Compressor
from codesign.hearing.evaluate.lag import lag_of
from codesign.hearing.evaluate.measures import Absent, Measure, available, compute
from codesign.hearing.evaluate.pairs import NOISY, Pairs
from codesign.hearing.evaluate.systems import System
from codesign.hearing.fitting.aided import chain_of_aid, made_up

MAX_TRIM_SECONDS = 0.1
LIMIT_SECONDS, LIMIT_RATIO = 300.0, 60.0
"""A figure may take this long, and this many times the recording's length: HASPI takes 1.5 times on a server's core."""

Signals = Mapping[str, Pcm]
"""Of one item: "clean", "noisy" and every system → int16 PCM of one length."""
Heard = Callable[[str, Signals], None]
Compute = Callable[..., float]
"""As codesign.hearing.evaluate.measures.compute."""


@dataclass(frozen=True)
class ScoringPlan:
    """What is to be scored. `names` are those of the systems, "noisy" first; `absent` are the measures left out."""

    pairs: Pairs
    systems: tuple[System, ...]
    names: tuple[str, ...]
    baseline: str
    sample_rate: int
    audiogram: str
    measures: tuple[Measure, ...]
    absent: tuple[Absent, ...]
    compute: Compute
    fit: Compressor | None = None

    @property
    def total(self) -> int:
        """Scores in all."""
        return len(self.pairs.items) * len(self.names)


@dataclass(frozen=True)
class Score:
    """Measure → value (None: not to be had) of one item by one system."""

    item: str
    system: str
    values: Mapping[str, float | None]


@dataclass(frozen=True)
class Scored:
    """A score as it comes: of `seconds` of sound, `lag` samples behind the clean signal (0: aligned); `notes` say what could
    not be computed, and which files end early.
    """

    score: Score
    seconds: float
    notes: tuple[str, ...]
    lag: int = 0


def plan_scores(
    pairs: Pairs,
    systems: Sequence[System],
    *,
    audiogram: str = "",
    fit: Compressor | None = None,
    baseline: str = NOISY,
    compute: Compute = compute,
) -> ScoringPlan:
    """Everything that can be known before the work.

    Raises:
        InputError: models of different rates, a name is there twice, `baseline` is no system, a file cannot be read, or no
            hearing aid of this rate can have `fit`.
    """
    names = [NOISY, *(system.name for system in systems)]
    twice = [name for name in names if names.count(name) > 1 or name == "clean"]
    if twice:
        raise InputError(
            f"two systems are called '{twice[0]}'", hint="give each a name of its own: NAME=FILE; not noisy, clean"
        )
    if baseline not in names:
        raise InputError(f"no system is called '{baseline}'", hint=f"one of {', '.join(names)}")
    rate = sample_rate_of(pairs, systems)
    if fit is not None:
        try:
            chain_of_aid(rate, fit)
        except InputError as error:
            raise InputError(
                f"the fitting: {error.message.removeprefix('front end: ')}", hint="see docs/hearing-aid-chain.md"
            ) from error
    made = tuple(systems)
    return ScoringPlan(pairs, made, tuple(names), baseline, rate, audiogram, *available(rate, audiogram), compute, fit)


def sample_rate_of(pairs: Pairs, systems: Sequence[System] = ()) -> int:
    """The rate of all figures in Hz: that of the models, else of the first clean recording. Other recordings are resampled.

    Raises:
        InputError: the recording cannot be read, or two systems have rates of their own.
    """
    named = {system.sample_rate: system.name for system in reversed(systems) if system.sample_rate is not None}
    if len(named) > 1:
        rates = ", ".join(f"{name} at {rate:,} Hz" for rate, name in reversed(named.items()))
        raise InputError(f"models of different rates: {rates}", hint="evaluate those of one rate at a time")
    return next(iter(named), None) or AudioStream(pairs.clean[pairs.items[0]], 16000).source_rate


def scores(plan: ScoringPlan, workers: Pool, progress: Progress, heard: Heard) -> Iterator[Scored]:
    """Enhance every item and score it, in the order in which scores are ready; `heard` is given every item's signals.

    The signals of an item are cut to the shortest, all systems' together, so that every figure is of the same samples.

    Raises:
        InputError: lengths do not fit, or a file cannot be read. The scores of the items before come first.
        KeyboardInterrupt: Ctrl-C; the scores that are ready come first.
    """
    made = _signals(plan, heard)
    waiting: dict[Future[tuple[Answer, ...]], tuple[str, str, float, tuple[str, ...], int]] = {}
    end: BaseException | None = None
    done, more = 0, True
    while more or waiting:
        try:
            if more and len(waiting) <= 2 * workers.count:  # no more in memory than keeps the processes busy
                item, signals, notes = next(made)
                for name in plan.names:
                    seconds = signals[name].size / plan.sample_rate
                    lag = lag_of(signals[name], signals["clean"], plan.sample_rate)
                    waiting[workers.submit(_calls(plan, signals, name))] = (item, name, seconds, notes.get(name, ()), lag)
            ready = [future for future in waiting if future.done()]
            if not ready and (not more or len(waiting) > 2 * workers.count):
                ready = list(wait(waiting, return_when=FIRST_COMPLETED).done)
        except StopIteration:
            more = False
            continue
        except CodesignError as error:
            more, end = False, error
            continue
        except KeyboardInterrupt as error:
            more, end = False, error
            waiting = {future: what for future, what in waiting.items() if future.done()}
            continue
        for future in ready:
            item, name, seconds, beside, lag = waiting.pop(future)
            done += 1
            progress("evaluate", done, plan.total)
            yield replace(_scored(item, name, seconds, beside, plan.measures, future.result()), lag=lag)
    if end is not None:
        raise end


def _calls(plan: ScoringPlan, signals: Signals, name: str) -> list[LimitedCall]:
    makeup = next((system.makeup for system in plan.systems if system.name == name), ())
    fitted = () if plan.fit is None else (made_up(plan.fit, makeup),)
    arguments = (signals[name], signals[NOISY], signals["clean"], plan.sample_rate, plan.audiogram, *fitted)
    limit = LIMIT_SECONDS + LIMIT_RATIO * signals[name].size / plan.sample_rate
    return [LimitedCall(plan.compute, (measure.key, *arguments), limit) for measure in plan.measures]


def _scored(
    item: str, name: str, seconds: float, beside: Sequence[str], measures: Sequence[Measure], answers: Sequence[Answer]
) -> Scored:
    values: dict[str, float | None] = {}
    notes = [*beside]
    for measure, answer in zip(measures, answers, strict=True):
        problem = f": {answer.problem}" if answer.problem else ""
        if not problem and not math.isfinite(answer.value):
            problem = f" is {answer.value:g}: the signal has nothing but speech, or none of it"
        values[measure.key] = None if problem else float(answer.value)
        if problem:
            notes.append(f"{item}, {name}: {measure.key}{problem}")
    return Scored(Score(item, name, values), seconds, tuple(notes))


def _signals(plan: ScoringPlan, heard: Heard) -> Iterator[tuple[str, Signals, Mapping[str, tuple[str, ...]]]]:
    """Items with their signals, and system → notes on what its recordings lack; those on the clean one go with the noisy."""
    rate = plan.sample_rate
    for item in plan.pairs.items:
        pair = {"clean": read_audio(plan.pairs.clean[item], rate), NOISY: read_audio(plan.pairs.noisy[item], rate)}
        signals = {name: audio.pcm for name, audio in pair.items()}
        signals |= {system.name: system.enhance(item, signals[NOISY]) for system in plan.systems}
        sources = {name: audio.source for name, audio in pair.items()}
        sources |= {system.name: system.sources[item] for system in plan.systems if item in system.sources}
        shortest, longest = min(signals, key=lambda name: signals[name].size), max(signals, key=lambda name: signals[name].size)
        length = signals[shortest].size
        if (seconds := (signals[longest].size - length) / rate) > MAX_TRIM_SECONDS:
            message = f"{item}: {longest} is {seconds:.2f} s longer than {shortest}"
            cut_off = sources[shortest].cut_off if shortest in sources else ""
            raise InputError(message, hint=cut_off or "cut the recordings of an item to one length and start")
        signals = {name: signal[:length] for name, signal in signals.items()}
        heard(item, signals)
        notes = {name: tuple(_notes_on(source, item, name, rate)) for name, source in sources.items()}
        yield item, signals, {**notes, NOISY: notes["clean"] + notes[NOISY]}


def _notes_on(source: Source, item: str, name: str, rate: int) -> Iterator[str]:
    """What of a file would change its figures. Words that are the same for every item are said once."""
    for what in source.amiss:
        yield f"{item}, {name}: {what}"
    if source.channels > 1:
        yield f"{name}: recordings of {source.channels} channels, averaged to mono"
    if source.rate != rate:
        yield f"{name}: recordings at {source.rate:,} Hz, resampled to the {rate:,} Hz of all figures"
