# SPDX-License-Identifier: Apache-2.0
"""Noisy recordings that take part in a proof, with their clean signals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.audio import read_audio
from codesign.base.errors import InputError


@dataclass(frozen=True)
class Recording:
    """Noisy int16 PCM at the model's rate, with the clean signal (same length and scale) if there is one.

    `cut_off` says what the file lacks at its end, "" when it is whole; `notes` are lines for people about everything that was
    changed or is amiss, file by file.
    """

    name: str
    noisy: npt.NDArray[np.int16]
    clean: npt.NDArray[np.int16] | None = None
    cut_off: str = ""
    notes: tuple[str, ...] = ()


def read_recordings(audio: Sequence[Path], clean: Sequence[Path], sample_rate: int) -> list[Recording]:
    """One Recording for each noisy file, at `sample_rate` Hz; `clean` is empty or has one file for each, in order.

    Raises:
        InputError: the numbers of files or the lengths of a pair differ, or a file cannot be used.
    """
    if clean and len(clean) != len(audio):
        raise InputError(f"{len(audio)} noisy but {len(clean)} clean recordings", hint="give one clean file for each noisy one")
    found = []
    for index, path in enumerate(audio):
        noisy = read_audio(path, sample_rate)
        notes = [f"{path.name}: {note}" for note in noisy.notes]
        reference = read_audio(clean[index], sample_rate) if clean else None
        if reference is not None and reference.cut_off:
            notes.append(f"{clean[index].name}: {reference.cut_off}")
        if reference is not None and reference.pcm.size != noisy.pcm.size:
            raise InputError(
                f"{clean[index]} has {reference.pcm.size} samples and {path} has {noisy.pcm.size}",
                hint="give the aligned clean signal of the same recording",
            )
        found.append(Recording(path.name, noisy.pcm, reference.pcm if reference else None, noisy.cut_off, tuple(notes)))
    return found
