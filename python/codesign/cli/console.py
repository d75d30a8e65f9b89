# SPDX-License-Identifier: Apache-2.0
"""Output rules of all commands: people on stderr, JSON on stdout, one line for every expected error."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleDimensions
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from codesign.base.errors import one_line
from codesign.base.progress import Progress as ShowProgress

SCHEMA_VERSION = 1

NARROWEST, ORDINARY = 60, 80
"""Columns. Serial consoles and containers say 0, where every cell of a table would be cut to nothing."""


class WideConsole(Console):
    """A console that takes a terminal of fewer columns than `NARROWEST` for an ordinary one: it wraps lines by itself."""

    @property  # type: ignore[misc]  # rich's can be set as well, which nothing here does
    def size(self) -> ConsoleDimensions:
        found = super().size
        return found if found.width >= NARROWEST else ConsoleDimensions(ORDINARY, found.height)


stderr = WideConsole(stderr=True, highlight=False, soft_wrap=False)


def say(text: str) -> None:
    """One line for people: names from files can neither be markup nor move the cursor."""
    stderr.print(one_line(text, 1000), markup=False, soft_wrap=True)


def emit_json(kind: str, **values: Any) -> None:
    """One JSON document on stdout, as cli/schemas/<kind>.schema.json describes it: schema_version, kind, and the values with
    dataclasses as objects. What is not finite is null, as JSON has no such number.
    """
    document = {"schema_version": SCHEMA_VERSION, "kind": kind, **{k: _plain(v) for k, v in values.items()}}
    print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))


def table(title: str, *columns: str) -> Table:
    """A table whose first column is text and the others numbers."""
    result = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for index, column in enumerate(columns):
        first = index == 0
        result.add_column(column, justify="left" if first else "right", overflow="fold", no_wrap=first)
    return result


def cells(*values: object) -> list[str]:
    """Table cells: names from files can neither be markup nor move the cursor."""
    return [one_line(str(value)).replace("[", "\\[") for value in values]


class RateColumn(ProgressColumn):
    """How many steps a second are done."""

    def render(self, task: Task) -> Text:
        return Text("" if not task.speed else f"{task.speed:.1f}/s" if task.speed < 100 else f"{task.speed:,.0f}/s")


def columns() -> tuple[ProgressColumn, ...]:
    """Of the bar: stage, steps, rate, time that is left, and how the stage stands (the task's field `detail`)."""
    stage = TextColumn("{task.description}", markup=False)
    detail = TextColumn("{task.fields[detail]}", markup=False)
    return stage, BarColumn(), MofNCompleteColumn(), RateColumn(), TimeRemainingColumn(), detail


@contextlib.contextmanager
def progress() -> Iterator[ShowProgress]:
    """A callback that shows a bar on a terminal and one line a stage elsewhere; codesign.base.progress has its arguments."""
    seen: set[str] = set()
    if not stderr.is_terminal:

        def note(what: str, done: int, total: int) -> None:
            stage = what.partition(": ")[0]
            if stage not in seen:
                seen.add(stage)
                say(f"… {stage}")

        yield note
        return
    with Progress(*columns(), console=stderr, transient=True) as bar:
        task: list[TaskID] = []

        def show(what: str, done: int, total: int) -> None:
            stage, _, says = what.partition(": ")
            if stage not in seen:
                seen.add(stage)
                for old in task:
                    bar.remove_task(old)
                task[:] = [bar.add_task(one_line(stage), total=total or None, detail="")]
            bar.update(task[0], completed=done, total=total or None, detail=one_line(says))

        yield show


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        properties = {
            name: _plain(getattr(value, name))
            for name, attribute in vars(type(value)).items()
            if isinstance(attribute, property)
        }
        return fields | properties
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):  # an array or a number of NumPy, which most commands do not import
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return value
