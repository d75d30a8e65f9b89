# SPDX-License-Identifier: Apache-2.0
"""Analysis and synthesis windows of the overlap-add."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from codesign.compiler.frontend.chain import Chain

_SHAPES = ("rectangular", "hann", "sqrt_hann", "hamming", "sqrt_hamming", "vorbis")
_SYMMETRIC = "_symmetric"
WINDOW_KINDS = (*_SHAPES, *(f"{shape}{_SYMMETRIC}" for shape in _SHAPES if "ha" in shape), "samples")
"""Windows are periodic (of n + 1 points, the last left out), or `_symmetric`; `samples` are the model's own."""
SYNTHESIS_KINDS = ("matched", "same", "sum", *WINDOW_KINDS)
_LEAST_OVERLAP = 1e-3

Real = npt.NDArray[np.float64]


def analysis_window(chain: Chain) -> npt.NDArray[np.float32]:
    """The window before the transform, shape (window,)."""
    return _analysis(chain).astype(np.float32)


def synthesis_window(chain: Chain) -> npt.NDArray[np.float32]:
    """The window before overlap-add, shape (window,).

    `matched` makes analysis followed by overlap-add the identity by the least-squares choice w[n] / Σ_k w[n + k·hop]² (Griffin
    and Lim, 1984, eq. 6); a window by name, v, does it as v[n] / Σ_k w[n + k·hop]·v[n + k·hop]. `same` is the analysis window,
    `sum` is 1, and `samples` are taken as they are.
    """
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
    return _samples(chain.window_kind, chain.window, chain.window_samples)


def _synthesis(chain: Chain, window: Real) -> Real:
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
