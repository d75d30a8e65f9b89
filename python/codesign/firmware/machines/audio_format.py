# SPDX-License-Identifier: Apache-2.0
"""The frames of an image's audio: slots and their bits, which the ELF tells, between them and PCM."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError, ValidationError
from codesign.base.signals import Pcm
from codesign.firmware.elf import read_elf
from codesign.firmware.image import Image

_SYMBOL = "audio_format"  # app/src/slots.h
_OTHER_SLOT = 1234
"""Samples by which the slot that is not enhanced is another signal: an image that took it would be found out."""


@dataclass(frozen=True)
class AudioFormat:
    """Slots of a frame and bits of a slot on the way in and out, and the slot that is enhanced, from 0; the fields as they lie
    in the image.
    """

    slots_in: int = 1
    bits_in: int = 16
    slots_out: int = 1
    bits_out: int = 16
    chosen: int = 0

    def slots_of(self, pcm: Pcm, channels: int = 1) -> bytes:
        """Frames that the device is given for int16 PCM of so many channels, interleaved.

        One channel goes to the chosen slot, and another signal to the other one. In slots of 32 bits the lower half is noise
        that rounds to the sample.

        Raises:
            InputError: a frame of the image has another number of slots.
        """
        frames = pcm.reshape(-1, channels)
        if channels == 1 and self.slots_in == 2:
            other = np.roll(frames[:, 0], _OTHER_SLOT)
            frames = np.stack([frames[:, 0], other] if self.chosen == 0 else [other, frames[:, 0]], axis=-1)
        elif channels == 2 and self.chosen == 1:
            frames = frames[:, ::-1]
        if frames.shape[1] != self.slots_in:
            raise InputError(
                f"the image takes {self.slots_in} slots a frame, its model {channels}", hint="CONFIG_CODESIGN_STEREO"
            )
        if self.bits_in == 16:
            return frames.astype("<i2").tobytes()
        noise = np.random.default_rng(1).integers(-0x8000, 0x8000, frames.shape)
        wide = (frames.astype(np.int64) << 16) + np.where(frames == -32768, noise & 0x7FFF, noise)
        return wide.clip(-(2**31), 2**31 - 1).astype("<i4").tobytes()

    def pcm_of(self, data: bytes) -> Pcm:
        """Samples int16 (n,) of frames that were played: each slot has them, on top of 32 bits.

        Raises:
            ValidationError: the slots of a frame differ, or there is something below the upper 16 bits.
        """
        size = self.slots_out * self.bits_out // 8
        frames = np.frombuffer(data[: len(data) // size * size], f"<i{self.bits_out // 8}").reshape(-1, self.slots_out)
        samples: npt.NDArray[np.int64] = frames[:, 0].astype(np.int64)
        if (frames != frames[:, :1]).any() or (self.bits_out == 32 and (samples & 0xFFFF).any()):
            raise ValidationError("the slots that were played do not all hold the same 16 bits", hint="see app/src/slots.c")
        return (samples >> (self.bits_out - 16)).astype(np.int16)


def format_of(image: Image) -> AudioFormat:
    """What the image has; a slot of 16 bits for each channel of its model where it does not say."""
    data = _data(image)
    channels = image.network.frontend.ends.channels
    return AudioFormat(*data) if len(data) == len(fields(AudioFormat)) else AudioFormat(channels, 16, channels, 16)


def _data(image: Image) -> bytes:
    try:
        elf = read_elf(image.path, native=image.board.native)
    except InputError:
        if image.board.native:  # a script that starts the program
            return b""
        raise
    symbol = next((each for each in elf.symbols if each.name == _SYMBOL and each.section in elf.sections), None)
    if symbol is None:
        return b""
    section = elf.sections[symbol.section]
    start = symbol.value - section.run
    return (section.data or b"")[start : start + symbol.size]
