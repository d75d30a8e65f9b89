# SPDX-License-Identifier: Apache-2.0
"""Mutated headers of recordings: an error of ours or a recording, in bounded memory; never a traceback, never a warning.

AUDIO_EXAMPLES=20000 runs it longer.
"""

import io
import os
import resource
import struct
import warnings
from functools import cache

import numpy as np
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codesign.base.audio import read_audio
from codesign.base.errors import CodesignError

KINDS = (
    ("WAV", "PCM_16"), ("WAV", "DOUBLE"), ("WAV", "MS_ADPCM"), ("RF64", "PCM_16"), ("W64", "PCM_16"), ("AIFF", "PCM_16"),
    ("AU", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"),
)  # fmt: skip
HEADER = 120
GROWTH = 200 * 1024
"""KiB that all examples together may add: a minute at 768 kHz, the longest that such a file becomes, is far below."""
NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 4_000_000_000, 16000, 65535)


@cache
def recording(kind):
    buffer = io.BytesIO()
    signal = np.random.default_rng(0).standard_normal((1500, 2)) * 0.2
    soundfile.write(buffer, signal, 48000, format=kind[0], subtype=kind[1])
    return buffer.getvalue()


@st.composite
def mutated(draw):
    data = bytearray(recording(draw(st.sampled_from(KINDS))))
    for _ in range(draw(st.integers(1, 4))):
        what = draw(st.sampled_from(["byte", "number", "number", "cut", "insert", "remove", "anywhere"]))
        place = draw(st.integers(0, min(HEADER, max(0, len(data) - 9))))
        if what == "byte":
            data[place : place + 1] = bytes([draw(st.integers(0, 255))])
        elif what == "number":
            size = draw(st.sampled_from(["<H", ">H", "<I", ">I", "<Q", ">Q"]))
            width = struct.calcsize(size)
            value = draw(st.sampled_from(NUMBERS) | st.integers(0, 2 ** (8 * width) - 1)) % 2 ** (8 * width)
            data[place : place + width] = struct.pack(size, value)
        elif what == "cut":
            del data[draw(st.integers(0, len(data))) :]
        elif what == "insert":
            data[place:place] = draw(st.binary(max_size=12))
        elif what == "remove":
            del data[place : place + draw(st.integers(1, 12))]
        elif data:
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data)


def outcome(path, rate):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return read_audio(path, rate), None
        except CodesignError as error:
            return None, error


def test_no_header_ends_in_a_traceback(tmp_path):
    path = tmp_path / "a.bin"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcomes = {"read": 0, "refused": 0}

    @settings(
        max_examples=int(os.environ.get("AUDIO_EXAMPLES", "800")),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=mutated(), rate=st.sampled_from([8000, 16000, 48000]))
    def check(data, rate):
        path.write_bytes(data)
        audio, error = outcome(path, rate)
        if audio is not None:
            outcomes["read"] += 1
            assert audio.pcm.dtype == np.int16
            assert audio.pcm.size > 0
        else:
            outcomes["refused"] += 1
            assert error.exit_code == 2
            assert "\n" not in str(error)

    check()
    assert min(outcomes.values()) > 50
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GROWTH
