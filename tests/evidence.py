# SPDX-License-Identifier: Apache-2.0
"""Recordings and names for tests of what people see."""

import numpy as np

HOSTILE = '<img src=x onerror="window.hacked=1">\'</script><script>window.hacked=1</script>`|*_[x](javascript:1)'


def tones(seconds, rate=16000, seed=0):
    """Clean and noisy int16 PCM that come and go, as speech does."""
    time = np.arange(int(seconds * rate)) / rate
    clean = 8000 * np.sin(2 * np.pi * 1000 * time) * (np.sin(2 * np.pi * 1.3 * time) > 0)
    noise = np.random.default_rng(seed).standard_normal(time.size) * 1000
    return clean.astype(np.int16), (clean + noise).astype(np.int16)
