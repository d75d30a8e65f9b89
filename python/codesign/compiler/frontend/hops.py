# SPDX-License-Identifier: Apache-2.0
"""PCM in blocks of one hop."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt


def hops(pcm: npt.NDArray[np.int16], hop: int) -> Iterator[npt.NDArray[np.int16]]:
    """Blocks int16 (hop,) of `pcm` int16 (n,).

    Raises:
        ValueError: n is 0 or no multiple of `hop`.
    """
    check_hops(pcm, hop)
    yield from pcm.reshape(-1, hop)


def check_hops(pcm: npt.NDArray[np.int16], hop: int) -> None:
    """Raise ValueError unless `pcm` int16 (n,) is one or more whole hops."""
    if pcm.size == 0 or pcm.size % hop:
        raise ValueError(f"{pcm.size} samples are not one or more whole hops of {hop}")


def whole_hops(pcm: npt.NDArray[np.int16], hop: int, latency: int = 0) -> npt.NDArray[np.int16]:
    """`pcm` int16 (n,) padded with silence to whole hops that also flush `latency` samples of delay."""
    total = -(-(pcm.size + latency) // hop) * hop
    return np.concatenate([pcm, np.zeros(total - pcm.size, np.int16)])
