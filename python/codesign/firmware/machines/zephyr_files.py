# SPDX-License-Identifier: Apache-2.0
"""Run a Zephyr image whose audio is files: under QEMU through semihosting, or as a native program."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError, ToolError, ValidationError
from codesign.firmware.boards import Board
from codesign.firmware.machines.firmware import FirmwareRun, firmware_run
from codesign.firmware.machines.qemu_process import run_qemu
from codesign.firmware.toolchain import Image

INPUT, OUTPUT = "codesign-in.pcm", "codesign-out.pcm"
"""CONFIG_CODESIGN_FILE_IN and _OUT, relative to where the image runs."""

_ICOUNT_SHIFT = 3
"""One instruction every 2^3 ns of virtual time: 125 million a second, about the speed of an nRF5340."""

_SECONDS_PER_HOP = 0.05
"""Host time that a hop may take at most before a run is given up."""


def run_in_qemu(image: Image, board: Board, pcm: npt.NDArray[np.int16]) -> FirmwareRun:
    """Feed `pcm` int16 (hops · hop,) to a Zephyr image under qemu-system-arm, one virtual instruction clock, repeatable.

    Raises:
        InputError: the image is not for QEMU's semihosting.
        ToolError: QEMU is missing.
        ValidationError: the image did not come to its end in time.
    """
    limit = _time_limit(image, pcm)
    with tempfile.TemporaryDirectory(prefix="codesign-") as name:
        folder = Path(name)
        (folder / INPUT).write_bytes(pcm.astype("<i2").tobytes())
        kernel = image.path.resolve()
        if "," in str(kernel):
            raise InputError(f"QEMU cannot load {kernel}: a comma in the path", hint="build in another folder")
        arguments = (
            *("-icount", f"shift={_ICOUNT_SHIFT}", "-semihosting-config", "enable=on,target=native"),
            *("-kernel", str(kernel)),
        )
        done = run_qemu(board, arguments, timeout_s=limit, folder=folder)
        if done.timed_out:
            raise ValidationError(f"{kernel.name} did not end within {limit:.0f} s in QEMU", hint=_last_words(done.output))
        output = _output(folder)
    assert board.qemu is not None, "run_qemu has refused boards without"
    per_cycle = 1e9 / board.qemu.clock_hz / 2**_ICOUNT_SHIFT
    return firmware_run("zephyr in QEMU", output, done.output, instructions_per_cycle=per_cycle, seconds=done.seconds)


def run_native(image: Image, pcm: npt.NDArray[np.int16]) -> FirmwareRun:
    """Feed `pcm` int16 (hops · hop,) to a native Zephyr image (native_sim, native_posix).

    Raises:
        ToolError: the image cannot be started here.
        ValidationError: it did not come to its end in time.
    """
    limit, started = _time_limit(image, pcm), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="codesign-") as name:
        folder = Path(name)
        (folder / INPUT).write_bytes(pcm.astype("<i2").tobytes())
        try:
            done = subprocess.run(
                [str(image.path.resolve())], cwd=folder, capture_output=True, text=True, timeout=limit, check=False
            )
        except OSError as error:
            raise ToolError(f"cannot start {image.path}: {error.strerror}", hint="build it on this machine") from error
        except subprocess.TimeoutExpired:
            raise ValidationError(f"{image.path.name} did not end within {limit:.0f} s") from None
        output = _output(folder)
    return firmware_run("zephyr, native", output, done.stdout, seconds=time.monotonic() - started)


def _time_limit(image: Image, pcm: npt.NDArray[np.int16]) -> float:
    return 30.0 + _SECONDS_PER_HOP * pcm.size / image.network.frontend.hop


def _output(folder: Path) -> npt.NDArray[np.int16]:
    file = folder / OUTPUT
    data = file.read_bytes() if file.is_file() else b""
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16)


def _last_words(output: str) -> str:
    lines = output.strip().splitlines()
    return f"its last words: {lines[-1]}" if lines else "it said nothing"
