# SPDX-License-Identifier: Apache-2.0
"""A tone through the filter path, and how far neighbouring samples of the output can be apart, whatever filters there are."""

from __future__ import annotations

import numpy as np

from codesign.compiler.frontend.filter_path import early_taper, fade_samples, filter_delay, taper

AMPLITUDE, CYCLES = 8000, 500 / 16000


def reach(chain):
    """The largest gain of a filter at any frequency, of gains in 0 … 1: they go over frequency with the window's transform."""
    delay, n = filter_delay(chain), chain.n_fft
    window = np.concatenate([early_taper(chain)[:0:-1], taper(chain)])
    angles = np.linspace(0, np.pi, 1000)
    times = np.arange(1 - delay, chain.taps - delay)
    kernels = [np.exp(1j * np.outer(angles - 2 * np.pi * k / n, times)) @ window / n for k in range(-n // 2 + 1, n // 2 + 1)]
    return float(np.abs(kernels).sum(axis=0).max())


def step_bound(chain):
    """How far neighbouring samples of the tone's output can be apart: docs/numerics.md, "Filter path"."""
    return reach(chain) * AMPLITUDE * (2 * np.pi * CYCLES + 1.0 / fade_samples(chain)) + 1.0


def tone(seconds):
    return np.rint(AMPLITUDE * np.sin(2 * np.pi * CYCLES * np.arange(int(seconds * 16000)))).astype(np.int16)
