# SPDX-License-Identifier: Apache-2.0
"""Noisy recordings from the command line, with their clean signals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from codesign.base.audio import read_audio
from codesign.base.errors import InputError
from codesign.cli.console import say
from codesign.proof.prove import Recording


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
        for note in noisy.notes:
            say(f"{path.name}: {note}")
        reference = read_audio(clean[index], sample_rate) if clean else None
        if reference is not None and reference.cut_off:
            say(f"{clean[index].name}: {reference.cut_off}")
        if reference is not None and reference.pcm.size != noisy.pcm.size:
            raise InputError(
                f"{clean[index]} has {reference.pcm.size} samples and {path} has {noisy.pcm.size}",
                hint="give the aligned clean signal of the same recording",
            )
        found.append(Recording(path.name, noisy.pcm, reference.pcm if reference else None, noisy.cut_off))
    return found
