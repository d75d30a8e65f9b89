# SPDX-License-Identifier: Apache-2.0
"""Where a report comes from: tool, compiler, packages, commit, time."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime

from codesign import __version__
from codesign.firmware.boards import Board
from codesign.firmware.toolchain import Image
from codesign.proof.report.content import Provenance

_PACKAGES = ("numpy", "onnx", "onnxruntime", "unicorn", "pystoi")


def provenance(image: Image, board: Board, commands: Sequence[str]) -> Provenance:
    """Provenance of a report on `image`. SOURCE_DATE_EPOCH, where set, is the time, so that equal input gives equal bytes."""
    return Provenance(
        created=_now().isoformat(timespec="seconds"),
        commit=_commit(),
        compiler=image.compiler,
        flags=image.flags,
        versions=tuple(_versions()),
        commands=tuple(commands),
        board_card=json.dumps(board.model_dump(mode="json"), indent=2),
    )


def _now() -> datetime:
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(epoch), UTC) if epoch.isascii() and epoch.isdigit() else datetime.now(UTC)


def _versions() -> list[tuple[str, str]]:
    found = [("codesign", __version__), ("Python", platform.python_version())]
    for name in _PACKAGES:
        try:
            found.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _commit() -> str:
    """The commit of the working folder, with + when tracked files differ from it."""
    git = shutil.which("git")
    if git is None:
        return ""
    command = (git, "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
