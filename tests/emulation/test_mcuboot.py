# SPDX-License-Identifier: Apache-2.0
"""MCUboot in front of the application, in Renode: signed images start, are swapped, kept, given back, or refused."""

from __future__ import annotations

import numpy as np
import pytest

from codesign.base.resources import resource
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.firmware.elf import read_elf
from codesign.firmware.machines import MACHINES
from codesign.firmware.size.budget import check_slot
from codesign.firmware.size.size import size
from codesign.firmware.toolchain import BuildOptions, build_host, build_zephyr
from codesign.firmware.toolchain.zephyr_workspace import find_workspace
from mcuboot_images import (
    BOARD,
    NAME,
    OTHER,
    PCM,
    build_with_mcuboot,
    damaged,
    image_of,
    renamed,
    sign,
    skip_without_mcuboot,
    start,
    started,
)
from zephyr_tools import OF_RELEASE, missing_for_zephyr

pytestmark = [pytest.mark.renode, pytest.mark.zephyr]


@pytest.fixture(scope="module")
def boot(tmp_path_factory):
    """A swap by moving: runs images in the first slot, and two signed ones."""
    skip_without_mcuboot()
    folder = tmp_path_factory.mktemp("swap")
    return Boot(folder, build_with_mcuboot(folder))


class Boot:
    def __init__(self, folder, built):
        self.built = built
        self.image = image_of(built, folder)
        self.first = (built.zephyr / "zephyr.signed.bin").read_bytes()
        self.other = sign(built, renamed((built.zephyr / "zephyr.bin").read_bytes()), folder / "other.bin")

    def run(self, folder, seconds, second=b"", resets=(), faults=()):
        return start(self.built, self.image, folder, seconds, (self.first, second), resets, faults)


def test_the_signed_image_starts_fits_its_slot_and_gives_the_bits(boot, tmp_path):
    done, said = boot.run(tmp_path, 3)
    assert started(said) == [NAME]
    assert done.pcm.size > 16000
    expected = MACHINES["host"].run(build_host(boot.image.network, tmp_path / "host"), PCM[: 3 * 16000]).pcm
    np.testing.assert_array_equal(done.pcm, expected[: done.pcm.size])
    assert done.console.faults == {}
    (check,) = check_slot(boot.image.path)
    assert check.ok
    assert check.limit == boot.built.size
    used = next(symbol.value for symbol in read_elf(boot.image.path).symbols if symbol.name == "_flash_used")
    assert used < len(boot.first) <= check.used, "the signature is part of what is checked"


def test_an_update_is_swapped_in_and_kept_though_power_fails_meanwhile(boot, tmp_path):
    done, said = boot.run(tmp_path, 10, boot.other, (8.5,), ['nvmc PowerFailsAt "10 40"'])
    assert "Starting swap" in said[0]
    assert ["Jumping" in each for each in said] == [False, False, True, True]
    assert started(said) == [OTHER, OTHER]
    assert "Swap type: none" in said[-1]
    assert "image_ok=0x1" in said[-1], "after five seconds of sound it was confirmed"
    assert done.console.faults == {}
    assert min(stack.headroom for stack in done.console.stacks) >= 0.25
    assert np.abs(done.pcm[-4000:].astype(int)).max() > 100


def test_an_update_that_is_reset_before_it_is_confirmed_gives_way(boot, tmp_path):
    done, said = boot.run(tmp_path, 7, boot.other, (3.5,))
    assert started(said) == [OTHER, NAME]
    assert "Swap type: test" in said[0]
    assert "Swap type: revert" in said[1]
    assert done.console.faults == {}


def test_a_damaged_update_is_refused(boot, tmp_path):
    _, said = boot.run(tmp_path, 3, damaged(boot.other))
    assert started(said) == [NAME]
    assert "not valid" in said[0]


def test_the_standard_network_fits_the_slot(tmp_path):
    """Built by itself, MCUboot's part taken at its most; the budget that `codesign build` and `codesign verify` print."""
    if reason := missing_for_zephyr(BOARD.name):
        pytest.skip(reason)
    if find_workspace().version < (4, 1):
        pytest.skip(f"{OF_RELEASE}its slots have 256 KiB")
    network = lower(load_onnx(resource("models", "standard", "standard.onnx")))
    image = build_zephyr(network, BOARD, tmp_path / "zephyr", options=BuildOptions(("CONFIG_BOOTLOADER_MCUBOOT=y",)))
    check = next(check for check in size(image).budget if check.name == "MCUboot slot")
    assert check.ok
    assert check.limit == 448 * 1024
    assert check.used > 390_000
