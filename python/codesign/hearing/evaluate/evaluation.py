# SPDX-License-Identifier: Apache-2.0
"""Systems on pairs of recordings: figures of every file, means, and differences of pairs of systems."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from codesign.base.intervals import Interval, mean_of
from codesign.base.isolate import Workers
from codesign.base.progress import Progress, silent
from codesign.base.words import counted
from codesign.compiler.frontend.compressor import Compressor
from codesign.compiler.reference.saturation import Saturation
from codesign.hearing.evaluate.lag import notes_on_lags
from codesign.hearing.evaluate.measures import Absent, Measure, compute
from codesign.hearing.evaluate.pairs import NOISY, Pairs
from codesign.hearing.evaluate.scoring import Compute, Heard, Score, Scored, ScoringPlan, plan_scores, scores
from codesign.hearing.evaluate.systems import System

FEW_ITEMS = 20
"""Below this the mean of the figures is not yet near enough to normal for its interval to be taken at its word."""

STRANGE_DB = -20.0
"""A noisy signal with less SI-SDR, though it is aligned, is hardly that of its clean one."""


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
class MeasureMean:
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
    """The first system is "noisy", the unprocessed recordings.

    `complete` is False where the work ended before every item was scored by every system; `notes` say so, what could not be
    computed, which files end early, which signals are not aligned, and how far the intervals can be trusted.
    """

    sample_rate: int
    audiogram: str
    baseline: str
    complete: bool
    measures: tuple[Measure, ...]
    absent: tuple[Absent, ...]
    items: tuple[Item, ...]
    systems: tuple[Subject, ...]
    scores: tuple[Score, ...]
    means: tuple[MeasureMean, ...]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]


def evaluate(
    pairs: Pairs,
    systems: Sequence[System],
    *,
    audiogram: str = "",
    fit: Compressor | None = None,
    baseline: str = NOISY,
    jobs: int = 1,
    progress: Progress = silent,
    heard: Heard = lambda item, signals: None,
    compute: Compute = compute,
    workers: Workers | None = None,
) -> Evaluation:
    """Enhance and score every item; `jobs` processes score at a time, and `heard` is given every item's signals.

    A listener with `audiogram` hears through the compressor `fit`, or linear NAL-R gains. The figures are the same whatever
    the number of processes. `workers` are processes that run already, used instead; `compute` may be another function of a
    module.

    Raises:
        InputError: models of different rates, lengths that do not fit, a name is there twice, `baseline` is no system, or a
            file cannot be read.
        ToolError: no process can be started.
    """
    plan = plan_scores(pairs, systems, audiogram=audiogram, fit=fit, baseline=baseline, compute=compute)
    with contextlib.nullcontext(workers) if workers else Workers(min(jobs, plan.total)) as pool:
        return summarize(plan, list(scores(plan, pool, progress, heard)))


def summarize(plan: ScoringPlan, found: Sequence[Scored]) -> Evaluation:
    """The evaluation of what was scored, in whatever order it came."""
    by_cell = {(scored.score.item, scored.score.system): scored for scored in found}
    ordered = [by_cell[item, name] for item in plan.pairs.items for name in plan.names if (item, name) in by_cell]
    rows = tuple(scored.score for scored in ordered)
    seconds = {scored.score.item: scored.seconds for scored in ordered}
    columns = dict(_columns(rows, plan))
    means = tuple(
        MeasureMean(name, measure.key, mean_of(list(column.values()), measure.scale))
        for (name, measure), column in columns.items()
    )
    differences = tuple(_differences(columns, plan.baseline))
    lags = {name: [scored.lag for scored in ordered if scored.score.system == name] for name in plan.names}
    strange = [scored.score.item for scored in ordered if scored.lag == 0 and _of_another(scored.score)]
    notes = [*notes_on_lags(lags, plan.sample_rate), *_on_strange(strange), *_trust(means, differences)]
    if plan.fit is not None:
        notes.append("HASPI and HASQI: every system, the noisy one too, is heard through the compression of the fitting")
    if len(rows) < plan.total:
        notes.insert(
            0, f"not complete: {len(rows)} of {plan.total} scores ({len(seconds)} of {counted(len(plan.pairs.items), 'item')})"
        )
    return Evaluation(
        sample_rate=plan.sample_rate,
        audiogram=plan.audiogram,
        baseline=plan.baseline,
        complete=len(rows) == plan.total,
        measures=plan.measures,
        absent=plan.absent,
        items=tuple(Item(name, length, _input_db(by_cell.get((name, NOISY)))) for name, length in seconds.items()),
        systems=(
            Subject(NOISY, "unprocessed", str(plan.pairs.folder), ""),
            *(Subject(system.name, system.how, system.origin, system.sha256, system.saturation()) for system in plan.systems),
        ),
        scores=rows,
        means=means,
        differences=differences,
        notes=(*notes, *dict.fromkeys(note for scored in ordered for note in scored.notes)),
    )


def _of_another(score: Score) -> bool:
    return score.system == NOISY and (score.values.get("si_sdr") or 0.0) < STRANGE_DB


def _on_strange(items: Sequence[str]) -> Iterator[str]:
    if items:
        less = f"{counted(len(items), 'noisy signal')}, such as {items[0]}, with SI-SDR below {STRANGE_DB:g} dB"
        yield f"{less}: next to nothing of the clean signal is in it; check that the pairs are right"


def _input_db(noisy: Scored | None) -> float | None:
    return None if noisy is None else noisy.score.values.get("si_sdr")


def _columns(rows: Sequence[Score], plan: ScoringPlan) -> Iterator[tuple[tuple[str, Measure], Mapping[str, float]]]:
    """(System, measure), and item → value where there is one."""
    for name in plan.names:
        for measure in plan.measures:
            column = {s.item: value for s in rows if s.system == name and (value := s.values.get(measure.key)) is not None}
            if column:
                yield (name, measure), column


def _differences(columns: Mapping[tuple[str, Measure], Mapping[str, float]], baseline: str) -> Iterator[Difference]:
    for (name, measure), column in columns.items():
        base = columns.get((baseline, measure), {})
        paired = [value - base[item] for item, value in column.items() if item in base]
        if name != baseline and paired:
            width = measure.scale[1] - measure.scale[0]
            yield Difference(name, baseline, measure.key, mean_of(paired, (-width, width)))


def _trust(means: Sequence[MeasureMean], differences: Sequence[Difference]) -> Iterator[str]:
    counts = sorted(({row.over.n for row in means} | {row.over.n for row in differences}) - {1})  # one has no interval
    if counts and counts[0] < FEW_ITEMS:
        count = f"{counts[0]}" if counts[0] == counts[-1] else f"{counts[0]} to {counts[-1]}"
        yield f"means of {count} items: intervals of fewer than {FEW_ITEMS} hold only if the figures are about normal"
