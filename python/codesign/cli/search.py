# SPDX-License-Identifier: Apache-2.0
"""codesign search: networks for a board's budget."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from codesign.base.errors import InputError
from codesign.base.files import make_folder
from codesign.base.words import counted
from codesign.cli.console import cells, emit_json, progress, say, stderr, table
from codesign.cli.groups import Commands
from codesign.cli.options import DEFAULT_BOARD, Device, Json, Noise, PairedSpeech, Ray, Rooms, Speech, absolute, anywhere

if TYPE_CHECKING:
    from codesign.search.executor import Executor
    from codesign.search.front import Front, TrialResult


class SearchCommands(Commands):
    """`search SPACE …` is `search run SPACE …`: a search needs no word of its own."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        known = args and (args[0] in self.commands or args[0].startswith("-"))
        return super().resolve_command(ctx, args if known else ["run", *args])


app = typer.Typer(
    cls=SearchCommands,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Search networks for a board's budget: `codesign search space.toml …` begins or goes on.",
)
Folder = Annotated[Path, typer.Argument(help="The folder of a search.", show_default=False)]


@app.command()
def run(
    space: Annotated[Path, typer.Argument(help="The space, a TOML file (docs/search.md).", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the search.", show_default=False)],
    speech: Speech = None,
    noise: Noise = None,
    pairs: PairedSpeech = None,
    rooms: Rooms = None,
    board: Annotated[
        list[str] | None, typer.Option("--board", "-b", help=f"Repeatable, the one to prefer first (default: {DEFAULT_BOARD}).")
    ] = None,
    shapes: Annotated[bool, typer.Option("--shapes", help="Cost shapes only, train nothing.")] = False,
    workers: Annotated[int, typer.Option(min=0, max=1024, help="Processes here (default: one a core).")] = 0,
    ray: Ray = "",
    cpus_per_job: Annotated[float, typer.Option(min=0.1, help="Of the cluster, for each job.")] = 1.0,
    gpus_per_job: Annotated[float, typer.Option(min=0.0, help="Of the cluster, for each job.")] = 0.0,
    storage: Annotated[str, typer.Option(help="A database for the trials, by URL (default: a journal in the folder).")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Only go on: refuse where no search was begun.")] = False,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Search a space; one that was stopped goes on where it was.

    Example: codesign search space.toml --speech speech/ --noise noise/ --board nrf5340dk -o runs/search
    """
    from codesign.search.space import read_space

    chosen = read_space(space)
    if shapes:
        chosen = _untrained(chosen)
    from codesign.base.files.leftovers import lock_folder, unlock_folder
    from codesign.firmware.boards import load_board
    from codesign.learning.data import Folders
    from codesign.pipeline import prove
    from codesign.search.driver import COSTS, Material, Search, check_material
    from codesign.search.finish import finalists, finish, proven_of
    from codesign.search.front import collect, write_front
    from codesign.search.page import write_page
    from codesign.search.study import TrialStudy, load_optuna

    load_optuna()
    boards = tuple(board or [DEFAULT_BOARD])
    for name in boards:
        load_board(name)
    recordings = Folders(anywhere(speech), anywhere(noise), absolute(pairs), absolute(rooms))
    material = Material(Path(os.path.abspath(output)), boards, recordings, device)  # noqa: PTH100 - links stay as they are
    check_material(chosen, material)
    if resume and not (output / COSTS).is_dir():
        raise InputError(f"{output}: no search was begun there", hint="give its folder, or begin one without --resume")
    make_folder(output)
    held = lock_folder(output)
    if held < 0:
        raise InputError(f"{output}: another search is at work there", hint="wait for it, or choose another folder")
    try:
        study = TrialStudy(material.folder, chosen, storage)
        executor = _executor(workers, ray, cpus_per_job, gpus_per_job)
        with progress() as show:
            try:
                Search(chosen, material, study, executor, show, say).run()
            finally:
                executor.close()
                front = collect(study, boards, proven_of(material.folder))
                write_front(output, front)
                page = write_page(output, front)
            for one in finalists(front, chosen.settings.finalists):
                finish(chosen, material, one, prove, show, say)
        front = collect(study, boards, proven_of(material.folder))
        page, path = write_page(output, front), write_front(output, front)
    finally:
        unlock_folder(held)
    if json:
        emit_json("search", front=front, page=page)
    else:
        _print_front(front)
        say(f"look: {page} (all figures: {path}); codesign search take {output} TRIAL copies a network")


@app.command()
def show(folder: Folder, json: Json = False) -> None:
    """Show what a search found so far.

    Example: codesign search show runs/search
    """
    from codesign.search.front import read_front

    front = read_front(folder)
    if json:
        emit_json("search", front=front)
    else:
        _print_front(front)


@app.command()
def take(
    folder: Folder,
    trial: Annotated[int, typer.Argument(help="Its number, as codesign search show lists it.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="A new folder for it.", show_default=False)],
    json: Json = False,
) -> None:
    """Copy a network of a search: recipe, checkpoint, and the quantized model of a finalist or the float model of another.

    Example: codesign search take runs/search 12 -o models/mine
    """
    from codesign.search import taken

    files = taken.take(folder, trial, output)
    if json:
        emit_json("search take", trial=trial, files=files)
    else:
        say(f"wrote {output}: {', '.join(path.name for path in files)}")


def _untrained(space: Any) -> Any:
    from dataclasses import replace

    from codesign.search.figures import CAPACITY, COSTS

    costs = tuple(name for name in space.settings.objectives if name in COSTS) or ("macs",)
    settings = space.settings.model_copy(update={"trials": 0, "finalists": 0, "objectives": (CAPACITY, *costs)})
    return replace(space, settings=settings)


def _executor(workers: int, ray: str, cpus: float, gpus: float) -> Executor:
    from codesign.search.executor import Processes, RayCluster

    if ray:
        if workers:
            raise InputError("--workers and --ray do not go together", hint="give one of them")
        return RayCluster(ray, cpus, gpus)
    return Processes(workers or os.cpu_count() or 1)


def _print_front(front: Front) -> None:
    from codesign.search.figures import FIGURES

    names = list(dict.fromkeys([*front.objectives, "worst_ms", "delay_ms", "flash", "ram"]))
    if front.best:
        heads = [f"{FIGURES[name].title} {FIGURES[name].unit}".rstrip() for name in names]
        rows = table(f"Front of {front.space}", "trial", *heads, "board", "proof")
        for one in front.best:
            figures = [FIGURES[name].show(one.figures[name]) if name in one.figures else "–" for name in names]
            rows.add_row(*cells(one.number, *figures, one.board, _proof(one)))
        stderr.print(rows)
    states = [one.state for one in front.trials]
    said = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    say(f"{counted(len(states), 'shape')}: {said}" if states else "no trial yet")


def _proof(one: TrialResult) -> str:
    if one.proven is None:
        return "–"
    return "PROVEN" if one.proven.ok else "NOT PROVEN"
