"""Systems on pairs of recordings: figures of every file, means, and differences of pairs of systems."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np

from codesign.base.audio import FULL_SCALE, AudioStream
from codesign.base.errors import InputError
from codesign.base.metrics import si_sdr
from codesign.compiler.reference.saturation import Saturation
from codesign.hearing.evaluate.bootstrap import RESAMPLES, Interval, bootstrap_mean
from codesign.hearing.evaluate.measures import Absent, Measure, Values, available, score
from codesign.hearing.evaluate.pairs import NOISY, Pairs
from codesign.hearing.evaluate.systems import Pcm, System, read_at

MAX_TRIM_SECONDS = 0.1
Progress = Callable[[str, int, int], None]
Signals = Mapping[str, Pcm]
"""Of one item: "clean", "noisy" and every system → int16 PCM of one length."""
Heard = Callable[[str, Signals], None]


@dataclass(frozen=True)
class Item:
    """One pair; `input_db` is the SI-SDR of the noisy signal, None where there is none."""

    name: str
    seconds: float
    input_db: float | None


@dataclass(frozen=True)
class Subject:
    """What was evaluated, in words; `saturation` is a quantized model's, over all items."""

    name: str
    how: str
    origin: str
    sha256: str
    saturation: Saturation | None = None


@dataclass(frozen=True)
class Score:
    """Measure → value (None: not to be had) of one item by one system."""

    item: str
    system: str
    values: Mapping[str, float | None]


@dataclass(frozen=True)
class Mean:
    """Mean of a measure over the items that have it."""

    system: str
    measure: str
    over: Interval


@dataclass(frozen=True)
class Difference:
    """Mean of system − baseline over the items that both have."""

    system: str
    baseline: str
    measure: str
    over: Interval


@dataclass(frozen=True)
class Evaluation:
    """The first system is "noisy", the unprocessed recordings. `notes` say what could not be had, and which files end early."""

    sample_rate: int
    audiogram: str
    baseline: str
    seed: int
    resamples: int
    measures: tuple[Measure, ...]
    absent: tuple[Absent, ...]
    items: tuple[Item, ...]
    systems: tuple[Subject, ...]
    scores: tuple[Score, ...]
    means: tuple[Mean, ...]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]


def evaluate(
    pairs: Pairs,
    systems: Sequence[System],
    *,
    audiogram: str = "",
    baseline: str = NOISY,
    seed: int = 0,
    jobs: int = 1,
    progress: Progress = lambda what, done, total: None,
    heard: Heard = lambda item, signals: None,
) -> Evaluation:
    """Enhance and score every item; `jobs` processes score at a time, and `heard` is given every item's signals.

    The signals of an item are cut to the shortest, all systems' together, so that every figure is of the same samples.

    Raises:
        InputError: rates or lengths do not fit, a name is there twice, `baseline` is no system, or a file cannot be read.
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
    measures, absent = available(rate, audiogram)
    items, scores = [], []
    notes: list[str] = []
    work = partial(_score_item, sample_rate=rate, measures=measures, audiogram=audiogram)
    made = _signals(pairs, systems, rate, heard, notes)
    for done, (item, signals, found) in enumerate(_scored(made, work, jobs)):
        progress("evaluate", done + 1, len(pairs.items))
        items.append(_item(item, signals, rate))
        for name, result in found.items():
            scores.append(Score(item, name, result.values))
            notes += [f"{item}, {name}: {key} {reason}" for key, reason in result.problems]
    keys = [measure.key for measure in measures]
    means = [
        Mean(name, key, bootstrap_mean(list(column.values()), seed)) for name, key, column in _columns(scores, names, keys)
    ]
    return Evaluation(
        sample_rate=rate,
        audiogram=audiogram,
        baseline=baseline,
        seed=seed,
        resamples=RESAMPLES,
        measures=measures,
        absent=absent,
        items=tuple(items),
        systems=(
            Subject(NOISY, "unprocessed", str(pairs.folder), ""),
            *(Subject(system.name, system.how, system.origin, system.sha256, system.saturation()) for system in systems),
        ),
        scores=tuple(scores),
        means=tuple(means),
        differences=tuple(_differences(scores, names, keys, baseline, seed)),
        notes=tuple(notes),
    )


def sample_rate_of(pairs: Pairs, systems: Sequence[System] = ()) -> int:
    """The rate of the first clean recording, which all others must have.

    Raises:
        InputError: it cannot be read, or a model has another rate.
    """
    first = pairs.clean[pairs.items[0]]
    rate = AudioStream(first, 16000).source_rate
    for system in systems:
        if system.sample_rate not in (None, rate):
            raise InputError(
                f"{system.name} runs at {system.sample_rate} Hz, {first} is at {rate} Hz", hint="resample the recordings first"
            )
    return rate


def _signals(
    pairs: Pairs, systems: Sequence[System], rate: int, heard: Heard, notes: list[str]
) -> Iterator[tuple[str, dict[str, Pcm]]]:
    for item in pairs.items:
        pair = {"clean": read_at(pairs.clean[item], rate), NOISY: read_at(pairs.noisy[item], rate)}
        signals = {name: audio.pcm for name, audio in pair.items()}
        signals |= {system.name: system.enhance(item, signals[NOISY]) for system in systems}
        missing = {name: audio.cut_off for name, audio in pair.items()}
        missing |= {system.name: system.cut_off.get(item, "") for system in systems}
        notes += [f"{item}, {name}: {cut_off}" for name, cut_off in missing.items() if cut_off]
        shortest, longest = min(signals, key=lambda name: signals[name].size), max(signals, key=lambda name: signals[name].size)
        length = signals[shortest].size
        if (seconds := (signals[longest].size - length) / rate) > MAX_TRIM_SECONDS:
            message = f"{item}: {longest} is {seconds:.2f} s longer than {shortest}"
            hint = missing[shortest] or "cut the recordings of an item to one length and start"
            raise InputError(message, hint=hint)
        signals = {name: signal[:length] for name, signal in signals.items()}
        heard(item, signals)
        yield item, signals


def _scored(
    made: Iterator[tuple[str, dict[str, Pcm]]], work: Callable[[Signals], dict[str, Values]], jobs: int
) -> Iterator[tuple[str, Signals, dict[str, Values]]]:
    if jobs <= 1:
        for item, signals in made:
            yield item, signals, work(signals)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting: deque[tuple[str, Signals, Future[dict[str, Values]]]] = deque()
        for item, signals in made:
            waiting.append((item, signals, pool.submit(work, signals)))
            if len(waiting) > 2 * jobs:  # no more in memory than keeps the processes busy
                first = waiting.popleft()
                yield first[0], first[1], first[2].result()
        for item, waited, future in waiting:
            yield item, waited, future.result()


def _score_item(signals: Signals, sample_rate: int, measures: Sequence[Measure], audiogram: str) -> dict[str, Values]:
    real = {name: signal / FULL_SCALE for name, signal in signals.items()}
    clean, noisy = real.pop("clean"), real[NOISY]
    return {name: score(signal, noisy, clean, sample_rate, measures, audiogram) for name, signal in real.items()}


def _item(name: str, signals: Signals, rate: int) -> Item:
    clean = signals["clean"]
    try:
        level = si_sdr(signals[NOISY], clean)
    except InputError:
        level = np.nan
    return Item(name, clean.size / rate, level if np.isfinite(level) else None)


def _columns(scores: Sequence[Score], names: Sequence[str], keys: Sequence[str]) -> Iterator[tuple[str, str, dict[str, float]]]:
    """System, measure, and item → value where there is one."""
    for name in names:
        for key in keys:
            column = {s.item: value for s in scores if s.system == name and (value := s.values.get(key)) is not None}
            if column:
                yield name, key, column


def _differences(
    scores: Sequence[Score], names: Sequence[str], keys: Sequence[str], baseline: str, seed: int
) -> Iterator[Difference]:
    columns = {(name, key): column for name, key, column in _columns(scores, names, keys)}
    for (name, key), column in columns.items():
        base = columns.get((baseline, key), {})
        paired = [value - base[item] for item, value in column.items() if item in base]
        if name != baseline and paired:
            yield Difference(name, baseline, key, bootstrap_mean(paired, seed))
