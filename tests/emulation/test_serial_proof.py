# SPDX-License-Identifier: Apache-2.0
"""The proof over a serial port with the real application at the other end of a pseudo-terminal, in QEMU and in Renode.

pytest tests/emulation/test_serial_proof.py --long proves a minute through a line that damages.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from contextlib import contextmanager

import numpy as np
import pytest

from codesign.compiler.frontend import Chain
from codesign.firmware.boards import load_board
from codesign.firmware.machines import MACHINES
from codesign.firmware.machines.host import HostEnhancer
from codesign.firmware.machines.qemu_process import find_qemu, machine_arguments
from codesign.firmware.machines.renode_process import console_command
from codesign.firmware.machines.renode_script import write_interactive
from codesign.firmware.machines.serial_board import SerialMachine
from codesign.firmware.toolchain import build_host
from networks import random_network
from renode_tools import missing_for_renode
from serial_lines import Line, damage
from zephyr_tools import missing_for_zephyr, missing_qemu

pytest.importorskip("serial", reason="pyserial is not installed")

PATIENCE = 30.0
"""Emulators share this computer with others."""


def network():
    return random_network(Chain(n_fft=128, window=128, hop=64, n_mels=20))


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    return build_host(network(), tmp_path_factory.mktemp("host") / "h")


def image_for(board, folder):
    return SerialMachine("built for").build(network(), load_board(board), folder / "zephyr")


@pytest.fixture(scope="module", params=["mps2_an521", "mps3_an547"])
def in_qemu(request, tmp_path_factory):
    """The image and a function that gives the port of a fresh machine with it."""
    if reason := missing_for_zephyr(request.param) or missing_qemu():
        pytest.skip(reason)
    image = image_for(request.param, tmp_path_factory.mktemp(request.param))

    @contextmanager
    def powered():
        command = [str(find_qemu()), *machine_arguments(image.board, "pty"), "-icount", "shift=3", "-kernel", str(image.path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            try:
                yield re.search(r"/dev/\S+", process.stdout.readline())[0]
            finally:
                process.terminate()

    return image, powered


def noise(hops):
    return np.random.default_rng(5).normal(0, 3000, hops * 64).astype(np.int16)


def check_run(image, port, host, pcm):
    found = SerialMachine(port, patience=PATIENCE).run(image, pcm)
    assert np.array_equal(found.pcm, HostEnhancer(host).process(pcm))
    assert found.console.accounted
    assert not found.console.faults
    assert np.all(found.measured.cycles > 0)
    return found


@pytest.mark.qemu
@pytest.mark.zephyr
def test_bit_for_bit_again_and_again_and_through_a_line_that_damages(in_qemu, host):
    image, powered = in_qemu
    with powered() as port:
        check_run(image, port, host, noise(30))
        check_run(image, port, host, noise(20))  # whoever begins anew finds fresh states
        lost, changed = damage(10 * 160 + 80, lambda byte: b""), damage(15 * 160 + 33, lambda byte: bytes([byte[0] ^ 4]))
        line = Line(os.open(port, os.O_RDWR | os.O_NOCTTY), there=lost, back=changed)
        try:
            assert check_run(image, line.port, host, noise(30)).measured.resent >= 2
        finally:
            line.close()


@pytest.mark.qemu
@pytest.mark.zephyr
@pytest.mark.long
def test_a_minute_with_bytes_lost_and_changed(in_qemu, host):
    """Of about 150 bytes a hop each way, one is lost after some 10, 30 and 50 s, and one of an answer is changed after 40 s."""
    image, powered = in_qemu
    hops = 60 * 16000 // 64
    there, back = lambda data: data, damage(hops * 100, lambda byte: bytes([byte[0] ^ 4]))
    for sixth in (1, 3, 5):
        there = then(there, damage(hops * 150 * sixth // 6, lambda byte: b""))
    with powered() as port:
        line = Line(os.open(port, os.O_RDWR | os.O_NOCTTY), there=there, back=back)
        try:
            assert check_run(image, line.port, host, noise(hops)).measured.resent >= 4
        finally:
            line.close()


def then(first, second):
    return lambda data: second(first(data))


@pytest.fixture(scope="module")
def in_renode(tmp_path_factory):
    """As in_qemu, with nrf5340dk in Renode."""
    if reason := missing_for_renode("nrf5340dk"):
        pytest.skip(reason)
    image = image_for("nrf5340dk", tmp_path_factory.mktemp("nrf5340dk"))

    @contextmanager
    def powered(folder):
        write_interactive(folder, image.path, image.board, None)
        script, port = folder / "run.resc", folder / "port"
        pty = f'emulation CreateUartPtyTerminal "bench" "{port}"\nconnector Connect sysbus.{image.board.renode.uart} bench\n'
        script.write_text(script.read_text().replace("start\n", f"{pty}start\n"))
        command = console_command(folder)
        with (
            (folder / "out").open("w") as output,
            subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=output) as process,
        ):
            try:
                until = time.monotonic() + 600  # which compiles its models first
                while not port.exists() and time.monotonic() < until:
                    time.sleep(0.1)
                yield str(port)
            finally:
                process.terminate()

    return image, powered


@pytest.mark.renode
@pytest.mark.zephyr
def test_the_flashed_image_in_renode(in_renode, host, tmp_path):
    image, powered = in_renode
    with powered(tmp_path) as port:
        found = check_run(image, port, host, noise(25))
    assert found.measured.source == "dwt"
    assert found.measured.hz == image.board.core.clock_hz


@pytest.mark.renode
@pytest.mark.zephyr
@pytest.mark.long
def test_fifteen_seconds_in_renode_with_bytes_lost_and_changed(in_renode, host, tmp_path):
    image, powered = in_renode
    hops = 15 * 16000 // 64
    there, back = damage(hops * 75, lambda byte: b""), damage(hops * 120, lambda byte: bytes([byte[0] ^ 4]))
    with powered(tmp_path) as port:
        line = Line(os.open(port, os.O_RDWR | os.O_NOCTTY), there=there, back=back)
        try:
            assert check_run(image, line.port, host, noise(hops)).measured.resent >= 2
        finally:
            line.close()


def test_the_machine_is_one_of_all():
    assert MACHINES["serial"].runs(load_board("nrf5340dk"))
    assert not MACHINES["serial"].runs(load_board("native_sim"))
