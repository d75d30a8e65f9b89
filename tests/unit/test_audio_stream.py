# SPDX-License-Identifier: Apache-2.0
"""The block reader: the samples of the whole file, whatever the block; memory that does not grow; what is cut off or absurd."""

import struct
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.base.audio import AudioStream, read_audio, stream, writing_audio
from codesign.base.errors import InputError

pytestmark = pytest.mark.filterwarnings("error")

KINDS = [
    ("WAV", "PCM_16"), ("WAV", "PCM_U8"), ("WAV", "PCM_24"), ("WAV", "FLOAT"), ("WAV", "DOUBLE"), ("WAV", "ULAW"),
    ("WAV", "IMA_ADPCM"), ("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("AIFF", "PCM_16"),
]  # fmt: skip


def noise(samples, channels=1, seed=0):
    return np.random.default_rng(seed).standard_normal((samples, channels)) * 0.3


def whole(path, rate):
    """What the file holds by soundfile and soxr, all at once."""
    signal, source = soundfile.read(path, dtype="float64", always_2d=True)
    mono = signal.mean(axis=1)
    if source != rate:
        mono = soxr.resample(mono, source, rate, quality="VHQ")
    return np.clip(np.rint(mono * 32768), -32768, 32767).astype(np.int16)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    kind=st.sampled_from(KINDS),
    rate=st.sampled_from([8000, 11025, 16000, 24000, 44100, 48000, 192000]),
    to=st.sampled_from([8000, 16000, 48000]),
    channels=st.integers(1, 8),
    samples=st.integers(500, 9000),
    block=st.integers(1, 5000),
)
def test_blocks_change_no_sample(tmp_path_factory, kind, rate, to, channels, samples, block):
    path = tmp_path_factory.mktemp("audio") / f"a.{kind[0].lower()}"
    if kind[1] == "OPUS":
        rate = 48000
    elif kind[1] == "IMA_ADPCM":
        channels = min(channels, 2)
    soundfile.write(path, noise(samples, channels), rate, format=kind[0], subtype=kind[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "BLOCK_SAMPLES", block)
        audio = AudioStream(path, to)
        blocks = list(audio.blocks())
    assert np.array_equal(np.concatenate(blocks), whole(path, to))
    assert audio.samples == sum(part.size for part in blocks)
    assert (audio.source_rate, audio.channels, audio.cut_off) == (rate, channels, "")
    assert np.array_equal(read_audio(path, to).pcm, np.concatenate(blocks))


MEASURE = """
import resource, sys
from pathlib import Path
from codesign.base.audio import AudioStream
for path in sys.argv[1:]:
    stream = AudioStream(Path(path), 16000)
    print(sum(block.size for block in stream.blocks()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_length_or_channels(tmp_path):
    """40 s of 8 channels at 192 kHz are 490 MB as float64 and 60 KB as FLAC."""
    for name, seconds in (("short.flac", 1), ("long.flac", 40)):
        with soundfile.SoundFile(tmp_path / name, "w", 192000, 8, "PCM_16", format="FLAC") as file:
            for _ in range(seconds):
                file.write(np.zeros((192000, 8), np.int16))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path / "short.flac", tmp_path / "long.flac"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    (short, few), (long, many) = (map(int, line.split()) for line in done.stdout.splitlines())
    assert (short, long) == (16000, 640000)
    assert many - few < 16 * 1024  # KiB


def test_limits_are_of_samples_and_channels_together(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", np.zeros((1000, 8), np.int16), 16000)
    monkeypatch.setattr(stream, "MAX_SAMPLES", 8000)
    assert read_audio(tmp_path / "a.wav", 16000).pcm.size == 1000
    for limit, rate in ((7999, 16000), (8000, 160000)):
        monkeypatch.setattr(stream, "MAX_SAMPLES", limit)
        with pytest.raises(InputError, match=f"more than {limit:,} samples in 8 channels"):
            AudioStream(tmp_path / "a.wav", rate)
    monkeypatch.setattr(stream, "MAX_SAMPLES", 2**40)
    with pytest.raises(InputError, match=r"longer than 0\.5 hours; shorter"):
        soundfile.write(tmp_path / "b.wav", np.zeros(1801 * 1000, np.int16), 1000)
        read_audio(tmp_path / "b.wav", 16000, max_seconds=1800, hint="shorter")


def unknown_length(path, piped):
    """What a FLAC encoder writes into a pipe: total_samples 0, and with `piped` no sizes of frames and no MD5 either."""
    data = bytearray(path.read_bytes())
    data[8 + 13] &= 0xF0
    data[8 + 14 : 8 + 18] = bytes(4)
    if piped:
        data[8 + 4 : 8 + 10] = bytes(6)
        data[8 + 18 : 8 + 34] = bytes(16)
    path.write_bytes(data)


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize(("samples", "channels"), [(32000, 1), (100_001, 2)])
def test_flac_of_unknown_length(tmp_path, piped, samples, channels):
    path = tmp_path / "a.flac"
    soundfile.write(path, noise(samples, channels), 16000, subtype="PCM_16")
    expected = whole(path, 16000)
    unknown_length(path, piped)
    audio = AudioStream(path, 16000)
    assert audio.frames is None
    assert np.array_equal(read_audio(path, 16000).pcm, expected)
    assert read_audio(path, 16000).cut_off == ""


def test_flac_of_unknown_length_stops_at_the_limits(tmp_path, monkeypatch):
    path = tmp_path / "a.flac"
    soundfile.write(path, noise(200_000), 16000, subtype="PCM_16")
    unknown_length(path, True)
    with pytest.raises(InputError, match="longer than"):
        read_audio(path, 16000, max_seconds=5)
    monkeypatch.setattr(stream, "MAX_SAMPLES", 150_000)
    with pytest.raises(InputError, match="more than 150,000 samples"):
        read_audio(path, 16000)


@pytest.mark.parametrize("kind", [*KINDS, ("AU", "PCM_16"), ("W64", "PCM_16"), ("RF64", "PCM_16")])
@pytest.mark.parametrize("share", [0.3, 0.9, 0.9999])
def test_a_file_that_was_cut_is_never_read_as_whole(tmp_path, kind, share):
    path = tmp_path / "a.bin"
    soundfile.write(path, noise(100_000), 48000, format=kind[0], subtype=kind[1])
    full = read_audio(path, 48000)
    assert full.cut_off == ""
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    try:
        audio = read_audio(path, 48000)
    except InputError:  # what FLAC's and Opus' decoders refuse
        return
    assert audio.cut_off.startswith("cut off: ")
    assert audio.cut_off in audio.notes
    assert audio.pcm.size <= full.pcm.size


def test_flac_cut_between_frames(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, noise(4096 * 4), 16000, subtype="PCM_16")
    data = path.read_bytes()
    frame = data.rfind(data[data.find(b"\xff\xf8") :][:4])  # the last frame has a length of its own; the one before has not
    path.write_bytes(data[:frame])
    audio = read_audio(path, 16000)
    assert audio.cut_off == f"cut off: its header says 16,384 samples, {audio.pcm.size:,} are there"


def test_tags_behind_the_sound_are_no_sound_and_no_cut(tmp_path):
    path = tmp_path / "a.wav"
    tags = b"LIST" + struct.pack("<I", 4) + b"four" + b"note" + struct.pack("<I", 5) + b"hello"
    for end in (b"", b"\0"):  # some programs forget the last chunk's padding
        soundfile.write(path, np.ones(999, np.int16), 16000)
        path.write_bytes(path.read_bytes() + tags + end)
        audio = read_audio(path, 16000)
        assert (audio.pcm.size, audio.notes) == (999, ())
        soundfile.write(path, np.zeros(0, np.int16), 16000)
        path.write_bytes(path.read_bytes() + tags + end)
        with pytest.raises(InputError, match="no samples"):
            read_audio(path, 16000)


@pytest.mark.parametrize("size", [0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFF - 44, 0])
@pytest.mark.parametrize("riff", [0, 36, 0xFFFFFFFF, None])
@pytest.mark.parametrize("order", ["<", ">"])
def test_wav_files_that_do_not_know_their_size(tmp_path, size, riff, order):
    path = tmp_path / "a.wav"
    pcm = np.random.default_rng(1).integers(-32768, 32768, 70_001).astype(np.int16)
    soundfile.write(path, pcm, 16000, subtype="PCM_16", endian="BIG" if order == ">" else "LITTLE")
    data = bytearray(path.read_bytes())
    if riff is not None:
        data[4:8] = struct.pack(f"{order}I", riff)
    data[40:44] = struct.pack(f"{order}I", size)
    path.write_bytes(data)
    audio = read_audio(path, 16000)
    assert np.array_equal(audio.pcm, pcm)
    assert audio.cut_off == ""
    assert audio.notes == (() if size else ("its header says 0 bytes of sound: read to the end of the file",))


def test_absurd_samples_are_one_line(tmp_path):
    path = tmp_path / "a.wav"
    for value in (1e308, -1e308, 1e30, np.inf, np.nan):
        for rate in (16000, 48000):
            for channels in (1, 2):
                signal = np.zeros((200_000, channels))
                signal[199_000:] = value
                soundfile.write(path, signal, rate, subtype="DOUBLE")
                with pytest.raises(InputError, match="holds"):
                    read_audio(path, 16000)


def test_integers_written_as_floats_are_clipped(tmp_path):
    """24-bit values in a float file: loud, and no damage."""
    path = tmp_path / "a.wav"
    soundfile.write(path, np.array([8388607.0, -8388608.0, 0.5]), 16000, subtype="FLOAT")
    audio = read_audio(path, 16000)
    assert audio.pcm.tolist() == [32767, -32768, 16384]
    assert "2 samples beyond full scale clipped" in audio.notes


@pytest.mark.parametrize(("place", "kind", "value"), [
    (24, "<I", 0), (24, "<I", 1), (24, "<I", 999), (24, "<I", 768_001), (24, "<I", 4_000_000_000), (24, "<I", 0xFFFFFFFF),
    (22, "<H", 0), (22, "<H", 1025), (22, "<H", 65535), (34, "<H", 0), (34, "<H", 65535), (20, "<H", 0x1234),
])  # fmt: skip
def test_hostile_headers_are_one_line(tmp_path, place, kind, value):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(1000, np.int16), 16000)
    data = bytearray(path.read_bytes())
    data[place : place + struct.calcsize(kind)] = struct.pack(kind, value)
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_audio(path, 16000)
    assert str(path) in caught.value.message
    assert "\n" not in str(caught.value)
    assert "Internal" not in str(caught.value)


def test_what_is_no_file(tmp_path):
    for path, message in (("/dev/null", "no regular file"), ("/dev/zero", "no regular file")):
        with pytest.raises(InputError, match=message):
            read_audio(type(tmp_path)(path), 16000)
    raw = tmp_path / "a.raw"
    raw.write_bytes(bytes(1000))
    with pytest.raises(InputError, match=r"a\.raw"):
        read_audio(raw, 16000)


def test_what_is_written_in_parts_is_the_file(tmp_path):
    pcm = np.random.default_rng(2).integers(-32768, 32768, 50_000).astype(np.int16)
    for name in ("a.wav", "a.flac"):
        with writing_audio(tmp_path / name, 16000) as write:
            for part in np.split(pcm, [1, 1, 4096, 30_000]):
                write(part)
        soundfile.write(tmp_path / f"whole-{name}", pcm, 16000, subtype="PCM_16")
        assert (tmp_path / name).read_bytes() == (tmp_path / f"whole-{name}").read_bytes()


def fails_half_way(path):
    with writing_audio(path, 16000) as write:
        write(np.ones(100, np.int16))
        raise InputError("the recording ends here")


def test_what_fails_half_way_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.wav"
    path.write_text("old")
    with pytest.raises(InputError, match="ends here"):
        fails_half_way(path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.wav"]


FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from codesign.base.audio import write_audio
from codesign.base.errors import InputError
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_audio(Path(sys.argv[1]), np.random.default_rng(0).integers(-9000, 9000, 500_000).astype(np.int16), 16000)
except InputError as error:
    print(error)
"""


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_a_full_disk_is_one_line(tmp_path, name):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, tmp_path / name], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"cannot write {tmp_path / name}: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
@pytest.mark.parametrize("change", ["a bit", "a page", "a stretch"])
def test_ogg_damaged_on_the_way_is_refused(tmp_path, subtype, change):
    """libogg skips such a page: the sound after it would be early, and nobody told."""
    path = tmp_path / "a.ogg"
    soundfile.write(path, noise(100_000), 16000, format="OGG", subtype=subtype)
    data = path.read_bytes()
    pages = [place for place in range(len(data)) if data[place : place + 5] == b"OggS\0"]
    middle = pages[len(pages) // 2]
    following = pages[len(pages) // 2 + 1]
    changed = {
        "a bit": data[: middle + 200] + bytes([data[middle + 200] ^ 1]) + data[middle + 201 :],
        "a page": data[:middle] + data[following:],
        "a stretch": data[: middle + 1] + data[middle + 100 :],
    }
    path.write_bytes(changed[change])
    with pytest.raises(InputError, match=f"is damaged at byte {middle:,}: .* Ogg stream .*; export the recording again"):
        read_audio(path, 16000)
    path.write_bytes(data + data)  # two streams in a row, and what follows the last page, are whole
    assert read_audio(path, 16000).cut_off == ""
    path.write_bytes(data + b"tags")
    assert read_audio(path, 16000).cut_off == ""


def test_the_place_of_damage_in_the_first_block_is_named(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, noise(40_000), 16000, subtype="PCM_16")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"damaged or cut off after 1\.\d\d s: "):
        read_audio(path, 16000)
