"""doctor finds what is there, says how to get the rest, and never raises."""

import sys
import time

import pytest

from codesign import doctor
from codesign.doctor import diagnose

NAMES = [
    "host C compiler",
    "arm-none-eabi-gcc",
    "west",
    "qemu-system-arm",
    "renode",
    "ziglang",
    "unicorn",
    "capstone",
    "onnxruntime",
    "LiteRT",
    "torch",
    "ZEPHYR_BASE",
]


def by_name():
    return {check.name: check for check in diagnose()}


def program(folder, name, text):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.delenv("ZEPHYR_BASE", raising=False)
    return tmp_path


def test_every_tool_is_named_and_nothing_slow_is_imported():
    before = set(sys.modules)
    start = time.perf_counter()
    checks = diagnose()
    assert time.perf_counter() - start < 3
    assert [check.name for check in checks] == NAMES
    for check in checks:
        assert check.enables
        assert check.how_to_get
        assert bool(check.version) == check.found
    assert not {"torch", "onnxruntime", "unicorn"} & (set(sys.modules) - before)


def test_packages_of_this_environment():
    assert by_name()["onnxruntime"].found
    assert by_name()["onnxruntime"].version[0].isdigit()


def test_nothing_on_the_path(path):
    checks = by_name()
    for name in ("host C compiler", "arm-none-eabi-gcc", "west", "qemu-system-arm", "renode", "ZEPHYR_BASE"):
        assert not checks[name].found


def test_programs_report_their_version(path):
    gcc = program(path, "arm-none-eabi-gcc", "echo; echo 'gcc 12.2'; echo more")
    program(path, "renode", "sleep 9")  # asked for nothing: it starts too slowly
    program(path, "clang", "echo clang 19")
    checks = by_name()
    assert (checks["arm-none-eabi-gcc"].version, checks["arm-none-eabi-gcc"].where) == ("gcc 12.2", str(gcc))
    assert checks["renode"].found
    assert checks["host C compiler"].version == "clang 19"


def test_programs_that_do_not_run(path, monkeypatch):
    program(path, "arm-none-eabi-gcc", "exit 3")
    (path / "west").write_bytes(b"\x7fELF nonsense")
    (path / "west").chmod(0o755)
    monkeypatch.setattr(doctor, "VERSION_TIMEOUT", 0.2)
    program(path, "qemu-system-arm", "exec /bin/sleep 5")
    checks = by_name()
    for name in ("arm-none-eabi-gcc", "west", "qemu-system-arm"):
        assert checks[name].version == "found, but does not run"


def test_zephyr(path, monkeypatch):
    (path / "VERSION").write_text("VERSION_MAJOR = 3\nVERSION_MINOR = 7\nPATCHLEVEL = 1\nEXTRAVERSION =\n")
    monkeypatch.setenv("ZEPHYR_BASE", str(path))
    assert by_name()["ZEPHYR_BASE"].version == "3.7.1"
    monkeypatch.setenv("ZEPHYR_BASE", str(path / "gone"))
    check = by_name()["ZEPHYR_BASE"]
    assert not check.found
    assert "holds no Zephyr" in check.how_to_get


def test_broken_packages_do_not_raise(monkeypatch):
    def broken(name):
        raise ValueError(name)

    monkeypatch.setattr("importlib.util.find_spec", broken)
    assert not by_name()["torch"].found


def test_cc_is_honoured(path, monkeypatch):
    compiler = program(path, "my-cc", "echo mine 1.0")
    monkeypatch.setenv("CC", str(compiler))
    assert by_name()["host C compiler"].version == "mine 1.0"
