# SPDX-License-Identifier: Apache-2.0
"""Networks in partitions of their own, in Renode: replaced on the shell, power that fails meanwhile, damaged partitions."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from codesign.base.resources import resource
from codesign.firmware.boards import load_board
from codesign.firmware.image import Image
from codesign.firmware.machines import MACHINES
from codesign.firmware.machines.console import read_lines
from codesign.firmware.machines.machine import MonitorCommand, RunOptions
from codesign.firmware.machines.renode_script import shell
from codesign.firmware.toolchain import BuildOptions, build_host, build_zephyr
from codesign.firmware.toolchain.model_image import HEAD, build_model_images, firmware_slots, intel_hex, with_generation
from networks import random_network
from renode_tools import missing_for_renode

pytestmark = [pytest.mark.renode, pytest.mark.zephyr]

BOARD = load_board("nrf5340dk")
HOP, LINE = 64, 96
PRIMED = 2 * HOP
ANSWER_S, BOOT_S = 0.06, 0.3
"""Virtual time for a line on the shell, which answers after 20 ms, and for a start after a reset."""

NOISE = np.random.default_rng(11).normal(0, 2500, 16000 * 40).clip(-9000, 9000).astype(np.int16)


@dataclass(frozen=True)
class Networks:
    """A firmware without a network, two networks of other weights, and each as images for partition a and b."""

    firmware: Image
    addresses: tuple[int, int]
    first: tuple[bytes, bytes]
    second: tuple[bytes, bytes]


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    if reason := missing_for_renode(BOARD.name):
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("partitions")
    overlay = resource("app", "slots", "nrf5340dk_nrf5340_cpuapp.overlay")
    options = BuildOptions(("CONFIG_CODESIGN_MODEL_SLOTS=y",), overlays=(overlay,))
    firmware = build_zephyr(random_network(), BOARD, folder / "zephyr", options=options)
    slots = firmware_slots(firmware.path)
    images = [
        [
            file.read_bytes()
            for file in build_model_images(random_network(seed=seed), BOARD, slots, folder / f"{seed}", f"{seed}")
        ]
        for seed in (1, 2)
    ]
    return Networks(firmware, slots.address, *(tuple(pair) for pair in images))


@pytest.fixture(scope="module")
def enhanced(tmp_path_factory):
    """What the host library makes of PCM with the first and the second network."""
    folder = tmp_path_factory.mktemp("host")
    libraries = {seed: build_host(random_network(seed=seed), folder / f"{seed}") for seed in (1, 2)}
    return lambda seed, pcm: MACHINES["host"].run(libraries[seed], pcm).pcm


class Plan:
    """Lines on the shell, resets and what is in flash, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now, self.commands = folder, 0.0, []

    def flash(self, address, data):
        file = self.folder / f"{address:x}.hex"
        file.write_text(intel_hex(address, data), encoding="ascii")
        self.commands.append(MonitorCommand(self.now, f"sysbus LoadHEX @{file}"))

    def type(self, *lines):
        for line in lines:
            self.commands.append(shell(BOARD, self.now, line))
            self.now += ANSWER_S

    def lose_power(self):
        """What is in RAM is gone."""
        self.commands += [MonitorCommand(self.now, "ram ZeroAll"), MonitorCommand(self.now, "machine Reset")]
        self.wait(BOOT_S)

    def audio(self, pcm, played):
        """Another recording from here on, and what is played of it."""
        file = self.folder / "other-in.pcm"
        file.write_bytes(pcm.astype("<i2").tobytes())
        for name, value in (("InputFile", file), ("OutputFile", played)):
            self.commands.append(MonitorCommand(self.now, f"i2s0 {name} @{value}"))

    def wait(self, seconds):
        self.now += seconds

    def write(self, image, end=None):
        """An update until `end` bytes of it are there."""
        self.type("codesign stop", "codesign_model begin")
        for offset in range(0, len(image[:end]), LINE):
            data = image[offset : offset + LINE]
            self.type(f"codesign_model write {offset} {data.hex()} {zlib.crc32(str(offset).encode() + data):08x}")

    def run(self, image, pcm):
        """The run, and the fields of its lines `model` and `update`."""
        done = MACHINES["renode"].run(image, pcm, RunOptions(folder=self.folder, commands=tuple(self.commands)))
        lines = list(read_lines(done.console.log))
        return done, *([line.fields for line in lines if line.kind == kind] for kind in ("model", "update"))


def held(said):
    """(slot, state, whether it runs, version, generation) of each line `model`."""
    return [(f["slot"], f["state"], f["runs"] == 1, str(f["version"]), f["generation"]) for f in said]


def test_a_network_is_replaced_on_the_shell_and_power_may_fail_before(networks, enhanced, tmp_path):
    """Twice it fails: after erasing and amid the bytes. The old network runs; then the update goes through."""
    plan, image = Plan(tmp_path), networks.second[1]
    plan.flash(networks.addresses[0], networks.first[0])
    plan.wait(BOOT_S)
    for reached in (0, len(image) // 4):
        plan.write(image, reached)
        plan.lose_power()
        plan.type("codesign_model show")
    plan.write(image)
    after, played = NOISE[-100 * HOP :], tmp_path / "after.pcm"
    plan.type("codesign_model finish")
    plan.audio(after, played)
    plan.type("codesign start", "codesign_model show")
    plan.wait(after.size / 16000)
    done, said, updates = plan.run(networks.firmware, NOISE[: int((plan.now + 0.3) * 16000) // HOP * HOP])
    old, none = ("a", "good", True, "1", 1), ("b", "empty", False, "", 0)
    assert held(said) == [old, none] * 2 + [("a", "good", False, "1", 1), ("b", "good", True, "2", 2)]
    assert len([line for line in read_lines(done.console.log) if line.kind == "boot"]) == 3
    assert {update["result"] for update in updates} == {"ok"}
    assert done.console.stats.number("bypassed") == 0
    before = np.fromfile(tmp_path / "codesign-out.pcm", "<i2")[PRIMED:][: 60 * HOP]
    np.testing.assert_array_equal(before, enhanced(1, NOISE[: before.size]))
    replaced = np.fromfile(played, "<i2")[PRIMED:][: after.size]
    assert replaced.size > 60 * HOP
    np.testing.assert_array_equal(replaced, enhanced(2, after)[: replaced.size])


def test_a_damaged_partition_gives_way_to_the_other(networks, enhanced, tmp_path):
    plan = Plan(tmp_path)
    plan.flash(networks.addresses[0], networks.first[0])
    plan.flash(networks.addresses[1], with_generation(networks.second[1], 2))
    plan.commands.append(MonitorCommand(0.0, f"sysbus WriteByte {networks.addresses[1] + HEAD + 1000:#x} 0x5A"))
    plan.wait(0.5)
    plan.type("codesign_model show")
    pcm = NOISE[: 250 * HOP]
    done, said, _ = plan.run(networks.firmware, pcm)
    assert held(said) == [("a", "good", True, "1", 1), ("b", "damaged", False, "", 0)]
    np.testing.assert_array_equal(done.pcm, enhanced(1, pcm))


def test_with_both_partitions_damaged_the_delayed_input_is_heard(networks, tmp_path):
    plan = Plan(tmp_path)
    for address, data in zip(networks.addresses, networks.first, strict=True):
        plan.flash(address, data[: len(data) - 100])
    plan.wait(0.5)
    plan.type("codesign_model show")
    pcm = NOISE[: 250 * HOP]
    done, said, _ = plan.run(networks.firmware, pcm)
    assert [line[:3] for line in held(said)] == [("a", "damaged", False), ("b", "damaged", False)]
    assert done.console.stats.number("bypassed") == done.console.stats.number("captured") > 200
    delay = networks.firmware.network.frontend.latency_samples
    np.testing.assert_array_equal(done.pcm[delay:], pcm[: pcm.size - delay])
