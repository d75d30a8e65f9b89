# SPDX-License-Identifier: Apache-2.0
"""A verdict with everything that it rests on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.firmware.boards import Board
from codesign.firmware.image import Image
from codesign.firmware.machines.run import Run
from codesign.firmware.size.size import Size
from codesign.proof.recordings import Recording
from codesign.proof.verdict import Verdict


@dataclass(frozen=True)
class Proof:
    """The verdict with the image, its size (None of a program of this computer) and the runs that it comes from.

    `run`, of the image, and `reference` are of the proof signal, whose `parts` are (name, samples) in order; `recording_runs`
    are the host library's runs of `recordings`, whose notes say what was amiss, and `enhanced` (n,) their PCM, aligned with the
    noisy one.
    """

    verdict: Verdict
    image: Image
    size: Size | None
    run: Run
    reference: Run
    parts: tuple[tuple[str, int], ...]
    recording_runs: tuple[Run, ...]
    enhanced: tuple[npt.NDArray[np.int16], ...]
    recordings: tuple[Recording, ...] = ()

    @property
    def board(self) -> Board:
        """The board of the image."""
        return self.image.board
