# SPDX-License-Identifier: Apache-2.0
"""The smallest network there is: the front end is measured around it."""

from __future__ import annotations

import numpy as np

from codesign.compiler.frontend import Chain
from codesign.compiler.layers import FullyConnected, Lookup16, Value
from codesign.compiler.lower.network import Network


def tiny_network(front: Chain) -> Network:
    """Features → one fully connected layer → sigmoid → mask."""
    n = front.n_mels
    rng = np.random.default_rng(0)
    layer = FullyConnected(
        *("fc", "features", "logit"),
        weights=rng.integers(-127, 128, (n, n)).astype(np.int8),
        bias=np.zeros(n, np.int32),
        multiplier=np.full(n, 1 << 30, np.int32),
        shift=np.full(n, -7, np.int32),
        zero_point=0,
        low=-32768,
        high=32767,
    )
    values = (
        Value("features", n, "int8", 6 / 254, -127),
        Value("logit", n, "int16", 2.0**-12),
        Value("mask", n, "int16", 2.0**-15),
    )
    layers = (layer, Lookup16("sigmoid", "logit", "mask", "sigmoid"))
    return Network("tiny", front, {value.name: value for value in values}, (), "features", "mask", layers)
