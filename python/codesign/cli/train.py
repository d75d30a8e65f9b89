# SPDX-License-Identifier: Apache-2.0
"""codesign train: a recipe and two folders of recordings to a float network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from codesign.base.errors import InputError
from codesign.base.files import make_folder
from codesign.base.files.output_file import check_files
from codesign.cli.console import emit_json, progress, say
from codesign.cli.options import Device, Json, Noise, PairedSpeech, Ray, Rooms, RunFolder, Speech, absolute, anywhere
from codesign.cli.plots import show_plot, write_plot
from codesign.drawing.plots import Curve, LinePlot


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
    ray: Ray = "",
    ray_workers: Annotated[int, typer.Option(min=1, max=1024, help="Workers on the cluster that share each batch.")] = 1,
    ray_min_workers: Annotated[
        int, typer.Option(min=0, max=1024, help="Go on with as few where workers are lost (default: all).")
    ] = 0,
    cpus_per_worker: Annotated[float, typer.Option(min=0.1, help="Of the cluster.")] = 1.0,
    gpus_per_worker: Annotated[float, typer.Option(min=0.0, help="Of the cluster.")] = 0.0,
    ray_storage: Annotated[
        str, typer.Option(help="Folder that all machines see, or URL, for Ray's checkpoints (default: the run's folder).")
    ] = "",
    json: Json = False,
) -> None:
    """Train a network; a run that was stopped goes on where it was.

    Example: codesign train recipe.toml --speech speech/ --noise noise/ -o runs/baseline
    """
    from codesign.learning.train.device import device_named
    from codesign.learning.train.recipe import read_recipe

    plan = read_recipe(recipe)
    if not ray:
        device_named(device)
    elif ray_workers > plan.train.batch:
        raise InputError(f"--ray-workers {ray_workers} for batches of {plan.train.batch}", hint="take fewer, or a larger batch")
    from codesign.learning.data import Folders
    from codesign.learning.distill.source import teacher_of
    from codesign.learning.train.checkpoint import resume
    from codesign.learning.train.float_task import float_task
    from codesign.learning.train.initial_weights import initial_weights
    from codesign.learning.train.log import shown
    from codesign.learning.training_run import TrainingJob, run_training

    last = output / "last.pt"
    if last.exists():
        resume(last, plan, "train")
    float_task(plan, initial_weights(initial) if initial else None)
    teacher_of(plan, recipe.parent)
    make_folder(output)
    check_files([last, output / "best.pt"], [recipe, *([initial] if initial else [])])
    recordings = Folders(anywhere(speech), anywhere(noise), absolute(pairs), absolute(rooms))
    place, beside = absolute(output), absolute(recipe.parent)
    job = TrainingJob(plan, recordings, place, beside, place / "log", absolute(initial), device)
    with progress() as show:
        if ray:
            from codesign.learning.ray_training import Cluster, storage_in, train_on_ray

            least = min(ray_min_workers or ray_workers, ray_workers)
            storage = storage_in(place, ray_storage)
            cluster = Cluster(ray, ray_workers, least, cpus_per_worker, gpus_per_worker, storage)
            result = train_on_ray(job, cluster, show, say)
        else:
            result = run_training(job, show=show, say=say)
    best = result.progress["best"]
    drawn = _curves(output)
    if drawn is not None:
        write_plot(output / "curves.svg", drawn)
    if json:
        emit_json("train", checkpoint=last, step=result.step, best=best, select=plan.train.select)
    if drawn is not None and not json:
        show_plot(drawn)
        say(f"curves: {output / 'curves.svg'}, all figures: {output / 'curves.csv'}")
    figure = shown({plan.train.select: best})
    say(f"wrote {last}: step {result.step:,}, best validation {figure}; codesign export {last} makes the ONNX file")


def _curves(folder: Path) -> LinePlot | None:
    """The loss and the validation's figures of a run; None where nothing was kept."""
    from codesign.learning.train.log import CURVES, read_curves

    found = read_curves(folder / CURVES)
    names = [name for name in found if name == "loss" or name.startswith("validation/")]
    lines = tuple(Curve(name, tuple((float(step), value) for step, value in found[name])) for name in names)
    return LinePlot("Training", "step", lines) if lines else None
