"""codesign evaluate: what networks do to speech, in figures."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from codesign.base.audio import write_audio
from codesign.base.errors import InputError
from codesign.base.output_file import check_files
from codesign.cli.console import cells, emit_json, progress, say, stderr, table
from codesign.cli.options import Json
from codesign.hearing.evaluate import (
    Pairs,
    System,
    check_audiogram,
    evaluate,
    find_outputs,
    find_pairs,
    model_system,
    recorded_system,
    write_evaluation,
)
from codesign.hearing.evaluate.evaluation import Signals, sample_rate_of
from codesign.hearing.evaluate.pairs import NOISY
from codesign.hearing.evaluate.write import difference_rows, head, mean_rows, output_format

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
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Processes that score.")] = max(1, (os.cpu_count() or 1) // 2),
    json: Json = False,
) -> None:
    """Score models and recordings on noisy recordings with known clean signals.

    Example: codesign evaluate models/demo -m models/pruned/pruned.onnx -m float=models/baseline-256/baseline-256-float.onnx
    """
    for path in output or []:
        output_format(path)
    check_files(output or [], [data, *(Path(text.rpartition("=")[2]) for text in model or [])])
    if audiogram:
        check_audiogram(audiogram)
    if plots is not None:
        from codesign.proof.report.plots import load_figure

        load_figure()
    pairs = find_pairs(data)
    drawn: dict[str, Signals] = {}
    with tempfile.TemporaryDirectory(prefix="codesign-") as folder, progress() as show:
        show("load", 0, 0)
        systems = _systems(pairs, model or [], system or [], delay or [], Path(folder))
        rate = sample_rate_of(pairs, systems)
        if keep is not None:
            _check_kept(keep, pairs, systems, system or [])

        def heard(item: str, signals: Signals) -> None:
            if plots is not None and len(drawn) < PLOTTED:
                drawn[item] = signals
            if keep is not None:
                for made in systems:
                    write_audio(_place(keep, made.name, item), signals[made.name], rate)

        result = evaluate(
            pairs, systems, audiogram=audiogram, baseline=baseline, seed=seed, jobs=jobs, progress=show, heard=heard
        )
        for path in output or []:
            write_evaluation(path, result)
        if plots is not None:
            from codesign.hearing.evaluate.plots import write_plots

            write_plots(plots, result, drawn)
    if json:
        emit_json(NAME, evaluation=result)
    else:
        _print(f"{len(result.items)} items, means and 95 % intervals", head(result, "system"), mean_rows(result))
        if result.differences:
            titles = head(result, "system", difference=True)
            _print(f"Minus {baseline}, pair by pair", titles, difference_rows(result))
    for subject in result.systems:
        if subject.saturation and subject.saturation.any():
            say(str(subject.saturation))
    for absent in result.absent:
        say(f"{absent.measure} is missing: {absent.reason}")
    _say_notes(result.notes)
    if plots is not None and len(drawn) < len(result.items):
        say(f"waveforms and spectrograms are of the first {len(drawn)} items")
    written = [*map(str, output or []), *([f"{plots}/*.png"] if plots else []), *([f"{keep}/*/*.wav"] if keep else [])]
    if written:
        say(f"wrote {', '.join(written)}")


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


def _say_notes(notes: Sequence[str]) -> None:
    for note in notes[:5]:
        say(note)
    if len(notes) > 5:
        say(f"… and {len(notes) - 5} more notes; --json has them all")
