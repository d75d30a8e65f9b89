# SPDX-License-Identifier: Apache-2.0
"""MCUboot's direct XIP, in Renode: of two images the newer one runs where it lies, and gives way when it is bad."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codesign.base.resources import resource
from codesign.firmware.machines import MACHINES
from codesign.firmware.toolchain import build_host
from mcuboot_images import (
    BOARD,
    NAME,
    OTHER,
    PCM,
    build_with_mcuboot,
    damaged,
    fits,
    image_of,
    renamed,
    sign,
    skip_without_mcuboot,
    start,
    started,
)
from networks import random_network
from zephyr_tools import build_by_cmake, find_mcuboot

pytestmark = [pytest.mark.renode, pytest.mark.zephyr]

IN_PLACE = "MODE_DIRECT_XIP_WITH_REVERT=y"
SECOND_SLOT = f"EXTRA_DTC_OVERLAY_FILE={resource('app') / 'slots' / 'second.overlay'}"


@pytest.fixture(scope="module")
def in_place(tmp_path_factory):
    """A build for each slot, the first one confirmed as a factory flashes it, and the update, to be tried."""
    skip_without_mcuboot()
    folder = tmp_path_factory.mktemp("in_place")
    (folder / "first").mkdir()
    first = build_with_mcuboot(folder / "first", f"SB_CONFIG_MCUBOOT_{IN_PLACE}", "CONFIG_MCUBOOT_GENERATE_CONFIRMED_IMAGE=y")
    confirmed = (first.zephyr / "zephyr.signed.confirmed.bin").read_bytes()
    build = folder / "second"
    key = f'CONFIG_MCUBOOT_SIGNATURE_KEY_FILE="{find_mcuboot() / "root-ec-p256.pem"}"'
    loaded = ("CONFIG_BOOTLOADER_MCUBOOT=y", f"CONFIG_MCUBOOT_BOOTLOADER_{IN_PLACE}", key)
    build_by_cmake(resource("app"), build, BOARD, f"CODESIGN_MODEL={folder / 'first' / 'model'}", SECOND_SLOT, *loaded)
    second = replace(first, zephyr=build / "zephyr")
    update = sign(second, renamed((second.zephyr / "zephyr.bin").read_bytes()), folder / "update.bin")
    return first, second, confirmed, update


def test_an_update_in_the_second_slot_runs_there_and_is_kept(in_place, tmp_path):
    first, second, confirmed, update = in_place
    assert fits(first)
    assert fits(second)
    done, said = start(first, image_of(second, tmp_path), tmp_path, 7.2, (confirmed, update), (6.5,))
    assert started(said) == [OTHER, OTHER]
    assert done.console.faults == {}


def test_an_update_in_the_second_slot_that_is_not_confirmed_gives_way(in_place, tmp_path):
    first, _, confirmed, update = in_place
    _, said = start(first, image_of(first, tmp_path), tmp_path, 7, (confirmed, update), (3.5,))
    assert started(said) == [OTHER, NAME]


def test_a_damaged_update_in_the_second_slot_does_not_run(in_place, tmp_path):
    first, _, confirmed, update = in_place
    done, said = start(first, image_of(first, tmp_path), tmp_path, 3, (confirmed, damaged(update)))
    assert started(said) == [NAME]
    assert "not valid" in said[0]
    assert done.pcm.size > 16000
    expected = MACHINES["host"].run(build_host(random_network(), tmp_path / "host"), PCM[: 3 * 16000]).pcm
    np.testing.assert_array_equal(done.pcm, expected[: done.pcm.size])
