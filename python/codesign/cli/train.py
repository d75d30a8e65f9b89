# SPDX-License-Identifier: Apache-2.0
"""codesign train: a recipe and two folders of recordings to a float network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from codesign.base.files.output_file import check_files
from codesign.cli.console import emit_json, progress, say
from codesign.cli.options import Device, Json, Noise, PairedSpeech, Rooms, RunFolder, Speech


def command(
    recipe: Annotated[Path, typer.Argument(help="The recipe, a TOML file (docs/training.md).", show_default=False)],
    output: RunFolder,
    speech: Speech = None,
    noise: Noise = None,
    pairs: PairedSpeech = None,
    rooms: Rooms = None,
    initial: Annotated[
        Path | None, typer.Option("--from", help="Begin with this network's weights: an ONNX file or a checkpoint.")
    ] = None,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Train a network; a run that was stopped goes on where it was.

    Example: codesign train models/baseline-256/recipe.toml --speech speech/ --noise noise/ -o runs/baseline
    """
    from codesign.learning.train.device import device_named
    from codesign.learning.train.recipe import read_recipe

    plan = read_recipe(recipe)
    where = device_named(device)
    from codesign.learning.data import Folders
    from codesign.learning.distill.source import batch_source, teacher_of
    from codesign.learning.train.checkpoint import resume
    from codesign.learning.train.float_task import float_task
    from codesign.learning.train.initial_weights import initial_weights
    from codesign.learning.train.log import Log, shown
    from codesign.learning.train.loop import PhaseRun
    from codesign.learning.train.loop import train as run_loop
    from codesign.learning.train.memory import keep_freed_memory
    from codesign.learning.train.source import data_of, validation_pairs
    from codesign.learning.train.validation import Validation

    last = output / "last.pt"
    before = resume(last, plan, "train") if last.exists() else None
    task = float_task(plan, initial_weights(initial) if initial else None)
    teacher_of(plan, recipe.parent)
    make_folder(output)
    check_files([last, output / "best.pt"], [recipe, *([initial] if initial else [])])
    keep_freed_memory()
    with progress() as show:
        data = data_of(plan, Folders(speech, noise, pairs, rooms), show)
        for note in data.notes:
            say(note)
        if before is not None:
            say(f"going on from step {before.step:,} of {plan.train.steps:,}")
        score = Validation(*validation_pairs(data, plan), where, plan.config.sample_rate, plan.train.select)
        run = PhaseRun(
            plan, plan.train, output, where, score, show, log=Log(say, output / "log", plan.model_dump_json(indent=2))
        )
        result = run_loop(task, batch_source(data, plan, plan.train, recipe.parent), run, before)
    best = result.progress["best"]
    if json:
        emit_json("train", checkpoint=last, step=result.step, best=best, select=plan.train.select)
    figure = shown({plan.train.select: best})
    say(f"wrote {last}: step {result.step:,}, best validation {figure}; codesign export {last} makes the ONNX file")


def make_folder(folder: Path) -> None:
    """Raise InputError when `folder` cannot be made."""
    from codesign.base.errors import InputError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make {folder}: {error.strerror}", hint="choose another folder") from error
