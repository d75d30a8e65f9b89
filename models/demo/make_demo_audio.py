# SPDX-License-Identifier: Apache-2.0
"""Make the demonstration recordings: five noisy utterances with their clean speech, 16 kHz, mono, 16 bit.

    python models/demo/make_demo_audio.py PACKAGES models/demo

PACKAGES is a folder with the four Debian packages of README.md, each unpacked into a folder of its name:

    apt-get download NAME && dpkg-deb -x NAME_*.deb PACKAGES/NAME

The output is the same at every run. Needs numpy, soundfile, soxr and PyAV (`pip install soundfile soxr av`).
"""

from __future__ import annotations

import argparse
import io
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

RATE = 16000
LEVEL_DB = -24.0  # rms of the clean speech, dB of full scale
Audio = npt.NDArray[np.float64]


def utterance(packages: Path, *numbers: str) -> Audio:
    """LibriVox utterances one after the other, with the silence that they carry at both ends."""
    folder = packages / "pocketsphinx-testdata/usr/share/pocketsphinx/test/data/librivox"
    parts = [soundfile.read(folder / f"sense_and_sensibility_01_austen_64kb-{number}.wav")[0] for number in numbers]
    return np.concatenate(parts)[: 6 * RATE]


def ambience(packages: Path, name: str, start: float, length: int) -> Audio:
    """A stretch of one of ufoai-sound's recordings."""
    archive = packages / "ufoai-sound/usr/share/games/ufoai/base/0snd.pk3"
    with zipfile.ZipFile(archive) as pk3:
        signal, rate = soundfile.read(io.BytesIO(pk3.read(f"sound/ambience/{name}.ogg")), always_2d=True)
    return soxr.resample(signal.mean(axis=1), rate, RATE)[int(start * RATE) :][:length]


def talk(packages: Path, language: str, length: int, rng: np.random.Generator) -> Audio:
    """Announcements of one voice in random order, without pauses, at a random pitch."""
    import av

    folder = packages / f"asterisk-core-sounds-{language}-g722/usr/share/asterisk/sounds"
    files = sorted(p for p in folder.rglob("*.g722") if p.stat().st_size > 16000 and "silence" not in p.parts)
    factor = rng.uniform(0.85, 1.18)
    parts: list[Audio] = []
    while sum(map(len, parts)) < 2 * length:
        with av.open(str(files[rng.integers(len(files))]), format="g722") as container:
            signal = np.concatenate([f.to_ndarray().reshape(-1) for f in container.decode(audio=0)]) / 32768
        loud = np.flatnonzero(np.abs(signal) > 0.02)
        if len(loud):
            parts.append(soxr.resample(signal[loud[0] : loud[-1]], RATE * factor, RATE))
    joined = np.concatenate(parts)
    start = rng.integers(len(joined) - length)
    return joined[start : start + length]


def room(signal: Audio, seconds: float, rng: np.random.Generator) -> Audio:
    """The signal at a distance: convolved with noise that decays by 60 dB in `seconds`."""
    time = np.arange(int(seconds * RATE)) / RATE
    response = rng.standard_normal(len(time)) * np.exp(-6.9 * time / seconds)
    response[0] = 0.9 * np.sqrt(np.sum(response[1:] ** 2))
    size = len(signal) + len(response)
    return np.fft.irfft(np.fft.rfft(signal, size) * np.fft.rfft(response, size), size)[: len(signal)]


def babble(packages: Path, voices: int, length: int, rng: np.random.Generator) -> Audio:
    total = np.zeros(length)
    for number in range(voices):
        voice = talk(packages, ("it", "ru")[number % 2], length, rng)
        total += voice / np.sqrt(np.mean(voice**2)) * 10 ** (rng.uniform(-8, 0) / 20)
    return room(total, 0.4, rng)


def ventilation(length: int, rng: np.random.Generator) -> Audio:
    """Generated: noise that falls by 6 dB an octave above 200 Hz and swells slowly, and a hum of 100 Hz."""
    frequency = np.fft.rfftfreq(length, 1 / RATE)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(length)) / (1 + frequency / 200), length)
    time = np.arange(length) / RATE
    hum = sum(np.sin(2 * np.pi * 100 * k * time + rng.uniform(0, 6)) / k for k in range(1, 8))
    return noise / noise.std() * (1 + 0.5 * np.sin(2 * np.pi * 0.4 * time)) + 0.2 * hum


def mix(speech: Audio, noise: Audio, snr_db: float) -> tuple[Audio, Audio]:
    speech = speech * 10 ** (LEVEL_DB / 20) / np.sqrt(np.mean(speech**2))
    noise = noise * np.sqrt(np.mean(speech**2) / np.mean(noise**2)) * 10 ** (-snr_db / 20)
    scale = min(1.0, 0.95 / np.abs(speech + noise).max())
    return scale * (speech + noise), scale * speech


def recordings(packages: Path) -> dict[str, tuple[Audio, Audio]]:
    rng = np.random.default_rng(20)
    speech = {
        "babble_0db": utterance(packages, "0920"),
        "talkers_3db": utterance(packages, "0930", "0880"),
        "pump_5db": utterance(packages, "0890"),
        "footsteps_8db": utterance(packages, "0870"),
        "fan_3db": utterance(packages, "0880", "0890"),
    }
    size = {name: len(signal) for name, signal in speech.items()}
    two = babble(packages, 2, size["talkers_3db"], rng)
    fan = ventilation(size["talkers_3db"], rng)
    noise = {
        "babble_0db": babble(packages, 12, size["babble_0db"], rng),
        "talkers_3db": fan / fan.std() + 0.8 * two / two.std(),
        "pump_5db": ambience(packages, "minepump03", 24.0, size["pump_5db"]),
        "footsteps_8db": ambience(packages, "bloodspiderwalk", 2.0, size["footsteps_8db"]),
        "fan_3db": ventilation(size["fan_3db"], rng),
    }
    return {name: mix(speech[name], noise[name], float(name.split("_")[1][:-2])) for name in speech}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    for name, pair in recordings(arguments.packages).items():
        for kind, signal in zip(("noisy", "clean"), pair, strict=True):
            path = arguments.output / f"{name}_{kind}.flac"
            soundfile.write(path, signal, RATE, subtype="PCM_16")
            print(f"{path}: {len(signal) / RATE:.2f} s, peak {np.abs(signal).max():.2f}")


if __name__ == "__main__":
    main()
