# SPDX-License-Identifier: Apache-2.0
"""Analysis and synthesis windows of the overlap-add."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from codesign.compiler.frontend.chain import Chain

_SHAPES = ("rectangular", "hann", "sqrt_hann", "hamming", "sqrt_hamming", "vorbis")
_SYMMETRIC = "_symmetric"
ASYMMETRIC = "asymmetric"
SYNTHESIS_KINDS = (
    "matched",
    "same",
    "sum",
    *_SHAPES,
    *(f"{shape}{_SYMMETRIC}" for shape in _SHAPES if "ha" in shape),
    "samples",
)
WINDOW_KINDS = (*SYNTHESIS_KINDS[3:], ASYMMETRIC)
"""Windows are periodic (of n + 1 points, the last left out), or `_symmetric`; `samples` are the model's own; an asymmetric one
rises slowly, falls fast and has a short synthesis window at its end (Mauler and Martin, 2007)."""
_LEAST_OVERLAP = 1e-3

Real = npt.NDArray[np.float64]


def analysis_window(chain: Chain) -> npt.NDArray[np.float32]:
    """The window before the transform, shape (window,)."""
    return _analysis(chain).astype(np.float32)


def synthesis_window(chain: Chain) -> npt.NDArray[np.float32]:
    """The window before overlap-add, shape (window,).

    `matched` makes analysis followed by overlap-add the identity by the least-squares choice w[n] / Σ_k w[n + k·hop]² (Griffin
    and Lim, 1984, eq. 6); a window by name, v, does it as v[n] / Σ_k w[n + k·hop]·v[n + k·hop]. `same` is the analysis window,
    `sum` is 1, and `samples` are taken as they are. Of an asymmetric window the first window − synthesis_length are 0. By path
    filter nothing is overlap-added: all are 0.
    """
    if chain.filters:
        return np.zeros(chain.window, np.float32)
    window = analysis_window(chain).astype(np.float64)
    match chain.synthesis_kind:
        case "same":
            return window.astype(np.float32)
        case "sum":
            return np.ones(chain.window, np.float32)
        case "samples":
            return np.array(chain.synthesis_samples, np.float32)
        case _:
            synthesis = _synthesis(chain, window)
            return (synthesis / _overlapped(window * synthesis, chain.hop)[: chain.window]).astype(np.float32)


def overlap_gain(chain: Chain) -> tuple[float, float]:
    """The smallest and the largest gain of analysis followed by overlap-add: 1 and 1 (nearly) where it is the identity."""
    product = analysis_window(chain).astype(np.float64) * synthesis_window(chain)
    sums = _overlapped(product, chain.hop)[: chain.hop]
    return float(sums.min()), float(sums.max())


def synthesis_length(chain: Chain) -> int:
    """Samples at the end of a frame that are overlap-added: all of it, but of an asymmetric window."""
    if chain.window_kind != ASYMMETRIC:
        return chain.window
    return chain.synthesis_length or 2 * chain.hop


def asymmetric_checks(chain: Chain) -> Iterator[tuple[bool, str]]:
    """Conditions of an asymmetric window, and of its length elsewhere, with what to say where they fail."""
    length, hop = synthesis_length(chain), chain.hop
    if chain.window_kind != ASYMMETRIC:
        said = f"synthesis_length {chain.synthesis_length} is of window_kind '{ASYMMETRIC}', not '{chain.window_kind}'"
        yield chain.synthesis_length == 0, said
        return
    if chain.filters:  # nothing is overlap-added: any fall is as good
        yield (
            2 <= length <= chain.window and length % 2 == 0,
            f"synthesis_length {length} is not even and in 2…window={chain.window}",
        )
    else:
        fits = 2 * hop <= length <= chain.window and length % hop == 0 and length % 2 == 0
        yield fits, f"synthesis_length {length} is no even multiple of the hop {hop} in {2 * hop}…window={chain.window}"
    kind = chain.synthesis_kind
    yield kind == "matched", f"synthesis_kind '{kind}' does not go with window_kind '{ASYMMETRIC}', which has its own"
    yield chain.output != "frame", f"window_kind '{ASYMMETRIC}' does not go with output 'frame'"


def overlap_problem(chain: Chain) -> str:
    """Why no synthesis window makes overlap-add the identity, "" where one does or none is asked to."""
    if chain.synthesis_kind in ("same", "sum", "samples"):
        return ""
    window = _analysis(chain)
    sums = _overlapped(window * _synthesis(chain, window), chain.hop)
    if sums.min() > _LEAST_OVERLAP * sums.max():
        return ""
    at = int(np.argmin(sums[: chain.hop]))
    kinds = f"window_kind '{chain.window_kind}' and synthesis_kind '{chain.synthesis_kind}'"
    return f"hop {chain.hop} is too long for window {chain.window}: with {kinds} sample {at} of a hop is in no frame"


def _analysis(chain: Chain) -> Real:
    if chain.window_kind == ASYMMETRIC:
        return _long_rise(chain)
    return _samples(chain.window_kind, chain.window, chain.window_samples)


def _long_rise(chain: Chain) -> Real:
    """Half of a square root of a Hann window over all but the last synthesis_length/2 samples, then the fall of a short one."""
    fall = synthesis_length(chain) // 2
    rise = chain.window - fall
    return np.sin(0.5 * np.pi * np.concatenate([np.arange(rise) / rise, np.arange(fall, 0, -1) / fall]))


def _short_synthesis(chain: Chain, window: Real) -> Real:
    """What makes the product with the analysis window a Hann window at the frame's end."""
    length = synthesis_length(chain)
    result, at = np.zeros(chain.window), chain.window - length
    hann = np.sin(np.pi * np.arange(1, length) / length) ** 2
    result[at + 1 :] = hann / window[at + 1 :]
    return result


def _synthesis(chain: Chain, window: Real) -> Real:
    if chain.window_kind == ASYMMETRIC:
        return _short_synthesis(chain, window)
    if chain.synthesis_kind == "matched":
        return window
    return _samples(chain.synthesis_kind, chain.window, chain.synthesis_samples)


def _samples(kind: str, count: int, given: tuple[float, ...]) -> Real:
    if kind == "samples":
        return np.array(given, np.float64)
    shape = kind.removesuffix(_SYMMETRIC)
    period = count - 1 if kind.endswith(_SYMMETRIC) else count
    n = np.arange(count, dtype=np.float64)
    match shape:
        case "rectangular":
            window = np.ones(count)
        case "vorbis":  # Vorbis I specification, section 4.3.1
            window = np.sin(0.5 * np.pi * np.sin(np.pi * (n + 0.5) / count) ** 2)
        case "hann" | "sqrt_hann":
            window = 0.5 - 0.5 * np.cos(2.0 * np.pi * n / period)
        case _:
            window = 0.54 - 0.46 * np.cos(2.0 * np.pi * n / period)
    return np.sqrt(window) if shape.startswith("sqrt") else window


def _overlapped(products: Real, hop: int) -> Real:
    """Σ_k products[n + k·hop] at every n, of whole hops: periodic in hop."""
    parts = -(-products.size // hop)
    padded = np.concatenate([products, np.zeros(parts * hop - products.size)]).reshape(parts, hop)
    return np.tile(padded.sum(axis=0), parts)
