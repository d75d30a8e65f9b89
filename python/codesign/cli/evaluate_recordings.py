# SPDX-License-Identifier: Apache-2.0
"""What codesign evaluate does with enhanced recordings: some are drawn, all are kept where one asks for it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from codesign.base.audio import write_audio
from codesign.base.errors import InputError
from codesign.base.files import make_folder
from codesign.cli.evaluate_systems import name_and_value
from codesign.hearing.evaluate import Pairs, System, find_outputs
from codesign.hearing.evaluate.scoring import Signals


@dataclass
class KeptSignals:
    """The signals of the first `most` items in memory, to be drawn, and the `systems`' of all items in files of `folder`."""

    folder: Path | None
    sample_rate: int
    systems: Sequence[str]
    most: int
    drawn: dict[str, Signals] = field(default_factory=dict)

    def take(self, item: str, signals: Signals) -> None:
        """Keep what is asked for of an item.

        Raises:
            InputError: a file or its folder cannot be written.
        """
        if len(self.drawn) < self.most:
            self.drawn[item] = signals
        if self.folder is not None:
            for system in self.systems:
                write_audio(_made_place(self.folder, system, item), signals[system], self.sample_rate)


def check_kept(folder: Path, pairs: Pairs, systems: Sequence[System], recorded: Sequence[str]) -> None:
    """Refuse to keep recordings in a place that one of the inputs has.

    Raises:
        InputError: so it would be; the place is named.
    """
    outputs = [find_outputs(pairs, *name_and_value(text)) for text in recorded]
    read = {os.path.realpath(file) for files in (pairs.noisy, pairs.clean, *outputs) for file in files.values()}
    for made in systems:
        for item in pairs.items:
            if os.path.realpath(place := _kept(folder, made.name, item)) in read:
                raise InputError(f"--keep would write over {place}, which is an input", hint="choose another folder")


def _kept(folder: Path, system: str, item: str) -> Path:
    """Where an enhanced recording goes: names cannot lead out of the folder."""
    return folder / system.replace("/", "_").lstrip(".") / f"{item.replace('/', '_').lstrip('.')}.wav"


def _made_place(folder: Path, system: str, item: str) -> Path:
    place = _kept(folder, system, item)
    make_folder(place.parent)
    return place
