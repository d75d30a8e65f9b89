# SPDX-License-Identifier: Apache-2.0
"""Scores on disk as they come, so that they outlive the program that computes them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from codesign.base.errors import InputError
from codesign.hearing.evaluate.measures import Measure
from codesign.hearing.evaluate.scoring import Score


def csv_lines(measures: Sequence[Measure], scores: Sequence[Score], *, head: bool = True) -> str:
    """One line an item and system; a value that is not to be had is empty."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    keys = [measure.key for measure in measures]
    if head:
        writer.writerow(["item", "system", *keys])
    for row in scores:
        values = [row.values.get(key) for key in keys]
        # A leading =, +, - or @ of a name would be a formula in a spreadsheet.
        names = [f"'{name}" if name[:1] in ("=", "+", "-", "@") else name for name in (row.item, row.system)]
        writer.writerow([*names, *("" if value is None else f"{value:.6g}" for value in values)])
    return buffer.getvalue()


class Journal:
    """A CSV file beside `output`, which gets a line with every score and is removed when the output is there.

    A disk that fills up ends the journal and nothing else: `problem` says so.
    """

    def __init__(self, output: Path, measures: Sequence[Measure]) -> None:
        """Raises InputError when nothing can be written beside `output`."""
        self._measures = measures
        self.problem = ""
        self.path, self._file = _new(output)
        self._write(csv_lines(measures, ()))

    def add(self, score: Score) -> None:
        """Keep a score."""
        self._write(csv_lines(self._measures, [score], head=False))

    def close(self, *, remove: bool) -> None:
        """No more scores come; `remove` it where they are all somewhere else."""
        try:
            self._file.close()
        except OSError as error:
            self.problem = self.problem or str(error.strerror)
        if remove:
            self.path.unlink(missing_ok=True)

    def _write(self, text: str) -> None:
        if self.problem:
            return
        try:
            self._file.write(text)
            self._file.flush()
        except OSError as error:
            self.problem = str(error.strerror)


def _new(output: Path) -> tuple[Path, TextIO]:
    """A file that was not there: what an earlier run left is not overwritten."""
    number = 1
    while True:
        path = output.with_name(f"{output.stem}.partial{'' if number == 1 else f'-{number}'}.csv")
        try:
            return path, path.open("x", encoding="utf-8", newline="")
        except FileExistsError:
            number += 1
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}", hint="check the folder") from error
