# SPDX-License-Identifier: Apache-2.0
"""How commands end: whatever happens, one line, an exit code, and the user's files as they were."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
import typer

from codesign.base.resources import resource
from codesign.cli import main as cli

MODEL = resource("models", "pruned", "pruned.onnx")
FLOAT = resource("models", "baseline-256", "baseline-256-float.onnx")


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to work in, and beside it a cache and a folder of temporary files."""
    for name in ("work", "work/noisy", "work/clean", "tmp", "cache"):
        (tmp_path / name).mkdir()
    rng = np.random.default_rng(1)
    for folder in ("noisy", "clean"):
        pcm = (rng.standard_normal(8000) * 3000).astype(np.int16)
        soundfile.write(tmp_path / "work" / folder / "a.wav", pcm, 16000)
    monkeypatch.setenv("CODESIGN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def codesign(monkeypatch, capsys):
    """The command line in this process, which imports everything once."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["codesign", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main()
        return Done(int(end.value.code or 0), *capsys.readouterr())

    return run


def start(*words, **options):
    """Python in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.Popen([sys.executable, *map(str, words)], stderr=subprocess.PIPE, text=True, env=environment, **options)


def finish(process):
    out, errors = process.communicate(timeout=100)
    return Done(process.returncode, out or "", errors)


def error_of(done, code):
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def snapshot(folder):
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


FOLDERS = {
    "generate": ("generate", MODEL),
    "bare": ("build", MODEL, "--runtime", "bare"),
    "host": ("build", MODEL, "--runtime", "host"),
    "zephyr": ("build", MODEL, "--runtime", "zephyr"),
    "listen": ("listen", "make", "-s", "noisy=noisy", "-s", "clean=clean"),
}


@pytest.mark.parametrize("output", [".", "/", "..", "", "noisy/.."])
@pytest.mark.parametrize("command", FOLDERS)
def test_the_current_folder_is_no_output_folder(place, codesign, command, output):
    before = snapshot(place.parent)
    done = codesign(*FOLDERS[command], "-o", output)
    assert "cannot make" in error_of(done, 2)
    assert len(done.stderr.splitlines()) == 1, "work was begun"
    assert snapshot(place.parent) == before


@pytest.mark.parametrize("command", FOLDERS)
def test_a_folder_of_the_user_s_with_a_manifest_is_refused_before_the_work(place, codesign, command):
    (place / "site").mkdir()
    (place / "site" / "manifest.json").write_text('{"manifest_version": 3}')
    (place / "site" / "precious.txt").write_text("mine")
    before = snapshot(place)
    done = codesign(*FOLDERS[command], "-o", "site")
    assert "was not made by codesign" in error_of(done, 2)
    assert len(done.stderr.splitlines()) == 1, "work was begun"
    assert snapshot(place) == before


def test_notes_beside_the_output_stay_and_are_named(place, codesign):
    assert codesign("generate", MODEL, "-o", "out").returncode == 0
    assert codesign("generate", MODEL, "-o", "out").returncode == 0
    (place / "out" / "notes.txt").write_text("mine")
    assert "out holds notes.txt, which codesign did not write" in error_of(codesign("generate", MODEL, "-o", "out"), 2)
    assert (place / "out" / "notes.txt").read_text() == "mine"


def inputs_as_outputs(place):
    (place / "link.onnx").symlink_to("own.onnx")
    (place / "own.onnx").write_bytes(FLOAT.read_bytes())
    (place / "int8.onnx").write_bytes(MODEL.read_bytes())
    (place / "page.html").symlink_to("int8.onnx")
    (place / "table.csv").symlink_to("int8.onnx")
    (place / "scored.md").symlink_to("noisy/a.wav")
    (place / "report.json").write_text('{"schema_version": 1, "kind": "baseline", "metrics": {}}')
    wav = "noisy/a.wav"
    return {
        "run": ("run", "int8.onnx", wav, "-o", wav, "--emulator", "host"),
        "run link": ("run", "int8.onnx", wav, "-o", "noisy/../noisy/a.wav", "--emulator", "host"),
        "folded": ("run", "int8.onnx", wav, "-o", "o.wav", "--emulator", "unicorn", "--folded", wav),
        "quantize": ("quantize", "own.onnx", "-d", "noisy", "-o", "own.onnx"),
        "quantize link": ("quantize", "link.onnx", "-d", "noisy", "-o", "own.onnx"),
        "quantize data": ("quantize", "own.onnx", "-d", "noisy", "-o", wav),
        "report": ("report", "int8.onnx", wav, "-o", "page.html"),
        "evaluate": ("evaluate", ".", "-m", "int8.onnx", "-o", "table.csv"),
        "evaluate data": ("evaluate", ".", "-m", "int8.onnx", "-o", "scored.md"),
        "evaluate keep": ("evaluate", ".", "-s", "made=noisy", "-m", "noisy=int8.onnx", "--keep", "."),
        "compare": ("compare", "report.json", "report.json", "--update"),
    }


@pytest.mark.parametrize(
    "command",
    [
        *("run", "run link", "folded", "quantize", "quantize link", "quantize data"),
        *("report", "evaluate", "evaluate data", "evaluate keep", "compare"),
    ],
)
def test_an_input_is_never_written_over(place, codesign, command):
    arguments = inputs_as_outputs(place)[command]
    before = snapshot(place)
    assert "an input" in error_of(codesign(*arguments), 2)
    assert snapshot(place) == before


def test_a_missing_folder_is_found_before_the_work(place, codesign):
    done = codesign("run", MODEL, "noisy/a.wav", "-o", "no/o.wav", "--emulator", "host")
    assert "there is no folder" in error_of(done, 2)
    assert len(done.stderr.splitlines()) == 1, "work was begun"


def too_small_a_board(folder):
    card = resource("boards", "nrf5340dk", "board.toml").read_text()
    (folder / "board.toml").write_text(
        card.replace("length = 0x10_0000", "length = 0x2_0000", 1).replace("flash = 0x8_0000", "flash = 0x2_0000")
    )
    return folder / "board.toml"


@pytest.mark.parametrize("command", [("run", MODEL, "noisy/a.wav", "-o", "o.wav"), ("build", MODEL, "--runtime", "bare")])
def test_the_log_of_a_failed_build_is_where_the_error_says(place, codesign, command):
    board = too_small_a_board(place)
    (place / "build-bare-nrf5340dk.log").write_text("mine")
    options = ["--emulator", "unicorn"] if command[0] == "run" else []
    line = error_of(codesign(*command, *options, "--board", board), 4)
    log = Path(line.partition("whole output in ")[2])
    assert "FLASH" in log.read_text()
    assert log.is_relative_to(place.parent / "cache")
    assert (place / "build-bare-nrf5340dk.log").read_text() == "mine"
    assert not (place / "build-bare-nrf5340dk").exists()


@pytest.mark.parametrize("name", ["a%sb c,d;e'f 100%"])
def test_special_characters_in_a_path(place, codesign, monkeypatch, name):
    done = codesign("build", MODEL, "--runtime", "bare", "-o", f"{name}/out", "--json")
    assert done.returncode == 0, done.stderr
    assert (place / name / "out" / "firmware.map").is_file()
    assert json.loads(done.stdout)["path"] == f"{name}/out/firmware.elf"
    monkeypatch.setattr(tempfile, "tempdir", str(place / name))
    done = codesign("run", MODEL, "noisy/a.wav", "-o", "o.wav", "--emulator", "unicorn")
    assert done.returncode == 0, done.stderr


def test_zephyr_refuses_a_percent_sign_before_the_work(place, codesign):
    assert "%" in error_of(codesign("build", MODEL, "-o", "100%"), 2)


def test_build_without_zephyr_offers_the_same_build_without_it_before_any_work(place, codesign, monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("work was done")

    for variable in ("ZEPHYR_BASE", "ZEPHYR_MODULES"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("codesign.firmware.toolchain.zephyr_workspace._topdir", lambda folder: None)
    monkeypatch.setattr("codesign.compiler.load.load_model", refuse)
    (place / "chain file.toml").write_text("[chain]\nstrength = 50\n")
    done = codesign("build", MODEL, "--board", "nrf52840dk", "--chain", "chain file.toml", "--front-end", "q31")
    said = error_of(done, 3)
    words = f"codesign build {MODEL} --board nrf52840dk --front-end q31 --chain 'chain file.toml' --runtime bare"
    assert f"no Zephyr workspace found; without Zephyr: {words}; with it: make one: " in said
    assert sorted(path.name for path in place.iterdir()) == ["chain file.toml", "clean", "noisy"]


def test_quantize_says_the_rate_of_the_recordings_and_names_the_model_after_its_file(place, codesign):
    soundfile.write(place / "noisy" / "b.wav", soundfile.read(place / "noisy" / "a.wav")[0], 48000)
    done = codesign("quantize", FLOAT, "--data", "noisy", "-o", "my net.onnx", "--json")
    assert done.returncode == 0, done.stderr
    assert "1 recording resampled from 48,000 Hz to the chain's 16,000 Hz" in done.stderr
    assert json.loads(codesign("inspect", "my net.onnx", "--json").stdout)["name"] == "my net"


def raising(error):
    def command():
        raise error

    return command


def interrupted():
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        raise ImportError("no array") from None


def in_a_thread():
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()


ENDS = {
    "internal": (raising(ValueError("what\nhappened")), 1, "internal error: ValueError: what happened; the traceback is in "),
    "nameless": (raising(AssertionError()), 1, "internal error: AssertionError; the traceback is in "),
    "thread": (in_a_thread, 0, "internal error: ZeroDivisionError: division by zero; the traceback is in "),
    "memory": (raising(MemoryError()), 2, "error: out of memory"),
    "array": (lambda: np.zeros(1 << 60, np.int8), 2, "error: out of memory"),
    "recursion": (lambda: json.loads("[" * 1_000_000), 2, "error: the input is nested too deeply"),
    "full disk": (raising(OSError(28, "No space left on device", "x")), 2, "error: x: No space left on device"),
    "long path": (lambda: Path("x" * 300).is_dir(), 2, "error: cannot use xxx"),
    "closed path": (raising(PermissionError(13, "Permission denied", "x")), 2, "error: cannot use x: Permission denied; give"),
    "no path": (raising(PermissionError(13, "Permission denied")), 1, "internal error: PermissionError: "),
    "ctrl-c": (lambda: signal.raise_signal(signal.SIGINT), 130, "stopped"),
    "ctrl-c that a library made an error of its own": (interrupted, 130, "stopped"),
    "exit": (raising(SystemExit(3)), 3, ""),
}


@pytest.mark.parametrize("end", ENDS)
def test_everything_ends_in_one_line(place, codesign, monkeypatch, end):
    command, code, said = ENDS[end]
    monkeypatch.setattr(cli, "interrupted", threading.Event())
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(command)
    monkeypatch.setattr("codesign.cli.app.app", app)
    done = codesign()
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == bool(said)
    if said.endswith(" in "):
        kept = Path(done.stderr.partition("the traceback is in ")[2].partition(":")[0])
        assert kept.is_relative_to(place.parent / "cache")
        assert "Traceback" in kept.read_text()


def test_a_full_standard_output_is_one_line(place):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("w") as full:
        done = finish(start("-m", "codesign.cli.main", "boards", "--json", stdout=full))
    assert "No space left" in error_of(done, 2)
    assert len(done.stderr.splitlines()) == 1


def test_a_closed_standard_output_is_no_traceback(place):
    done = finish(start("-m", "codesign.cli.main", "boards", "--json", preexec_fn=lambda: os.close(1)))
    assert done.stderr == ""


def test_names_that_are_no_text_are_no_traceback(place, codesign):
    name = os.fsdecode(b"a\xff\xfe")
    done = codesign("generate", MODEL, "-o", name, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["folder"] == name


COUNTED = """
import sys, signal, os
class Finder:
    left = int(sys.argv.pop())
    def find_spec(self, *rest):
        Finder.left -= 1
        if Finder.left == 0:
            os.kill(os.getpid(), signal.SIGINT)
from codesign.cli.main import main
sys.meta_path.insert(0, Finder())
try:
    main()
finally:
    print(-Finder.left)
"""
"""codesign that is interrupted when the nth module is looked for, and prints how many were."""


@pytest.mark.parametrize("arguments", [("--version",), ("run", "--help"), ("inspect", MODEL)])
def test_ctrl_c_while_a_command_is_imported_is_one_line(place, arguments):
    def run(left):
        ordinary = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}  # background jobs ignore it
        return finish(start("-c", COUNTED, *arguments, left, stdout=subprocess.PIPE, **ordinary))

    imports = int(run(0).stdout.split()[-1])
    assert imports > 50
    for share in (0.0, 0.3, 0.6, 0.9):
        done = run(1 + int(share * imports))
        assert (done.returncode, done.stderr) == (130, "stopped\n")
        assert len(done.stdout.splitlines()) <= 1  # how many were counted, where an exception ended it


def test_ctrl_c_that_is_ignored_stays_ignored(place):
    ignoring = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)}
    done = finish(start("-c", COUNTED, "--version", 50, stdout=subprocess.PIPE, **ignoring))
    assert done.returncode == 0
    assert done.stdout.startswith("codesign ")


@pytest.mark.parametrize("columns", ["0", "1", "59", "80"])
def test_tables_on_a_terminal_without_a_width_are_readable(place, codesign, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    rows = codesign("boards").stderr.splitlines()
    assert any(row.startswith("nrf5340dk ") and "cortex-m33" in row for row in rows)
    assert max(map(len, rows)) <= 80


def test_a_current_folder_that_is_gone_is_one_line(place):
    gone = place / "gone"
    gone.mkdir()
    words = ("-c", "import sys, os; os.rmdir(os.getcwd()); from codesign.cli.main import main; main()")
    for arguments in (("generate", MODEL, "-o", "out"), ("fit", "--audiogram", "N3", "-o", "fit.toml")):
        gone.mkdir(exist_ok=True)
        done = finish(start(*words, *arguments, cwd=gone, stdout=subprocess.PIPE))
        assert "No such file" in error_of(done, 2)


def test_a_library_that_asks_for_a_folder_that_is_gone_is_one_line(place, codesign, monkeypatch):
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(os.getcwd)
    monkeypatch.setattr("codesign.cli.app.app", app)
    (place / "gone").mkdir()
    monkeypatch.chdir(place / "gone")
    (place / "gone").rmdir()
    assert "the current folder is gone" in error_of(codesign(), 2)


@pytest.mark.parametrize("name", ["/dev/zero", "fifo", "none.bin"])
def test_an_image_that_is_no_file_is_one_line(place, codesign, name):
    os.mkfifo(place / "fifo")
    assert f"cannot read {name}" in error_of(codesign("model", "show", name), 2)
