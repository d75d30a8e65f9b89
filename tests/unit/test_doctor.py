# SPDX-License-Identifier: Apache-2.0
"""doctor finds what is there, says how to get the rest, and never raises."""

import sys

import pytest

from codesign.base.errors import ToolError
from codesign.firmware import doctor
from codesign.firmware.doctor import absent, diagnose, missing

NAMES = [
    "host C compiler",
    "arm-none-eabi-gcc",
    "west",
    "cmake",
    "ninja",
    "qemu-system-arm",
    "renode",
    "ziglang",
    "unicorn",
    "capstone",
    "onnxruntime",
    "LiteRT",
    "tflite-runtime",
    "matplotlib",
    "torch",
    "pyroomacoustics",
    "optuna",
    "ray",
    "pesq",
    "pyclarity",
    "Zephyr",
    "Zephyr toolchain",
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
    monkeypatch.chdir(tmp_path)  # a workspace is looked for around the current folder
    for name in ("CC", "ZEPHYR_BASE", "CODESIGN_QEMU", "CODESIGN_RENODE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_every_tool_is_named_and_nothing_slow_is_imported():
    before = set(sys.modules)
    checks = diagnose()
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
    for name in ("host C compiler", "arm-none-eabi-gcc", "west", "qemu-system-arm", "renode", "Zephyr"):
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
    monkeypatch.setenv("ZEPHYR_MODULES", "/modules/cmsis")
    assert by_name()["Zephyr"].version == "3.7.1"
    monkeypatch.setenv("ZEPHYR_BASE", str(path / "gone"))
    check = by_name()["Zephyr"]
    assert not check.found
    assert "is no Zephyr tree" in check.how_to_get


def test_broken_packages_do_not_raise(monkeypatch):
    def broken(name):
        raise ValueError(name)

    monkeypatch.setattr("importlib.util.find_spec", broken)
    assert not by_name()["torch"].found


def test_cc_is_honoured(path, monkeypatch):
    compiler = program(path, "my-cc", "echo mine 1.0")
    monkeypatch.setenv("CC", str(compiler))
    assert by_name()["host C compiler"].version == "mine 1.0"


def test_variables_name_programs(path, monkeypatch):
    program(path, "qemu-system-arm", "echo from the path")
    other = program(path, "my-qemu", "echo mine 9.9")
    monkeypatch.setenv("CODESIGN_QEMU", str(other))
    assert by_name()["qemu-system-arm"].version == "mine 9.9"
    monkeypatch.setenv("CODESIGN_QEMU", "gone")
    assert not by_name()["qemu-system-arm"].found


def test_errors_say_what_a_tool_is_for_and_how_to_get_it():
    error = missing("matplotlib")
    assert isinstance(error, ToolError)
    assert error.exit_code == 3
    assert "PNG plots" in error.message
    assert "codesign[plots]" in error.hint
    with pytest.raises(KeyError):
        missing("abacus")


def test_tools_named_in_a_text(path):
    program(path, "west", "echo west 1.2")
    assert [check.name for check in absent("no west, no Arm-None-EABI-GCC and no RENODE; westward")] == [
        "arm-none-eabi-gcc",
        "renode",
    ]
