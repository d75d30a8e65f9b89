# SPDX-License-Identifier: Apache-2.0
"""Output rules of all commands: people on stderr, JSON on stdout, one line for every expected error."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from codesign.base.errors import one_line

SCHEMA_VERSION = 1

stderr = Console(stderr=True, highlight=False, soft_wrap=False)


def say(text: str) -> None:
    """One line for people: names from files can neither be markup nor move the cursor."""
    stderr.print(one_line(text, 1000), markup=False, soft_wrap=True)


def emit_json(kind: str, **values: Any) -> None:
    """One JSON document on stdout: schema_version, kind, and the values with dataclasses as objects."""
    document = {"schema_version": SCHEMA_VERSION, "kind": kind, **{k: _plain(v) for k, v in values.items()}}
    print(json.dumps(document, indent=2, ensure_ascii=False))


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


@contextlib.contextmanager
def progress() -> Iterator[Any]:
    """A callback (what, done, total) that shows a bar on a terminal and one line a stage elsewhere."""
    seen: set[str] = set()
    if not stderr.is_terminal:

        def note(what: str, done: int, total: int) -> None:
            if what not in seen:
                seen.add(what)
                say(f"… {what}")

        yield note
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, transient=True) as bar:
        task: list[TaskID] = []

        def show(what: str, done: int, total: int) -> None:
            if what not in seen:
                seen.add(what)
                for old in task:
                    bar.remove_task(old)
                task[:] = [bar.add_task(what, total=total or None)]
            bar.update(task[0], completed=done, total=total or None)

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
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return value
