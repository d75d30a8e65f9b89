# SPDX-License-Identifier: Apache-2.0
"""The index of a packed corpus: which shards there are, of what, how long and with which hashes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from codesign.base.errors import InputError
from codesign.learning.data.folders import SPLITS, Split
from codesign.learning.data.sources import Place, inside, read_bytes

INDEX = "index.json"
Kind = Literal["speech", "noise"]
KINDS: tuple[Kind, ...] = ("speech", "noise")


class Shard(BaseModel):
    """A tar of recordings of one kind and split. `samples` of sound in all; `bytes` and `sha256` of the tar."""

    model_config = ConfigDict(frozen=True)
    name: str = Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$")
    kind: Kind
    split: Split
    recordings: int = Field(ge=1)
    samples: int = Field(ge=1)
    bytes: int = Field(ge=1)
    sha256: str


class ShardIndex(BaseModel):
    """A packed corpus. `groups` are voices (of noise: folders) of each kind and split; `sha256` is of all shards' hashes."""

    model_config = ConfigDict(frozen=True)
    format: Literal[1] = 1
    sample_rate: int = Field(ge=4000, le=192000)
    seed: int
    folders: tuple[str, ...]
    groups: dict[str, int]
    shards: tuple[Shard, ...] = Field(min_length=1)
    sha256: str
    notes: tuple[str, ...] = ()

    def chosen(self, kind: Kind, split: Split) -> tuple[Shard, ...]:
        """Shards of a kind and split."""
        return tuple(shard for shard in self.shards if shard.kind == kind and shard.split == split)

    def hours(self, kind: Kind, split: Split) -> float:
        """Of sound."""
        return sum(shard.samples for shard in self.chosen(kind, split)) / self.sample_rate / 3600

    def count(self, kind: Kind, split: Split) -> int:
        """Voices of a split, of noise folders."""
        return self.groups.get(f"{kind}/{split}", 0)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What is packed."""
        return tuple(kind for kind in KINDS if any(shard.kind == kind for shard in self.shards))


def is_packed(place: Place) -> bool:
    """Whether a place has shards: a URL, a folder with an index, or the index itself."""
    return isinstance(place, str) or (place / INDEX).is_file() or (place.name == INDEX and place.is_file())


def read_index(place: Place) -> tuple[Place, ShardIndex]:
    """Where the shards lie, and their index; `place` is their folder or the index in it.

    Raises:
        InputError: there is no index, or it is damaged or of another version.
        ToolError: what opens URLs of this kind is not installed.
    """
    folder = place.removesuffix(f"/{INDEX}") if isinstance(place, str) else _without_index(place)
    path = inside(folder, INDEX)
    content = read_bytes(path)
    try:
        return folder, ShardIndex.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{path} is no index of shards: {f'{where}: ' if where else ''}{first['msg']}",
            hint="give the folder that codesign data pack wrote",
        ) from error


def _without_index(place: Path) -> Path:
    return place.parent if place.name == INDEX else place


def described(index: ShardIndex) -> list[tuple[Kind, Split, float, int, int]]:
    """(kind, split, hours, recordings, groups) of all that an index has."""
    return [
        (kind, split, index.hours(kind, split), sum(s.recordings for s in index.chosen(kind, split)), index.count(kind, split))
        for kind in index.kinds
        for split in SPLITS
    ]


def write_index(folder: Path, index: ShardIndex) -> None:
    """Write the index beside its shards."""
    (folder / INDEX).write_text(index.model_dump_json(indent=1), encoding="utf-8")
