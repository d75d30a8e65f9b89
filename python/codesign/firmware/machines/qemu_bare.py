# SPDX-License-Identifier: Apache-2.0
"""The bare image under QEMU, from its reset vector: PCM in and frames out through semihosting files."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError, ValidationError
from codesign.firmware.elf import read_elf
from codesign.firmware.image import Image
from codesign.firmware.machines.child import ChildExit
from codesign.firmware.machines.instruction_clock import ICOUNT_ARGUMENTS, instructions
from codesign.firmware.machines.machine import RunOptions
from codesign.firmware.machines.qemu_process import SEMIHOSTING_ARGUMENTS, run_qemu
from codesign.firmware.machines.qemu_trace import LOG, TRACE_ARGUMENTS, BlockTrace, read_trace
from codesign.firmware.machines.run import NetworkSignals, Run, counts_of
from codesign.firmware.machines.stages import counts_by_stage, layer_costs, stage_entries

TRACED_FRAMES = 25
_SECONDS_PER_FRAME = 0.05
"""Time limit: about a hundred times what a frame takes."""

_START_SECONDS = 30.0
_EMPTY = 2  # what the image's empty function executes: its result and its return
_HINT = "this is a defect of the image: keep the build folder for a report"


EXITS = {
    70: "could not open its files",
    71: "could not be initialized",
    72: "could not write its file",
    73: "refused a frame",
    74: "took an exception",
}
"""Exit status of runtime/port/semihosting and what it means."""


def run_bare_image(image: Image, pcm: npt.NDArray[np.int16], options: RunOptions) -> Run:
    """Run int16 PCM (whole hops) through an image that was built with semihosting; every frame is counted.

    The first counted frames, at most TRACED_FRAMES, run once more to tell stages and blocks apart: about 1 MB of log a frame.

    Raises:
        InputError: the image reads no files, or QEMU has no machine for the board.
        ToolError: QEMU is missing.
        ValidationError: the image faulted, hung or reported an error.
    """
    if not image.semihosting:
        raise InputError(f"{image.path} was not built for QEMU", hint="build it with semihosting")
    started = time.perf_counter()
    hop = image.network.frontend.ends.hop
    frames = pcm.size // hop
    options.progress(0, frames)
    trace = BlockTrace((), ())
    with tempfile.TemporaryDirectory(prefix="codesign-") as name:
        folder = Path(name)
        data = _play(image, pcm, folder, ICOUNT_ARGUMENTS)
        traced = min(options.counted_frames, TRACED_FRAMES, frames)
        if traced > 0:
            _play(image, pcm[: traced * hop], folder, TRACE_ARGUMENTS)
            elf = read_elf(image.path)
            with (folder / LOG).open(encoding="utf-8", errors="replace") as log:
                trace = read_trace(log, elf, elf.address("process"), stage_entries(image, elf))
    options.progress(frames, frames)
    return _run(data, image, frames, trace, started)


def _play(image: Image, pcm: npt.NDArray[np.int16], folder: Path, arguments: tuple[str, ...]) -> bytes:
    """Run the image on `pcm`; what it wrote."""
    (folder / "in.pcm").write_bytes(pcm.astype("<i2").tobytes())
    command = (*arguments, *SEMIHOSTING_ARGUMENTS, "-kernel", str(image.path.resolve()))
    limit = _START_SECONDS + _SECONDS_PER_FRAME * (pcm.size // image.network.frontend.ends.hop)
    end = run_qemu(image.board, command, timeout_s=limit, folder=folder)
    _check(end, image, limit)
    written = folder / "frames.bin"
    return written.read_bytes() if written.exists() else b""


def _check(end: ChildExit, image: Image, limit: float) -> None:
    if end.status == 0:
        return
    words = " ".join(end.output.split())[-200:]
    if end.timed_out:
        raise ValidationError(f"{image.path} did not end within {limit:.0f} s under QEMU", hint=_HINT)
    what = EXITS.get(end.status or 0, f"ended with status {end.status}")
    raise ValidationError(f"{image.path} {what} under QEMU {words}".rstrip(), hint=_HINT)


def _run(data: bytes, image: Image, frames: int, trace: BlockTrace, started: float) -> Run:
    network, board = image.network, image.board
    feature, mask, hop = network.values[network.input], network.values[network.output], network.frontend.ends.hop
    record = np.dtype(
        [
            ("pcm", "<i2", (hop,)),
            ("features", np.dtype(feature.dtype).newbyteorder("<"), (feature.size,)),
            ("mask", np.dtype(mask.dtype).newbyteorder("<"), (mask.size,)),
            ("skipped", "<u4"),
            ("ticks", "<u4"),
        ]
    )
    if len(data) != frames * record.itemsize + 8:
        raise ValidationError(f"{image.path} wrote {len(data)} bytes for {frames} frames under QEMU", hint=_HINT)
    rows = np.frombuffer(data, record, frames)
    empty_ticks, stack = np.frombuffer(data, "<u4", 2, frames * record.itemsize).tolist()
    empty = instructions(empty_ticks, board) - _EMPTY
    skips = rows["skipped"].astype(np.int64)
    counted = np.array([instructions(ticks, board) - empty for ticks in rows["ticks"].tolist()], np.int64)
    return Run(
        machine="qemu",
        pcm=rows["pcm"].reshape(-1).astype(np.int16),
        frames=frames,
        skipped_frames=int(skips[-1]),
        signals=NetworkSignals(
            features=rows["features"].astype(np.dtype(feature.dtype)),
            mask=rows["mask"].astype(np.dtype(mask.dtype)),
            skipped=np.diff(skips, prepend=0).astype(bool),
        ),
        counts=counts_of(counted, layer_costs(image, trace.calls), counts_by_stage(image, trace.calls), trace.blocks),
        stack_bytes=stack,
        seconds=time.perf_counter() - started,
    )
