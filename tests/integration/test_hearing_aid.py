# SPDX-License-Identifier: Apache-2.0
"""The worked example of docs/hearing-aid-chain.md, from an audiogram to firmware, as it stands there."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from codesign import build, size
from codesign.base.audio import read_audio, write_audio

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "hearing-aid-chain.md").read_text(encoding="utf-8")
RATE = 16000


def codesign(folder, line, *more, code=0):
    words = [str(ROOT / word) if word.startswith("models/") else word for word in shlex.split(line)[1:]]
    done = subprocess.run([sys.executable, "-m", "codesign", *words, *more], cwd=folder, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the example was run, measured in the host library in place of the emulator."""
    where = tmp_path_factory.mktemp("aid")
    (where / "aid.toml").write_text(re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1])
    noisy = read_audio(ROOT / "models" / "demo" / "babble_0db_noisy.flac", RATE).pcm[: 2 * RATE]
    write_audio(where / "noisy.wav", noisy, RATE)
    commands = re.findall(r"^    (codesign (?:fit|build|run|measure) .*)$", PAGE, re.MULTILINE)
    assert [command.split()[1] for command in commands] == ["fit", "build", "run", "measure"]
    for command in commands:
        more = {"run": ["--emulator", "host"], "measure": ["--emulator", "host", "-o", "measured.json"]}
        codesign(where, command, *more.get(command.split()[1], []))
    return where


def test_every_step_left_what_it_says(folder):
    assert 'prescription = "NAL-R"' in (folder / "fit.toml").read_text()
    assert (folder / "build-aid" / "firmware.elf").stat().st_size > 100_000
    assert "<svg" in (folder / "measured.html").read_text(encoding="utf-8")


def test_the_aid_has_the_gains_of_the_fitting_and_its_limit(folder):
    figures = json.loads((folder / "measured.json").read_text())["figures"]
    gains = {point["at"]: point["value"] for point in figures["gain"]}
    # At 60 dB SPL in the band, of the rows of fit.toml; the filter of 64 taps smooths what lies below 1 kHz.
    assert [gains[f] for f in (1000.0, 2000.0, 4000.0)] == pytest.approx([17.7, 17.0, 16.7], abs=1.5)
    assert gains[250.0] < gains[500.0] < gains[1000.0]
    assert max(point["value"] for point in figures["output"]) <= 112
    assert figures["delay"]["algorithmic"] + figures["delay"]["buffers"] == 48, "3 ms"
    assert figures["delay"]["measured"]
    assert figures["attack_ms"] < 25
    assert 100 < figures["release_ms"] < 250


def test_programs_differ_and_music_is_the_input_with_gains(folder):
    first = read_audio(folder / "quiet.wav", RATE).pcm
    line = "codesign run models/low-latency/low-latency.onnx noisy.wav -o p.wav --fit fit.toml --chain aid.toml --emulator host"
    heard = {}
    for program in (0, 2):
        codesign(folder, f"{line} --program {program}")
        heard[program] = read_audio(folder / "p.wav", RATE).pcm
    assert not np.array_equal(heard[0], heard[2])
    assert np.abs(heard[2].astype(int)).max() <= np.ceil(32767 * 10 ** ((105 - 120) / 20))
    assert first.size == heard[0].size


def test_mistakes_are_one_line(folder):
    line = "codesign run models/low-latency/low-latency.onnx noisy.wav -o p.wav --emulator host"
    cases = {
        f"{line} --fit aid.toml": "aid.toml: chain means nothing in a fitting",
        f"{line} --chain aid.toml --program 3": "no program 3; there are 0 the chain's own, 1 restaurant, 2 music",
        "codesign fit --audiogram 500:20": "audiogram of 1 point, not 2…32",
        "codesign fit --audiogram N3 --audiogram N2": "2 audiograms, a fitting is for one ear",
        "codesign fit --audiogram N3 --attenuation-limit 3 --no-limit": "--attenuation-limit with --no-limit",
    }
    for command, said in cases.items():
        lines = codesign(folder, command, code=2).stderr.splitlines()
        assert [said in text for text in lines if "error:" in text] == [True], f"{command}: {lines}"


def test_the_chain_is_small_beside_the_network(folder, tmp_path):
    """At most 6 KiB of flash and 4 KiB of RAM for the filter, compression, three programs, strength and both limiters."""
    bare = build(ROOT / "models/low-latency/low-latency.onnx", tmp_path / "bare", runtime="bare")
    before, after = size(bare).footprint, size(folder / "build-aid" / "firmware.elf").footprint
    assert 0 < after.flash - before.flash <= 6 * 1024
    assert 0 < after.ram - before.ram <= 4 * 1024
