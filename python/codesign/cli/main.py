# SPDX-License-Identifier: Apache-2.0
"""Entry point: runs the commands, and turns whatever ends them into one line and an exit code.

It imports next to nothing at its top: Ctrl-C while the commands are imported is answered here too.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import sys
import threading
import traceback
from types import FrameType
from typing import NoReturn

from codesign.base.cache import keep_text
from codesign.base.errors import CodesignError, ToolError, one_line
from codesign.cli.interrupts import INTERRUPTED, interrupted, stopping_at_once

FAILED, UNUSABLE = 1, 2
_OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.EIO)
_OF_THE_PATH = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ESTALE)
"""Whatever looks at a path meets them, such as Path.is_dir at a name that is too long or in a folder that is closed to us."""


def main() -> None:
    """Run the command line; exit codes 0 ok, 1 failed, 2 usage, 3 tool missing, 4 build failed."""
    threading.excepthook = sys.unraisablehook = _beside
    ours = signal.getsignal(signal.SIGINT) == signal.default_int_handler  # shells ignore it in background jobs
    try:
        with stopping_at_once():
            from codesign.cli.app import app

        if ours:
            signal.signal(signal.SIGINT, _interrupt)
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # names of files may hold any bytes
        app()
    except BaseException as error:
        # Ctrl-C inside of exec(), as dataclasses call it, makes Python end by the signal, whatever is done with the exception;
        # each exec() of text forgets the one before.
        exec("")  # noqa: S102
        end = _answer(error)
    else:
        end = 0
    end = _flushed(end)
    if ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(end)


def _answer(error: BaseException) -> int:
    """Say in one line what ended a command; the exit code."""
    if isinstance(error, SystemExit):
        end = error.code if isinstance(error.code, int) else FAILED if error.code else 0
        if end == INTERRUPTED:  # typer's own answer to Ctrl-C, which says nothing
            _say("stopped")
        return end
    if isinstance(error, KeyboardInterrupt) or interrupted.is_set():  # libraries turn Ctrl-C into errors of their own
        _say("stopped")
        return INTERRUPTED
    if isinstance(error, CodesignError):
        _say(f"error: {error}")
        if isinstance(error, ToolError):
            _say_what_is_missing(error)
        return error.exit_code
    if isinstance(error, BrokenPipeError):  # the reader of our output went away, as `| head` does
        _drop_stdout()
        return FAILED
    if isinstance(error, MemoryError):
        _say("error: out of memory; give shorter recordings or a smaller model, or a machine with more memory")
        return UNUSABLE
    if isinstance(error, RecursionError):
        _say("error: the input is nested too deeply; give one that is less nested")
        return UNUSABLE
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        where = f"{error.filename}: " if error.filename else ""
        _say(f"error: {where}{error.strerror}; make room, or choose other folders (TMPDIR is that of temporary files)")
        return UNUSABLE
    if isinstance(error, OSError) and error.errno in _OF_THE_PATH and error.filename is not None:
        where = one_line(os.fsdecode(error.filename))
        _say(f"error: cannot use {where}: {error.strerror}; give another path, or change its permissions")
        return UNUSABLE
    if isinstance(error, FileNotFoundError) and error.filename is None and _current_folder_is_gone():
        _say("error: the current folder is gone; run in a folder that exists")
        return UNUSABLE
    _say(_internal(error))
    return FAILED


def _current_folder_is_gone() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 -- pathlib takes longer to import than all else here
    except FileNotFoundError:
        return True
    return False


def _beside(told: threading.ExceptHookArgs | sys.UnraisableHookArgs) -> None:
    """What a thread or a callback ends with, which Python tells nobody but the terminal."""
    if told.exc_value is not None and not isinstance(told.exc_value, KeyboardInterrupt | SystemExit):
        _say(_internal(told.exc_value))


def _internal(error: BaseException) -> str:
    """A fault of codesign itself: its traceback into the cache, its name and the file into a line."""
    path = keep_text("error", f"{sys.argv!r}\n{''.join(traceback.format_exception(error))}")
    where = f"the traceback is in {path}: please report it with that file" if path else "its traceback could not be kept"
    text = str(error)
    return f"internal error: {type(error).__name__}{': ' if text else ''}{one_line(text, 300)}; {where}"


def _say(text: str) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # nobody may listen
        print(one_line(text, 1000), file=sys.stderr, flush=True)


def _say_what_is_missing(error: ToolError) -> None:
    from codesign.firmware.doctor import absent

    for check in absent(str(error)):
        _say(f"{check.name} is not here: {check.enables}; {check.how_to_get}")
    _say("codesign doctor lists every tool, what it enables and how to get it")


def _flushed(end: int) -> int:
    """The exit code once everything printed is out: a full disk is found here at the latest."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _drop_stdout()
        return end or FAILED
    except OSError as error:
        _drop_stdout()
        if not end:
            _say(f"error: cannot write to standard output: {error.strerror}; give it another file")
        return end or UNUSABLE
    return end


def _drop_stdout() -> None:
    """What is still buffered goes nowhere, and says nothing when Python ends."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    interrupted.set()
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
