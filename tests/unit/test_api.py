# SPDX-License-Identifier: Apache-2.0
"""The public functions: examples of docs/api.md run as printed, signals of any kind, and what importing costs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import codesign
from codesign.base.audio import read_audio
from codesign.base.errors import InputError
from codesign.base.resources import resource
from codesign.compiler.frontend import whole_hops

pytestmark = pytest.mark.slow  # the file as a whole

ROOT = Path(__file__).parents[2]
MODEL = resource("models", "pruned", "pruned.onnx")
NOISY = resource("models", "demo", "fan_3db_noisy.flac")


@pytest.fixture(scope="module")
def enhancer():
    with codesign.Enhancer(MODEL) as found:
        yield found


@pytest.fixture(scope="module")
def pcm():
    return read_audio(NOISY, 16000).pcm[:40000]


def test_every_function_is_there_and_in_the_docs():
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for name in set(codesign.__all__) - {"__version__"}:
        assert callable(getattr(codesign, name))
        assert f"`{name}(" in page
    with pytest.raises(AttributeError, match="nothing_such"):
        codesign.nothing_such  # noqa: B018


@pytest.mark.parametrize("number", [0, 1, 2, pytest.param(3, marks=pytest.mark.slow), 5])
def test_examples_of_the_page(number, tmp_path):
    example = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.S)[number]
    script = example.replace('"models/', f'"{ROOT}/models/').replace('"firmware"', f'"{tmp_path}/firmware"')
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_importing_the_package_imports_none_of_its_parts():
    code = "import sys, codesign; print(sorted(m for m in sys.modules if m.startswith('codesign') or m in ('numpy', 'onnx')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    version = {"codesign.base", "codesign.base._version"}  # where a build has written it
    assert {"codesign"} <= set(ast.literal_eval(done.stdout)) <= {"codesign"} | version


def test_the_module_is_the_command_line():
    done = subprocess.run([sys.executable, "-m", "codesign", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"codesign {codesign.__version__}"


def test_blocks_of_any_length_give_the_bits_of_one_call(enhancer, pcm):
    whole = enhancer._enhancer
    whole.reset()
    expected = whole.process(whole_hops(pcm, enhancer.hop))
    enhancer.reset()
    rng, parts, at = np.random.default_rng(1), [], 0
    while at < pcm.size:
        step = int(rng.integers(0, 700))
        parts.append(enhancer.process(pcm[at : at + step]))
        at += step
    got = np.concatenate(parts)
    assert got.size == pcm.size // enhancer.hop * enhancer.hop
    np.testing.assert_array_equal(got, expected[: got.size])


def test_float_and_int16_are_one_signal(enhancer, pcm):
    whole = codesign.enhance(enhancer, pcm, 16000)
    assert whole.dtype == np.int16
    assert whole.shape == pcm.shape
    for dtype in (np.float32, np.float64):
        floats = codesign.enhance(enhancer, (pcm / 32768.0).astype(dtype), 16000)
        assert floats.dtype == dtype
        np.testing.assert_array_equal(np.rint(floats * 32768.0), whole)


@pytest.mark.parametrize(("rate", "size"), [(48000, 30001), (44100, 12345), (8000, 999), (16000, 1)])
def test_any_rate_and_length(enhancer, rate, size):
    signal = np.random.default_rng(2).normal(0, 0.1, size)
    assert codesign.enhance(enhancer, signal, rate).shape == (size,)


@pytest.mark.parametrize(
    ("signal", "says"),
    [
        (np.zeros((100, 2)), "shape"),
        (np.zeros(100, np.int32), "int32"),
        (np.array([0.0, np.nan]), "NaN"),
        (np.zeros(0), "0 samples"),
    ],
)
def test_what_is_no_signal_is_refused(enhancer, signal, says):
    with pytest.raises(InputError, match=says):
        codesign.enhance(enhancer, signal, 16000)


def test_size_and_generate(tmp_path):
    image = codesign.build(str(MODEL), str(tmp_path / "bare"))
    found = codesign.size(image)
    assert found.ok
    assert found.stack is not None
    assert found.footprint == codesign.size(str(image.path)).footprint
    generated = codesign.generate(MODEL, tmp_path / "c", kernel="plain")
    assert generated.manifest.is_file()


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    return {runtime: codesign.build(MODEL, folder / runtime, runtime=runtime) for runtime in ("host", "bare")}


@pytest.mark.parametrize("on", ["host", "unicorn"])
def test_a_run_is_the_enhanced_signal_on_any_machine(images, enhancer, pcm, on):
    image = images["host" if on == "host" else "bare"]
    expected = codesign.enhance(enhancer, pcm[:3001], 16000)
    for signal in (pcm[:3001], (pcm[:3001] / 32768.0).astype(np.float32)):
        found = codesign.run(image, signal, on=on)
        assert (found.samples.dtype, found.sample_rate, found.notes) == (signal.dtype, 16000, ())
        scale = 1 if signal.dtype == np.int16 else 32768
        np.testing.assert_array_equal(np.rint(found.samples * scale), expected)
        assert found.run.machine == on
        assert (found.run.counts, found.cost) == (None, None)


def test_a_run_of_a_path_and_of_a_model(images, tmp_path):
    found = codesign.run(str(MODEL), str(NOISY), folder=tmp_path / "kept")
    np.testing.assert_array_equal(found.samples, codesign.run(images["host"], NOISY).samples)
    assert found.samples.size == read_audio(NOISY, 16000).pcm.size
    assert (tmp_path / "kept" / "host" / "manifest.json").is_file()


def test_a_run_at_another_rate_says_so(images):
    found = codesign.run(images["host"], np.zeros(4801), sample_rate=48000)
    assert found.notes == ("resampled from 48000 Hz to 16000 Hz",)
    assert found.samples.shape == (1600,)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"audio": np.zeros((100, 2))}, "shape.*mixes stereo down"),
        ({"audio": [1, 2, 3]}, "int64"),
        ({"audio": np.zeros(0)}, "0 samples"),
        ({"audio": np.array([np.inf])}, "infinity"),
        ({"audio": np.zeros(9), "sample_rate": 0}, "a signal at 0 Hz"),
        ({"audio": np.zeros(9), "sample_rate": float("nan")}, "a signal at nan Hz"),
        ({"audio": np.zeros(9), "sample_rate": 10**9}, "at 1000000000 Hz"),
        ({"audio": NOISY, "sample_rate": 16000}, "a file, which has its own"),
        ({"audio": np.zeros(9), "on": "bochs"}, "no machine is called 'bochs'"),
        ({"audio": np.zeros(9), "on": "unicorn"}, "host image does not run in unicorn"),
        ({"audio": np.zeros(9), "profile": True}, "host does not tell layers apart"),
        ({"audio": "nowhere.wav"}, "does not exist"),
    ],
)
def test_what_cannot_be_run_is_refused(images, arguments, says):
    with pytest.raises(InputError, match=says):
        codesign.run(images["host"], **arguments)


def test_a_model_is_refused_where_its_board_does_not_run():
    with pytest.raises(InputError, match="board nrf5340dk does not run in qemu; it runs in"):
        codesign.run(MODEL, np.zeros(9), on="qemu")


def test_an_image_is_measured_on_its_own_board(images):
    assert codesign.size(images["bare"]).footprint == codesign.size(images["bare"], board="nrf5340dk").footprint
    with pytest.raises(InputError, match="no memory map"):
        codesign.size(images["host"])


def test_evaluate_scores_models_and_recordings(tmp_path):
    for role in ("noisy", "clean"):
        (tmp_path / role).mkdir()
        pcm, rate = soundfile.read(NOISY.with_name(f"fan_3db_{role}.flac"), dtype="int16", frames=32000)
        soundfile.write(tmp_path / role / "fan.wav", pcm, rate)
    found = codesign.evaluate(tmp_path, MODEL, recordings={"clean again": tmp_path / "clean"})
    assert [subject.name for subject in found.systems] == ["noisy", "pruned", "clean again"]
    noisy, pruned, clean = (score.values for score in found.scores)
    assert noisy["si_sdr"] < pruned["si_sdr"]
    assert clean["estoi"] == pytest.approx(1.0)
    with pytest.raises(InputError, match="two systems are called 'x'"):
        codesign.evaluate(tmp_path, {"x": MODEL}, recordings={"x": tmp_path / "clean"})
    with pytest.raises(InputError, match="no pairs"):
        codesign.evaluate(tmp_path / "noisy", MODEL)
