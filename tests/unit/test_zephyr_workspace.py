# SPDX-License-Identifier: Apache-2.0
"""Finding Zephyr, its toolchain and a board's name; the telling line of a failed build."""

from __future__ import annotations

import pytest

from codesign.base.errors import ToolError
from codesign.firmware.boards import load_board
from codesign.firmware.toolchain import zephyr_workspace
from codesign.firmware.toolchain.zephyr_log import telling_line
from codesign.firmware.toolchain.zephyr_workspace import find_toolchain, find_workspace

BOARD = load_board("nrf5340dk")


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch, tmp_path):
    for name in ("ZEPHYR_BASE", "ZEPHYR_TOOLCHAIN_VARIANT", "ZEPHYR_SDK_INSTALL_DIR", "GNUARMEMB_TOOLCHAIN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ZEPHYR_MODULES", "/modules/cmsis")
    monkeypatch.setattr(zephyr_workspace, "_sdk_registered", lambda: False)
    monkeypatch.setattr(zephyr_workspace, "resource", lambda *parts: tmp_path / "nowhere")


def tree(folder, version="4.2"):
    major, minor = version.split(".")
    folder.mkdir(parents=True)
    text = f"VERSION_MAJOR = {major}\nVERSION_MINOR = {minor}\nPATCHLEVEL = 0\n"
    (folder / "VERSION").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("version", "target"),
    [("3.3", "nrf5340dk_nrf5340_cpuapp"), ("3.6", "nrf5340dk_nrf5340_cpuapp"), ("3.7", "nrf5340dk/nrf5340/cpuapp")],
)
def test_board_is_spelled_as_the_release_wants(tmp_path, monkeypatch, version, target):
    monkeypatch.setenv("ZEPHYR_BASE", str(tree(tmp_path / "zephyr", version)))
    assert find_workspace(tmp_path).target(BOARD) == target


def test_west_workspace_around_a_folder_is_found(tmp_path):
    base = tree(tmp_path / "deps" / "zephyr")
    (tmp_path / ".west").mkdir()
    (tmp_path / ".west" / "config").write_text("[zephyr]\nbase = deps/zephyr\n", encoding="utf-8")
    inside = tmp_path / "app" / "src"
    inside.mkdir(parents=True)
    workspace = find_workspace(inside)
    assert (workspace.base, workspace.version, workspace.topdir) == (base, (4, 2), tmp_path)


def test_no_workspace_names_the_commands_that_make_one(tmp_path):
    with pytest.raises(ToolError, match=r"west init .*west update") as caught:
        find_workspace(tmp_path)
    assert caught.value.exit_code == 3


def test_tree_alone_does_not_know_its_modules(tmp_path, monkeypatch):
    monkeypatch.setenv("ZEPHYR_BASE", str(tree(tmp_path / "zephyr")))
    monkeypatch.delenv("ZEPHYR_MODULES")
    with pytest.raises(ToolError, match="ZEPHYR_MODULES"):
        find_workspace(tmp_path)
    (tmp_path / ".west").mkdir()
    (tmp_path / ".west" / "config").write_text("[manifest]\npath = x\n", encoding="utf-8")
    assert find_workspace(tmp_path).topdir == tmp_path


@pytest.mark.parametrize("version", ["2.7", "3.2"])
def test_old_release_is_refused(tmp_path, monkeypatch, version):
    monkeypatch.setenv("ZEPHYR_BASE", str(tree(tmp_path / "zephyr", version)))
    with pytest.raises(ToolError, match="too old"):
        find_workspace(tmp_path)


def test_wrong_zephyr_base_and_broken_workspace_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("ZEPHYR_BASE", str(tmp_path))
    with pytest.raises(ToolError, match="no Zephyr tree"):
        find_workspace(tmp_path)
    monkeypatch.delenv("ZEPHYR_BASE")
    (tmp_path / ".west").mkdir()
    (tmp_path / ".west" / "config").write_text("no section", encoding="utf-8")
    with pytest.raises(ToolError, match="cannot be read"):
        find_workspace(tmp_path)
    (tmp_path / ".west" / "config").write_text("[manifest]\npath = x\n", encoding="utf-8")
    with pytest.raises(ToolError, match="west update"):
        find_workspace(tmp_path)


def test_toolchains_in_their_order(tmp_path, monkeypatch):
    gcc = tmp_path / "arm-none-eabi-gcc"
    gcc.write_text("#!/bin/sh\n", encoding="utf-8")
    gcc.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find_toolchain(BOARD)
    assert (found.name, found.environment["CROSS_COMPILE"]) == ("cross-compile", f"{tmp_path}/arm-none-eabi-")
    monkeypatch.setenv("GNUARMEMB_TOOLCHAIN_PATH", "/opt/gcc")
    assert find_toolchain(BOARD).name == "gnuarmemb"
    monkeypatch.setenv("ZEPHYR_SDK_INSTALL_DIR", "/opt/sdk")
    assert find_toolchain(BOARD).name == "zephyr"
    monkeypatch.setenv("ZEPHYR_TOOLCHAIN_VARIANT", "llvm")
    assert find_toolchain(BOARD).environment == {}


def test_no_toolchain_is_exit_3(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError, match="no toolchain"):
        find_toolchain(BOARD)
    assert find_toolchain(load_board("native_sim")).name == "host"


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (
            "[1/9] x\nld: region `FLASH' overflowed by 512 bytes\ncollect2: error: ld returned 1",
            "region `FLASH' overflowed by 512 bytes",
        ),
        ("a.c:(.text+0x4): undefined reference to `foo'\ncollect2: error: ld", "a.c:(.text+0x4): undefined reference to `foo'"),
        ("\x1b[31mFAILED\x1b[0m: x\nsrc/a.c:3:5: error: no\nninja: stopped", "src/a.c:3:5: error: no"),
        ("-- Board\ndevicetree error: nope\nCMake Error at x (message):\n  command failed", "devicetree error: nope"),
        (
            "CMake Error at a.cmake:80 (message):\n  No board named 'x' found.\n\n  Please choose\n\n",
            "No board named 'x' found.",
        ),
        (
            "No shield named 'x' found\nPlease choose from:\n a\n\nCMake Error at s.cmake:148 (message):\n"
            "  Invalid SHIELD; see above.\n",
            "No shield named 'x' found",
        ),
        (
            "CMake Error at a.txt:1 (add_subdirectory):\n  The source directory\n\n    /hal/CMSIS\n\n  does not contain a "
            "CMakeLists.txt file.\n\n\n-- Configuring incomplete, errors occurred!\n",
            "The source directory /hal/CMSIS does not contain a CMakeLists.txt file.",
        ),
        (
            "warning: DEPTH (defined at app/Kconfig:7) was assigned the value 'y'\nbut got the value 'n'. See\nhttp://x\n\n"
            "error: Aborting due to Kconfig warnings",
            "warning: DEPTH (defined at app/Kconfig:7) was assigned the value 'y' but got the value 'n'",
        ),
        (
            "warning: DEPTH (defined at app/Kconfig:7) was assigned the value '9'\nbut got '2'. See\n\n"
            "warning: user value 9 on DEPTH ignored: outside [2, 4]\n\nerror: Aborting due to Kconfig warnings",
            "warning: user value 9 on DEPTH ignored: outside [2, 4]",
        ),
        ("one\nlast words\n\n", "last words"),
        ("", "the tool failed without a word"),
    ],
)
def test_telling_line_of_a_failed_build(output, line):
    assert telling_line(output) == line
