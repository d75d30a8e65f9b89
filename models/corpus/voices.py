# SPDX-License-Identifier: Apache-2.0
"""Add synthetic English-text voices to a corpus: a filler beside recorded ones, which are poor in English here.

    python voices.py CORPUS [--minutes 20]

reads sentences of Debian's `fortunes` with flite and festival into CORPUS/speech/train/synthetic-VOICE. Needs these Debian
packages, installed: flite, festival, fortunes, festvox-kdlpc16k, -us-slt-hts, -italp16k, -itapc16k, -suopuhe-lj, -suopuhe-mv,
-czech-dita, -czech-machac, -czech-ph. Their voices are free software (BSD-like: CMU's; GPL-2: the Czech and Italian ones;
LGPL-2.1: the Finnish ones).
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
import soxr

FORTUNES = Path("/usr/share/games/fortunes")
FLITE = ("awb", "rms", "slt", "kal16")
FESTIVAL = (
    "ked_diphone",
    "cmu_us_slt_arctic_hts",
    "lp_diphone",
    "pc_diphone",
    "suo_fi_lj_diphone",
    "hy_fi_mv_diphone",
    "czech_dita",
    "czech_machac",
    "czech_ph",
)
RATE = 16000
WORDS_A_MINUTE = 150
CHUNK = 10


def sentences() -> list[str]:
    """Sentences of 6 to 30 words without anything that is read letter by letter, in an order that a seed fixes."""
    found: set[str] = set()
    for path in sorted(FORTUNES.glob("*.u8")):
        text = path.resolve().read_text(encoding="utf-8", errors="ignore")
        for saying in text.split("\n%\n"):
            plain = re.sub(r"\s+", " ", re.sub(r"\n\s*--.*", "", saying, flags=re.DOTALL)).strip()
            found.update(
                part
                for part in re.split(r"(?<=[.!?]) ", plain)
                if 6 <= len(part.split()) <= 30
                and re.fullmatch(r"[A-Za-z',;. !?-]+", part)
                and not re.search(r"[A-Z]{3}", part)
            )
    ordered = sorted(found)
    random.Random(1).shuffle(ordered)
    return ordered


def _is_plain(text: str) -> bool:
    words = 6 <= len(text.split()) <= 30
    return words and bool(re.fullmatch(r"[A-Za-z',;. !?-]+", text)) and not re.search(r"[A-Z]{3}", text)


def texts(minutes: float, start: int, everything: list[str]) -> Iterator[str]:
    """About `minutes` of speech: one to three sentences at a time, beginning at sentence `start`."""
    words, at = 0, start
    while words < minutes * WORDS_A_MINUTE:
        piece = " ".join(everything[(at + k) % len(everything)] for k in range(1 + at % 3))
        at += 3
        words += len(piece.split())
        yield piece


def read_with_flite(voice: str, pieces: list[str], folder: Path) -> None:
    for number, text in enumerate(pieces):
        subprocess.run(["flite", "-voice", voice, "-t", text, str(folder / f"{number}.wav")], check=True, capture_output=True)


def read_with_festival(voice: str, pieces: list[str], folder: Path) -> None:
    """CHUNK texts a process: a text that a voice cannot say ends its process, and what came after it is missing."""
    script = folder / "read.scm"
    for first in range(0, len(pieces), CHUNK):
        lines = [f"(voice_{voice})"]
        for number, text in enumerate(pieces[first : first + CHUNK], first):
            lines.append(f'(utt.save.wave (utt.synth (Utterance Text "{text}")) "{folder}/{number}.wav")')
        script.write_text("\n".join(lines) + "\n", encoding="utf-8")
        subprocess.run(["festival", "--batch", str(script)], check=False, capture_output=True)


def read(job: tuple[str, list[str], Path]) -> str:
    """One voice into its folder: 16 kHz, 16 bit, peak 0.7."""
    voice, pieces, corpus = job
    target = corpus / "speech" / "train" / f"synthetic-{voice.split('_diphone')[0]}"
    target.mkdir(parents=True, exist_ok=True)
    seconds = 0.0
    with tempfile.TemporaryDirectory() as scratch:
        (read_with_flite if voice in FLITE else read_with_festival)(voice, pieces, Path(scratch))
        for path in sorted(Path(scratch).glob("*.wav")):
            signal, rate = soundfile.read(path, dtype="float32")
            audio = signal if rate == RATE else soxr.resample(signal, rate, RATE)
            if len(audio) > RATE // 2 and np.abs(audio).max() > 0:
                soundfile.write(target / path.name, audio * (0.7 / np.abs(audio).max()), RATE, subtype="PCM_16")
                seconds += len(audio) / RATE
    return f"{target.name}: {seconds / 60:.0f} minutes"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="folder that corpus.py wrote")
    parser.add_argument("--minutes", type=float, default=20.0, help="of each voice")
    arguments = parser.parse_args()
    everything = sentences()
    jobs = [
        (voice, list(texts(arguments.minutes, 1009 * index, everything)), arguments.corpus)
        for index, voice in enumerate((*FLITE, *FESTIVAL))
    ]
    with ThreadPoolExecutor(2) as pool:
        for line in pool.map(read, jobs):
            print(line, flush=True)


if __name__ == "__main__":
    main()
