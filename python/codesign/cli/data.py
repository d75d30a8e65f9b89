# SPDX-License-Identifier: Apache-2.0
"""codesign data: what folders of recordings are to training."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codesign.cli.console import cells, emit_json, progress, say, stderr, table
from codesign.cli.groups import Commands
from codesign.cli.options import Json

if TYPE_CHECKING:
    from codesign.learning.data.check import KindReport

app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Say what a folder of recordings is to training: check.",
)


class Recorded(StrEnum):
    speech = "speech"
    noise = "noise"
    rooms = "rooms"


@app.callback()
def _group() -> None:
    pass


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="Folder of recordings, or the root of a corpus.", show_default=False)],
    kind: Annotated[Recorded | None, typer.Option("--as", help="What it is, where the folders' names do not say it.")] = None,
    rate: Annotated[int, typer.Option(min=4000, max=192000, help="Sample rate of the training in Hz.")] = 16000,
    seed: Annotated[int, typer.Option(min=0, help="The recipe's seed, which draws splits.")] = 1,
    json: Json = False,
) -> None:
    """Say what a folder is to training: hours, voices, rates, levels, clipping, noise floor, splits and why.

    Example: codesign data check VoiceBank-DEMAND/
    """
    from codesign.learning.data.check import check_data

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


def _print(found: KindReport) -> None:
    what = "voices" if found.kind == "speech" else "recordings"
    rows = table(f"{found.kind}: {found.hours:.2f} hours in {found.files:,} files", "split", "hours", "files", what)
    for part in found.parts:
        rows.add_row(*cells(part.split, f"{part.hours:.2f}", f"{part.files:,}", part.voices))
    stderr.print(rows)
    say(f"splits: {found.why}")
    say("rates: " + ", ".join(f"{rate:,} Hz in {files:,} files" for rate, files in found.rates.items()))
    for name, (low, middle, high) in (("level", found.level_db), ("noise floor", found.floor_db)):
        say(f"{name}: {middle:.0f} dB of full scale (nine in ten files {low:.0f} to {high:.0f})")
    low, middle, high = found.contrast_db
    say(f"loud parts over the noise floor: {middle:.0f} dB (nine in ten files {low:.0f} to {high:.0f})")
    say(f"clipping: {found.clipped:,} files" + (f", the first {found.first_clipped}" if found.clipped else ""))
    for note in found.notes:
        say(note)
