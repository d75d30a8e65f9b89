# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace

import pytest

from codesign.firmware.machines.profile import StageProfile, thumb_instructions
from codesign.firmware.machines.qemu_trace import read_trace


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("7047", 1),  # bx lr
        ("00bf 00bf", 2),  # nop; nop
        ("fff7 feff", 1),  # bl
        ("00bf fff7 feff 7047", 3),
        ("2de9 f04f 0020 bde8 f08f", 3),  # push.w; movs; pop.w
        ("ffe7", 1),  # b.n (0b11100) is 16 bits
    ],
)
def test_instruction_lengths(code, count):
    assert thumb_instructions(bytes.fromhex(code)) == count


def test_everything_a_stage_calls_counts_to_it():
    profile = StageProfile({0x100: "first", 0x200: "second"})
    for address, instructions, link in [
        (0x10, 3, 0),
        (0x100, 5, 0x21),  # enter first, returns to 0x20
        (0x900, 7, 0),  # callee
        (0x104, 1, 0),
        (0x20, 2, 0),  # back
        (0x200, 4, 0x31),
        (0x30, 1, 0),
    ]:
        profile.block(address, 2 * instructions, instructions, link)
    assert profile.take() == {"": 6, "first": 13, "second": 4}
    assert profile.take() == {}


@pytest.mark.parametrize("tail", [False, True])
def test_a_function_that_is_jumped_to_ends_where_its_caller_goes_on(tail):
    """At 0x10 a call, at 0x20 a jump to the function at 0x30: it comes back to 0x14."""
    code = bytearray(0x40)
    code[0x10:0x14] = bytes.fromhex("00f004f8" if tail else "00f00cf8")  # bl 0x1c, or bl 0x2c
    code[0x20:0x24] = bytes.fromhex("00f004b8")  # b.w 0x2c
    code[0x30:0x32] = bytes.fromhex("7047")  # bx lr
    elf = SimpleNamespace(load_images=lambda: [(0, bytes(code))])
    blocks = [(0x10, 4), *([(0x20, 4)] if tail else []), (0x30, 2), (0x14, 2)]
    log = []
    for number, (start, size) in enumerate(blocks * 2):
        log += [f"OBJD-T: {code[start : start + size].hex()}", f"Trace 0: {number} [0/{start:x}/0/0] there"]
    trace = read_trace(log, elf, 0x30, {})
    assert trace.instructions == (1, 1)
    assert [(block.address, block.executions) for block in trace.blocks] == [(0x30, 2)]
