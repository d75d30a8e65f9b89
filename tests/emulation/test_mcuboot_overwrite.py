# SPDX-License-Identifier: Apache-2.0
"""MCUboot without a swap, in Renode: an update is copied over the image."""

from __future__ import annotations

import numpy as np
import pytest

from mcuboot_images import (
    NAME,
    OTHER,
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

pytestmark = [pytest.mark.renode, pytest.mark.zephyr]

OVERWRITE = "SB_CONFIG_MCUBOOT_MODE_OVERWRITE_ONLY=y"


@pytest.fixture(scope="module")
def overwriting(tmp_path_factory):
    """A build that is updated by copying, and the update."""
    skip_without_mcuboot()
    folder = tmp_path_factory.mktemp("overwrite")
    built = build_with_mcuboot(folder, OVERWRITE)
    other = renamed((built.zephyr / "zephyr.bin").read_bytes())
    return built, sign(built, other, folder / "overwrite.bin", "--overwrite-only", "--align", "1")


def test_an_update_is_copied_over_the_image_though_power_fails_meanwhile(overwriting, tmp_path):
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
