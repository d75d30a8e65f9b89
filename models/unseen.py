# SPDX-License-Identifier: Apache-2.0
"""The second test: mixtures of recordings of which none was trained on, looked at while training or chosen by ear.

    git clone https://github.com/Picovoice/speech-to-intent-benchmark
    git clone https://github.com/remvze/moodist
    python models/unseen.py FOLDER_OF_BOTH -o CLIPS

writes CLIPS/NUMBER_NOISE/noisy.flac and clean.flac as `codesign evaluate` and `models/measure.py --unseen` take them. Speech:
commands that volunteers spoke to a coffee machine, in their own rooms (Apache-2.0). Noise: kitchens, bars, offices, streets,
trains, rain and machines (CC0-1.0 and the Pixabay Content License; Apache-2.0). The mixtures stand in unseen.json: files by
their SHA-256, where the noise begins and the ratio of speech to noise. They were drawn once, by a hash of the names
(`--freeze`), and stay as they are: a network that was chosen on them would make them worthless.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

RATE = 16000
FRAME = 320
COUNT = 60
SNRS = (-3.0, 0.0, 3.0, 6.0, 9.0, 12.0)
SPEECH = "speech-to-intent-benchmark/data/speech/clean/*.wav"
NOISE = (
    "speech-to-intent-benchmark/data/noise/kitchen.wav",
    *(f"moodist/public/sounds/places/{name}.mp3" for name in ("cafe", "carousel", "construction-site", "crowded-bar")),
    *(f"moodist/public/sounds/places/{name}.mp3" for name in ("laundry-room", "library", "office", "restaurant")),
    *(f"moodist/public/sounds/places/{name}.mp3" for name in ("subway-station", "supermarket")),
    *(f"moodist/public/sounds/things/{name}.mp3" for name in ("boiling-water", "dryer", "keyboard", "paper", "tuning-radio")),
    *(f"moodist/public/sounds/things/{name}.mp3" for name in ("washing-machine", "windshield-wipers")),
    *(f"moodist/public/sounds/transport/{name}.mp3" for name in ("airplane", "inside-a-train", "train")),
    *(f"moodist/public/sounds/urban/{name}.mp3" for name in ("busy-street", "crowd", "highway", "road", "traffic")),
    *(f"moodist/public/sounds/{name}.mp3" for name in ("rain/rain-on-window", "rain/rain-on-umbrella", "animals/dog-barking")),
    "moodist/public/sounds/nature/wind-in-trees.mp3",
)
FROZEN = Path(__file__).with_name("unseen.json")
Audio = npt.NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repositories", type=Path, help="folder with both checkouts")
    parser.add_argument("-o", "--output", type=Path, help="folder to write")
    parser.add_argument("--freeze", action="store_true", help="draw the mixtures and write unseen.json: once")
    arguments = parser.parse_args()
    root: Path = arguments.repositories
    if arguments.freeze:
        if FROZEN.exists():
            parser.error(f"{FROZEN.name} is frozen")
        FROZEN.write_text(json.dumps(draw(root), indent=1) + "\n", encoding="utf-8")
    if arguments.output is None:
        return
    for number, item in enumerate(json.loads(FROZEN.read_text(encoding="utf-8"))):
        for key in ("speech", "noise"):
            path = root / item[key]
            if not path.is_file() or sha256(path) != item[f"{key}_sha256"]:
                parser.error(f"{path} is not the recording that unseen.json names: check out an earlier commit")
        folder = arguments.output / f"{number:02d}_{Path(item['noise']).stem}"
        folder.mkdir(parents=True, exist_ok=True)
        noisy, clean = mix(root, item)
        for name, signal in (("noisy", noisy), ("clean", clean)):
            soundfile.write(folder / f"{name}.flac", np.rint(signal * 32767).astype(np.int16), RATE)
    print(f"{arguments.output}: {number + 1} mixtures")


def draw(root: Path) -> list[dict[str, Any]]:
    """COUNT utterances of 2 to 10 s in the order of their names' hashes; noises and ratios go round."""
    items: list[dict[str, Any]] = []
    for path in sorted(root.glob(SPEECH), key=lambda path: hashlib.sha256(path.name.encode()).digest()):
        seconds = soundfile.info(path).duration
        if 2.0 <= seconds <= 10.0 and len(items) < COUNT and is_clean(read(path)):
            noise = root / NOISE[len(items) % len(NOISE)]
            room = max(0, int(soundfile.info(noise).duration * RATE) - int(seconds * RATE))
            start = int.from_bytes(hashlib.sha256(f"{path.name} {noise.name}".encode()).digest()[:8]) % (room + 1)
            items.append(
                {
                    "speech": path.relative_to(root).as_posix(),
                    "speech_sha256": sha256(path),
                    "noise": noise.relative_to(root).as_posix(),
                    "noise_sha256": sha256(noise),
                    "start": start,
                    "snr_db": SNRS[(len(items) + len(items) // len(NOISE)) % len(SNRS)],
                }
            )
    return items


def mix(root: Path, item: dict[str, Any]) -> tuple[Audio, Audio]:
    """Noisy and clean signal, float64 (samples,): the ratio counts frames of 20 ms within 40 dB of the loudest; peak at 0.7."""
    clean = read(root / item["speech"])
    noise = read(root / item["noise"])
    noise = np.resize(noise, max(noise.size, item["start"] + clean.size))[item["start"] :][: clean.size]
    noise *= np.sqrt(power(clean) / max(power(noise), 1e-12) / 10 ** (item["snr_db"] / 10))
    noisy = clean + noise
    scale = 0.7 / max(np.abs(noisy).max(), np.abs(clean).max())
    return noisy * scale, clean * scale


def power(signal: Audio) -> float:
    """Mean power of the frames of 20 ms within 40 dB of the loudest one."""
    frames = (signal[: signal.size // FRAME * FRAME].reshape(-1, FRAME) ** 2).mean(axis=1)
    return float(frames[frames > 1e-4 * frames.max()].mean())


def is_clean(signal: Audio) -> bool:
    """True where the quietest twentieth of the frames lies 30 dB below the loudest: the reference holds no noise of its own."""
    frames = np.sort((signal[: signal.size // FRAME * FRAME].reshape(-1, FRAME) ** 2).mean(axis=1) + 1e-12)
    share = max(1, frames.size // 20)
    return bool(10 * np.log10(frames[-share] / frames[share]) > 30)


def read(path: Path) -> Audio:
    """Mono at 16 kHz."""
    signal, rate = soundfile.read(path, dtype="float64", always_2d=True)
    mono = signal.mean(axis=1)
    return mono if rate == RATE else soxr.resample(mono, rate, RATE)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
