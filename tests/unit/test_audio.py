# SPDX-License-Identifier: Apache-2.0
"""Recordings in and out."""

import numpy as np
import pytest
import soundfile

from codesign.base.audio import read_audio, to_int16, write_audio
from codesign.base.errors import InputError


@pytest.fixture
def noise():
    return np.random.default_rng(3).integers(-32768, 32768, 4000).astype(np.int16)


@pytest.mark.parametrize("extension", ["wav", "flac", "aiff", "w64"])
def test_int16_at_the_right_rate_passes_bit_for_bit(extension, noise, tmp_path):
    path = tmp_path / f"a.{extension}"
    soundfile.write(path, noise, 16000, subtype="PCM_16")
    audio = read_audio(path, 16000)
    np.testing.assert_array_equal(audio.pcm, noise)
    assert audio.pcm.dtype == np.int16
    assert (audio.source_rate, audio.channels, audio.notes) == (16000, 1, ())


def test_float_and_wider_files_that_hold_int16_are_exact(noise, tmp_path):
    path = tmp_path / "a.wav"
    for subtype in ("FLOAT", "DOUBLE", "PCM_24", "PCM_32"):
        soundfile.write(path, noise / 32768.0, 16000, subtype=subtype)
        audio = read_audio(path, 16000)
        np.testing.assert_array_equal(audio.pcm, noise)
        assert audio.notes == (f"{subtype} rounded to 16 bits",)


def test_channels_are_averaged(tmp_path):
    path = tmp_path / "a.wav"
    stereo = np.array([[100, 300], [-32768, -32768], [32767, 32767], [1, 2]], np.int16)
    soundfile.write(path, stereo, 16000)
    audio = read_audio(path, 16000)
    assert audio.pcm.tolist() == [200, -32768, 32767, 2]  # 1.5 rounds to even
    assert audio.channels == 2
    assert audio.notes == ("2 channels averaged to mono",)


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_other_rates_are_resampled(rate, tmp_path):
    path = tmp_path / "a.wav"
    time = np.arange(rate) / rate
    soundfile.write(path, (10000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16), rate)
    audio = read_audio(path, 16000)
    assert audio.source_rate == rate
    assert audio.notes == (f"resampled from {rate} Hz to 16000 Hz",)
    assert audio.pcm.size == 16000
    expected = 10000 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    assert np.abs(audio.pcm - expected)[800:-800].max() < 3


def test_ogg(tmp_path):
    path = tmp_path / "a.ogg"
    soundfile.write(path, 0.3 * np.sin(np.arange(16000) / 20), 16000, format="OGG", subtype="VORBIS")
    audio = read_audio(path, 16000)
    assert abs(audio.pcm.size - 16000) <= 1
    assert audio.notes == ("VORBIS rounded to 16 bits",)


def test_clipping_is_counted(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.array([0.0, 1.5, -1.0, -2.0, 1.0, 0.5]), 16000, subtype="FLOAT")
    audio = read_audio(path, 16000)
    assert audio.pcm.tolist() == [0, 32767, -32768, -32768, 32767, 16384]
    assert "2 samples beyond full scale clipped" in audio.notes


def test_files_that_cannot_be_used(tmp_path):
    text, empty, silent, nan, inf, cut, folder = (
        tmp_path / name for name in ("t.wav", "e.wav", "none.wav", "nan.wav", "inf.wav", "cut.flac", "folder.wav")
    )
    text.write_text("this is not audio")
    empty.write_bytes(b"")
    soundfile.write(silent, np.zeros(0, np.int16), 16000)
    soundfile.write(nan, np.array([0.0, np.nan]), 16000, subtype="FLOAT")
    soundfile.write(inf, np.array([0.0, np.inf]), 16000, subtype="DOUBLE")
    soundfile.write(cut, np.zeros(9000, np.int16), 16000)
    cut.write_bytes(cut.read_bytes()[:20])
    folder.mkdir()
    cases = {
        text: "cannot read",
        empty: "cannot read",
        silent: "holds no samples",
        nan: "NaN or infinite",
        inf: "NaN or infinite",
        cut: "cannot read",
        folder: "is a folder",
        tmp_path / "gone.wav": "does not exist",
    }
    for path, message in cases.items():
        with pytest.raises(InputError, match=message) as caught:
            read_audio(path, 16000)
        assert str(path) in str(caught.value)
        assert str(caught.value).count(str(path)) == 1
        assert "\n" not in str(caught.value)
        assert caught.value.exit_code == 2


def test_too_few_samples_to_resample(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.array([5], np.int16), 192000)
    with pytest.raises(InputError, match="too few samples"):
        read_audio(path, 8000)


def test_write_and_read_back(noise, tmp_path):
    path = tmp_path / "out.wav"
    path.write_text("old")
    write_audio(path, noise, 16000)
    np.testing.assert_array_equal(read_audio(path, 16000).pcm, noise)
    assert soundfile.info(path).subtype == "PCM_16"
    assert [p.name for p in tmp_path.iterdir()] == ["out.wav"]


def test_flac_by_name_and_nothing_else(tmp_path, noise):
    write_audio(tmp_path / "a.flac", noise, 16000)
    assert soundfile.info(tmp_path / "a.flac").format == "FLAC"
    np.testing.assert_array_equal(soundfile.read(tmp_path / "a.flac", dtype="int16")[0], noise)
    with pytest.raises(InputError, match="files are not written"):
        write_audio(tmp_path / "a.mp3", noise, 16000)


def test_any_suffix_is_still_a_wav(noise, tmp_path):
    write_audio(tmp_path / "result", noise, 16000)
    np.testing.assert_array_equal(read_audio(tmp_path / "result", 16000).pcm, noise)


def test_write_errors(noise, tmp_path):
    with pytest.raises(InputError, match="cannot write"):
        write_audio(tmp_path / "none" / "a.wav", noise, 16000)
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="it is a folder"):
        write_audio(tmp_path / "folder", noise, 16000)
    with pytest.raises(InputError, match="float64 samples"):
        write_audio(tmp_path / "a.wav", noise / 2, 16000)
    with pytest.raises(InputError, match="cannot write"):
        write_audio(tmp_path / "rate.wav", noise, -1)
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_integers_in_floating_point_that_nobody_scaled_are_refused(noise, dtype):
    """Clipped to full scale, they would be a square wave, and nobody told."""
    with pytest.raises(InputError, match=r"where full scale is 1; divide integers in floating point by 32768"):
        to_int16(noise.astype(dtype))
    assert to_int16(np.array([1.5, -2.0, 0.5], dtype)).tolist() == [32767, -32768, 16384]
    assert to_int16(np.zeros(0, dtype)).size == 0


def test_what_is_no_array_is_refused():
    for signal in ([0.0, 0.1], None, "a.wav"):
        with pytest.raises(InputError, match="give an array of NumPy"):
            to_int16(signal)
