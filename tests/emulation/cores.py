# SPDX-License-Identifier: Apache-2.0
"""runtime/nn of each core, built once, called on the machine that runs the core's bare images."""

from __future__ import annotations

from pathlib import Path

import pytest

from codesign.base.errors import ToolError
from codesign.base.resources import resource
from codesign.firmware.boards import Board, Core, list_boards, load_board
from codesign.firmware.machines import bare_machine
from codesign.firmware.toolchain.compilers import COMMON_FLAGS, find_arm_compiler
from codesign.firmware.toolchain.kernels import kernels_for
from codesign.testing.calls import Calls, build_calls
from codesign.testing.open_calls import open_calls as open_elf

BOARDS = ("nrf52840dk", "nrf5340dk", "stm32f746g_disco", "mps3_an547", "cortex-m3", "cortex-m0plus")
"""Boards, and cores without the DSP extension that no board here has."""


def board_of(name: str) -> Board:
    """A board, or a board with another core."""
    if name in list_boards():
        return load_board(name)
    return load_board("nrf52840dk").model_copy(update={"core": Core(cpu=name, clock_hz=48_000_000)})


CASES = [(board, kernel) for board in BOARDS for kernel in kernels_for(board_of(board))]


def build(board_name: str, folder: Path, compiler: str = "ziglang", more: tuple[Path, ...] = ()) -> Path:
    """The ELF of all of runtime/nn and `more` for a board."""
    nn = resource("runtime", "nn")
    sources = sorted(p for p in nn.iterdir() if p.suffix in (".c", ".S"))
    flags = (*COMMON_FLAGS, f"-I{resource('runtime', 'include')}")
    sweep = Path(__file__).with_name("sweep.c")
    return build_calls([*sources, sweep, *more], flags, board_of(board_name), find_arm_compiler(compiler), folder)


def open_calls(
    board_name: str, folder: Path, *, counting: bool = False, tracing: bool = False, more: tuple[Path, ...] = ()
) -> Calls:
    """Build for the board and open it, or skip."""
    board = board_of(board_name)
    try:
        bare_machine(board).check_tools(profile=True)
    except ToolError as error:
        pytest.skip(f"{board_name}: {error}")
    return open_elf(build(board_name, folder, more=more), board, counting=counting, tracing=tracing)
