# SPDX-License-Identifier: Apache-2.0
"""A listening test: its trials, and the key that says what every stimulus is. Listeners get the first and never the second."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from codesign.base.errors import InputError
from codesign.hearing.listen.stimuli import ANCHOR, Stimulus, StimulusSet

Kind = Literal["preference", "mushra"]
Role = Literal["system", "check", "identical"]

SCHEMA_VERSION: Literal[1] = 1


@dataclass(frozen=True)
class Trial:
    """One page. Preference: two stimuli in the order base, other; MUSHRA: all to be rated, and the open reference."""

    id: str
    stimuli: tuple[str, ...]
    reference: str = ""


@dataclass(frozen=True)
class KeyStimulus:
    """What an id stands for."""

    item: str
    system: str
    condition: str
    gain_db: float


@dataclass(frozen=True)
class KeyTrial:
    """system: part of the result; check: reference against anchor; identical: twice the same."""

    stimuli: tuple[str, ...]
    role: Role


@dataclass(frozen=True)
class Key:
    """Ids → items and systems. `unprocessed` is the preference test's base, `reference` the clean system or ""."""

    schema_version: Literal[1]
    kind: Literal["listen-key"]
    test: str
    test_kind: Kind
    title: str
    seed: int
    systems: tuple[str, ...]
    unprocessed: str
    reference: str
    lufs: float
    stimuli: dict[str, KeyStimulus]
    trials: dict[str, KeyTrial]


@dataclass(frozen=True)
class Design:
    """A test ready to be written: `audio` has (id, stimulus) pairs."""

    key: Key
    trials: tuple[Trial, ...]
    training: tuple[Trial, ...]
    audio: tuple[tuple[str, Stimulus], ...]


def design_test(
    kind: Kind, stimuli: StimulusSet, *, unprocessed: str = "", reference: str = "", title: str, seed: int, condition: str = ""
) -> Design:
    """The trials of a test on `stimuli`. `condition` is a regular expression whose first group, in an item's name, is its
    condition (an SNR, say). Equal input and seed give the same test.

    Raises:
        InputError: too few systems, a system that is named and not there, or `condition` is no regular expression.
    """
    systems = tuple(dict.fromkeys(s.system for s in stimuli.stimuli if s.system not in (ANCHOR, reference)))
    if kind == "preference" and unprocessed not in systems:
        raise InputError(f"no system is named '{unprocessed}'", hint=f"--unprocessed is one of {', '.join(systems)}")
    if kind == "mushra" and not reference:
        raise InputError("a MUSHRA test needs the clean recordings", hint="--reference NAME=FOLDER")
    if len(systems) < (2 if kind == "preference" else 1):
        raise InputError("a preference test needs a system beside the unprocessed one", hint="give another --system")
    builder = _Builder(stimuli, seed, title, condition)
    if kind == "preference":
        builder.preference(systems, unprocessed, reference)
    else:
        builder.mushra(systems, reference)
    return builder.design(kind, systems, unprocessed, reference, title)


class _Builder:
    def __init__(self, stimuli: StimulusSet, seed: int, title: str, condition: str) -> None:
        self._stimuli, self._seed, self._title = stimuli, seed, title
        self._random = random.Random(f"{seed}:{title}")  # noqa: S311 - an order, not a secret
        try:
            self._pattern = re.compile(condition) if condition else None
        except re.error as error:
            hint = "write one as in '_(.*db)'"
            raise InputError(f"--condition {condition} is no regular expression: {error}", hint=hint) from error
        self._audio: list[tuple[str, Stimulus]] = []
        self._key: dict[str, KeyStimulus] = {}
        self._trials: list[Trial] = []
        self._roles: dict[str, KeyTrial] = {}
        self._training: list[Trial] = []

    def preference(self, systems: Sequence[str], unprocessed: str, reference: str) -> None:
        """Every system against the unprocessed recording; every fourth item also clean against anchor, and twice the same."""
        for index, item in enumerate(self._stimuli.items):
            for system in systems:
                if system != unprocessed:
                    self._trial("system", self._new(item, unprocessed), self._new(item, system))
            if index % 4 == 0:
                self._trial("identical", self._new(item, unprocessed), self._new(item, unprocessed))
                if reference:
                    self._trial("check", self._new(item, ANCHOR), self._new(item, reference))
        item = self._stimuli.items[0]
        pair = (ANCHOR, reference) if reference else (unprocessed, next(s for s in systems if s != unprocessed))
        self._training.append(Trial("training", tuple(self._new(item, system) for system in pair)))

    def mushra(self, systems: Sequence[str], reference: str) -> None:
        """Every item: the open reference, and to be rated the hidden reference, the anchor and all systems."""
        for index, item in enumerate(self._stimuli.items):
            trial = self._trial("system", *(self._new(item, name) for name in (reference, ANCHOR, *systems)), open_as=reference)
            if index == 0:
                self._training.append(Trial("training", trial.stimuli, trial.reference))

    def design(self, kind: Kind, systems: tuple[str, ...], unprocessed: str, reference: str, title: str) -> Design:
        digest = hashlib.sha256(f"{self._seed}:{kind}:{title}".encode())
        for identifier, stimulus in self._audio:
            digest.update(identifier.encode() + stimulus.samples.tobytes())
        test = digest.hexdigest()[:12]
        self._random.shuffle(self._trials)  # the file's order tells nothing either
        key = Key(
            SCHEMA_VERSION,
            "listen-key",
            test,
            kind,
            title,
            self._seed,
            systems,
            unprocessed,
            reference,
            self._stimuli.lufs,
            self._key,
            self._roles,
        )
        return Design(key, tuple(self._trials), tuple(self._training), tuple(self._audio))

    def _trial(self, role: Role, *stimuli: str, open_as: str = "") -> Trial:
        shown = self._random.sample(stimuli, len(stimuli))
        reference = self._new(self._key[stimuli[0]].item, open_as) if open_as else ""
        trial = Trial(f"t{self._random.getrandbits(40):010x}", tuple(shown), reference)
        self._trials.append(trial)
        self._roles[trial.id] = KeyTrial(trial.stimuli, role)
        return trial

    def _new(self, item: str, system: str) -> str:
        """A fresh id: the same recording in two trials cannot be recognised by its name."""
        identifier = f"s{self._random.getrandbits(48):012x}"
        stimulus = self._stimuli.of(item, system)
        found = self._pattern.search(item) if self._pattern else None
        condition = (found.group(1) if found and found.re.groups else found.group(0)) if found else ""
        self._audio.append((identifier, stimulus))
        self._key[identifier] = KeyStimulus(item, system, condition or "", stimulus.gain_db)
        return identifier
