# SPDX-License-Identifier: Apache-2.0
"""Renode as a child process: find it, let it run a script, tell its mistakes."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from codesign.base.errors import ToolError, ValidationError
from codesign.firmware.machines.child import ChildExit, run_child

SCRIPT = "run.resc"
END = "codesign: end of the script"
OLDEST = (1, 16)
"""Before, the cycle counter stood still within a quantum and some FPv5 instructions were wrong."""

_PROMPT = re.compile(r"^\([^()\n]+\) (?!include @)", re.MULTILINE)
"""Of the monitor that waits for a command: a script that failed ends there. The one that it is given has a prompt, too."""

_HINT = "https://renode.io has portable releases for Linux; put renode on the PATH or set CODESIGN_RENODE"


_KEPT = "-o keeps its folder"


def find_renode() -> tuple[str, ...]:
    """How Renode is started: $CODESIGN_RENODE, else renode, else renode-run from the PATH.

    Raises:
        ToolError: there is none.
    """
    wanted = os.environ.get("CODESIGN_RENODE", "")
    if path := shutil.which(wanted or "renode"):
        return (path,)
    if wanted:
        raise ToolError(f"no program '{wanted}' (CODESIGN_RENODE)", hint=_HINT)
    if path := shutil.which("renode-run"):
        return (path, "--")
    raise ToolError("no renode on the PATH", hint=_HINT)


def console_command(folder: Path) -> list[str]:
    """Arguments that let Renode run `folder`/run.resc without windows, its monitor on stdin and stdout.

    Raises:
        ToolError: Renode is missing.
    """
    folder = folder.resolve()  # Renode runs in it
    quiet = ("--disable-xwt", "--console", "--plain", "--config", str(folder / "renode.config"))
    return [*find_renode(), *quiet, "-e", f"include @{_escaped(folder / SCRIPT)}"]


def run_renode(folder: Path, *, timeout_s: float, watch: Callable[[str], None] | None = None) -> ChildExit:
    """Run `folder`/run.resc, whose last words are END, in `folder`; `watch` gets Renode's output now and then.

    Raises:
        ToolError: Renode is missing, cannot be started or is too old.
        ValidationError: the script failed, or was not done after `timeout_s` seconds.
    """

    def look(output: str) -> None:
        prompt = _PROMPT.search(output)
        if prompt and "include @" in output[: prompt.start()] and END not in output:
            raise ValidationError(f"Renode could not run the script: {_mistake(output[: prompt.start()])}", hint=_KEPT)
        if watch is not None:
            watch(output)

    temporary = {name: str(folder.resolve()) for name in ("TMPDIR", "TEMP")}  # what Renode unpacks goes with the folder
    # An input that has ended is read again and again by Renode's console: a thread that takes a core.
    done = run_child(
        console_command(folder), timeout_s=timeout_s, folder=folder, environment=temporary, watch=look, silent_input=True
    )
    check_version(done.output)
    if done.timed_out:
        raise ValidationError(f"Renode was not done after {timeout_s:.0f} s", hint=last_words(done.output))
    if END not in done.output:
        raise ValidationError(f"Renode could not run the script: {_mistake(done.output)}", hint=_KEPT)
    return done


def check_version(output: str) -> str:
    """The version in what Renode says first, "1.16.1".

    Raises:
        ToolError: it says none, or an older one than OLDEST.
    """
    found = re.search(r"Renode, version (\d+)\.(\d+)\.(\d+)", output)
    if not found:
        raise ToolError(f"Renode did not start: {last_words(output)}", hint=_HINT)
    version = ".".join(found.groups())
    if (int(found[1]), int(found[2])) < OLDEST:
        raise ToolError(f"Renode {version} is too old: {OLDEST[0]}.{OLDEST[1]} or newer is needed", hint=_HINT)
    return version


def last_words(output: str) -> str:
    """The last line that says something."""
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"


def _mistake(output: str) -> str:
    """What follows Renode's "There was an error", or its last words."""
    lines = output.splitlines()
    for index, line in enumerate(lines):
        if "There was an error" in line or "UNHANDLED EXCEPTION" in line:
            return " ".join(part.strip() for part in lines[index : index + 3])[:300]
    return last_words(output)


def _escaped(path: Path) -> str:
    return str(path).replace(" ", "\\ ")
