# SPDX-License-Identifier: Apache-2.0
"""Options and the fixture `dut` for pytest: in conftest.py, pytest_plugins = ["codesign.testing.plugin"].

Without --codesign-image the fixture is pytest-embedded's own: --embedded-services serial --port /dev/ttyACM0 for a real board.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import codesign
from codesign.base.errors import CodesignError
from codesign.firmware.boards import load_board
from codesign.testing.emulated import EmulatedDut, QemuDut, RenodeDut

if TYPE_CHECKING:
    from codesign.proof.verdict import Verdict

_DUTS: dict[str, type[EmulatedDut]] = {"renode": RenodeDut, "qemu": QemuDut}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("codesign", "firmware in an emulator")
    group.addoption("--codesign-image", type=Path, help="ELF to run, build/zephyr/zephyr.elf")
    group.addoption("--codesign-board", default="nrf5340dk", help="its board: a name or a board.toml (default: nrf5340dk)")
    group.addoption("--codesign-emulator", choices=sorted(_DUTS), default="renode", help="default: renode")
    group.addoption("--codesign-port", help="serial port of a real board, for codesign_proof: /dev/ttyACM0")
    group.addoption("--codesign-seconds", type=float, default=20.0, help="of audio, for codesign_proof (default: 20)")
    group.addoption("--codesign-audio", type=Path, help="raw 16-bit samples for its input")


@pytest.fixture
def codesign_proof(request: pytest.FixtureRequest) -> Callable[[str | Path], Verdict]:
    """Proves a model on the board at --codesign-port, which runs --codesign-image; skips where no port is given."""
    port, elf = request.config.getoption("--codesign-port"), request.config.getoption("--codesign-image")
    board = load_board(request.config.getoption("--codesign-board"))
    if port is None:
        pytest.skip("--codesign-port says where the board is")

    def prove_model(model: str | Path) -> Verdict:
        seconds = request.config.getoption("--codesign-seconds")
        verdict: Verdict = codesign.prove(model, board=board, emulator=f"serial:{port}", elf=elf, seconds=seconds).verdict
        return verdict

    return prove_model


@pytest.fixture
def dut(dut: Any, msg_queue: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The firmware of --codesign-image in its emulator, else pytest-embedded's device."""
    image = request.config.getoption("--codesign-image")
    if image is None:
        yield dut
        return
    kind = _DUTS[request.config.getoption("--codesign-emulator")]
    try:
        own = kind(
            image,
            load_board(request.config.getoption("--codesign-board")),
            audio=request.config.getoption("--codesign-audio"),
            msg_queue=msg_queue,
            pexpect_proc=dut.pexpect_proc,
            app=dut.app,
            pexpect_logfile=dut.logfile,
            test_case_name=dut.test_case_name,
        )
    except CodesignError as error:
        pytest.fail(f"{error.message} ({error.hint})" if error.hint else error.message, pytrace=False)
    try:
        yield own
    finally:
        own.close()
