# SPDX-License-Identifier: Apache-2.0
"""Keys of a chain that change nothing, because the part that they are of is off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from codesign.compiler.frontend.chain import FILTER, Chain


@dataclass(frozen=True)
class _Part:
    """A part of a chain: its keys, whether it is there, and what makes it so."""

    keys: tuple[str, ...]
    there: Callable[[Chain], bool]
    needed: str


_PARTS = (
    _Part(FILTER, lambda chain: chain.filters, 'path = "filter"'),
    _Part(
        ("limiter_attack", "limiter_release"),
        lambda chain: (chain.limiter, chain.limiter_spl) != (None, None),
        "limiter in dBFS or limiter_spl in dB SPL",
    ),
    _Part(
        ("limiter_rms_attack", "limiter_rms_release"),
        lambda chain: (chain.limiter_rms, chain.limiter_rms_spl) != (None, None),
        "limiter_rms in dBFS or limiter_rms_spl in dB SPL",
    ),
    _Part(
        ("running_over", "running_smoothing", "running_start"),
        lambda chain: chain.running != "none",
        "running = mean, mean_deviation or unit",
    ),
    _Part(("running_deviation",), lambda chain: chain.running == "mean_deviation", "running = mean_deviation"),
    _Part(
        ("running_floor",),
        lambda chain: chain.running in ("mean_deviation", "unit"),
        "running = mean_deviation or unit",
    ),
    _Part(
        ("exponent",),
        lambda chain: chain.of_sizes and chain.compression == "power",
        "compression = power of bands' or bins' sizes",
    ),
    _Part(("floor",), lambda chain: chain.of_sizes, "a feature of bands' or bins' sizes"),
    _Part(
        ("compression",),
        lambda chain: chain.of_sizes or chain.compression == "none",
        "a feature of bands' or bins' sizes",
    ),
    _Part(("n_mels",), lambda chain: chain.has_bands, "a feature of bands"),
    _Part(("f_min", "f_max"), lambda chain: chain.has_bands and chain.bands != "matrix", "a feature of mel or ERB bands"),
    _Part(("gains", "gain_min", "gain_max"), lambda chain: chain.output == "gains", "output = gains"),
    _Part(
        ("layout",),
        lambda chain: chain.feature == "spectrum" or chain.output in ("mask", "spectrum"),
        "complex values: feature = spectrum, or output = mask or spectrum",
    ),
)


def idle_keys(chain: Chain, keys: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Those of `keys` that change nothing in `chain`, and what each of them would need."""
    for key in keys:
        for part in _PARTS:
            if key in part.keys and not part.there(chain):
                yield key, part.needed
