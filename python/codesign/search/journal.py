# SPDX-License-Identifier: Apache-2.0
"""Optuna's journal of a search, as a process that was killed or a disk that was full may have left it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from codesign.base.errors import InputError


def journal_file(path: Path) -> Any:
    """Optuna's journal in a file. A last line that was not written whole is cut off: what it says is done again.

    Raises:
        InputError: a line before is damaged, or the file cannot be read.
    """
    from optuna.storages.journal import JournalFileBackend

    if path.exists():
        _mend(path)
    return JournalFileBackend(str(path))


def _mend(path: Path) -> None:
    try:
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with path.open("r+b") as file:
                file.truncate(whole)
    except OSError as error:
        raise InputError(f"cannot open {path}: {error.strerror or error}", hint="choose another folder") from error
    for number, line in enumerate(content[:whole].splitlines(), 1):
        try:
            if isinstance(json.loads(line), dict):
                continue
        except ValueError:
            pass
        raise InputError(
            f"cannot open {path}: line {number} is damaged",
            hint=f"go on without what came after: head -n {number - 1} of it, or choose another folder",
        )
