# SPDX-License-Identifier: Apache-2.0
"""Opening a file with libsndfile, to be read from its beginning to its end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import soundfile

from codesign.base.audio.container import PatchedFile
from codesign.base.audio.failure import reason
from codesign.base.errors import InputError


class ForwardFile(soundfile.SoundFile):  # type: ignore[misc]
    """Never sought: soundfile seeks after every read otherwise, which FLAC of unknown length refuses."""

    def seekable(self) -> bool:
        return False


@contextlib.contextmanager
def open_forward(path: Path, unsized: int | None = None) -> Iterator[ForwardFile]:
    """The open file. `unsized` is the place of a WAV file's size that is to be read as unknown.

    Raises:
        InputError: it cannot be opened, or is no audio that libsndfile knows.
    """
    with contextlib.ExitStack() as stack:
        try:
            source: object = path
            if unsized is not None:
                source = PatchedFile(stack.enter_context(path.open("rb")), unsized, b"\xff\xff\xff\xff")
            file = stack.enter_context(ForwardFile(source))
        except (soundfile.SoundFileError, OSError, ValueError, TypeError) as error:
            # TypeError: soundfile wants a rate for names that end in .raw.
            raise InputError(f"cannot read {path}: {reason(error)}", hint="give a WAV, FLAC or Ogg file") from error
        yield file
