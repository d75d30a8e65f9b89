# SPDX-License-Identifier: Apache-2.0
"""The fixture `dut` as a user has it: a pytest of its own, with firmware in Renode and in QEMU."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from codesign.base.resources import resource
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.firmware.boards import load_board
from codesign.firmware.toolchain import build_zephyr
from renode_tools import missing_for_renode
from zephyr_tools import missing_for_zephyr, missing_qemu

pytest.importorskip("pytest_embedded", reason="pytest-embedded is not installed")

CONFTEST = 'pytest_plugins = ["codesign.testing.plugin"]\n'


def run_pytest(folder, source, *arguments):
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_firmware.py").write_text(source)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False)


def image_for(name, folder):
    network = lower(load_onnx(resource("models", "pruned", "pruned.onnx")))
    return build_zephyr(network, load_board(name), folder / "zephyr").path


@pytest.mark.renode
@pytest.mark.zephyr
def test_renode(tmp_path):
    if reason := missing_for_renode("nrf5340dk"):
        pytest.skip(reason)
    source = """
def test_bypass_and_a_fault(dut):
    assert dut.expect(r"@codesign 2 ready model=(\\w+)", timeout=120).group(1) == b"pruned"
    dut.write("codesign bypass on")
    dut.expect_exact("state running=1 bypass=1", timeout=60)
    dut.monitor("i2s0 ClockStopped true")
    dut.expect(r"stalls=[1-9]", timeout=120)
"""
    done = run_pytest(tmp_path, source, f"--codesign-image={image_for('nrf5340dk', tmp_path)}")
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


@pytest.mark.qemu
@pytest.mark.zephyr
def test_qemu(tmp_path):
    if reason := missing_for_zephyr("mps2_an521") or missing_qemu():
        pytest.skip(reason)
    (tmp_path / "noise.pcm").write_bytes(bytes(range(256)) * 2 * 50)
    source = """
import pytest
from codesign.base.errors import ToolError

def test_to_the_end(dut):
    dut.expect(r"@codesign 2 ready .*audio=semihost", timeout=60)
    assert dut.expect(r"stats captured=(\\d+)", timeout=60).group(1) == b"50"
    dut.expect_exact("@codesign 2 end", timeout=60)
    dut._process.wait(30)
    with pytest.raises(ToolError, match="the emulator has ended"):
        dut.write("codesign stats")
"""
    arguments = ("--codesign-emulator=qemu", "--codesign-board=mps2_an521", f"--codesign-audio={tmp_path / 'noise.pcm'}")
    done = run_pytest(tmp_path, source, f"--codesign-image={image_for('mps2_an521', tmp_path)}", *arguments)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_a_missing_image_is_one_line(tmp_path):
    done = run_pytest(tmp_path, "def test_it(dut):\n    pass\n", "--codesign-image=none.elf")
    assert done.returncode == 1
    assert "none.elf is not a file" in done.stdout
    assert "Traceback" not in done.stdout


def test_without_an_image_the_device_is_pytest_embeddeds(tmp_path):
    source = "def test_it(dut):\n    dut.write('hello')\n    dut.expect_exact('hello', timeout=10)\n"
    done = run_pytest(tmp_path, source)
    assert done.returncode == 0, done.stdout
