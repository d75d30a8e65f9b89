# SPDX-License-Identifier: Apache-2.0
"""Small folders of speech and noise: every voice is a tone of its own, so that a spectrum tells who is heard."""

from __future__ import annotations

import numpy as np
import soundfile

RATE = 16000
TOY_RECIPE = """name = "toy"
[front_end]
n_fft = 128
window = 128
hop = 64
n_mels = 12
[network]
lstm = [16]
fc = []
[train]
steps = 6
batch = 2
seconds = 0.3
warmup = 2
"""
"""A recipe that trains within a second."""


def write(path, samples, rate=RATE, subtype="PCM_16"):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype=subtype)


def tone(frequency, seconds=1.5, rate=RATE, amplitude=0.3):
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)


def speech_folder(folder, voices, files=2, first=400, step=100):
    """Voice n is a tone of first + n · step Hz. Returns {name: frequency}."""
    frequencies = {f"voice{n:02d}": first + n * step for n in range(voices)}
    for name, frequency in frequencies.items():
        for number in range(files):
            write(folder / name / f"{number}.wav", tone(frequency))
    return frequencies


def noise_folder(folder, files=12, seconds=3.0):
    rng = np.random.default_rng(0)
    for number in range(files):
        write(folder / f"kind{number % 2}" / f"{number}.flac", 0.1 * rng.standard_normal(int(seconds * RATE)))
    return folder
