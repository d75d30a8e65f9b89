# SPDX-License-Identifier: Apache-2.0
"""Devices under test that are an emulator with a firmware image in it."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Any

from pytest_embedded import Dut

from codesign.base.errors import InputError, ToolError
from codesign.firmware.boards import Board
from codesign.firmware.machines.qemu_process import SEMIHOSTING_ARGUMENTS, find_qemu, machine_arguments
from codesign.firmware.machines.renode_process import console_command
from codesign.firmware.machines.renode_script import CONSOLE, write_interactive

_POLL_SECONDS = 0.02
_GRACE_SECONDS = 5.0


class EmulatedDut(Dut):  # type: ignore[misc]
    """A child process whose console goes where `expect` looks. `folder` holds its files until the test is over.

    image is the ELF that is flashed, board its card, audio raw 16-bit little-endian samples for the firmware's input; the other
    arguments are pytest-embedded's.

    Raises:
        InputError: a file is missing, or the board does not run there.
        ToolError: the emulator is missing.
    """

    def __init__(self, image: Path, board: Board, msg_queue: Any, audio: Path | None = None, **kwargs: Any) -> None:
        super().__init__(msg_queue=msg_queue, **kwargs)
        for file in (image, audio):
            if file is not None and not file.is_file():
                raise InputError(f"{file} is not a file", hint="build the firmware first: codesign build")
        self.image, self.board, self.audio = image, board, audio
        self.folder = Path(tempfile.mkdtemp(prefix="codesign-dut-"))
        try:
            self._process = self._start()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self._listening = True
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _start(self) -> subprocess.Popen[bytes]:
        raise NotImplementedError

    def _console(self) -> Path:
        raise NotImplementedError

    def _popen(self, command: list[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, cwd=self.folder, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None, "opened with a pipe"
        try:
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise ToolError(
                f"'{line}' reaches nobody: the emulator has ended (exit code {self._process.poll()})",
                hint="an image on files ends with its audio: --codesign-audio gives it more; its console says what it did",
            ) from error

    def _listen(self) -> None:
        while self._listening and not self._console().exists():
            time.sleep(_POLL_SECONDS)
        if not self._console().exists():
            return
        with self._console().open("rb") as console:
            while self._listening:
                if data := console.read():
                    self._q.put(data)
                else:
                    time.sleep(_POLL_SECONDS)

    def close(self) -> None:
        """End the emulator and remove its files."""
        self._listening = False
        if self._process.poll() is None:
            self._end()
            try:
                self._process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._listener.join()
        shutil.rmtree(self.folder, ignore_errors=True)
        super().close()

    def _end(self) -> None:
        self._process.terminate()


class RenodeDut(EmulatedDut):
    """The image in Renode, on the platform of the board's card. Time is virtual: it runs as fast as the host can."""

    def write(self, text: str) -> None:
        """A line to the firmware's UART."""
        self.monitor(f'{self.board.renode.uart} WriteLine "{text}"')  # type: ignore[union-attr]

    def monitor(self, command: str) -> None:
        """A line to Renode's monitor, a fault say: `i2s0 ClockStopped true`."""
        self._say(command)

    def _start(self) -> subprocess.Popen[bytes]:
        write_interactive(self.folder, self.image, self.board, self.audio)
        with (self.folder / "renode.out").open("wb") as output:
            return self._popen(console_command(self.folder), output)

    def _console(self) -> Path:
        return self.folder / CONSOLE

    def _end(self) -> None:
        with contextlib.suppress(ToolError):  # it may end by itself meanwhile
            self._say("quit")


class QemuDut(EmulatedDut):
    """The image in qemu-system-arm, on the machine of the board's card; semihosting opens files in `folder`."""

    def write(self, text: str) -> None:
        """A line to the firmware's UART."""
        self._say(text)

    def _start(self) -> subprocess.Popen[bytes]:
        if self.audio is not None:
            shutil.copy(self.audio, self.folder / "codesign-in.pcm")
        command = [str(find_qemu()), *machine_arguments(self.board), *SEMIHOSTING_ARGUMENTS]
        with self._console().open("wb") as output:
            return self._popen([*command, "-kernel", str(self.image.resolve())], output)

    def _console(self) -> Path:
        return self.folder / "console.txt"
