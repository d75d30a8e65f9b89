# SPDX-License-Identifier: Apache-2.0
"""int16 mono PCM → WAV or FLAC, whole or as it comes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.audio.failure import reason
from codesign.base.errors import InputError
from codesign.base.files.output_file import replace_file


def audio_format(path: Path) -> str:
    """The format, "WAV" or "FLAC", that the ending of a file to write asks for; no ending is WAV.

    Raises:
        InputError: another ending.
    """
    formats = {".wav": "WAV", "": "WAV", ".flac": "FLAC"}
    if path.suffix.lower() not in formats:
        raise InputError(f"cannot write {path}: '{path.suffix}' files are not written", hint="name a .wav or .flac file")
    return formats[path.suffix.lower()]


@contextlib.contextmanager
def writing_audio(path: Path, rate: int) -> Iterator[Callable[[npt.NDArray[np.int16]], None]]:
    """A function that appends int16 mono PCM (n,) to a WAV or FLAC file, losslessly; `path` appears complete or not at all.

    Raises:
        InputError: the folder is missing, full or not writable, or `path` is a folder or ends in something else.
    """
    import soundfile

    file_format = audio_format(path)
    with replace_file(path) as temporary:
        try:
            with soundfile.SoundFile(temporary, "w", rate, 1, "PCM_16", format=file_format) as file:

                def write(pcm: npt.NDArray[np.int16]) -> None:
                    before = file.frames
                    try:
                        file.write(np.ascontiguousarray(pcm))
                    except AssertionError:  # soundfile's, when fewer samples could be written than were given
                        message = f"cannot write {path}: only {file.frames - before} of {pcm.size} samples went in"
                        raise InputError(message, hint="free some space") from None

                yield write
        except soundfile.SoundFileError as error:
            raise InputError(f"cannot write {path}: {reason(error)}", hint="check the folder") from error


def write_audio(path: Path, pcm: npt.NDArray[np.int16], rate: int) -> None:
    """Write int16 mono PCM (n,) as WAV or FLAC, losslessly; `path` appears complete or not at all.

    Raises:
        InputError: as writing_audio, or `pcm` is not int16 (n,).
    """
    if pcm.dtype != np.int16 or pcm.ndim != 1:
        raise InputError(f"{path}: {pcm.dtype} samples of shape {pcm.shape}", hint="pass int16 mono PCM")
    with writing_audio(path, rate) as write:
        write(pcm)
