# SPDX-License-Identifier: Apache-2.0
"""Running normalization in NumPy float32: every bit as runtime/dsp/cs_running.c."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.running import running_start, smoothing

Float = npt.NDArray[np.float32]


def running_normalized(chain: Chain, features: Float) -> Float:
    """Features float32 (frames, n_features) of a whole signal by what went before each frame, and the frame itself.

    With a the smoothing, `mean` keeps m = a m + (1 - a) x and gives x - m; `mean_deviation` also keeps
    v = a v + (1 - a) (x - m)^2 and gives (x - m) / sqrt(v). `unit` keeps s = a s + (1 - a) |X| and gives X / sqrt(s), as
    DeepFilterNet's unit_norm (Schroeter et al., ICASSP 2022; mean_norm there is `mean`). Over all, one m, v or s is kept, of
    the mean over features or bins.
    """
    if chain.running == "none":
        return features
    count, state = chain.n_running, running_start(chain)
    result = np.empty_like(features)
    for frame, x in enumerate(features):
        result[frame] = _unit(chain, x, state) if chain.running == "unit" else _centred(chain, x, state[:count], state[count:])
    return result


def _centred(chain: Chain, x: Float, mean: Float, square: Float) -> Float:
    keep, take = smoothing(chain)
    mean[:] = keep * mean + take * _level(chain, x)
    centred = x - mean
    if chain.running == "mean":
        return centred
    square[:] = keep * square + take * _level(chain, centred * centred)
    divisor: Float = np.sqrt(np.maximum(square, np.float32(chain.running_floor)))
    return np.asarray(centred / divisor)


def _unit(chain: Chain, x: Float, size: Float) -> Float:
    keep, take = smoothing(chain)
    pairs = x.reshape(-1, 2).T if chain.layout == "interleaved" else x.reshape(2, -1)
    re, im = pairs
    size[:] = keep * size + take * _level(chain, np.sqrt(re * re + im * im))
    root = np.sqrt(np.maximum(size, np.float32(chain.running_floor)))
    unit: Float = (pairs / root).astype(np.float32, copy=False)
    flat: Float = (unit.T if chain.layout == "interleaved" else unit).reshape(-1)
    return flat


def _level(chain: Chain, x: Float) -> Float:
    """The values themselves, or their mean: the sum in ascending order, times 1/n."""
    if chain.running_over == "each":
        return x
    total = np.add.accumulate(x, dtype=np.float32)[-1]
    return np.array([total * np.float32(1.0 / x.size)], np.float32)
