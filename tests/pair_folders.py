# SPDX-License-Identifier: Apache-2.0
"""Folders of noisy and clean recordings for tests of evaluate, and processes that all of them share."""

import atexit
import functools

import numpy as np
import soundfile

import codesign.hearing.evaluate
from codesign.base.isolate import Workers
from codesign.hearing.evaluate import find_outputs, find_pairs, recorded_system

RATE = 16000
ITEMS = ("a", "b", "c d")


@functools.cache
def workers():
    """Started once: tests would else wait most of the time for processes to import what they need."""
    shared = Workers(2)
    atexit.register(shared.close)
    return shared


def evaluate(pairs, systems, **options):
    return codesign.hearing.evaluate.evaluate(pairs, systems, workers=workers(), **options)


def speech(seconds, seed):
    """Noise with the envelope and the spectrum of syllables, and the same with noise: int16 PCM."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    voice = sum(np.sin(2 * np.pi * 120 * k * time + k) / k for k in range(1, 40))
    clean = 2500 * voice * np.maximum(0, np.sin(2 * np.pi * 2.2 * time + seed)) ** 2
    return clean.astype(np.int16), (clean + 800 * rng.standard_normal(time.size)).astype(np.int16)


def write(path, pcm, rate=RATE):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, pcm, rate)


def make_folder(folder):
    """noisy/, clean/ and half/ (noise at half the amplitude) with three items; returns the folder."""
    for seed, item in enumerate(ITEMS):
        clean, noisy = speech(1.5, seed)
        half = clean + (noisy - clean) // 2
        for name, pcm in (("clean", clean), ("noisy", noisy), ("half", half)):
            write(folder / name / f"{item}.wav", pcm)
    return folder


def recorded(folder, name="half", **options):
    pairs = find_pairs(folder)
    return pairs, recorded_system(name, find_outputs(pairs, name), RATE, name, **options)


def pair_and_list(folder, name="half"):
    pairs, system = recorded(folder, name)
    return pairs, [system]


def of(evaluation, system, measure):
    return [score.values[measure] for score in evaluation.scores if score.system == system]
