# SPDX-License-Identifier: Apache-2.0
"""Folders of recordings → WebDataset shards with an index: tar files, in each FLAC recordings with what is known of them.

Member NAME.flac is a recording, or a minute of a longer one, mono at one rate; NAME.json beside it has its voice or kind of
noise, its split, its levels and the file that it is of. Voices are spread over shards a few recordings at a time, so that a
few shards are much like the corpus.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from codesign.base.errors import InputError
from codesign.base.files.output_folder import replace_folder
from codesign.base.isolate import Answer, LimitedCall, Workers
from codesign.base.progress import Progress, silent
from codesign.learning.data.cache import SHORTEST_SECONDS, Tally, usable
from codesign.learning.data.folders import RecordingFile, Split, draw_splits, find_recordings
from codesign.learning.data.levels import levels_of
from codesign.learning.data.shard_index import INDEX, KINDS, Kind, Shard, ShardIndex, write_index

PIECE_SECONDS = 60.0
"""A longer recording is cut into pieces of this: a shard with an hour of one voice would be a poor one."""
RUN = 4
"""Recordings of a voice that stay together: a talker of a mixture says several things."""
LIMIT_SECONDS = 600.0
"""A file that takes longer to decode is left out."""


@dataclass(frozen=True)
class _Source:
    file: RecordingFile
    kind: Kind
    split: Split
    group: str
    name: str


@dataclass(frozen=True)
class Prepared:
    """A file as it is packed: pieces of (FLAC, samples, levels in dB of active frames, floor and peak), and remarks on it."""

    pieces: tuple[tuple[bytes, int, tuple[float, float, float]], ...]
    remarks: tuple[tuple[str, str], ...]


def pack(
    folders: Sequence[Path],
    output: Path,
    kind: str = "",
    *,
    sample_rate: int = 16000,
    seed: int = 1,
    shard_seconds: float = 900.0,
    jobs: int = 1,
    progress: Progress = silent,
) -> ShardIndex:
    """Pack speech and noise of `folders` into `output`; `kind` says what they are where names do not.

    Voices, sources and splits are those that training would take from the folders. Of several folders voices are called
    FOLDER/VOICE.

    Raises:
        InputError: a folder cannot be used, nothing in it can, or the output cannot be written.
    """
    if kind and kind not in KINDS:
        raise InputError(f"'{kind}' cannot be packed", hint=f"one of {', '.join(KINDS)}; rooms and pairs stay folders")
    names = _folder_names(folders)
    with replace_folder(output, (INDEX,)) as building, ExitStack() as stack:
        notes: list[str] = []
        sources = [s for folder in folders for s in _sources(folder, names[folder], kind, len(folders) > 1, seed, notes)]
        order = _in_runs(sources, seed)
        tally = Tally()
        writers: dict[tuple[Kind, Split], _ShardWriter] = {}
        workers = stack.enter_context(Workers(jobs))
        for done, (source, answer) in enumerate(_prepared(order, sample_rate, workers)):
            progress("pack", done, len(order))
            if answer.value is None:
                tally.add([("left out as unreadable", f"({source.file.path}: {answer.problem})")])
                continue
            tally.add(answer.value.remarks)
            key = source.kind, source.split
            if key not in writers:
                writers[key] = _ShardWriter(building, *key, int(shard_seconds * sample_rate))
            writers[key].add(source, answer.value)
        shards = [shard for key in sorted(writers) for shard in writers[key].close()]
        notes += tally.lines(len(order))
        if not shards:
            raise InputError(f"{folders[0]}: no usable recording: {notes[-1]}", hint="codesign data check says more")
        index = ShardIndex(
            sample_rate=sample_rate,
            seed=seed,
            folders=tuple(names[folder] for folder in folders),
            groups={f"{kind}/{split}": len(writer.groups) for (kind, split), writer in writers.items()},
            shards=tuple(shards),
            sha256=hashlib.sha256("\n".join(shard.sha256 for shard in shards).encode()).hexdigest(),
            notes=tuple(notes),
        )
        write_index(building, index)
        (building / "manifest.json").write_text(json.dumps({"sample_rate": sample_rate, "sha256": index.sha256}), "utf-8")
    return index


def prepare(path: Path, sample_rate: int) -> Prepared:
    """Decode a file and encode its pieces."""
    found = usable(path, sample_rate)
    if found.audio is None:
        return Prepared((), found.remarks)
    length = int(PIECE_SECONDS * sample_rate)
    pcm = found.audio.pcm
    starts = range(0, pcm.size, length)
    if len(starts) > 1 and pcm.size - starts[-1] < length // 4:
        starts = starts[:-1]  # a short rest goes with the piece before it
    pieces = []
    for start, stop in zip(starts, [*starts[1:], pcm.size], strict=True):
        piece = pcm[start:stop]
        levels = levels_of(piece, sample_rate)
        if not piece.any() or piece.size < SHORTEST_SECONDS * sample_rate:
            continue
        buffer = io.BytesIO()
        soundfile.write(buffer, piece, sample_rate, format="FLAC", subtype="PCM_16")
        pieces.append((buffer.getvalue(), piece.size, (levels.active_db, levels.floor_db, levels.peak_db)))
    return Prepared(tuple(pieces), found.remarks)


def _folder_names(folders: Sequence[Path]) -> dict[Path, str]:
    names = {folder: folder.resolve().name for folder in folders}
    if len(set(names.values())) < len(folders):
        raise InputError("two folders of one name", hint="rename one: voices are called FOLDER/VOICE")
    return names


def _sources(folder: Path, name: str, kind: str, several: bool, seed: int, notes: list[str]) -> list[_Source]:
    """Files of a folder with their splits; those that cannot be recordings of the rate are no voices to draw from."""
    from codesign.learning.data.check import kinds_of

    kinds = [one for one in KINDS if one in ((kind,) if kind else kinds_of(folder))]
    if not kinds:
        raise InputError(f"{folder}: neither speech nor noise by its name", hint="say --as speech or --as noise")
    result = []
    for one in kinds:
        found = find_recordings(folder, one)
        notes += [f"{one}: {note}" for note in found.notes]
        splits, disjoint = draw_splits(found.files, by_group=one == "speech", seed=seed)
        if not disjoint:
            notes.append(f"{one}: too few voices in {folder} for splits of their own: every split hears the same ones")
        for file, split in zip(found.files, splits, strict=True):
            group = f"{name}/{file.group}" if several else file.group
            result.append(_Source(file, one, split, group, f"{name}/{file.path.relative_to(folder).as_posix()}"))
    return result


def _in_runs(sources: Sequence[_Source], seed: int) -> list[_Source]:
    """Shuffled, a few of a voice together."""
    groups: dict[tuple[str, ...], list[_Source]] = {}
    for source in sources:
        groups.setdefault((source.kind, source.split, source.group), []).append(source)
    rng = np.random.default_rng(seed)
    runs: list[list[_Source]] = []
    for members in groups.values():
        mixed = [members[int(place)] for place in rng.permutation(len(members))]
        runs += [mixed[at : at + RUN] for at in range(0, len(mixed), RUN)]
    return [source for place in rng.permutation(len(runs)) for source in runs[int(place)]]


def _prepared(sources: Sequence[_Source], sample_rate: int, workers: Workers) -> Iterator[tuple[_Source, Answer]]:
    """Each file with what became of it, in order; no more in memory than keeps the processes busy."""
    waiting = deque[tuple[_Source, Future[tuple[Answer, ...]]]]()
    for source in sources:
        call = LimitedCall(prepare, (source.file.path, sample_rate), LIMIT_SECONDS)
        waiting.append((source, workers.submit([call])))
        if len(waiting) > 4 * workers.count:
            first, future = waiting.popleft()
            yield first, future.result()[0]
    for first, future in waiting:
        yield first, future.result()[0]


@dataclass
class _ShardWriter:
    """Shards of one kind and split: a new one is begun when one is full."""

    folder: Path
    kind: Kind
    split: Split
    most_samples: int
    groups: set[str] = field(default_factory=set)
    shards: list[Shard] = field(default_factory=list)
    _tar: tarfile.TarFile | None = None
    _recordings: int = 0
    _samples: int = 0

    def add(self, source: _Source, prepared: Prepared) -> None:
        """Write the pieces of a file."""
        for flac, samples, (active, floor, peak) in prepared.pieces:
            if self._tar is not None and self._samples + samples > self.most_samples:
                self._finish()
            if self._tar is None:
                self._tar = tarfile.open(self._path, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115 - open until it is full
            self.groups.add(source.group)
            known: dict[str, Any] = {
                "group": source.group,
                "source": source.file.source,
                "split": self.split,
                "file": source.name,
                "samples": samples,
                "active_db": round(active, 3),
                "floor_db": round(floor, 3),
                "peak_db": round(peak, 3),
            }
            key = f"{self.kind}-{self.split}-{len(self.shards):06d}-{self._recordings:06d}"
            _put(self._tar, f"{key}.flac", flac)
            _put(self._tar, f"{key}.json", json.dumps(known, ensure_ascii=False).encode("utf-8"))
            self._recordings += 1
            self._samples += samples

    def close(self) -> list[Shard]:
        """All shards."""
        if self._tar is not None:
            self._finish()
        return self.shards

    @property
    def _path(self) -> Path:
        return self.folder / f"{self.kind}-{self.split}-{len(self.shards):06d}.tar"

    def _finish(self) -> None:
        assert self._tar is not None
        self._tar.close()
        path = self._path
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        shard = Shard(
            name=path.name,
            kind=self.kind,
            split=self.split,
            recordings=self._recordings,
            samples=self._samples,
            bytes=path.stat().st_size,
            sha256=digest,
        )
        self.shards.append(shard)
        self._tar, self._recordings, self._samples = None, 0, 0


def _put(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)  # no time, no owner: the same recordings make the same shards
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))
