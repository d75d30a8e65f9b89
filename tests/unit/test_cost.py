# SPDX-License-Identifier: Apache-2.0
"""The cost model: decoding against hand-assembled instructions, pipelines against the sentences of their sources."""

import pytest

from codesign.base.errors import ToolError
from codesign.firmware.boards import list_boards, load_board
from codesign.firmware.cost.classify import operations
from codesign.firmware.cost.pipeline import block_cycles, taken_cycles
from codesign.firmware.cost.timing import TimingTable, list_timings, load_timing

CODE = {
    "ldr r0, [r1]": "0868",
    "ldr.w r5, [r1, #4]": "d1f80450",
    "str r0, [r1], #4": "41f8040b",
    "add.w r2, r0, r3": "00eb0302",
    "add.w r4, r4, r5": "04eb0504",
    "add.w r6, r6, r7": "06eb0706",
    "eor.w r6, r0, r6, ror #22": "80eab656",
    "smlad r4, r8, r12, r4": "28fb0c44",
    "smmla r0, r1, r2, r3": "51fb0230",
    "smlal r0, r1, r2, r3": "c2fb0301",
    "sxtb16 r8, r8": "2ffa88f8",
    "sxtab16 r8, r3, r0": "23fa80f8",
    "ssat r0, #16, r1": "01f30f00",
    "ldm r0!, {r8-r11}": "b0e8000f",
    "ldrd r12, lr, [r1], #8": "f1e802ce",
    "strd r0, r1, [r2], #8": "e2e80201",
    "push {r4, lr}": "10b5",
    "pop {r4, pc}": "10bd",
    "vmul.f32 s0, s1, s2": "20ee810a",
    "vadd.f32 s3, s0, s4": "70ee021a",
    "vldr s0, [r0, #4]": "90ed010a",
    "vldmia r0!, {s4-s7}": "b0ec042a",
    "bne": "f7d1",
    "it eq": "08bf",
    "vldrw.u32 q0, [r1], #16": "b1ec041f",
    "vstrw.32 q0, [r1], #16": "a1ec041f",
    "vldrw.u32 q0, [r1, q2, uxtw #2]": "91fc450f",
    "vld40.32 {q0-q3}, [r1]": "91fc011f",
    "vmladava.s8 r4, q1, q0": "f2ee204f",
    "vmulh.s32 q0, q1, q2": "23ee050e",
    "vadd.i32 q0, q1, q2": "22ef4408",
    "vmov q1[2], q1[0], r4, r8": "18ec042f",
    "vmla.s32 q2, q3, r4": "27ee444e",
    "vmullb.s16 q2, q3, q4": "17ee084e",
    "vcmul.f32 q2, q3, q4, #90": "36fe094e",
    "vpt.s32 lt, q3, zr": "67fecf1f",
    "vpsel q2, q3, q4": "37fe094f",
    "vrshl.s32 q2, r4": "3bee645e",
    "vqmovnb.s32 q2, q4": "37ee094e",
    "vrshr.s32 q2, q4, #3": "bdef5842",
    "vshllb.s16 q2, q4, #16": "35ee094e",
    "vmulh.s32 q4, q0, q2": "21ee058e",
    "vadd.f32 q2, q3, q4": "06ef484d",
    "str r4, [r1], #4": "41f8044b",
    "vctp.8 r5": "05f001e8",
    "le lr": "0ff003c8",
    "dls lr, r3": "43f001e0",
}

KINDS = {
    "load": ["ldr r0, [r1]", "ldr.w r5, [r1, #4]"],
    "store": ["str r0, [r1], #4"],
    "alu": ["add.w r2, r0, r3"],
    "shifted": ["eor.w r6, r0, r6, ror #22"],
    "mac": ["smlad r4, r8, r12, r4", "smmla r0, r1, r2, r3", "smlal r0, r1, r2, r3"],
    "dsp": ["sxtb16 r8, r8", "ssat r0, #16, r1"],
    "extend_add": ["sxtab16 r8, r3, r0"],
    "load_multiple": ["ldm r0!, {r8-r11}", "ldrd r12, lr, [r1], #8", "pop {r4, pc}"],
    "store_multiple": ["strd r0, r1, [r2], #8", "push {r4, lr}"],
    "fp_arithmetic": ["vmul.f32 s0, s1, s2", "vadd.f32 s3, s0, s4"],
    "fp_load": ["vldr s0, [r0, #4]"],
    "fp_load_multiple": ["vldmia r0!, {s4-s7}"],
    "branch": ["bne"],
    "it": ["it eq"],
    "vector_load": ["vldrw.u32 q0, [r1], #16"],
    "vector_store": ["vstrw.32 q0, [r1], #16"],
    "vector_gather": ["vldrw.u32 q0, [r1, q2, uxtw #2]", "vld40.32 {q0-q3}, [r1]"],
    "vector_mac": [
        *("vadd.f32 q2, q3, q4", "vcmul.f32 q2, q3, q4, #90"),
        *("vmulh.s32 q0, q1, q2", "vmla.s32 q2, q3, r4", "vmullb.s16 q2, q3, q4"),
    ],
    "vector_sum": ["vmladava.s8 r4, q1, q0"],
    "vector_alu": [
        *("vadd.i32 q0, q1, q2", "vctp.8 r5", "vmov q1[2], q1[0], r4, r8", "vpt.s32 lt, q3, zr", "vpsel q2, q3, q4"),
    ],
    "vector_shift": ["vrshl.s32 q2, r4", "vqmovnb.s32 q2, q4", "vrshr.s32 q2, q4, #3", "vshllb.s16 q2, q4, #16"],
    "loop": ["le lr", "dls lr, r3"],
}


def block(*lines):
    return tuple(operations(b"".join(bytes.fromhex(CODE[line]) for line in lines), 0x1000))


def cycles(cpu, *lines):
    return block_cycles(block(*lines), load_timing(cpu))


@pytest.mark.parametrize(("kind", "line"), [(kind, line) for kind, lines in KINDS.items() for line in lines])
def test_classes(kind, line):
    assert [operation.kind for operation in block(line)] == [kind]


def test_registers():
    (smlad,) = block("smlad r4, r8, r12, r4")
    assert (set(smlad.reads), smlad.writes, smlad.accumulator) == ({"r4", "r8", "ip"}, ("r4",), "r4")
    (sxtab16,) = block("sxtab16 r8, r3, r0")
    assert (set(sxtab16.reads), sxtab16.writes) == ({"r3", "r0"}, ("r8",))
    (sums,) = block("vmladava.s8 r4, q1, q0")
    assert (set(sums.reads), sums.writes, sums.accumulator) == ({"q1", "q0", "r4"}, ("r4",), "r4")
    (vmla,) = block("vmla.s32 q2, q3, r4")
    assert (set(vmla.reads), vmla.writes) == ({"q2", "q3", "r4"}, ("q2",))
    (lanes,) = block("vmov q1[2], q1[0], r4, r8")
    assert (set(lanes.reads), lanes.writes) == ({"r4", "r8"}, ("q1",))
    (gather,) = block("vldrw.u32 q0, [r1, q2, uxtw #2]")
    assert (set(gather.reads), gather.writes) == ({"r1", "q2"}, ("q0",))
    (ldm,) = block("ldm r0!, {r8-r11}")
    assert ldm.registers == 4
    assert (ldm.writes, ldm.updated) == (("r8", "sb", "sl", "fp"), "r0")
    (pop,) = block("pop {r4, pc}")
    assert "pc" not in pop.writes


@pytest.mark.parametrize(
    ("cpu", "lines", "expected"),
    [
        # Cortex-M4 TRM: LDR 2, pipelined 1; LDM 1 + N; one cycle more for an FPU result used at once
        ("cortex-m4", ["ldr r0, [r1]"], 1),  # a loop of loads is loads in a row
        ("cortex-m4", ["add.w r4, r4, r5", "ldr r0, [r1]"], 3),
        ("cortex-m4", ["add.w r4, r4, r5", "ldr r0, [r1]", "ldr.w r5, [r1, #4]"], 4),
        ("cortex-m4", ["ldm r0!, {r8-r11}"], 5),
        ("cortex-m4", ["vmul.f32 s0, s1, s2", "vadd.f32 s3, s0, s4"], 3),
        ("cortex-m4", ["smlad r4, r8, r12, r4"] * 3, 3),
        # cortex_m33.md: "load to use latency is 2 cycles"; multiples "exactly x cycles"; MACs chain on the accumulator; DSP 2
        ("cortex-m33", ["ldr r0, [r1]", "add.w r2, r0, r3"], 3),
        ("cortex-m33", ["ldr r0, [r1]", "add.w r6, r6, r7", "add.w r2, r0, r3"], 3),
        ("cortex-m33", ["ldm r0!, {r8-r11}"], 4),
        ("cortex-m33", ["ldrd r12, lr, [r1], #8", "smlad r4, r8, r12, r4"], 3),  # r12 is the first of two
        ("cortex-m33", ["smlad r4, r8, r12, r4"] * 4, 4),
        ("cortex-m33", ["sxtb16 r8, r8", "smlad r4, r8, r12, r4"], 3),
        # cortex_m7.md: two simple instructions a cycle; MACs not wrt each other; LDM n / 2
        ("cortex-m7", ["add.w r4, r4, r5", "add.w r6, r6, r7"], 1),
        ("cortex-m7", ["smlad r4, r8, r12, r4"] * 2, 2),
        ("cortex-m7", ["ldr r0, [r1]", "ldr.w r5, [r1, #4]"], 1),
        ("cortex-m7", ["ldr r0, [r1]", "ldr r0, [r1]"], 2),
        ("cortex-m7", ["ldm r0!, {r8-r11}"], 2),
        ("cortex-m7", ["ldr r0, [r1]", "add.w r2, r0, r3"], 1),  # beside the next round's load
        ("cortex-m7", ["ldr r0, [r1]", "sxtab16 r8, r3, r0"], 2),  # it "consumes its operand in early ALU"
        ("cortex-m7", ["sxtab16 r8, r3, r0", "sxtab16 r8, r3, r0"], 2),
        # a vector load and a MAC overlap: two cycles each, started one after the other
        ("cortex-m55", ["vldrw.u32 q0, [r1], #16", "vmladava.s8 r4, q1, q0"] * 4, 8),
        ("cortex-m55", ["vmladava.s8 r4, q1, q0"] * 4, 8),
        # of SLOTHY's model: products and floats share a unit; a product's user waits a cycle more, a sum's two
        ("cortex-m55", ["vmulh.s32 q0, q1, q2", "vadd.i32 q0, q1, q2"] * 4, 8),
        ("cortex-m55", ["vmulh.s32 q0, q1, q2", "vadd.f32 q2, q3, q4"] * 4, 16),
        ("cortex-m55", ["vmulh.s32 q0, q1, q2", "vmulh.s32 q4, q0, q2"], 4),
        ("cortex-m55", ["vmladava.s8 r4, q1, q0", "str r4, [r1], #4"], 4),
    ],
)
def test_pipelines(cpu, lines, expected):
    assert cycles(cpu, *lines) == expected


def test_every_board_with_memories_has_a_table_with_a_source():
    for name in list_boards():
        board = load_board(name)
        if board.memories:
            table = load_timing(board.core.cpu)
            assert table.cpu == board.core.cpu
            assert len(table.source) > 20
    assert set(list_timings()) == {"cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55"}


def test_a_core_without_a_table_and_a_table_without_a_class():
    with pytest.raises(ToolError, match="cortex-m85"):
        load_timing("cortex-m85")
    table = load_timing("cortex-m4").model_dump()
    del table["classes"]["mac"]
    with pytest.raises(ValueError, match="mac"):
        TimingTable.model_validate(table)
    table = load_timing("cortex-m4").model_dump()
    table["classes"]["divine"] = {"cycles": 1}
    with pytest.raises(ValueError, match="divine"):
        TimingTable.model_validate(table)


def test_code_that_is_no_instruction_costs_something():
    assert block_cycles(tuple(operations(bytes.fromhex("ffffffff00"), 0)), load_timing("cortex-m4")) > 0


def test_the_end_of_a_low_overhead_loop_jumps_for_nothing():
    table = load_timing("cortex-m55")
    for name, cycles in (("le lr", 0.0), ("bne", table.taken_branch)):
        block = tuple(operations(bytes.fromhex(CODE["add.w r2, r0, r3"] + CODE[name]), 0))
        assert taken_cycles(block, table) == cycles
