# SPDX-License-Identifier: Apache-2.0
"""One shard, read and decoded: int16 samples of its recordings in memory, with what its JSON members say of them."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from codesign.base.errors import InputError
from codesign.base.signals import Pcm
from codesign.learning.data.cache import gain_of
from codesign.learning.data.corpus import Recordings
from codesign.learning.data.folders import SPLITS, Split
from codesign.learning.data.shard_index import Shard
from codesign.learning.data.sources import Place, inside, read_bytes

SOUND = (".flac", ".wav")


@dataclass(frozen=True, eq=False)
class ShardSound:
    """The recordings of a shard one after the other in `pcm` int16; group and length, levels in dB (n,) of each."""

    pcm: Pcm
    groups: tuple[str, ...]
    length: npt.NDArray[np.int64]
    active: npt.NDArray[np.float32]
    floor: npt.NDArray[np.float32]
    peak: npt.NDArray[np.float32]


def read_shard(folder: Place, shard: Shard, sample_rate: int) -> ShardSound:
    """Read a shard whole and decode it.

    Raises:
        InputError: it is not there, or not what the index says; or its recordings are of another rate.
        ToolError: what opens URLs of this kind is not installed.
    """
    place = inside(folder, shard.name)
    content = read_bytes(place)
    if len(content) != shard.bytes or hashlib.sha256(content).hexdigest() != shard.sha256:
        found = f"{len(content):,} bytes for {shard.bytes:,}" if len(content) != shard.bytes else "its hash is another"
        raise InputError(f"{place} is damaged: {found}", hint="copy it again, or pack again")
    try:
        return _decoded(content, shard, sample_rate)
    except (tarfile.TarError, soundfile.SoundFileError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{place} is no shard of recordings: {error}", hint="pack again: codesign data pack") from error


def _decoded(content: bytes, shard: Shard, sample_rate: int) -> ShardSound:
    pcm = np.empty(shard.samples, np.int16)
    known: list[dict[str, Any]] = []
    at = 0
    sound: bytes | None = None
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        for member in tar:
            name, file = member.name, tar.extractfile(member)
            if file is None:
                continue
            if name.endswith(SOUND):
                sound = file.read()
            elif name.endswith(".json") and sound is not None:
                found = json.loads(file.read())
                samples, rate = soundfile.read(io.BytesIO(sound), dtype="int16")
                if rate != sample_rate or samples.ndim != 1 or samples.size != found["samples"]:
                    raise ValueError(f"{name}: {samples.shape} samples at {rate} Hz are not what it says")
                pcm[at : at + samples.size] = samples
                at += samples.size
                known.append(found)
                sound = None
    if at != shard.samples or len(known) != shard.recordings:
        raise ValueError(f"{len(known)} recordings of {at} samples for {shard.recordings} of {shard.samples}")
    active, floor, peak = (np.array([one[f"{name}_db"] for one in known], np.float32) for name in ("active", "floor", "peak"))
    length = np.array([one["samples"] for one in known], np.int64)
    return ShardSound(pcm, tuple(str(one["group"]) for one in known), length, active, floor, peak)


def together(sounds: Sequence[ShardSound], folder: Place, split: Split) -> Recordings:
    """Shards of one split as the recordings that a mixer draws from."""
    groups = tuple(sorted({group for sound in sounds for group in sound.groups}))
    places = {name: index for index, name in enumerate(groups)}
    length = np.concatenate([sound.length for sound in sounds])
    active, floor, peak = (np.concatenate([getattr(sound, name) for sound in sounds]) for name in ("active", "floor", "peak"))
    return Recordings(
        folder=folder,
        pcm=np.concatenate([sound.pcm for sound in sounds]),
        groups=groups,
        group=np.array([places[group] for sound in sounds for group in sound.groups], np.int64),
        split=np.full(length.size, SPLITS.index(split), np.int64),
        start=np.cumsum(length) - length,
        length=length,
        gain=gain_of(active, peak),
        contrast=active - floor,
        notes=(),
    )
