# SPDX-License-Identifier: Apache-2.0
import pytest

from codesign.firmware.machines.profile import StageProfile, thumb_instructions


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
