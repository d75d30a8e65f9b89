# SPDX-License-Identifier: Apache-2.0
"""codesign run on the host: as much memory for a long recording as for a short one, the same bits, and what its file lacks."""

import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from test_cli import MODEL, assert_one_line_error, codesign

from codesign.base.audio import read_audio
from codesign.compiler.frontend import whole_hops
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.firmware.machines import MACHINES
from codesign.firmware.machines.alignment import alignment_of
from codesign.firmware.machines.host import HostEnhancer
from codesign.firmware.toolchain import build_host
from json_documents import document as checked

MEASURE = """
import pathlib, re, sys
from codesign.cli.app import app
app(sys.argv[1:], standalone_mode=False)
# not ru_maxrss: a process begins with that of the one which started it
print(re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1])
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return build_host(lower(load_onnx(MODEL)), tmp_path_factory.mktemp("host"))


def record(path, seconds, channels=1, rate=16000):
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", rate, channels, "PCM_16") as file:
        for _ in range(seconds):
            file.write((rng.standard_normal((rate, channels)) * 3000).astype(np.int16))


def kilobytes(tmp_path, name, *more):
    arguments = ["run", str(MODEL), str(tmp_path / name), "-o", str(tmp_path / f"out-{name}.wav"), "--emulator", "host", *more]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *arguments], capture_output=True, text=True, check=True, timeout=300, env={**os.environ}
    )
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.slow
def test_memory_does_not_grow_with_length(tmp_path):
    """Ten minutes are 19 MB as int16 and 77 MB as float64."""
    record(tmp_path / "short.wav", 5)
    record(tmp_path / "long.wav", 600)
    few, many = kilobytes(tmp_path, "short.wav"), kilobytes(tmp_path, "long.wav")
    assert many - few < 16 * 1024
    assert many < 250 * 1000
    assert soundfile.info(tmp_path / "out-long.wav.wav").frames == 600 * 16000


@pytest.mark.parametrize("sizes", [[1], [37], [255, 1, 300], [16000], [100_000]])
@pytest.mark.parametrize("samples", [1, 255, 256, 1000, 40_001])
def test_blocks_change_no_bit(image, sizes, samples):
    if sizes == [1]:
        samples = min(samples, 1000)
    config = image.network.frontend
    pcm = np.random.default_rng(samples).integers(-32768, 32768, samples).astype(np.int16)
    padded = whole_hops(pcm, config.hop, config.latency_samples)
    expected = MACHINES["host"].run(image, padded).pcm[config.latency_samples :][:samples]
    ends = np.cumsum(sizes * (samples // sum(sizes) + 1))
    blocks = np.split(pcm, ends[ends < samples])
    given = list(alignment_of(config).stream(blocks, HostEnhancer(image).process))
    assert np.array_equal(np.concatenate(given), expected)


def test_what_the_file_lacks_is_said_and_in_json(tmp_path):
    record(tmp_path / "a.wav", 2)
    full = (tmp_path / "a.wav").read_bytes()
    for size, cut in ((len(full), ""), (32044, "cut off: its header says 64,000 bytes of sound, 32,000 are there")):
        (tmp_path / "a.wav").write_bytes(full[:size])
        for emulator in ("host", "unicorn"):
            done = codesign("run", MODEL, tmp_path / "a.wav", "-o", tmp_path / "o.wav", "--emulator", emulator, "--json")
            assert done.returncode == 0, done.stderr
            document = checked(done.stdout)
            assert document["input"]["cut_off"] == cut
            assert document["input"]["seconds"] == (size - 44) / 32000
            assert done.stderr.count("cut off") == bool(cut)


def test_a_recording_that_is_damaged_half_way_leaves_nothing(tmp_path):
    signal = np.zeros(100_000)
    for bad in (np.nan, 1e308):
        signal[-1] = bad
        soundfile.write(tmp_path / "a.wav", signal, 16000, subtype="DOUBLE")
        (tmp_path / "o.wav").write_text("old")
        done = codesign("run", MODEL, tmp_path / "a.wav", "-o", tmp_path / "o.wav", "--emulator", "host")
        assert_one_line_error(done, 2, "a.wav")
        assert "Warning" not in done.stderr
        assert (tmp_path / "o.wav").read_text() == "old"


def test_an_emulator_says_what_is_too_long(tmp_path):
    soundfile.write(tmp_path / "a.flac", np.zeros(3601 * 1000, np.int16), 1000)
    done = codesign("run", MODEL, tmp_path / "a.flac", "-o", tmp_path / "o.wav", "--emulator", "unicorn")
    assert_one_line_error(done, 2, "longer than 1 hour", "--emulator host")
    assert read_audio(tmp_path / "a.flac", 1000).pcm.size == 3601 * 1000
