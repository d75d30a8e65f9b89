# SPDX-License-Identifier: Apache-2.0
"""The command line as a user meets it: exit codes, one-line errors, JSON, nothing half-written."""

import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

from codesign import __version__
from codesign.base.resources import resource
from json_documents import document as checked

MODEL = resource("models", "pruned", "pruned.onnx")
BARE = ("--runtime", "bare")  # needs no Zephyr


def codesign(*arguments, cwd=None, **environment):
    return subprocess.run(
        [sys.executable, "-m", "codesign.cli.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "100", **environment},
        timeout=300,
    )


def assert_one_line_error(done, code, *words):
    assert done.returncode == code, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in lines[0], lines[0]
    assert done.stdout == ""


@pytest.fixture
def noisy(tmp_path):
    path = tmp_path / "noisy.wav"
    rng = np.random.default_rng(1)
    soundfile.write(path, (rng.standard_normal(16000) * 3000).astype(np.int16), 16000)
    return path


def test_version_and_help():
    assert codesign("--version").stdout == f"codesign {__version__}\n"
    done = codesign("--help")
    for command in (
        "demo",
        "doctor",
        "boards",
        "train",
        "compress",
        "export",
        "inspect",
        "quantize",
        "build",
        "size",
        "run",
        "verify",
        "report",
        "compare",
    ):
        assert command in done.stdout
        assert "Example:" in codesign(command, "--help").stdout
    for command in ("make", "serve", "analyze"):
        assert "Example:" in codesign("listen", command, "--help").stdout


@pytest.mark.parametrize("command", [("boards",), ("doctor",), ("inspect", MODEL)])
def test_json_goes_to_stdout_with_a_schema_version(command):
    done = codesign(*command, "--json")
    assert done.returncode == 0, done.stderr
    document = checked(done.stdout)
    assert document["schema_version"] == 1
    assert document["kind"] == command[0]


def test_tables_go_to_stderr():
    done = codesign("boards")
    assert done.stdout == ""
    assert "nrf5340dk" in done.stderr
    assert "\x1b[" not in done.stderr


@pytest.mark.parametrize("command", ["boards", "doctor"])
def test_tables_fit_80_columns(command):
    done = codesign(command, COLUMNS="80")
    assert max(map(len, done.stderr.splitlines())) <= 80


def test_completion():
    program = "import sys; sys.argv[0] = 'codesign'; from codesign.cli.main import main; main()"
    environment = {**os.environ, "_CODESIGN_COMPLETE": "complete_bash", "COMP_WORDS": "codesign compa", "COMP_CWORD": "1"}
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=60)
    assert found.stdout.split() == ["compare"]


def test_build_size_and_budget(tmp_path):
    done = codesign("build", MODEL, *BARE, "--board", "nrf5340dk", "-o", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    built = checked(done.stdout)
    assert (tmp_path / "out" / "manifest.json").exists()
    sized = codesign("size", tmp_path / "out" / "firmware.elf", "--board", "nrf5340dk", "--json")
    document = checked(sized.stdout)
    assert document["footprint"]["regions"] == built["footprint"]["regions"]
    assert document["groups"] == built["groups"]
    assert {"lstm0", "lstm1", "front end", ".stack"} <= {group["label"] for group in document["groups"]}
    assert 0 < document["stack"]["bytes"] < 2048
    assert document["stack"]["assumption"] == document["stack"]["unbounded"] == ""
    (tmp_path / "out" / "manifest.json").write_text("{ not JSON")
    alone = codesign("size", tmp_path / "out" / "firmware.elf", "--entry", "cs_bare_process", "--json")
    assert alone.returncode == 0, alone.stderr
    assert checked(alone.stdout)["stack"]["entry"] == "cs_bare_process"
    assert_one_line_error(codesign("size", tmp_path / "out" / "firmware.elf", "--entry", "nothing"), 2, "nothing")
    (tmp_path / "out" / "manifest.json").write_text("{}")
    again = codesign("build", MODEL, *BARE, "-o", tmp_path / "out", "--json")
    assert_one_line_error(again, 2, "was not made by codesign")


def smaller_board(tmp_path, *replacements):
    """The nRF5340 card with some of its numbers changed."""
    card = resource("boards", "nrf5340dk", "board.toml").read_text()
    for pattern, text in replacements:
        card, count = re.subn(pattern, text, card, count=1, flags=re.MULTILINE)
        assert count == 1, pattern
    path = tmp_path / "board.toml"
    path.write_text(card)
    return path


def test_a_model_over_the_budget_exits_1(tmp_path):
    board = smaller_board(tmp_path, (r"^flash = \w+", "flash = 100000"))
    done = codesign("build", MODEL, *BARE, "--board", board, "-o", tmp_path / "out")
    assert done.returncode == 1
    assert "OVER flash" in done.stderr


def test_a_model_too_big_for_the_memory_exits_4_and_leaves_nothing(tmp_path):
    board = smaller_board(tmp_path, (r"^flash = \w+", "flash = 100000"), (r"^length = 0x10_0000", "length = 0x2_0000"))
    done = codesign("build", MODEL, *BARE, "--board", board, "-o", tmp_path / "out")
    assert_one_line_error(done, 4, "FLASH")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("emulator", ["host", "unicorn"])
def test_run_gives_the_same_bits_anywhere(tmp_path, noisy, emulator):
    done = codesign("run", MODEL, noisy, "-o", tmp_path / f"{emulator}.wav", "--emulator", emulator)
    assert done.returncode == 0, done.stderr
    enhanced, rate = soundfile.read(tmp_path / f"{emulator}.wav", dtype="int16")
    assert (enhanced.size, rate) == (16000, 16000)
    reference = tmp_path / "reference.wav"
    codesign("run", MODEL, noisy, "-o", reference, "--emulator", "host")
    assert reference.read_bytes() == (tmp_path / f"{emulator}.wav").read_bytes()


def test_other_rates_and_stereo_are_said(tmp_path):
    path = tmp_path / "stereo.flac"
    soundfile.write(path, np.zeros((44100, 2), np.int16), 44100)
    done = codesign("run", MODEL, path, "-o", tmp_path / "out.wav", "--emulator", "host")
    assert done.returncode == 0, done.stderr
    assert "44100" in done.stderr
    assert "mono" in done.stderr
    assert soundfile.info(tmp_path / "out.wav").frames == 16000


def test_bad_recordings(tmp_path, noisy):
    empty, damaged, nan = tmp_path / "empty.wav", tmp_path / "damaged.wav", tmp_path / "nan.wav"
    soundfile.write(empty, np.zeros(0, np.int16), 16000)
    damaged.write_bytes(noisy.read_bytes()[:20])
    soundfile.write(nan, np.array([0.0, np.nan, 0.1], np.float32), 16000, subtype="FLOAT")
    for path, word in ((empty, "no samples"), (damaged, "damaged.wav"), (nan, "nan.wav"), (tmp_path / "no.wav", "no.wav")):
        done = codesign("run", MODEL, path, "-o", tmp_path / "out.wav", "--emulator", "host")
        assert_one_line_error(done, 2, word)
        assert not (tmp_path / "out.wav").exists()


def test_output_that_cannot_be_written(tmp_path, noisy):
    done = codesign("run", MODEL, noisy, "-o", tmp_path / "no" / "out.wav", "--emulator", "host")
    assert_one_line_error(done, 2, "out.wav")
    (tmp_path / "file").write_text("mine")
    done = codesign("build", MODEL, *BARE, "-o", tmp_path / "file")
    assert_one_line_error(done, 2, "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_unknown_board():
    assert_one_line_error(codesign("build", MODEL, *BARE, "--board", "nrf9999"), 2, "nrf9999", "nrf5340dk")


def test_bad_models(tmp_path):
    data = MODEL.read_bytes()
    truncated = tmp_path / "truncated.onnx"
    truncated.write_bytes(data[: len(data) // 2])
    assert_one_line_error(codesign("inspect", truncated), 2, "truncated.onnx")
    assert_one_line_error(codesign("inspect", tmp_path / "none.onnx"), 2, "none.onnx")
    assert_one_line_error(codesign("inspect", tmp_path), 2, tmp_path.name)


def test_bad_elf(tmp_path):
    (tmp_path / "text.elf").write_text("not an ELF")
    assert_one_line_error(codesign("size", tmp_path / "text.elf"), 2, "text.elf")
    assert_one_line_error(codesign("size", sys.executable), 2, "ELF")


def test_missing_compiler_exits_3(tmp_path):
    done = codesign("build", MODEL, *BARE, "-o", tmp_path / "out", PATH="/nowhere", CODESIGN_ARM_COMPILER="arm-none-eabi-gcc")
    assert_one_line_error(done, 3, "arm-none-eabi-gcc")


def test_ctrl_c_is_one_line_and_leaves_nothing(tmp_path, noisy):
    arguments = [sys.executable, "-m", "codesign.cli.main", "run", str(MODEL), str(noisy), "-o", str(tmp_path / "out.wav")]
    process = subprocess.Popen(
        arguments,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # shells ignore it in background jobs
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("codesign-*/*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "stopped"
    assert "Traceback" not in errors
    assert [path.name for path in tmp_path.iterdir()] == [noisy.name]
