# SPDX-License-Identifier: Apache-2.0
"""Recordings in and out: any file that libsndfile reads → int16 mono at the model's rate; int16 mono → WAV or FLAC.

Every recording is read by one reader, in blocks: AudioStream for as long as one likes, read_audio for a whole array.
"""

from codesign.base.audio.read import MAX_SECONDS, Audio, read_audio
from codesign.base.audio.samples import in_type_of, resampled, to_int16
from codesign.base.audio.stream import AudioStream, Source
from codesign.base.audio.write import audio_format, write_audio, writing_audio
from codesign.base.signals import FULL_SCALE

__all__ = [
    "FULL_SCALE",
    "MAX_SECONDS",
    "Audio",
    "AudioStream",
    "Source",
    "audio_format",
    "in_type_of",
    "read_audio",
    "resampled",
    "to_int16",
    "write_audio",
    "writing_audio",
]
