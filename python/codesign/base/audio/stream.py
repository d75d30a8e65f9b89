# SPDX-License-Identifier: Apache-2.0
"""A recording read forward, in blocks: mixed, resampled and rounded to int16 as it comes, in memory that does not grow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codesign.base.audio import ogg
from codesign.base.audio.container import ending
from codesign.base.audio.failure import reason
from codesign.base.errors import InputError
from codesign.base.signals import FULL_SCALE, Pcm, Signal
from codesign.base.words import counted

MAX_SAMPLES = 2_000_000_000
"""Samples × channels of a recording, and samples that it may become: 34 hours at 16 kHz, which a WAV file of 4 GiB holds."""
BLOCK_SAMPLES = 1 << 16
"""Samples × channels that are decoded at a time."""
LOWEST_RATE, HIGHEST_RATE = 1000, 768_000
LOUDEST = 2.0**32
"""In full scales. Float files with values of 24 or 32-bit integers are met; beyond, a number is damage."""

_AGAIN = "export the recording again"
_EXACT = ("PCM_16", "PCM_S8", "PCM_U8", "ALAW", "ULAW")
"""Encodings whose every value is an int16."""
_UNKNOWN_FRAMES = 1 << 62
"""What libsndfile reports at least for a FLAC file that does not say how long it is."""


@dataclass(frozen=True)
class Source:
    """What of a file is not in its samples as they were read: its rate in Hz, its channels, which were averaged, how many
    samples were `clipped` at full scale, and what is missing at its end ("" where it is whole).
    """

    rate: int
    channels: int
    clipped: int
    cut_off: str

    @property
    def amiss(self) -> tuple[str, ...]:
        """What of the sound is lost, one line each."""
        clipped = f"{counted(self.clipped, 'sample')} beyond full scale clipped" if self.clipped else ""
        return tuple(filter(None, (clipped, self.cut_off)))


class AudioStream:
    """A WAV, FLAC or Ogg file as int16 mono at `sample_rate` Hz; opening it reads the header only. With `microphones` of two or
    more it must have so many channels, and they stay apart: the blocks are interleaved then.

    Several channels are averaged, other rates resampled (soxr, very high quality), other encodings rounded to 16 bits, values
    beyond full scale clipped. `source_rate`, `channels` and `encoding` are the file's; `frames` its samples a channel, None
    where the header does not say. `notes`, `cut_off`, `clipped` and `samples` (so many were given out) are complete
    after the last block. A 16-bit mono file at the rate passes bit for bit, and the sizes of blocks change no sample.

    Raises:
        InputError: missing, no file, not audio, or of a size or rate that is not read.
    """

    def __init__(self, path: Path, sample_rate: int, microphones: int = 1) -> None:
        self.path, self.sample_rate, self.microphones = path, sample_rate, microphones
        if path.is_dir():
            raise InputError(f"{path} is a folder", hint="name an audio file")
        if not path.exists():
            raise InputError(f"{path} does not exist", hint="name a WAV, FLAC or Ogg file")
        if not path.is_file():
            raise InputError(f"{path} is no regular file", hint="save the recording as a WAV, FLAC or Ogg file first")
        try:
            self._ending = ending(path)
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror or error}", hint="give a WAV, FLAC or Ogg file") from error
        from codesign.base.audio.forward import open_forward  # loads libsndfile, which most commands do without

        with open_forward(path, self._ending.unsized) as file:
            self.source_rate, self.channels, self.encoding = int(file.samplerate), int(file.channels), str(file.subtype)
            self.frames = None if file.frames >= _UNKNOWN_FRAMES else int(file.frames)
        if not LOWEST_RATE <= self.source_rate <= HIGHEST_RATE:
            raise InputError(
                f"{path} says {self.source_rate} Hz", hint=f"give a recording of {LOWEST_RATE} to {HIGHEST_RATE} Hz"
            )
        if microphones not in (1, self.channels):
            raise InputError(
                f"{path} has {self.channels} channel{'s' * (self.channels > 1)}, the chain's beamformer takes {microphones}",
                hint="give a recording of its microphones, the front one first, or leave the beamformer out of the chain",
            )
        self._check_size(self.frames or 0)
        self.samples = 0
        self.cut_off = self._ending.cut_off
        self.clipped = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """Everything that was changed or is amiss, one line each."""
        found = []
        if self.channels > 1 and self.microphones == 1:
            found.append(f"{self.channels} channels averaged to mono")
        if self.source_rate != self.sample_rate:
            found.append(f"resampled from {self.source_rate} Hz to {self.sample_rate} Hz")
        if self.encoding not in _EXACT:
            found.append(f"{self.encoding} rounded to 16 bits")
        amiss = Source(self.source_rate, self.channels, self.clipped, self.cut_off).amiss
        return (*found, *filter(None, (self._ending.note,)), *amiss)

    def blocks(self) -> Iterator[Pcm]:
        """int16 (n,) one after the other, n as it comes; at least one sample in all. To be used once.

        Raises:
            InputError: damaged, empty, too long, or with samples that are no sound: NaN, infinite, absurdly large.
        """
        for block in self._resampled():
            if block.size:
                pcm = self._rounded(block)
                self.samples += len(pcm)
                yield pcm.reshape(-1)
        if self.samples == 0:
            raise InputError(
                f"{self.path} holds too few samples to resample from {self.source_rate} Hz", hint="give a longer recording"
            )

    def _resampled(self) -> Iterator[Pcm | Signal]:
        import soxr

        if self.source_rate == self.sample_rate:
            yield from self._mono()
            return
        resampler = soxr.ResampleStream(self.source_rate, self.sample_rate, self.microphones, dtype="float64", quality="VHQ")
        for block in self._mono():
            yield resampler.resample_chunk(_scaled(block))
        yield resampler.resample_chunk(np.zeros((0, self.microphones) if self.microphones > 1 else 0), last=True)

    def _mono(self) -> Iterator[Pcm | Signal]:
        """int16 (n,) where the file holds no more than that, else float64 (n,), full scale 1.0; (n, microphones) of several."""
        for block in self._frames():
            if self.microphones > 1:
                yield block
                continue
            yield block[:, 0] if self.channels == 1 else _scaled(block).mean(axis=1)

    def _frames(self) -> Iterator[Pcm | Signal]:
        """int16 or float64 (n, channels), in an array that is overwritten by the next."""
        import soundfile

        from codesign.base.audio.forward import open_forward

        exact = self.encoding in _EXACT
        buffer = np.empty((max(1, BLOCK_SAMPLES // self.channels), self.channels), np.int16 if exact else np.float64)
        done = 0
        if broken := ogg.damage(self.path):
            raise InputError(f"{self.path} is {broken}", hint=_AGAIN)
        with open_forward(self.path, self._ending.unsized) as file:
            while True:
                try:
                    block = file.read(out=buffer)
                except (soundfile.SoundFileError, OSError) as error:
                    seconds = max(done, file.tell()) / self.source_rate  # libsndfile knows how far it came in the block
                    message = f"{self.path} is damaged or cut off after {seconds:.2f} s"
                    raise InputError(f"{message}: {reason(error)}", hint=_AGAIN) from error
                if len(block) == 0:
                    break
                done += len(block)
                self._check_size(done)
                if not exact:
                    self._check_values(block)
                yield block
        if done == 0:
            raise InputError(f"{self.path} holds no samples", hint="give a recording with sound in it")
        if self.frames is not None and done < self.frames and not self.cut_off:
            self.cut_off = f"cut off: its header says {self.frames:,} samples, {done:,} are there"

    def _check_size(self, frames: int) -> None:
        """Of what was read so far, or of what the header says."""
        becomes = frames * max(1.0, self.sample_rate / self.source_rate)
        if max(frames * self.channels, becomes) > MAX_SAMPLES:
            what = "samples" if self.channels == 1 else f"samples in {self.channels} channels together"
            raise InputError(f"{self.path} has more than {MAX_SAMPLES:,} {what}", hint="cut it into parts")

    def _check_values(self, block: Signal) -> None:
        low, high = float(block.min()), float(block.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise InputError(f"{self.path} holds NaN or infinite samples", hint="repair or re-export the recording")
        if (peak := max(-low, high)) > LOUDEST:
            hint = "repair or re-export the recording"
            raise InputError(f"{self.path} holds a sample of {peak:.3g}, where full scale is 1", hint=hint)

    def _rounded(self, signal: Pcm | Signal) -> Pcm:
        if signal.dtype == np.int16:
            return signal.astype(np.int16)  # a copy: the block is overwritten
        scaled = np.rint(signal * FULL_SCALE)
        # +1.0 has no int16 and becomes 32767, as everywhere; only what lies beyond full scale counts as clipped.
        self.clipped += int(np.count_nonzero((scaled > FULL_SCALE) | (scaled < -FULL_SCALE)))
        return np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def _scaled(block: Pcm | Signal) -> Signal:
    """float64, full scale 1.0."""
    signal = block.astype(np.float64)
    return signal / FULL_SCALE if block.dtype == np.int16 else signal
