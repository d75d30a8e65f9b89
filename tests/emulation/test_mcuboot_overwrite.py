# SPDX-License-Identifier: Apache-2.0
"""MCUboot without a swap, in Renode: an update is copied over the image."""

from __future__ import annotations

import numpy as np
import pytest

from codesign.firmware.size.budget import check_slot
from codesign.firmware.toolchain.own_image import own_image
from mcuboot_images import BOARD, NAME, OTHER, build_with_mcuboot, renamed, sign, skip_without_mcuboot, start, started
from networks import random_network

pytestmark = [pytest.mark.renode, pytest.mark.zephyr]

OVERWRITE = "SB_CONFIG_MCUBOOT_MODE_OVERWRITE_ONLY=y"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    skip_without_mcuboot()
    return tmp_path_factory.mktemp("modes")


@pytest.fixture(scope="module")
def overwriting(folder):
    """A build that is updated by copying, and the update."""
    (folder / "overwrite").mkdir()
    built = build_with_mcuboot(folder / "overwrite", OVERWRITE)
    other = renamed((built.zephyr / "zephyr.bin").read_bytes())
    return built, sign(built, other, folder / "overwrite.bin", "--overwrite-only", "--align", "1")


def image_of(built, folder):
    return own_image(random_network(), BOARD, built.zephyr / "zephyr.elf", folder / "again")


def damaged(image):
    return image[:20_000] + bytes([image[20_000] ^ 1]) + image[20_001:]


def fits(built):
    """The image with what MCUboot keeps, within the slot and by less than a swap would keep."""
    (check,) = check_slot(built.zephyr / "zephyr.elf")
    size = (built.zephyr / "zephyr.signed.bin").stat().st_size
    return check.ok and check.limit == built.size and size <= check.used < size + 4096


def test_an_update_is_copied_over_the_image_though_power_fails_meanwhile(overwriting, folder, tmp_path):
    built, update = overwriting
    assert fits(built)
    image, first = image_of(built, tmp_path), (built.zephyr / "zephyr.signed.bin").read_bytes()
    done, said = start(built, image, tmp_path, 4, (first, update), faults=('nvmc PowerFailsAt "10"',))
    assert started(said) == [OTHER]
    assert ["Jumping" in each for each in said] == [False, True]
    assert done.console.faults == {}
    assert np.abs(done.pcm[-4000:].astype(int)).max() > 100


def test_a_damaged_update_is_not_copied(overwriting, tmp_path):
    built, update = overwriting
    first = (built.zephyr / "zephyr.signed.bin").read_bytes()
    _, said = start(built, image_of(built, tmp_path), tmp_path, 3, (first, damaged(update)))
    assert started(said) == [NAME]
    assert "not valid" in said[0]
