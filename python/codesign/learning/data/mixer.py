# SPDX-License-Identifier: Apache-2.0
"""Noisy mixtures on the fly, each determined by a seed and its number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from codesign.base.errors import InputError
from codesign.base.signals import Signal32
from codesign.learning.data.corpus import Corpus, Recordings
from codesign.learning.data.folders import SPLITS, Split
from codesign.learning.data.pool import EVENT_SECONDS, FADE_SECONDS, noise_pools, speech_pool
from codesign.learning.data.render import KNOTS, NEPER, TOP_OCTAVES, Renderer
from codesign.learning.data.rooms import SECONDS, Responses, recorded_bank, room_bank
from codesign.learning.data.settings import MixSettings
from codesign.learning.data.shard_index import KINDS
from codesign.learning.data.shard_window import window_of

QUIETEST = 1e-5
"""Root mean square below which a stretch holds nothing: −100 dB of full scale."""
FULLEST = 0.98
GROUP = 12
"""Talkers, and as many backgrounds, that are rendered together and combined where MixSettings.reuse is above 1."""
IMPACT_SECONDS = 0.5
PAUSE_SECONDS = (0.05, 0.4)
"""Between the utterances of a talker."""
_TRIES = 20
_Maker = Callable[[np.random.Generator, Responses | None], Signal32]


class Mixer:
    """Draws pairs (noisy, clean) of `length` samples from a split of a corpus, float32, full scale 1.

    Mixture number n depends on nothing but the corpus, the split, the seed, the settings and n: the same in any batch size and
    any process, and a training that goes on after n needs to replay nothing (set `position`).

    Raises:
        InputError: the split has no speech or no noise, or `length` is not positive.
        ToolError: rooms are wanted and pyroomacoustics is not installed.
    """

    def __init__(self, corpus: Corpus, split: Split, length: int, seed: int, settings: MixSettings | None = None) -> None:
        if length <= 0:
            raise InputError(f"mixtures of {length} samples", hint="give a length of 1 or more")
        self.corpus, self.split, self.length, self.seed = corpus, split, length, seed
        self.settings = settings or MixSettings()
        self.position = 0
        rate = self._rate = corpus.sample_rate
        unit = GROUP * self.settings.reuse
        self._windows = tuple(
            window_of(recordings, kind, split, length, seed, unit)
            for recordings, kind in zip((corpus.speech, corpus.noise), KINDS, strict=True)
        )
        self._heard: tuple[Recordings | None, Recordings | None] = (None, None)
        # Rooms of a split are its own, so that validation hears none of the training's.
        self._rooms: Responses | None = None
        if self.settings.rooms > 0.0:
            number = len(SPLITS) * seed + SPLITS.index(split)
            self._rooms = recorded_bank(corpus.rooms, split, seed, rate) if corpus.rooms else room_bank(number, rate)
        self._group, self._rendered = -1, dict[int, tuple[Signal32, Signal32]]()
        self._renderer = Renderer(length, rate, int(SECONDS * rate))
        self._pauses = (int(PAUSE_SECONDS[0] * rate), int(PAUSE_SECONDS[1] * rate))
        makers: dict[str, _Maker] = {
            "recorded": self._recorded,
            "events": self._several_events,
            "coloured": self._coloured,
            "babble": self._babble,
            "voices": self._voices,
        }
        weights = {kind: weight for kind, weight in self.settings.kinds.items() if weight > 0.0}
        self._makers = [makers[kind] for kind in weights]
        self._kinds = np.array(list(weights.values())) / sum(weights.values())
        layers = np.array(self.settings.layers[: len(self._makers)])
        self._layers = layers / layers.sum() if layers.sum() > 0.0 else np.ones(1)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickled as its arguments: mapped files are opened again."""
        return Mixer, (self.corpus, self.split, self.length, self.seed, self.settings), {"position": self.position}

    def batch(self, size: int) -> tuple[Signal32, Signal32]:
        """The next `size` mixtures: noisy and clean, both (size, length)."""
        noisy, clean = np.empty((size, self.length), np.float32), np.empty((size, self.length), np.float32)
        for row in range(size):
            noisy[row], clean[row] = self.mixture()
        return noisy, clean

    def mixture(self, snr_db: float | None = None, number: int | None = None) -> tuple[Signal32, Signal32]:
        """One pair (length,) each: mixture `number`, or the next one; a given SNR also means neither clean nor noise alone."""
        if number is None:
            number = self.position
            self.position += 1
        self._hear(number)
        settings, group, index = self.settings, *divmod(number, GROUP * self.settings.reuse)
        rng = self._rng(number)
        if settings.reuse == 1:
            room = self._room(rng)
            clean, noise = self._talker(rng, room), self._background(rng, room)
        else:
            turn, place = divmod(index, GROUP)
            clean, noise = self._parts(group, place)[0].copy(), self._parts(group, (place + turn) % GROUP)[1].copy()
        snr = float(rng.uniform(*(settings.wide_snr_db if rng.random() < settings.wide else settings.snr_db)))
        chance = rng.random()
        if snr_db is not None:
            snr, chance = snr_db, 1.0
        noise *= np.float32(rms(clean) / rms(noise) * 10 ** (-snr / 20))
        if settings.hiss > 0.0 and rng.random() < settings.hiss:
            noise += self._hiss(rng) * np.float32(rms(clean) * 10 ** (rng.uniform(*settings.hiss_db) / 20))
        if chance < settings.noise_only:
            clean = np.zeros_like(clean)
        elif chance < settings.noise_only + settings.clean_only:
            noise *= np.float32(1e-3)
        noisy = clean + noise
        level = 10 ** (rng.uniform(*settings.level_db) / 20) / rms(noisy)
        peak = max(float(np.abs(noisy).max()), float(np.abs(clean).max()))
        gain = np.float32(min(level, FULLEST / peak))
        return noisy * gain, clean * gain

    def _hear(self, number: int) -> None:
        """Take pools from what mixture `number` is drawn from."""
        speech, noise = (window.at(number) for window in self._windows)
        settings, rate = self.settings, self._rate
        if speech is not self._heard[0]:
            self._speech = speech_pool(speech, self.split, rate, settings.speech_weights)
            others = settings.voices_weights or settings.speech_weights
            self._others = speech_pool(speech, self.split, rate, others)
        if noise is not self._heard[1]:
            self._lasting, self._events = noise_pools(noise, self.split, rate, settings.noise_weights)
        self._heard = (speech, noise)

    def _rng(self, *numbers: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, SPLITS.index(self.split), *numbers))

    def _room(self, rng: np.random.Generator) -> Responses | None:
        if self._rooms is None or rng.random() >= self.settings.rooms:
            return None
        return self._rooms[int(rng.integers(len(self._rooms)))]

    def _parts(self, group: int, place: int) -> tuple[Signal32, Signal32]:
        """Talker and background number `place` of a group, rendered once while the group lasts."""
        if group != self._group:
            self._group, self._rendered = group, {}
        if place not in self._rendered:
            rng = self._rng(group, 1 + place)  # a last number of 0 would be the stream of mixture `group`
            room = self._room(rng)
            self._rendered[place] = self._talker(rng, room), self._background(rng, room)
        return self._rendered[place]

    def _talker(self, rng: np.random.Generator, room: Responses | None) -> Signal32:
        settings = self.settings
        for _ in range(_TRIES):
            source = self._speech.stretch(rng, self._source_size(rng, settings.speech_speed), self._pauses)
            clean = self._renderer.render(source, None if room is None else room[0], self._speech_gain(rng))
            if rms(clean) < QUIETEST:
                continue
            if rng.random() < settings.pauses:
                self._pause(rng, clean)
            return clean
        raise InputError(f"{self.corpus.speech.folder}: {_TRIES} stretches in a row were silent", hint="give speech recordings")

    def _pause(self, rng: np.random.Generator, clean: Signal32) -> None:
        """The talker begins late or ends early, unless little would be left of it."""
        edge = int(rng.uniform(0, 0.5) * self.length)
        if rng.random() < 0.6:
            silent, rest = clean[:edge], clean[edge:]
        else:
            silent, rest = clean[self.length - edge :], clean[: self.length - edge]
        if rms(rest) > 0.1 * rms(clean):
            silent[:] = 0

    def _background(self, rng: np.random.Generator, room: Responses | None) -> Signal32:
        """One or more kinds of noise at random levels, each in a place of its own."""
        count = 1 + int(rng.choice(len(self._layers), p=self._layers))
        chosen = rng.choice(len(self._makers), size=count, replace=False, p=self._kinds)
        total = np.zeros(self.length, np.float32)
        for index in chosen:
            part = self._makers[int(index)](rng, room)
            level = rms(part)
            if level > QUIETEST:
                total += part * np.float32(10 ** (rng.uniform(-15, 0) / 20) / level)
        return total if rms(total) > QUIETEST else self._coloured(rng, room)

    def _recorded(self, rng: np.random.Generator, room: Responses | None) -> Signal32:
        joint = -int(FADE_SECONDS * self._rate)
        source = self._lasting.stretch(rng, self._source_size(rng, self.settings.noise_speed), (joint, joint))
        return self._renderer.render(source, self._place(rng, room), self._noise_gain(rng))

    def _several_events(self, rng: np.random.Generator, room: Responses | None) -> Signal32:
        """Short sounds at random times over a faint noise."""
        source = np.zeros(self._source_size(rng, self.settings.noise_speed), np.float32)
        for _ in range(int(rng.integers(2, 12))):
            # Nothing is drawn for what is off: settings without it keep the mixtures that they had.
            made = self.settings.impacts > 0.0 and rng.random() < self.settings.impacts
            piece = self._impact(rng) if made else self._events.recording(rng, int(EVENT_SECONDS * self._rate))
            piece = piece[: source.size]
            at = int(rng.integers(source.size - piece.size + 1))
            source[at : at + piece.size] += piece * np.float32(10 ** (rng.uniform(-20, 0) / 20))
        sounds = self._renderer.render(source, self._place(rng, room), self._noise_gain(rng))
        floor = self._coloured(rng, room)
        return sounds + floor * np.float32(0.01 * max(rms(sounds), QUIETEST) / rms(floor))

    def _impact(self, rng: np.random.Generator) -> Signal32:
        """A knock, a slam, a clank: a handful of modes that begin together and decay, the low ones louder and longer."""
        pitch = np.exp(rng.uniform(np.log(40), np.log(4000), int(rng.integers(2, 9)))).astype(np.float32)
        decay = np.exp(rng.uniform(np.log(0.5), np.log(8))) * np.sqrt(pitch)
        time = np.arange(int(IMPACT_SECONDS * self._rate), dtype=np.float32) / np.float32(self._rate)
        modes = np.exp(np.outer((2j * np.pi * pitch - decay).astype(np.complex64), time)).imag
        sound = (rng.uniform(0.1, 1, pitch.size) / np.sqrt(pitch)).astype(np.float32) @ modes
        sound *= 1 - np.exp(time * np.float32(-1 / rng.uniform(5e-4, 0.04)))
        return np.asarray(sound * np.float32(0.5 / (np.abs(sound).max() + 1e-9)))

    def _voices(self, rng: np.random.Generator, room: Responses | None) -> Signal32:
        """One or two talkers that are not the one who is meant, each for a part of the time."""
        total = np.zeros(self.length, np.float32)
        for _ in range(int(rng.integers(1, 3))):
            source = self._others.stretch(rng, self._source_size(rng, self.settings.voices_speed), self._pauses)
            voice = self._renderer.render(source, self._place(rng, room), self._noise_gain(rng))
            if rng.random() < 0.6:
                self._pause(rng, voice)
            total += voice * np.float32(10 ** (rng.uniform(-9, 0) / 20))
        return total

    def _babble(self, rng: np.random.Generator, room: Responses | None) -> Signal32:
        source = np.zeros(self._source_size(rng, self.settings.speech_speed), np.float32)
        for _ in range(int(rng.integers(4, 13))):
            source += self._others.stretch(rng, source.size, self._pauses) * np.float32(10 ** (rng.uniform(-9, 0) / 20))
        return self._renderer.render(source, self._place(rng, room), self._noise_gain(rng))

    def _coloured(self, rng: np.random.Generator, room: Responses | None) -> Signal32:
        """Noise of a random slope with resonances, and often a slow random envelope."""
        renderer = self._renderer
        octaves = np.linspace(0, TOP_OCTAVES, KNOTS)
        gain = renderer.curve(-rng.uniform(-1, 7) * octaves)
        for _ in range(int(rng.integers(0, 4))):
            gain *= renderer.resonance(
                float(np.exp(rng.uniform(np.log(80), np.log(6000)))), rng.uniform(0.02, 0.5), rng.uniform(0, 8)
            )
        noise = renderer.noise(rng, gain)
        if rng.random() < 0.6:
            knots = rng.uniform(-1, 1, int(self.length / self._rate * rng.uniform(0.5, 8)) + 2) * rng.uniform(0, 10)
            at = np.linspace(0, len(knots) - 1, self.length)
            noise *= np.exp(np.interp(at, np.arange(len(knots)), knots * NEPER).astype(np.float32))
        return noise

    def _hiss(self, rng: np.random.Generator) -> Signal32:
        """Steady noise of a random slope, root mean square 1."""
        slope = rng.uniform(-5, 2) * np.linspace(0, TOP_OCTAVES, KNOTS)
        noise = self._renderer.noise(rng, self._renderer.curve(slope))
        return noise / np.float32(rms(noise))

    def _place(self, rng: np.random.Generator, room: Responses | None) -> Signal32 | None:
        """Where in the room a noise comes from, if it is in there."""
        return None if room is None or rng.random() < 0.25 else room[int(rng.integers(1, len(room)))]

    def _speech_gain(self, rng: np.random.Generator) -> Signal32 | None:
        settings = self.settings
        gain = self._curve(rng, settings.speech_eq_db) if rng.random() < settings.equalizer else None
        if rng.random() < settings.bass:
            shelf = self._renderer.low_shelf(rng.uniform(3, 15), rng.uniform(120, 220))
            gain = shelf if gain is None else gain * shelf
        if settings.thin > 0.0 and rng.random() < settings.thin:
            high_pass = self._renderer.high_pass(rng.uniform(80, 250))
            gain = high_pass if gain is None else gain * high_pass
        return gain

    def _noise_gain(self, rng: np.random.Generator) -> Signal32 | None:
        if rng.random() >= self.settings.equalizer:
            return None
        gain = self._curve(rng, self.settings.noise_eq_db)
        if rng.random() < 0.3:
            gain = gain * self._renderer.high_pass(rng.uniform(60, 200))
        return gain

    def _curve(self, rng: np.random.Generator, spread_db: float) -> Signal32:
        """A random tilt and a random value at every knot."""
        tilt = np.linspace(-1, 1, KNOTS) * rng.normal(0, spread_db / 2)
        return self._renderer.curve(tilt + rng.normal(0, spread_db / 2, KNOTS))

    def _source_size(self, rng: np.random.Generator, speed: tuple[float, float]) -> int:
        """Samples to take for a random speed, evenly spread in pitch."""
        return self._renderer.source_size(float(np.exp(rng.uniform(np.log(speed[0]), np.log(speed[1])))))


def rms(signal: Signal32) -> float:
    """Root mean square of (n,), never quite 0."""
    return float(np.sqrt(np.dot(signal, signal) / max(1, signal.size) + 1e-20))
