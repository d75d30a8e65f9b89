# SPDX-License-Identifier: Apache-2.0
"""What an emulated or native run of an image produced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from codesign.firmware.machines.profile import BlockCount


@dataclass(frozen=True)
class LayerCost:
    """Instructions that one stage of the pipeline executed, called functions included: worst frame and mean of frames."""

    name: str
    macs: int
    worst: int
    mean: float


@dataclass(frozen=True)
class Run:
    """PCM and network output of a run.

    pcm int16 (frames · hop,); features and mask int16 or int8 (frames, n) as the network saw and gave them;
    skipped (frames,) bool; instructions int64 executed per frame, of the frames that were counted (the first ones), None when
    none were. stages are the same by stage of the pipeline, blocks what ran in all of them; both are of fewer frames where
    telling stages apart is slow, and empty where it was not done. stack_bytes is the deepest stack that the run used.
    """

    runtime: str
    pcm: npt.NDArray[np.int16]
    features: npt.NDArray[np.int8] | npt.NDArray[np.int16]
    mask: npt.NDArray[np.int16] | npt.NDArray[np.int8]
    skipped: npt.NDArray[np.bool_]
    instructions: npt.NDArray[np.int64] | None = None
    layers: tuple[LayerCost, ...] = ()
    stages: Mapping[str, npt.NDArray[np.int64]] = field(default_factory=dict)
    blocks: tuple[BlockCount, ...] = ()
    stack_bytes: int | None = None
    seconds: float = 0.0

    @property
    def frames(self) -> int:
        return len(self.mask)
