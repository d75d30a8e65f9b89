# SPDX-License-Identifier: Apache-2.0
"""The two ends of a chain, where its audio comes from and goes to: rate, microphones, and what they add to the delay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend.beamformer import BEAM_DELAY, MICROPHONES, SPEED, beamformer_checks
from codesign.compiler.frontend.resampler import PHASE_TAPS, RATIOS

if TYPE_CHECKING:
    from codesign.compiler.frontend.chain import Chain

HIGHEST_RATE = 192000
CAPTURE_RUN = 16
"""Samples that the runtime does together: CS_CAPTURE_RUN."""
_SINC = 32  # samples to either side


@dataclass(frozen=True)
class Ends:
    """Audio as a device gives and takes it: `rate` frames a second of `channels` samples, interleaved.

    `hop` is the samples of all channels in a hop of the network, `block` the frames that come and go together, `latency` the
    frames by which the output is late, resampling and beamformer included. Each channel of the output is the enhanced sound.
    """

    rate: int
    channels: int
    hop: int
    block: int
    latency: int

    @property
    def frames(self) -> int:
        """Frames of a hop."""
        return self.hop // self.channels


def ends_of(chain: Chain) -> Ends:
    """The ends of a chain; without resampling and beamformer they are the network's."""
    ratio, channels = chain.resample, 1 if chain.beamformer is None else MICROPHONES
    delay = (BEAM_DELAY if chain.beamformer else 0) + (PHASE_TAPS - 1) * ratio * (ratio > 1)
    return Ends(
        rate=chain.sample_rate * ratio,
        channels=channels,
        hop=chain.hop * ratio * channels,
        block=chain.block_samples * ratio,
        latency=chain.latency_samples * ratio + delay,
    )


def captures(chain: Chain) -> bool:
    """Whether there is anything between the device and the network."""
    return chain.resample > 1 or chain.beamformer is not None


def to_microphones(chain: Chain, pcm: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """One signal int16 (n,) as all microphones have it, interleaved, when it comes from the front: the second one later by the
    way between them, by a windowed sinc.
    """
    beam = chain.beamformer
    if beam is None:
        return pcm
    later = beam.spacing / 1000 / SPEED * chain.ends.rate
    offset = np.arange(-_SINC, _SINC + 1) - later
    kernel = np.sinc(offset) * np.hanning(2 * _SINC + 3)[1:-1]
    rear = np.convolve(pcm.astype(np.float64), kernel / kernel.sum(), "full")[_SINC : _SINC + pcm.size]
    return np.stack([pcm, np.rint(rear).clip(-32768, 32767).astype(np.int16)], axis=-1).reshape(-1)


def capture_checks(chain: Chain) -> Iterator[tuple[bool, str]]:
    """Conditions of `resample` and the beamformer with what to say where they fail."""
    yield chain.resample in RATIOS, f"resample {chain.resample} is not one of {', '.join(map(str, RATIOS))}"
    rate = chain.sample_rate * chain.resample
    said = f"resample {chain.resample} of {chain.sample_rate} Hz"
    yield rate <= HIGHEST_RATE, f"{said} is {rate} Hz, more than {HIGHEST_RATE} Hz"
    yield from beamformer_checks(chain)
