"""Recordings in and out: any file that libsndfile reads → int16 mono at the model's rate; int16 mono → WAV."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.base.output_file import replace_file

FULL_SCALE = 32768.0
MAX_SECONDS = 4 * 3600
"""Longer files are refused: everything is held in memory."""

_EXACT = ("PCM_16", "PCM_S8", "PCM_U8", "ALAW", "ULAW")
"""Encodings whose every value is an int16."""


@dataclass(frozen=True)
class Audio:
    """int16 PCM (n,), mono, at the rate asked for; what the file held; and in `notes` everything that was changed."""

    pcm: npt.NDArray[np.int16]
    source_rate: int
    channels: int
    notes: tuple[str, ...] = ()


def read_audio(path: Path, sample_rate: int) -> Audio:
    """Read a WAV, FLAC or Ogg file as int16 mono at `sample_rate` Hz. 16-bit mono files at that rate pass bit for bit.

    Several channels are averaged, other rates resampled (soxr, very high quality), other encodings rounded to 16 bits,
    values beyond full scale clipped: each is said in `notes`.

    Raises:
        InputError: missing, a folder, not audio, truncated, empty, longer than 4 hours, or with NaN or infinity.
    """
    import soundfile

    if path.is_dir():
        raise InputError(f"{path} is a folder", hint="name an audio file")
    if not path.exists():
        raise InputError(f"{path} does not exist", hint="name a WAV, FLAC or Ogg file")
    try:
        with soundfile.SoundFile(path) as file:
            rate, channels, subtype = file.samplerate, file.channels, file.subtype
            if file.frames > MAX_SECONDS * rate:
                raise InputError(f"{path} is longer than {MAX_SECONDS // 3600} hours", hint="cut it into parts")
            samples = file.read(dtype="int16" if subtype in _EXACT else "float64", always_2d=True)
    except (soundfile.SoundFileError, OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {_reason(error, path)}", hint="give a WAV, FLAC or Ogg file") from error
    if len(samples) == 0:
        raise InputError(f"{path} holds no samples", hint="give a recording with sound in it")
    if not np.isfinite(samples).all():
        raise InputError(f"{path} holds NaN or infinite samples", hint="repair or re-export the recording")
    notes: list[str] = []
    if channels == 1 and rate == sample_rate and samples.dtype == np.int16:
        return Audio(np.ascontiguousarray(samples[:, 0]), rate, channels)
    signal = samples.astype(np.float64) / (FULL_SCALE if samples.dtype == np.int16 else 1.0)
    if channels > 1:
        signal = signal.mean(axis=1, keepdims=True)
        notes.append(f"{channels} channels averaged to mono")
    mono = signal[:, 0]
    if rate != sample_rate:
        mono = _resample(mono, rate, sample_rate, path)
        notes.append(f"resampled from {rate} Hz to {sample_rate} Hz")
    if subtype not in _EXACT:
        notes.append(f"{subtype} rounded to 16 bits")
    scaled = np.rint(mono * FULL_SCALE)
    # +1.0 has no int16 and becomes 32767, as everywhere; only what lies beyond full scale counts as clipped.
    clipped = int(np.count_nonzero((scaled > FULL_SCALE) | (scaled < -FULL_SCALE)))
    if clipped:
        notes.append(f"{clipped} samples beyond full scale clipped")
    pcm = np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    return Audio(pcm, rate, channels, tuple(notes))


def audio_format(path: Path) -> str:
    """The format, "WAV" or "FLAC", that the ending of a file to write asks for; no ending is WAV.

    Raises:
        InputError: another ending.
    """
    formats = {".wav": "WAV", "": "WAV", ".flac": "FLAC"}
    if path.suffix.lower() not in formats:
        raise InputError(f"cannot write {path}: '{path.suffix}' files are not written", hint="name a .wav or .flac file")
    return formats[path.suffix.lower()]


def write_audio(path: Path, pcm: npt.NDArray[np.int16], rate: int) -> None:
    """Write int16 mono PCM (n,) as WAV or FLAC, losslessly; `path` appears complete or not at all.

    Raises:
        InputError: the folder is missing or not writable, `path` is a folder or ends in something else, or `pcm` is not
            int16 (n,).
    """
    import soundfile

    if pcm.dtype != np.int16 or pcm.ndim != 1:
        raise InputError(f"{path}: {pcm.dtype} samples of shape {pcm.shape}", hint="pass int16 mono PCM")
    file_format = audio_format(path)
    with replace_file(path) as temporary:
        try:
            soundfile.write(temporary, pcm, rate, subtype="PCM_16", format=file_format)
        except soundfile.SoundFileError as error:
            raise InputError(f"cannot write {path}: {_reason(error, temporary)}", hint="check the folder") from error


def _resample(mono: npt.NDArray[np.float64], rate: int, sample_rate: int, path: Path) -> npt.NDArray[np.float64]:
    import soxr

    resampled = np.asarray(soxr.resample(mono, rate, sample_rate, quality="VHQ"), np.float64)
    if resampled.size == 0:
        raise InputError(f"{path} holds too few samples to resample from {rate} Hz", hint="give a longer recording")
    return resampled


def _reason(error: Exception, path: Path) -> str:
    """What libsndfile says, without its repetition of the path."""
    text = getattr(error, "error_string", "") or str(error)
    return text.replace(f"Error opening {str(path)!r}: ", "").rstrip(".")
