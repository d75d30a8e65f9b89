# SPDX-License-Identifier: Apache-2.0
"""A Zephyr image whose audio is files: what goes into its folder and what comes out, whatever executes it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.errors import ValidationError
from codesign.firmware.image import Image
from codesign.firmware.machines.audio_format import format_of
from codesign.firmware.machines.child import ChildExit
from codesign.firmware.machines.console_report import ConsoleReport, read_report
from codesign.firmware.machines.run import Counts, Run

INPUT, OUTPUT = "codesign-in.pcm", "codesign-out.pcm"
"""CONFIG_CODESIGN_FILE_IN and _OUT, relative to where the image runs."""

_SECONDS_PER_HOP = 0.05
"""Time of this computer that a hop may take at most before a run is given up."""


def run_on_files(
    machine: str,
    image: Image,
    pcm: npt.NDArray[np.int16],
    execute: Callable[[Path, float], ChildExit],
    *,
    instructions_per_cycle: float = 0.0,
) -> Run:
    """Run `image` on `pcm`, int16 (n,), with `execute`, which gets the folder to run in and the seconds that it may take.

    `instructions_per_cycle` turns cycles of the firmware's counter into executed instructions where the machine ties one to the
    other, else it is 0.

    Raises:
        ValidationError: the image did not come to its end, in time or at all.
    """
    limit, form, channels = time_limit(image, pcm), format_of(image), image.network.frontend.ends.channels
    with tempfile.TemporaryDirectory(prefix="codesign-") as name:
        folder = Path(name)
        (folder / INPUT).write_bytes(form.slots_of(pcm, channels))
        done = execute(folder, limit)
        if done.timed_out:
            where = f"{image.path.name} did not end within {limit:.0f} s: {machine}"
            raise ValidationError(where, hint=_last_words(done.output))
        output = np.repeat(form.pcm_of(_bytes(folder / OUTPUT)), channels)
    report = read_report(done.output)
    counts = counts_of_report(report, instructions_per_cycle) if instructions_per_cycle else None
    skipped = report.stats.number("skipped")
    return Run(machine, output, report.frames, skipped, counts=counts, console=report, seconds=done.seconds)


def counts_of_report(report: ConsoleReport, instructions_per_cycle: float) -> Counts:
    """What the application's own monitor counted, as instructions."""
    mean = report.stats.number("average") * instructions_per_cycle
    return Counts(
        frames=report.frames,
        worst=round(report.stats.number("worst") * instructions_per_cycle),
        mean=mean,
        outside=report.cycles_per_hop * instructions_per_cycle - mean,
    )


def time_limit(image: Image, pcm: npt.NDArray[np.int16]) -> float:
    """Seconds of this computer after which a run on int16 (n,) is given up."""
    return 30.0 + _SECONDS_PER_HOP * pcm.size / image.network.frontend.ends.hop


def _bytes(file: Path) -> bytes:
    return file.read_bytes() if file.is_file() else b""


def _last_words(output: str) -> str:
    lines = output.strip().splitlines()
    return f"its last words: {lines[-1]}" if lines else "it said nothing"
