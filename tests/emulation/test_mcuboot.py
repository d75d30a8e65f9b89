# SPDX-License-Identifier: Apache-2.0
"""MCUboot in front of the application, in Renode: signed images start, are swapped, kept, given back, or refused."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from codesign.base.resources import resource
from codesign.compiler.emit import emit
from codesign.compiler.plan import plan_memory
from codesign.firmware.boards import load_board
from codesign.firmware.elf import read_elf
from codesign.firmware.image import Image
from codesign.firmware.machines import MACHINES
from codesign.firmware.machines.machine import MonitorCommand, RunOptions
from codesign.firmware.size.budget import check_slot
from codesign.firmware.toolchain import build_host
from codesign.firmware.toolchain.kernels import best_kernel
from codesign.firmware.toolchain.model_image import intel_hex
from codesign.firmware.toolchain.own_image import own_image
from codesign.firmware.toolchain.zephyr_workspace import HARDWARE_MODEL_V2, find_workspace
from networks import random_network
from renode_tools import missing_for_renode
from zephyr_tools import OF_RELEASE, build_by_cmake, find_mcuboot, missing_for_mcuboot

pytestmark = [pytest.mark.renode, pytest.mark.zephyr]

BOARD = load_board("nrf5340dk")
NAME, OTHER = "random", "RANDOM"
"""What the image calls its network, and what another image does, which is the same else."""

PCM = np.random.default_rng(3).normal(0, 2500, 16000 * 16).clip(-9000, 9000).astype(np.int16)


@dataclass(frozen=True)
class Boot:
    """The application for the first slot, MCUboot as Intel HEX, addresses and bytes of the slots, and two signed images."""

    image: Image
    loader: Path
    slots: tuple[int, int]
    size: int
    first: bytes
    other: bytes


@pytest.fixture(scope="module")
def boot(tmp_path_factory):
    """MCUboot and the application by sysbuild: a swap by moving, ECDSA-P256 with MCUboot's key for tests."""
    if reason := missing_for_renode(BOARD.name) or missing_for_mcuboot(BOARD.name):
        pytest.skip(reason)
    if find_workspace().version < HARDWARE_MODEL_V2:
        pytest.skip(f"{OF_RELEASE}its sysbuild does not tell the application MCUboot's mode")
    build, folder = tmp_path_factory.mktemp("sysbuild"), tmp_path_factory.mktemp("images")
    network = random_network()
    model = emit(network, plan_memory(network, best_kernel(BOARD), BOARD.front_end), folder / "model").folder
    settings = ("SB_CONFIG_BOOTLOADER_MCUBOOT=y", "SB_CONFIG_BOOT_SIGNATURE_TYPE_ECDSA_P256=y")
    source = find_workspace().base / "share" / "sysbuild"
    build_by_cmake(source, build, BOARD, f"APP_DIR={resource('app')}", f"CODESIGN_MODEL={model}", *settings)
    zephyr = build / "app" / "zephyr"
    tree = (zephyr / "zephyr.dts").read_text(encoding="utf-8")
    places = [re.search(rf"slot{n}_partition: [^}}]*?reg = < (\w+) (\w+) >", tree) for n in (0, 1)]
    slots, size = tuple(int(place[1], 0) for place in places), int(places[0][2], 0)
    plain, signed = ((zephyr / name).read_bytes() for name in ("zephyr.bin", "zephyr.signed.bin"))
    (folder / "other.bin").write_bytes(plain.replace(b"\0" + NAME.encode(), b"\0" + OTHER.encode()))
    sign = ("sign", "--version", "2.0.0", "--header-size", "0x200", "--slot-size", f"{size:#x}", "--align", "4", "--pad")
    tool, key = find_mcuboot() / "scripts" / "imgtool.py", find_mcuboot() / "root-ec-p256.pem"
    command = [sys.executable, tool, *sign, "--key", key, folder / "other.bin", folder / "other.signed.bin"]
    subprocess.run(command, check=True, capture_output=True)
    return Boot(
        own_image(network, BOARD, zephyr / "zephyr.elf", folder / "again"),
        build / "mcuboot" / "zephyr" / "zephyr.hex",
        slots,
        size,
        signed.ljust(size, b"\xff"),
        (folder / "other.signed.bin").read_bytes(),
    )


def run(boot, folder, seconds, second=b"", resets=(), faults=()):
    """Start MCUboot with `second` in the second slot, reset at times, and what the console said from one reset to the next."""
    commands = [f"sysbus LoadHEX @{boot.loader}", *faults]
    for address, data in zip(boot.slots, (boot.first, second.ljust(boot.size, b"\xff")), strict=True):
        file = folder / f"{address:x}.hex"
        file.write_text(intel_hex(address, data), encoding="ascii")
        commands.append(f"sysbus LoadHEX @{file}")
    commands += [
        "cpu VectorTableOffset 0",
        *(f"cpu {name} `sysbus ReadDoubleWord {at}`" for name, at in (("SP", 0), ("PC", 4))),
    ]
    options = RunOptions(
        folder=folder,
        commands=(*(MonitorCommand(0.0, each) for each in commands), *(MonitorCommand(at, "machine Reset") for at in resets)),
    )
    done = MACHINES["renode"].run(boot.image, PCM[: int(seconds * 16000) // 64 * 64], options)
    return done, done.console.log.split("*** Booting MCUboot")[1:]


def started(said):
    """The names of the networks of the images that started, one after the other."""
    return re.findall(r"ready model=(\w+)", "".join(said))


def test_the_signed_image_starts_fits_its_slot_and_gives_the_bits(boot, tmp_path):
    done, said = run(boot, tmp_path, 3)
    assert started(said) == [NAME]
    assert done.pcm.size > 16000
    expected = MACHINES["host"].run(build_host(boot.image.network, tmp_path / "host"), PCM[: 3 * 16000]).pcm
    np.testing.assert_array_equal(done.pcm, expected[: done.pcm.size])
    assert done.console.faults == {}
    (check,) = check_slot(boot.image.path)
    assert check.ok
    assert check.limit == boot.size
    used = next(symbol.value for symbol in read_elf(boot.image.path).symbols if symbol.name == "_flash_used")
    assert used < len(boot.first.rstrip(b"\xff")) <= check.used, "the signature is part of what is checked"


def test_an_update_is_swapped_in_and_kept_though_power_fails_meanwhile(boot, tmp_path):
    done, said = run(boot, tmp_path, 10, boot.other, (8.5,), ['nvmc PowerFailsAt "10 40"'])
    assert "Starting swap" in said[0]
    assert ["Jumping" in each for each in said] == [False, False, True, True]
    assert started(said) == [OTHER, OTHER]
    assert "Swap type: none" in said[-1]
    assert "image_ok=0x1" in said[-1], "after five seconds of sound it was confirmed"
    assert done.console.faults == {}
    assert min(stack.headroom for stack in done.console.stacks) >= 0.25
    assert np.abs(done.pcm[-4000:].astype(int)).max() > 100


def test_an_update_that_is_reset_before_it_is_confirmed_gives_way(boot, tmp_path):
    done, said = run(boot, tmp_path, 7, boot.other, (3.5,))
    assert started(said) == [OTHER, NAME]
    assert "Swap type: test" in said[0]
    assert "Swap type: revert" in said[1]
    assert done.console.faults == {}


def test_a_damaged_update_is_refused(boot, tmp_path):
    damaged = bytearray(boot.other)
    damaged[20_000] ^= 1
    _, said = run(boot, tmp_path, 3, bytes(damaged))
    assert started(said) == [NAME]
    assert "not valid" in said[0]
