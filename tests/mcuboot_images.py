# SPDX-License-Identifier: Apache-2.0
"""MCUboot and the application by sysbuild, signed images of it, and what the console said at each start in Renode."""

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
from codesign.firmware.image import Image
from codesign.firmware.machines import MACHINES
from codesign.firmware.machines.machine import MonitorCommand, Run, RunOptions
from codesign.firmware.size.budget import check_slot
from codesign.firmware.toolchain.kernels import best_kernel
from codesign.firmware.toolchain.model_image import intel_hex
from codesign.firmware.toolchain.own_image import own_image
from codesign.firmware.toolchain.zephyr_workspace import HARDWARE_MODEL_V2, find_workspace
from networks import random_network
from renode_tools import missing_for_renode
from zephyr_tools import OF_RELEASE, build_by_cmake, find_mcuboot, missing_for_mcuboot

BOARD = load_board("nrf5340dk")
NAME, OTHER = "random", "RANDOM"
"""What the image calls its network, and what another image does, which is the same else."""

PCM = np.random.default_rng(3).normal(0, 2500, 16000 * 16).clip(-9000, 9000).astype(np.int16)


@dataclass(frozen=True)
class Built:
    """A build by sysbuild: the application's folder, MCUboot as Intel HEX, addresses and bytes of the slots."""

    zephyr: Path
    loader: Path
    slots: tuple[int, int]
    size: int


def skip_without_mcuboot() -> None:
    if reason := missing_for_renode(BOARD.name) or missing_for_mcuboot(BOARD.name):
        pytest.skip(reason)
    if find_workspace().version < HARDWARE_MODEL_V2:
        pytest.skip(f"{OF_RELEASE}its sysbuild does not tell the application MCUboot's mode")


def build_with_mcuboot(folder: Path, *settings: str) -> Built:
    """MCUboot with its key for tests, ECDSA-P256, and the application with a random network."""
    network = random_network()
    model = emit(network, plan_memory(network, best_kernel(BOARD), BOARD.front_end), folder / "model").folder
    usual = ("SB_CONFIG_BOOTLOADER_MCUBOOT=y", "SB_CONFIG_BOOT_SIGNATURE_TYPE_ECDSA_P256=y")
    source, build = find_workspace().base / "share" / "sysbuild", folder / "build"
    build_by_cmake(source, build, BOARD, f"APP_DIR={resource('app')}", f"CODESIGN_MODEL={model}", *usual, *settings)
    zephyr = build / "app" / "zephyr"
    tree = (zephyr / "zephyr.dts").read_text(encoding="utf-8")
    first, second = (re.search(rf"slot{n}_partition: [^}}]*?reg = < (\w+) (\w+) >", tree) for n in (0, 1))
    slots = (int(first[1], 0), int(second[1], 0))
    return Built(zephyr, build / "mcuboot" / "zephyr" / "zephyr.hex", slots, int(first[2], 0))


def renamed(plain: bytes) -> bytes:
    """The image of the same application with a network that is called OTHER."""
    assert b"\0" + NAME.encode() in plain
    return plain.replace(b"\0" + NAME.encode(), b"\0" + OTHER.encode())


def sign(built: Built, plain: bytes, file: Path, *options: str) -> bytes:
    """Version 2.0.0 of an image, signed as the builds are, with its trailer by itself (`--pad`)."""
    plain_file = file.with_suffix(".plain")
    plain_file.write_bytes(plain)
    usual = ("sign", "--version", "2.0.0", "--header-size", "0x200", "--slot-size", f"{built.size:#x}", "--pad")
    tool, key = find_mcuboot() / "scripts" / "imgtool.py", find_mcuboot() / "root-ec-p256.pem"
    options = options or ("--align", "4")
    subprocess.run([sys.executable, tool, *usual, *options, "--key", key, plain_file, file], check=True, capture_output=True)
    return file.read_bytes()


def damaged(image: bytes) -> bytes:
    """The image with one bit of its code changed."""
    return image[:20_000] + bytes([image[20_000] ^ 1]) + image[20_001:]


def image_of(built: Built, folder: Path) -> Image:
    """The build as a machine runs it."""
    return own_image(random_network(), BOARD, built.zephyr / "zephyr.elf", folder / "again")


def fits(built: Built) -> bool:
    """Whether the image with what MCUboot keeps is within the slot, as the budget counts it where nothing is swapped."""
    (check,) = check_slot(built.zephyr / "zephyr.elf")
    size = (built.zephyr / "zephyr.signed.bin").stat().st_size
    return check.ok and check.limit == built.size and size <= check.used < size + 4096


def start(
    built: Built,
    image: Image,
    folder: Path,
    seconds: float,
    contents: tuple[bytes, bytes],
    resets: tuple[float, ...] = (),
    faults: tuple[str, ...] = (),
) -> tuple[Run, list[str]]:
    """Start MCUboot with `contents` in the two slots, reset at times, and what the console said from one reset to the next.

    `image` is the one whose functions are watched.
    """
    commands = [f"sysbus LoadHEX @{built.loader}", *faults]
    for address, data in zip(built.slots, contents, strict=True):
        file = folder / f"{address:x}.hex"
        file.write_text(intel_hex(address, data.ljust(built.size, b"\xff")), encoding="ascii")
        commands.append(f"sysbus LoadHEX @{file}")
    commands += [
        "cpu VectorTableOffset 0",
        *(f"cpu {name} `sysbus ReadDoubleWord {at}`" for name, at in (("SP", 0), ("PC", 4))),
    ]
    options = RunOptions(
        folder=folder,
        commands=(*(MonitorCommand(0.0, each) for each in commands), *(MonitorCommand(at, "machine Reset") for at in resets)),
    )
    done = MACHINES["renode"].run(image, PCM[: int(seconds * 16000) // 64 * 64], options)
    return done, done.console.log.split("*** Booting MCUboot")[1:]


def started(said: list[str]) -> list[str]:
    """The names of the networks of the images that started, one after the other."""
    return re.findall(r"ready model=(\w+)", "".join(said))
