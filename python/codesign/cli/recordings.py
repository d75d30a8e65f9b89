# SPDX-License-Identifier: Apache-2.0
"""Recordings from the command line: what is amiss with them is said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from codesign.cli.console import say

if TYPE_CHECKING:
    from codesign.proof.recordings import Recording


def recordings_with_notes(audio: Sequence[Path] | None, clean: Sequence[Path] | None, sample_rate: int) -> list[Recording]:
    """`read_recordings`, and a line for each note."""
    from codesign.proof.recordings import read_recordings

    recordings = read_recordings(audio or [], clean or [], sample_rate)
    for recording in recordings:
        for note in recording.notes:
            say(note)
    return recordings
