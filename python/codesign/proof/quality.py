# SPDX-License-Identifier: Apache-2.0
"""Speech quality of a recording before and after a network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from codesign.base.metrics import estoi, si_sdr
from codesign.proof.recordings import Recording
from codesign.proof.verdict import Quality


def quality_of(
    recordings: Sequence[Recording], enhanced: Sequence[npt.NDArray[np.int16]], sample_rate: int
) -> tuple[Quality, ...]:
    """One Quality for each recording with a clean signal, in order; `enhanced` int16 (n,) each, aligned with the noisy one."""
    return tuple(
        Quality(
            recording=recording.name,
            si_sdr_noisy=si_sdr(recording.noisy, recording.clean),
            si_sdr_enhanced=si_sdr(output, recording.clean),
            estoi_noisy=estoi(recording.noisy, recording.clean, sample_rate),
            estoi_enhanced=estoi(output, recording.clean, sample_rate),
        )
        for recording, output in zip(recordings, enhanced, strict=True)
        if recording.clean is not None
    )
