# SPDX-License-Identifier: Apache-2.0
"""codesign evaluate: what networks do to speech, in figures."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from codesign.base.audio import write_audio
from codesign.base.errors import CodesignError, InputError
from codesign.base.files.output_file import check_files
from codesign.base.isolate import Workers
from codesign.cli.console import cells, emit_json, progress, say, stderr, table
from codesign.cli.options import Json
from codesign.hearing.evaluate import (
    Evaluation,
    Pairs,
    System,
    check_audiogram,
    find_outputs,
    find_pairs,
    model_system,
    recorded_system,
    summarize,
    write_evaluation,
)
from codesign.hearing.evaluate.journal import Journal
from codesign.hearing.evaluate.pairs import NOISY
from codesign.hearing.evaluate.scoring import Scored, Signals, plan_scores, sample_rate_of, scores
from codesign.hearing.evaluate.write import MAX_NOTES, difference_rows, head, mean_rows, output_format

NAME = "evaluate"
PLOTTED = 6
"""Items whose waveforms and spectrograms are drawn."""


def command(
    data: Annotated[Path, typer.Argument(help="Folder of noisy recordings and their clean signals.", show_default=False)],
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="FILE.onnx or NAME=FILE.onnx, int8 or float (repeatable).")
    ] = None,
    system: Annotated[
        list[str] | None,
        typer.Option("--system", "-s", help="Enhanced recordings: NAME=FOLDER, NAME=FILES with one *, or NAME (repeatable)."),
    ] = None,
    delay: Annotated[
        list[str] | None, typer.Option(help="NAME=SAMPLES that a system's recordings lag behind (repeatable).")
    ] = None,
    audiogram: Annotated[str, typer.Option(help="NH, N1 to N7, S1 to S3: HASPI and HASQI for this hearing (slow).")] = "",
    baseline: Annotated[str, typer.Option(help="The system that the others are compared with, pair by pair.")] = NOISY,
    output: Annotated[list[Path] | None, typer.Option("--output", "-o", help=".csv, .json or .md file (repeatable).")] = None,
    plots: Annotated[Path | None, typer.Option(help="Folder for PNG plots; needs the extra 'plots'.")] = None,
    keep: Annotated[Path | None, typer.Option(help="Folder to write the enhanced recordings to: SYSTEM/ITEM.wav.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Processes that score.")] = max(1, (os.cpu_count() or 1) // 2),
    json: Json = False,
) -> None:
    """Score models and recordings on noisy recordings with known clean signals.

    Example: codesign evaluate models/demo -m models/pruned/pruned.onnx -m float=models/baseline-256/baseline-256-float.onnx
    """
    outputs = output or []
    for path in outputs:
        output_format(path)
    check_files(output or [], [data, *(Path(text.rpartition("=")[2]) for text in model or [])])
    if audiogram:
        check_audiogram(audiogram)
    if plots is not None:
        from codesign.proof.report.plots import load_figure

        load_figure()
    pairs = find_pairs(data)
    drawn: dict[str, Signals] = {}
    columns = 1 + len(model or []) + len(system or [])
    with (
        tempfile.TemporaryDirectory(prefix="codesign-") as folder,
        progress() as show,
        Workers(min(jobs, columns * len(pairs.items))) as workers,  # they start while models are built
    ):
        show("load", 0, 0)
        systems = _systems(pairs, model or [], system or [], delay or [], Path(folder))
        if keep is not None:
            _check_kept(keep, pairs, systems, system or [])
        plan = plan_scores(pairs, systems, audiogram=audiogram, baseline=baseline)

        def heard(item: str, signals: Signals) -> None:
            if plots is not None and len(drawn) < PLOTTED:
                drawn[item] = signals
            if keep is not None:
                for made in systems:
                    write_audio(_place(keep, made.name, item), signals[made.name], plan.sample_rate)

        journal = Journal(outputs[0], plan.measures) if outputs else None
        found, end = _collect(scores(plan, workers, show, heard), journal)
    result = summarize(plan, found) if found else None
    problems: list[CodesignError] = []
    if result is not None:
        problems = _write(result, outputs, plots if end is None else None, drawn)
    if journal is not None:
        journal.close(remove=result is None or not problems)
    if result is not None:
        _show(result, json=json)
        if plots is not None and len(drawn) < len(result.items):
            say(f"waveforms and spectrograms are of the first {len(drawn)} items")
        if not problems:
            written = [*map(str, outputs), *([f"{plots}/*.png"] if plots and end is None else [])]
            _say_written([*written, *([f"{keep}/*/*.wav"] if keep else [])])
    if problems and journal is not None:
        say(
            f"the scores are in {journal.path}{f' as far as the disk took them ({journal.problem})' if journal.problem else ''}"
        )
    if end is not None:
        raise end
    if problems:
        raise problems[0]


def _collect(made: Iterator[Scored], journal: Journal | None) -> tuple[list[Scored], BaseException | None]:
    """The scores, kept in the journal as they come, up to an error or Ctrl-C, which is returned with them."""
    found: list[Scored] = []
    try:
        for scored in made:
            found.append(scored)
            if journal is not None:
                journal.add(scored.score)
    except (CodesignError, KeyboardInterrupt) as end:
        return found, end
    return found, None


def _write(result: Evaluation, outputs: Sequence[Path], plots: Path | None, drawn: dict[str, Signals]) -> list[CodesignError]:
    """Write what can be written, and why the rest cannot."""
    problems: list[CodesignError] = []
    for path in outputs:
        try:
            write_evaluation(path, result)
        except CodesignError as error:
            problems.append(error)
    if plots is not None:
        from codesign.hearing.evaluate.plots import write_plots

        try:
            write_plots(plots, result, drawn)
        except CodesignError as error:
            problems.append(error)
    return problems


def _show(result: Evaluation, *, json: bool) -> None:
    """Everything that was found, for people or as JSON."""
    if json:
        emit_json(NAME, evaluation=result)
    else:
        _print(f"{len(result.items)} items, means and 95 % intervals", head(result, "system"), mean_rows(result))
        if result.differences:
            titles = head(result, "system", difference=True)
            _print(f"Minus {result.baseline}, pair by pair", titles, difference_rows(result))
    for subject in result.systems:
        if subject.saturation and subject.saturation.any():
            say(str(subject.saturation))
    for absent in result.absent:
        say(f"{absent.measure} is missing: {absent.reason}")
    for note in result.notes[:MAX_NOTES]:
        say(note)
    if len(result.notes) > MAX_NOTES:
        say(f"… and {len(result.notes) - MAX_NOTES} more notes; --json has them all")


def _say_written(paths: Sequence[str]) -> None:
    if paths:
        say(f"wrote {', '.join(paths)}")


def _systems(pairs: Pairs, models: Sequence[str], recorded: Sequence[str], delays: Sequence[str], folder: Path) -> list[System]:
    named = [_named(text) for text in recorded]
    lags = {name: _samples(name, value) for name, value in map(_named, delays)}
    for name in lags:
        if name not in dict(named):
            raise InputError(f"--delay {name}=…: no --system has that name", hint="models need no --delay: theirs is known")
    stems = Counter(Path(text).stem for text in models if "=" not in text)
    found = []
    for text in models:
        name, path = _named(text) if "=" in text else ("", text)
        # Files of one name in two folders are told apart by these.
        stem = Path(path).stem
        name = name or (stem if stems[stem] == 1 else f"{Path(path).parent.name}/{stem}")
        found.append(model_system(name, Path(path), folder))
    rate = sample_rate_of(pairs)
    for name, pattern in named:
        files = find_outputs(pairs, name, pattern)
        found.append(
            recorded_system(name, files, rate, pattern or pairs.layout.format(role=name, ending=""), lags.get(name, 0))
        )
    if not found:
        say("neither --model nor --system: only the noisy recordings are scored")
    return found


def _named(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not name:
        raise InputError(f"'{text}' has no name before the =", hint="write NAME=FILE")
    return name, value


def _samples(name: str, value: str) -> int:
    if not value.isascii() or not value.isdigit():
        raise InputError(f"--delay {name}={value}", hint="give a number of samples, 0 or more")
    return int(value)


def _check_kept(folder: Path, pairs: Pairs, systems: Sequence[System], recorded: Sequence[str]) -> None:
    outputs = [find_outputs(pairs, *_named(text)) for text in recorded]
    read = {os.path.realpath(file) for files in (pairs.noisy, pairs.clean, *outputs) for file in files.values()}
    for made in systems:
        for item in pairs.items:
            if os.path.realpath(place := _kept(folder, made.name, item)) in read:
                raise InputError(f"--keep would write over {place}, which is an input", hint="choose another folder")


def _kept(folder: Path, system: str, item: str) -> Path:
    """Where an enhanced recording goes: names cannot lead out of the folder."""
    return folder / system.replace("/", "_").lstrip(".") / f"{item.replace('/', '_').lstrip('.')}.wav"


def _place(folder: Path, system: str, item: str) -> Path:
    place = _kept(folder, system, item)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make {place.parent}: {error.strerror}", hint="choose another folder") from error
    return place


def _print(title: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Intervals stand below their means: beside them the table would be wider than a terminal."""
    shown = table(title, *titles)
    for row in rows:
        shown.add_row(*cells(row[0]), *map(_two_lines, row[1:]))
    stderr.print(shown)


def _two_lines(cell: str) -> str:
    return "\n".join(cells(*cell.split(" ", 1)))
