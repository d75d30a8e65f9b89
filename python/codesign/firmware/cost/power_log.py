# SPDX-License-Identifier: Apache-2.0
"""MeasuredSupply current: the CSV files that Nordic's PPK2 and a Joulescope leave, read block by block.

PPK2 (nRF Connect Power Profiler, export): `Timestamp(ms),Current(uA)` and, if chosen, `D0-D7` or `D0,…,D7`.
Joulescope (statistics recording): `#time,current,voltage,power,charge,energy` or the same without #, in SI units; lines of
comment begin with #, and `#= header=` names the columns where the driver's logger wrote them so.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError

_BLOCK = 100_000  # lines
_LINE_CHARACTERS = 4096
_HINT = "export it again as CSV: PPK2 Timestamp(ms),Current(uA), Joulescope time,current,voltage"
_COLUMNS = {
    "PPK2": ("Timestamp(ms)", "Current(uA)", ""),
    "Joulescope": ("time", "current", "voltage"),
}
_SECONDS = {"PPK2": 1e-3, "Joulescope": 1.0}
_AMPERES = {"PPK2": 1e-6, "Joulescope": 1.0}


@dataclass(frozen=True)
class MeasuredSupply:
    """Mean over `seconds` of `samples` samples: supply current in mA and, where the file has voltages, power in mW."""

    instrument: str
    samples: int
    seconds: float
    milliamps: float
    peak_milliamps: float
    milliwatts: float | None


@dataclass(frozen=True)
class _Format:
    instrument: str
    columns: tuple[int, ...]
    """Of time, current and, with a Joulescope, voltage."""
    count: int


def read_power_log(path: Path, start: float = 0.0, end: float = float("inf")) -> MeasuredSupply:
    """What was measured from `start` to `end`, in seconds from the file's first sample.

    A sample stands for the time since the one before it: a Joulescope's rows are means of that time.

    Raises:
        InputError: not such a file, cut off, not increasing in time, or nothing in that span.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return _measure(path, file, start, end)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", hint="name a CSV file that can be read") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not text", hint=_HINT) from error


def _measure(path: Path, file: TextIO, start: float, end: float) -> MeasuredSupply:
    layout, line = _header(path, file)
    first = last = None
    samples, charge, energy, span, peak = 0, 0.0, 0.0, 0.0, -np.inf
    for number, values in _blocks(path, file, layout, line):
        time = values[:, 0] * _SECONDS[layout.instrument]
        current = values[:, 1] * _AMPERES[layout.instrument]
        before = np.concatenate(([time[0] if last is None else last], time[:-1]))
        first = time[0] if first is None else first
        step = time - before
        if (wrong := np.flatnonzero(step[1:] <= 0.0 if last is None else step <= 0.0)).size:
            where = number + int(wrong[0]) + (last is None)
            raise InputError(f"{path}: line {where}: time does not go on", hint=_HINT)
        inside = (before - first >= start - 1e-12) & (time - first <= end + 1e-12) & (step > 0.0)
        last = time[-1]
        if inside.any():
            samples += int(inside.sum())
            span += float(step[inside].sum())
            charge += float((current * step)[inside].sum())
            peak = max(peak, float(current[inside].max()))
            if len(layout.columns) == 3:
                energy += float((values[:, 2] * current * step)[inside].sum())
    if span <= 0.0:
        length = f"{last - first:.3g} s" if first is not None and last is not None else "no sample"
        raise InputError(f"{path}: nothing between {start:g} and {end:g} s", hint=f"the file has {length}")
    watts = energy / span if len(layout.columns) == 3 else None
    return MeasuredSupply(
        layout.instrument, samples, span, 1e3 * charge / span, 1e3 * peak, None if watts is None else 1e3 * watts
    )


def _header(path: Path, file: TextIO) -> tuple[_Format, int]:
    """The format, and the number of the line that names the columns."""
    for number in itertools.count(1):
        line = file.readline(_LINE_CHARACTERS)
        if not line or number > 100:
            break
        text = line.strip().removeprefix("\ufeff").removeprefix("#= header=").removeprefix("#").strip()
        names = [name.strip() for name in text.split(",")]
        for instrument, (time, current, voltage) in _COLUMNS.items():
            if names[0] == time and current in names:
                wanted = [time, current, *([voltage] if voltage in names else [])]
                return _Format(instrument, tuple(names.index(name) for name in wanted), len(names)), number
        if not line.startswith("#"):
            break
    raise InputError(f"{path} is no CSV of a PPK2 or a Joulescope: no line names its columns", hint=_HINT)


def _blocks(path: Path, file: TextIO, layout: _Format, header: int) -> Iterator[tuple[int, npt.NDArray[np.float64]]]:
    """(number of the first line, values (rows, 2 or 3)) of each block; lines of comment are left out."""
    number = header + 1
    while lines := list(itertools.islice(file, _BLOCK)):
        if not lines[-1].endswith("\n"):
            raise InputError(f"{path}: line {number + len(lines) - 1} is cut off", hint=_HINT)
        rows = [line for line in lines if not line.startswith("#")]
        if rows:
            yield number, _values(path, rows, lines, number, layout)
        number += len(lines)


def _values(path: Path, rows: Sequence[str], lines: Sequence[str], number: int, layout: _Format) -> npt.NDArray[np.float64]:
    commas = layout.count - 1
    if all(row.count(",") == commas for row in rows):
        try:
            values = np.loadtxt(io.StringIO("".join(rows)), delimiter=",", usecols=layout.columns, ndmin=2, comments=None)
        except ValueError:
            values = np.empty((0, 0))
        if len(values) == len(rows) and np.isfinite(values).all():
            return values
    bad = next(index for index, line in enumerate(lines) if not line.startswith("#") and not _good(line, layout))
    raise InputError(f"{path}: line {number + bad} is not {layout.count} columns of numbers", hint=_HINT)


def _good(line: str, layout: _Format) -> bool:
    cells = line.split(",")
    try:
        return len(cells) == layout.count and all(np.isfinite(float(cells[column])) for column in layout.columns)
    except ValueError:
        return False
