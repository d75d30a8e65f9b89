# SPDX-License-Identifier: Apache-2.0
"""codesign data: what folders of recordings are to training, and packing them."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codesign.base.words import counted
from codesign.cli.console import cells, emit_json, progress, say, stderr, table
from codesign.cli.groups import Commands
from codesign.cli.options import Json, place

if TYPE_CHECKING:
    from codesign.learning.data.check import KindReport
    from codesign.learning.data.shard_index import ShardIndex
    from codesign.learning.data.sources import Place
else:
    Place = str

app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Say what a folder of recordings is to training: check; pack corpora for training as shards: pack.",
)


class Recorded(StrEnum):
    speech = "speech"
    noise = "noise"
    rooms = "rooms"


class Packed(StrEnum):
    speech = "speech"
    noise = "noise"


@app.callback()
def _group() -> None:
    pass


@app.command()
def check(
    folder: Annotated[
        Place,
        typer.Argument(
            parser=place,
            metavar="PLACE",
            help="Folder of recordings, the root of a corpus, or shards, by folder or URL.",
            show_default=False,
        ),
    ],
    kind: Annotated[Recorded | None, typer.Option("--as", help="What it is, where the folders' names do not say it.")] = None,
    rate: Annotated[int, typer.Option(min=4000, max=192000, help="Sample rate of the training in Hz.")] = 16000,
    seed: Annotated[int, typer.Option(min=0, help="The recipe's seed, which draws splits.")] = 1,
    json: Json = False,
) -> None:
    """Say what a folder is to training: hours, voices, rates, levels, clipping, noise floor, splits and why.

    Example: codesign data check VoiceBank-DEMAND/
    """
    from codesign.learning.data.check import check_data
    from codesign.learning.data.shard_index import is_packed, read_index

    if isinstance(folder, str) or is_packed(folder):
        _show(*read_index(folder), json=json)
        return
    with progress() as show:
        report = check_data(folder, kind.value if kind else "", sample_rate=rate, seed=seed, progress=show)
    if json:
        emit_json("data", report=report)
        return
    for found in report.kinds:
        _print(found)
    if report.pairs is not None:
        counts = ", ".join(f"{count:,} {split}" for split, count in report.pairs.pairs.items())
        say(f"pairs of noisy and clean recordings: {counts}")
        for note in report.pairs.notes:
            say(note)


@app.command()
def pack(
    folders: Annotated[list[Path], typer.Argument(help="Folders of recordings, or roots of corpora.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="A folder for the shards.", show_default=False)],
    kind: Annotated[Packed | None, typer.Option("--as", help="What they are, where the folders' names do not say it.")] = None,
    rate: Annotated[int, typer.Option(min=4000, max=192000, help="Sample rate of the training in Hz.")] = 16000,
    seed: Annotated[int, typer.Option(min=0, help="Draws splits, and the order.")] = 1,
    minutes: Annotated[float, typer.Option(min=0.1, max=240.0, help="Sound in a shard.")] = 15.0,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Processes that decode.")] = max(1, os.cpu_count() or 1),
    json: Json = False,
) -> None:
    """Pack speech and noise as shards, which training reads from a folder or a URL with the same memory for any corpus.

    Example: codesign data pack speech/ noise/ -o shards/
    """
    from codesign.learning.data.pack import pack as pack_folders

    with progress() as show:
        index = pack_folders(
            folders,
            output,
            kind.value if kind else "",
            sample_rate=rate,
            seed=seed,
            shard_seconds=60.0 * minutes,
            jobs=jobs,
            progress=show,
        )
    _show(output, index, json=json)
    if not json:
        say(f"train on them: codesign train … --speech {output} --noise {output}")


def _show(place: Place, index: ShardIndex, *, json: bool) -> None:
    from codesign.learning.data.shard_index import described

    if json:
        emit_json("shards", place=str(place), index=index.model_dump(mode="json"))
        return
    size = sum(shard.bytes for shard in index.shards)
    rows = table(f"{place}: {len(index.shards):,} shards, {size / 1e6:,.1f} MB", "", "hours", "recordings", "voices")
    for kind, split, hours, recordings, groups in described(index):
        rows.add_row(*cells(f"{kind} {split}", f"{hours:,.2f}", f"{recordings:,}", f"{groups:,}"))
    stderr.print(rows)
    for note in index.notes:
        say(note)


def _print(found: KindReport) -> None:
    what = "voices" if found.kind == "speech" else "recordings"
    rows = table(f"{found.kind}: {found.hours:.2f} hours in {counted(found.files, 'file')}", "split", "hours", "files", what)
    for part in found.parts:
        rows.add_row(*cells(part.split, f"{part.hours:.2f}", f"{part.files:,}", part.voices))
    stderr.print(rows)
    say(f"splits: {found.why}")
    say("rates: " + ", ".join(f"{rate:,} Hz in {counted(files, 'file')}" for rate, files in found.rates.items()))
    for name, (low, middle, high) in (("level", found.level_db), ("noise floor", found.floor_db)):
        say(f"{name}: {middle:.0f} dB of full scale (nine in ten files {low:.0f} to {high:.0f})")
    low, middle, high = found.contrast_db
    say(f"loud parts over the noise floor: {middle:.0f} dB (nine in ten files {low:.0f} to {high:.0f})")
    say(f"clipping: {counted(found.clipped, 'file')}" + (f", the first {found.first_clipped}" if found.clipped else ""))
    for note in found.notes:
        say(note)
