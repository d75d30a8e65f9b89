"""Noisy mixtures on the fly: folders of speech and noise in, batches of (noisy, clean) waveforms out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile as sf
import soxr

RATE = 16000
Signal = npt.NDArray[np.float32]
Groups = dict[str, list[npt.NDArray[np.int16]]]

# Voices of this corpus by the beginning of their name: less of the noisier recordings, more of the deep voices.
VOICE_FACTORS = {"tuxpaint": 0.4, "fillets-cs-v": 2.0, "fillets-nl-v": 2.0, "ru-nsh": 1.5}


def load_groups(folder: Path) -> Groups:
    """WAV and FLAC files below a folder, grouped by the folder that holds them (a voice or a source of noise)."""
    groups: Groups = defaultdict(list)
    for path in sorted([*folder.rglob("*.wav"), *folder.rglob("*.flac")]):
        data, rate = sf.read(path, dtype="int16", always_2d=True)
        if rate != RATE:
            raise SystemExit(f"{path}: {rate} Hz, expected {RATE}: resample it first")
        if len(data) > RATE // 50:
            groups[path.parent.name].append(np.ascontiguousarray(data[:, 0]))
    if not groups:
        raise SystemExit(f"{folder}: no WAV or FLAC file: run corpus.py, or name another folder")
    return dict(groups)


def joined_speech(groups: Groups, seconds: float = 60.0) -> Groups:
    """Each voice's utterances at one level (−25 dBFS), joined with pauses of 0.05 to 0.4 s to pieces of a minute."""
    rng = np.random.default_rng(0)
    result: Groups = {}
    for voice, utterances in groups.items():
        pieces: list[list[npt.NDArray[np.int16]]] = [[]]
        for index in rng.permutation(len(utterances)):
            signal = utterances[int(index)].astype(np.float32)
            frames = np.sqrt(np.mean(np.square(signal[: len(signal) // 160 * 160].reshape(-1, 160)), axis=1) + 1e-6)
            active = float(np.sqrt(np.mean(np.square(frames[frames > frames.max() / 30]))))
            gain = min(32768 * 10 ** (-25 / 20) / active, 29000 / float(np.max(np.abs(signal))))
            pieces[-1] += [(signal * gain).astype(np.int16), np.zeros(int(RATE * rng.uniform(0.05, 0.4)), np.int16)]
            if sum(map(len, pieces[-1])) > seconds * RATE:
                pieces.append([])
        result[voice] = [np.concatenate(piece) for piece in pieces if piece]
    return result


def rms(signal: Signal) -> float:
    return float(np.sqrt(np.mean(np.square(signal), dtype=np.float64) + 1e-12))


def filtered(signal: Signal, response: Signal) -> Signal:
    """Zero-phase filtering by a magnitude response given at len(signal)//2+1 bins."""
    return np.fft.irfft(np.fft.rfft(signal) * response, len(signal)).astype(np.float32)


@dataclass
class Mixer:
    """Draws mixtures of `length` samples from the groups of two folders."""

    speech: Groups  # as load_groups gives them
    noise: Groups
    length: int
    rng: np.random.Generator
    augment: bool = True

    def __post_init__(self) -> None:
        self.speech = joined_speech(self.speech)
        self.voices = sorted(self.speech)
        minutes = np.array([sum(map(len, self.speech[voice])) for voice in self.voices]) / RATE / 60
        factors = [max([f for key, f in VOICE_FACTORS.items() if v.startswith(key)], default=1.0) for v in self.voices]
        weights = np.sqrt(minutes + 0.1) * np.array(factors)
        self.voice_weights = weights / weights.sum()
        self.sounds = {
            kind: [piece for name, pieces in sorted(self.noise.items()) if name.startswith(kind) for piece in pieces]
            for kind in ("ambience", "music", "sfx")
        }
        known = ("ambience", "music", "sfx")
        others = [p for name, pieces in self.noise.items() if not name.startswith(known) for p in pieces]
        self.sounds["ambience"] += others  # a user's own noise folder has no kinds: use it as it is
        self.frequencies = np.maximum(np.fft.rfftfreq(self.length, 1 / RATE), 20.0)

    def batch(self, size: int) -> tuple[Signal, Signal]:
        pairs = [self.mixture() for _ in range(size)]
        return np.stack([noisy for noisy, _ in pairs]), np.stack([clean for _, clean in pairs])

    def mixture(self, snr_db: float | None = None) -> tuple[Signal, Signal]:
        """One (noisy, clean) pair; a given SNR also means: neither clean nor noise-only."""
        rng = self.rng
        clean = self.talk()
        if self.augment and rng.random() < 0.4:
            clean = self.reverberate(clean, float(rng.uniform(0.1, 0.5)))
        if self.augment and rng.random() < 0.7:
            clean = self.equalize(clean, 6.0, high_pass=False)
        if self.augment and self.rng.random() < 0.4:
            clean = self.deepen(clean)
        noise = self.background()
        if self.augment and rng.random() < 0.3:
            noise = self.reverberate(noise, float(rng.uniform(0.1, 0.6)))
        noise = self.equalize(noise, 8.0, high_pass=True)
        snr = snr_db
        if snr is None:
            snr = float(rng.uniform(-6, 9) if rng.random() < 0.8 else rng.uniform(-12, 20))
        noise = noise * np.float32(rms(clean) / rms(noise) * 10 ** (-snr / 20))
        kind = rng.random() if snr_db is None else 1.0
        if kind < 0.02:
            clean = np.zeros_like(clean)
        elif kind < 0.05:
            noise = noise * np.float32(1e-3)
        noisy = clean + noise
        level = 10 ** (rng.uniform(-40, -15) / 20) / rms(noisy)
        gain = np.float32(min(level, 0.98 / float(np.max(np.abs(noisy)))))
        return noisy * gain, clean * gain

    def talk(self, voice: str | None = None, active: bool = True) -> Signal:
        """A stretch of one voice; resampling by a random factor makes it another one."""
        for _ in range(20):
            name = voice or str(self.rng.choice(self.voices, p=self.voice_weights))
            factor = float(np.exp(self.rng.uniform(-0.4, 0.15))) if self.augment else 1.0
            need = int(self.length * factor) + 64
            piece = self.excerpt(self.speech[name], need)
            if factor != 1.0:
                piece = soxr.resample(piece, RATE * factor, RATE, "LQ").astype(np.float32)
            piece = piece[: self.length]
            if len(piece) == self.length and (not active or rms(piece) > 0.01):
                break
        if active and self.rng.random() < 0.3:  # the talker starts late, or stops
            edge = int(self.rng.uniform(0, 0.5) * self.length)
            if self.rng.random() < 0.6:
                piece[:edge] = 0
            else:
                piece[self.length - edge :] = 0
        return piece

    def excerpt(self, pieces: list[npt.NDArray[np.int16]], need: int) -> Signal:
        """`need` samples of one random piece, repeated with a cross-fade-free join if it is shorter."""
        piece = pieces[int(self.rng.integers(len(pieces)))]
        if len(piece) <= need:
            piece = np.tile(piece, need // len(piece) + 2)
        start = int(self.rng.integers(len(piece) - need))
        return piece[start : start + need].astype(np.float32) / np.float32(32768)

    def background(self) -> Signal:
        """One to three noises of different kinds at random levels, sometimes with a few faint talkers."""
        makers = [self.ambience, self.music, self.bursts, self.coloured, self.babble]
        count = int(self.rng.choice([1, 2, 3], p=[0.45, 0.35, 0.2]))
        chosen = self.rng.choice(len(makers), size=count, replace=False, p=[0.27, 0.13, 0.2, 0.25, 0.15])
        parts = [(makers[int(index)](), self.rng.uniform(-15, 0)) for index in chosen]
        if self.rng.random() < 0.2:
            parts.append((self.few_voices(), self.rng.uniform(-25, -10)))
        total = np.zeros(self.length, np.float32)
        for part, level_db in parts:
            total += part * np.float32(10 ** (level_db / 20) / rms(part))
        return total

    def ambience(self) -> Signal:
        return self.varispeed("ambience")

    def music(self) -> Signal:
        return self.varispeed("music")

    def varispeed(self, kind: str) -> Signal:
        if not self.sounds[kind]:
            return self.coloured()
        factor = float(np.exp(self.rng.uniform(-0.35, 0.35)))
        piece = self.excerpt(self.sounds[kind], int(self.length * factor) + 64)
        piece = soxr.resample(piece, RATE * factor, RATE, "QQ").astype(np.float32)[: self.length]
        return piece if len(piece) == self.length and rms(piece) > 1e-4 else self.coloured()

    def bursts(self) -> Signal:
        """Short sounds at random times over a faint noise floor."""
        total = self.coloured() * np.float32(0.01)
        pieces = self.sounds["sfx"] or self.sounds["ambience"]
        for _ in range(int(self.rng.integers(2, 12))):
            piece = pieces[int(self.rng.integers(len(pieces)))][: 2 * RATE].astype(np.float32) / np.float32(32768)
            start = int(self.rng.integers(-len(piece) // 2, self.length))
            cut = piece[max(0, -start) :][: self.length - max(0, start)]
            total[max(0, start) : max(0, start) + len(cut)] += cut * np.float32(10 ** (self.rng.uniform(-20, 0) / 20))
        return total

    def coloured(self) -> Signal:
        """Noise of a random spectral slope with resonances (AR-like) and a slow random envelope."""
        rng = self.rng
        slope = 10 ** (-rng.uniform(-1, 7) / 20 * np.log2(self.frequencies / 500))
        for _ in range(int(rng.integers(0, 4))):
            centre, width = np.exp(rng.uniform(np.log(80), np.log(6000))), rng.uniform(0.02, 0.5)
            slope = slope * (1 + rng.uniform(0, 8) / (1 + ((self.frequencies / centre - 1) / width) ** 2))
        noise = filtered(rng.standard_normal(self.length, np.float32), slope)
        if rng.random() < 0.6:
            knots = rng.uniform(-1, 1, int(self.length / RATE * rng.uniform(0.5, 8)) + 2) * rng.uniform(0, 10)
            noise = noise * 10 ** (np.interp(np.linspace(0, len(knots) - 1, self.length), np.arange(len(knots)), knots) / 20)
        return noise.astype(np.float32)

    def babble(self) -> Signal:
        return self.voices_together(int(self.rng.integers(5, 13)))

    def few_voices(self) -> Signal:
        return self.voices_together(int(self.rng.integers(2, 5)))

    def voices_together(self, count: int) -> Signal:
        total = np.zeros(self.length, np.float32)
        for _ in range(count):
            total += self.talk(active=False) * np.float32(10 ** (self.rng.uniform(-9, 0) / 20))
        return total if rms(total) > 1e-4 else self.coloured()

    def reverberate(self, signal: Signal, seconds: float) -> Signal:
        """Direct sound plus an exponentially decaying noise tail (reverberation time `seconds`), same length."""
        count = int(seconds * RATE)
        time = np.arange(count) / RATE
        tail = self.rng.standard_normal(count) * np.exp(-6.91 * time / seconds)
        tail[: int(self.rng.uniform(0.001, 0.012) * RATE)] = 0.0
        tail *= 10 ** (-self.rng.uniform(0, 12) / 20) / np.sqrt(np.sum(tail**2) + 1e-12)
        tail[0] = 1.0
        size = 1 << (len(signal) + count).bit_length()
        out = np.fft.irfft(np.fft.rfft(signal, size) * np.fft.rfft(tail, size), size)
        return out[: len(signal)].astype(np.float32)

    def deepen(self, voice: Signal) -> Signal:
        """More of the fundamental: most voices of this corpus were recorded with a high-pass."""
        gain = 10 ** (self.rng.uniform(3, 15) / 20)
        shelf = 1 + (gain - 1) / (1 + (self.frequencies / self.rng.uniform(120, 220)) ** 4)
        return filtered(voice, shelf.astype(np.float32))

    def equalize(self, signal: Signal, strength_db: float, high_pass: bool) -> Signal:
        """A smooth random curve over log frequency, sometimes with a high-pass."""
        knots = self.rng.normal(0, strength_db / 2, 6) + np.linspace(-1, 1, 6) * self.rng.normal(0, strength_db / 2)
        position = np.log2(self.frequencies / 62.5) / 7 * 5
        response = 10 ** (np.interp(position, np.arange(6), knots) / 20)
        if high_pass and self.rng.random() < 0.3:
            response = response / (1 + (self.rng.uniform(60, 200) / self.frequencies) ** 4)
        return filtered(signal, response.astype(np.float32))
