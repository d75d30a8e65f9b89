# SPDX-License-Identifier: Apache-2.0
"""What the names of folders and files of public corpora say: what a recording is, whose voice, which split, which channel."""

from __future__ import annotations

import re
from typing import Literal

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
Role = Literal["speech", "noise", "noisy", "rooms"]

_SET = "(train|test|valid|dev)(set)?"
_ROLES: dict[Role, str] = {
    # VoiceBank-DEMAND, DNS Challenge, MUSAN; scaled and reverberated of CHiME-2, org and bth of CHiME-3
    "speech": rf"clean([_-]?(fullband|speech|{_SET})(_.*)?)?|speech|voices|scaled|reverberated|.*_(org|bth)",
    "noise": rf"noises?([_-]?(fullband|{_SET})(_.*)?)?|music|backgrounds?|pointsource_noises",
    "noisy": r"noisy([_-].*)?|mixtures?|mixed|isolated|embedded|.*noisy_?testclips|dev_testset|blind_testset",
    "rooms": r"rirs?(_noises)?|impulse_responses|room_impulse_responses|(simulated|real)_rirs.*|slr2[68]",
}
_ROLE = {role: re.compile(pattern) for role, pattern in _ROLES.items()}
_FILE_ROLE = re.compile(r"(?:^|_)(noisy|clean)(?:_|$)")

_SPLIT_WORDS: dict[str, Split] = {
    **dict.fromkeys(("train", "training", "trainset", "tr"), "train"),
    **dict.fromkeys(("validation", "valid", "validset", "val", "dev", "devel", "devset", "cv", "dt"), "validation"),
    **dict.fromkeys(("test", "testing", "testset", "et", "tt"), "test"),
}

_VOICES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(p\d{3}|s5)_\d{3}",  # VCTK and VoiceBank: p226_001, p226_001_mic1
        r".*(reader_\d+)_",  # DNS Challenge, read speech: book_00000_chp_0009_reader_06709_0
        r"(\d+)-\d+-\d{4}$",  # LibriSpeech: 19-198-0001
        r"([FM]\d{2})_[0-9A-Za-z]{8}",  # CHiME-3 and 4: F01_22GC010A_BUS
        r"(\d[0-9a-z]{2})[a-z]0[0-9a-z]{3}$",  # WSJ0 and CHiME-2: 011c0201
        r"(\d{4})_[A-Z]{3}_[A-Z]{3}_",  # CREMA-D: 1001_DFA_ANG_XX
    )
)
_CHANNEL = re.compile(r"(.*?)[._-]?ch\d{1,2}$", re.IGNORECASE)
_EARS = re.compile(r"(emo|rainbow|sentences|freeform|whisper|loud|fast|slow)_?")
_EARS_HELD_OUT: dict[str, Split] = {
    **dict.fromkeys(("p100", "p101"), "validation"),
    **dict.fromkeys(("p102", "p103", "p104", "p105", "p106", "p107"), "test"),
}


def folder_role(name: str) -> Role | None:
    """What a folder of this name holds, None where the name does not say."""
    return next((role for role, pattern in _ROLE.items() if pattern.fullmatch(name.lower())), None)


def file_role(stem: str) -> Role | None:
    """Whether a file is noisy or clean speech by its name, None where the name does not say."""
    found = _FILE_ROLE.search(stem.lower())
    return None if found is None else "noisy" if found[1] == "noisy" else "speech"


def split_of(name: str) -> Split | None:
    """The split that a folder's name says: of train-clean-100, clean_testset_wav, si_dt_05, tr05_org."""
    words = re.split(r"[^a-z]+", name.lower())
    found = {_SPLIT_WORDS[word] for word in words if word in _SPLIT_WORDS}
    return found.pop() if len(found) == 1 else None


def voice_of(stem: str) -> str:
    """The voice that a file's name says, "" where it says none."""
    return next((match[1] for pattern in _VOICES if (match := pattern.match(stem))), "")


def without_channel(stem: str) -> str | None:
    """What channels of one recording have in common, "" for ch01 alone; None where the name says no channel."""
    found = _CHANNEL.fullmatch(stem)
    return None if found is None else found[1]


def ears_split(voice: str, stems: tuple[str, ...]) -> Split | None:
    """The published split of EARS for one of its voices, p001 to p107; None for voices of other corpora."""
    if not re.fullmatch(r"p\d{3}", voice) or not any(_EARS.match(stem) for stem in stems):
        return None
    return _EARS_HELD_OUT.get(voice, "train")
