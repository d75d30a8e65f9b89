# SPDX-License-Identifier: Apache-2.0
"""A loader of shards on an index of many hours: how long it takes to begin, its memory, its speed beside a training step.

    python bench/shards.py SHARDS --hours 1000 -o FOLDER

SHARDS is what codesign data pack wrote. Its index is made as long as asked for with hard links to the same shards under other
names: reading, hashing and decoding are those of a corpus of that length, what is heard repeats. Times are of the processor,
of one process and one thread; wall time is told beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from itertools import cycle, islice
from pathlib import Path

from codesign.learning.data import Mixer, MixSettings, open_corpus
from codesign.learning.data.shard_index import KINDS, read_index, write_index

LENGTH = 51200
BATCH = 24


def lengthened(shards: Path, folder: Path, hours: float) -> None:
    """An index of `hours` of train of each kind."""
    _, index = read_index(shards)
    folder.mkdir(parents=True)
    made = []
    for kind in KINDS:
        for split in ("train", "validation"):
            chosen = index.chosen(kind, split)
            wanted = hours if split == "train" else 0.1
            mean = index.hours(kind, split) / len(chosen)
            for number, shard in enumerate(islice(cycle(chosen), max(len(chosen), round(wanted / mean)))):
                name = f"{kind}-{split}-{number:06d}.tar"
                os.link(shards / shard.name, folder / name)
                made.append(shard.model_copy(update={"name": name}))
    write_index(folder, index.model_copy(update={"shards": tuple(made)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shards", type=Path)
    parser.add_argument("--hours", type=float, default=1000.0)
    parser.add_argument("--windows", type=int, default=4, help="how often the window moves on while speed is measured")
    parser.add_argument("--reuse", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    if not given.output.exists():
        lengthened(given.shards, given.output, given.hours)
    begun = time.process_time(), time.monotonic()
    corpus = open_corpus(given.output, given.output)
    mixer = Mixer(corpus, "train", LENGTH, 1, MixSettings(rooms=0.0, reuse=given.reuse))
    mixer.batch(BATCH)
    first = time.process_time() - begun[0], time.monotonic() - begun[1]
    per_window = min(window.mixtures for window in mixer._windows)
    begun = time.process_time(), time.monotonic()
    batches = max(1, given.windows * per_window // BATCH)
    for _ in range(batches):
        mixer.batch(BATCH)
    used = time.process_time() - begun[0], time.monotonic() - begun[1]
    print(
        json.dumps(
            {
                "hours": corpus.hours("train"),
                "shards": len(read_index(given.output)[1].shards),
                "first_batch_processor_s": round(first[0], 1),
                "first_batch_wall_s": round(first[1], 1),
                "largest_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                "windows": given.windows,
                "mixtures": batches * BATCH,
                "mixtures_a_processor_s": round(batches * BATCH / used[0]),
                "mixtures_a_wall_s": round(batches * BATCH / used[1]),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
