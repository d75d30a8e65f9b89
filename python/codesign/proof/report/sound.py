# SPDX-License-Identifier: Apache-2.0
"""What a page plays and shows of a recording: its signals as FLAC and as spectrograms, inside the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.drawing.spectrogram import QUIETEST_TOP_DB, RANGE_DB, levels, picture
from codesign.proof.proof import Proof
from codesign.proof.recordings import Recording

EMBEDDED_SECONDS = 30.0


@dataclass(frozen=True)
class PlayedVersion:
    """One version of a recording. `audio` is a data: URL of FLAC, "" when left out; `spectrogram` one of PNG."""

    label: str
    audio: str
    spectrogram: str


@dataclass(frozen=True)
class PlayedSound:
    """A recording to listen to. `seconds` are shown, `played` of them are embedded as audio; `top_khz` is half its rate."""

    name: str
    seconds: float
    played: float
    top_khz: float
    range_db: float
    signals: tuple[PlayedVersion, ...]


def sounds(
    proof: Proof, recordings: Sequence[Recording], embedded_seconds: float = EMBEDDED_SECONDS
) -> tuple[PlayedSound, ...]:
    """Sounds of all recordings. Of audio at most `embedded_seconds` in all are embedded, the beginning of each recording."""
    config = proof.image.network.frontend
    left = embedded_seconds
    found = []
    for recording, enhanced in zip(recordings, proof.enhanced, strict=True):
        versions = [("Noisy", recording.noisy), ("Enhanced", enhanced)]
        if recording.clean is not None:
            versions.append(("Clean", recording.clean))
        seconds = recording.noisy.size / config.ends.rate
        played = max(0.0, min(seconds, left))
        left -= played
        found.append(_sound(recording.name, versions, config.ends.rate, config.n_fft, played))
    return tuple(found)


def _sound(name: str, versions: list[tuple[str, npt.NDArray[np.int16]]], rate: int, n_fft: int, played: float) -> PlayedSound:
    pictures = [levels(pcm, n_fft) for _, pcm in versions]
    top = max(QUIETEST_TOP_DB, *(float(level.max()) for level in pictures))
    count = round(played * rate)
    signals = tuple(
        PlayedVersion(
            label,
            _url("audio/flac", flac(pcm[:count], rate)) if count else "",
            _url("image/png", picture(level, top)),
        )
        for (label, pcm), level in zip(versions, pictures, strict=True)
    )
    return PlayedSound(name, versions[0][1].size / rate, count / rate, rate / 2000, RANGE_DB, signals)


def flac(pcm: npt.NDArray[np.int16], rate: int) -> bytes:
    """int16 mono PCM (n,) as a FLAC file, lossless; all browsers play it."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, pcm, rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def _url(media: str, data: bytes) -> str:
    return f"data:{media};base64,{base64.b64encode(data).decode('ascii')}"
