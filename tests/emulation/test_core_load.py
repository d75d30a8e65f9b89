# SPDX-License-Identifier: Apache-2.0
"""How much of the time a core executes: images whose load is known, in Renode."""

import pytest

from arm_elf import build
from codesign.base.errors import CodesignError
from codesign.firmware.boards import load_board
from codesign.firmware.machines.renode import executing_share
from codesign.firmware.machines.renode_process import find_renode, run_renode
from codesign.firmware.machines.renode_script import EXECUTED, INPUT, write_script

pytestmark = pytest.mark.renode

SOURCE = """
.syntax unified
.thumb
.section .vectors, "a"
    .word 0x20003000, main + 1
    .rept 13
    .word main + 1
    .endr
    .word tick + 1
.text
.global main, cs_enhancer_process, monitor_frame
.thumb_func
main:
    ldr r0, =0x50005558      @ HFCLKCTRL: 0 is 128 MHz, 1 half of it
    movs r1, #DIVIDER
    str r1, [r0]
    ldr r0, =0xE000E010
    ldr r1, =127999          @ SysTick: each ms at 128 MHz
    str r1, [r0, #4]
    str r1, [r0, #8]
    movs r1, #7
    str r1, [r0]
forever:
    WAIT
    b forever
.thumb_func
tick:
    ldr r0, =LOOPS
1:  subs r0, #1
    bne 1b
    bx lr
.thumb_func
cs_enhancer_process:
    nop
.thumb_func
monitor_frame:
    bx lr
"""


@pytest.mark.parametrize(
    ("wait", "loops", "megahertz", "share"),
    [("wfi", 16_000, 128, 0.25), ("nop", 1, 128, 1.0), ("nop", 1, 64, 1.0)],
    ids=["a quarter", "never asleep", "never asleep at half the clock"],
)
def test_the_share_is_that_of_an_image_of_known_load(tmp_path, wait, loops, megahertz, share):
    try:
        find_renode()
    except CodesignError as error:
        pytest.skip(error.message)
    board = load_board("nrf5340dk").with_clock(megahertz)
    source = SOURCE.replace("WAIT", wait).replace("LOOPS", str(loops)).replace("DIVIDER", str(int(megahertz == 64)))
    elf = build(tmp_path, source, "arm-none-eabi-gcc", suffix=".S").path
    folder = tmp_path / "renode"
    folder.mkdir()
    (folder / INPUT).write_bytes(b"")
    write_script(folder, elf, board, 2.0)
    run_renode(folder, timeout_s=300.0)
    found = executing_share(folder, board.core.clock_hz)
    assert found == pytest.approx(share, abs=1e-4)
    assert executing_share(folder, board.core.clock_hz, until=1.5) is None, "one count is no share"


def test_a_reset_has_no_share(tmp_path):
    """Renode counts executed instructions from 0 again."""
    (tmp_path / EXECUTED).write_text("1 1000000\n2 2000000\n3 500000\n4 1500000\n")
    assert executing_share(tmp_path, 128_000_000) is None
    assert executing_share(tmp_path, 128_000_000, until=2.5) == pytest.approx(1 / 128)
