# SPDX-License-Identifier: Apache-2.0
"""PCM in blocks of one hop."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt


def hops(pcm: npt.NDArray[np.int16], hop: int) -> Iterator[npt.NDArray[np.int16]]:
    """Blocks of `hop` samples; the length must be a multiple."""
    if pcm.size == 0 or pcm.size % hop:
        raise ValueError(f"{pcm.size} samples are not one or more whole hops of {hop}")
    yield from pcm.reshape(-1, hop)


def whole_hops(pcm: npt.NDArray[np.int16], hop: int, latency: int = 0) -> npt.NDArray[np.int16]:
    """`pcm` padded with silence to whole hops that also flush `latency` samples of delay."""
    total = -(-(pcm.size + latency) // hop) * hop
    return np.concatenate([pcm, np.zeros(total - pcm.size, np.int16)])
