# SPDX-License-Identifier: Apache-2.0
"""Packings for int16 vectors lose nothing and take the room that nn.h says."""

import numpy as np
import pytest

from codesign.compiler.layers.packing import unpack_plain
from codesign.compiler.layers.packing_wide import PACKERS_WIDE, pack_wide_dsp, unpack_wide_dsp, unpack_wide_mve
from integer_layers import integers

UNPACKERS = {"plain": unpack_plain, "dsp": unpack_wide_dsp, "dual": unpack_wide_dsp, "mve": unpack_wide_mve}


@pytest.mark.parametrize("kind", ["random", "extreme"])
@pytest.mark.parametrize("shape", [(1, 1), (4, 8), (5, 9), (30, 60), (7, 3)])
@pytest.mark.parametrize("kernel", PACKERS_WIDE)
def test_packings_invert_and_take_their_room(kernel, shape, kind):
    weights = integers(np.random.default_rng(1), shape, kind)
    packed, to = PACKERS_WIDE[kernel](weights), 8 if kernel == "mve" else 4
    assert packed.nbytes == -(-shape[0] // 4) * 4 * (-(-shape[1] // to) * to)
    np.testing.assert_array_equal(UNPACKERS[kernel](packed, *shape), weights)


def test_dsp_packing_refuses_minus_128():
    with pytest.raises(ValueError, match="128"):
        pack_wide_dsp(np.full((4, 4), -128, np.int8))
