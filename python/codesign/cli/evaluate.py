# SPDX-License-Identifier: Apache-2.0
"""codesign evaluate: what networks do to speech, in figures."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codesign.base.errors import CodesignError, InputError
from codesign.base.files.output_file import check_files
from codesign.base.words import counted
from codesign.cli.console import progress, say
from codesign.cli.options import FitFile, Json, Ray

if TYPE_CHECKING:
    from codesign.hearing.evaluate.journal import Journal
    from codesign.hearing.evaluate.pairs import Pairs
    from codesign.hearing.evaluate.scoring import Scored

PLOTTED = 6
"""Items whose waveforms and spectrograms are drawn."""


def command(
    data: Annotated[
        Path | None, typer.Argument(help="Folder of noisy recordings and their clean signals.", show_default=False)
    ] = None,
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
    chain: Annotated[
        list[str] | None, typer.Option(help="TOML file around the networks, FILE or NAME=FILE of one model (repeatable).")
    ] = None,
    result: Annotated[
        list[str] | None, typer.Option(help="The output to keep, OUTPUT or NAME=OUTPUT of one model (repeatable).")
    ] = None,
    real_values: Annotated[
        bool, typer.Option("--real-values", help="Score quantized models with no value rounded, too: what that rounding costs.")
    ] = False,
    noisy: Annotated[Path | None, typer.Option(help="Folder of noisy recordings, with --clean in place of DATA.")] = None,
    clean: Annotated[Path | None, typer.Option(help="Folder of their clean signals.")] = None,
    pattern: Annotated[
        str, typer.Option(help="What their files' names share, {id}: '*_fileid_{id}.wav' (default: the whole name).")
    ] = "",
    audiogram: Annotated[
        str | None, typer.Option(help="NH, N1 to N7, S1 to S3, or 250:20,500:25: HASPI and HASQI.", show_default=False)
    ] = None,
    fit: FitFile = None,
    baseline: Annotated[str, typer.Option(help="The system that the others are compared with, pair by pair.")] = "noisy",
    output: Annotated[list[Path] | None, typer.Option("--output", "-o", help=".csv, .json or .md file (repeatable).")] = None,
    plots: Annotated[Path | None, typer.Option(help="Folder for plots, PNG and SVG; needs the extra 'plots'.")] = None,
    keep: Annotated[Path | None, typer.Option(help="Folder to write the enhanced recordings to: SYSTEM/ITEM.wav.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Processes that score here.")] = max(1, (os.cpu_count() or 1) // 2),
    ray: Ray = "",
    json: Json = False,
) -> None:
    """Score models and recordings on noisy recordings with known clean signals.

    Example: codesign evaluate codesign-examples/recordings -m codesign-examples/pruned.onnx -o figures.csv
    """
    from codesign.base.isolate import ClusterWorkers, Workers
    from codesign.cli.evaluate_output import print_evaluation, say_written, write_files
    from codesign.cli.evaluate_recordings import KeptSignals, check_kept
    from codesign.cli.evaluate_systems import compared_systems
    from codesign.hearing.evaluate import summarize
    from codesign.hearing.evaluate.journal import Journal
    from codesign.hearing.evaluate.scoring import plan_scores, scores
    from codesign.hearing.evaluate.write import output_format
    from codesign.hearing.fitting.fit import compressor_of, limit_of, loss_of

    outputs, models, chains = output or [], model or [], chain or []
    for path in outputs:
        output_format(path)
    pairs = _pairs(data, noisy, clean, pattern)
    check_files(outputs, [pairs.folder, *(Path(text.rpartition("=")[2]) for text in (*models, *chains))])
    _check_measures(audiogram, fit, plots)
    heard_through = None if fit is None else compressor_of(fit)
    columns = 1 + len(models) * (2 if real_values else 1) + len(system or [])
    with (
        tempfile.TemporaryDirectory(prefix="codesign-") as folder,
        progress() as show,
        # Processes start while models are built.
        ClusterWorkers(ray) if ray else Workers(min(jobs, columns * len(pairs.items))) as workers,
    ):
        show("load", 0, 0)
        systems = compared_systems(
            *(pairs, models, system or [], delay or [], Path(folder)),
            chains=chains,
            results=result or [],
            attenuation_limit=None if fit is None else limit_of(fit),
            speech_loss=() if fit is None else loss_of(fit),
            real_values=real_values,
        )
        if keep is not None:
            check_kept(keep, pairs, systems, system or [])
        plan = plan_scores(pairs, systems, audiogram=audiogram or "", fit=heard_through, baseline=baseline)
        kept = KeptSignals(keep, plan.sample_rate, [made.name for made in systems], PLOTTED if plots is not None else 0)
        journal = Journal(outputs[0], plan.measures) if outputs else None
        found, end = _collect(scores(plan, workers, show, kept.take), journal)
    if end is not None:
        plots = None  # of a part of the items there are figures, no pictures
    evaluation = summarize(plan, found) if found else None
    problems = [] if evaluation is None else write_files(evaluation, outputs, plots, kept.drawn)
    if journal is not None:
        journal.close(remove=not problems)
    if evaluation is not None:
        print_evaluation(evaluation, json=json)
        if plots is not None and len(kept.drawn) < len(evaluation.items):
            say(f"waveforms and spectrograms are of the first {counted(len(kept.drawn), 'item')}")
        if not problems:
            say_written(outputs, plots, keep)
    if problems and journal is not None:
        say(
            f"the scores are in {journal.path}{f' as far as the disk took them ({journal.problem})' if journal.problem else ''}"
        )
    if end is not None:
        raise end
    if problems:
        raise problems[0]


def _check_measures(audiogram: str | None, fit: Path | None, plots: Path | None) -> None:
    """Refuse options that do not go together or need what is not here, and say which measures will be missing."""
    from codesign.hearing.evaluate.measures import uninstalled
    from codesign.hearing.fitting import read_audiogram

    if audiogram is not None:
        read_audiogram(audiogram)
    if fit is not None and audiogram is None:
        raise typer.BadParameter("--fit needs --audiogram: whose hearing it is")
    if plots is not None:
        from codesign.proof.report.plots import load_figure

        load_figure()
    for absent in uninstalled(audiogram or ""):
        say(f"{absent.measure} will be missing: {absent.reason}")


def _pairs(data: Path | None, noisy: Path | None, clean: Path | None, pattern: str) -> Pairs:
    """The pairs of the folder `data`, or of two."""
    from codesign.hearing.evaluate import find_pairs
    from codesign.hearing.evaluate.pairs import pairs_between

    if data is not None and noisy is None and clean is None and not pattern:
        return find_pairs(data)
    if data is not None or noisy is None or clean is None:
        raise InputError("not one folder of pairs, nor two", hint="give DATA alone, or --noisy and --clean (and --pattern)")
    return pairs_between(noisy, clean, pattern)


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
