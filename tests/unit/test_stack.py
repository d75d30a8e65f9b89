# SPDX-License-Identifier: Apache-2.0
"""Worst-case stack: against the compilers' own numbers, hand-written assembly, and what has no worst case."""

from pathlib import Path

import pytest

from arm_elf import COMPILERS, build
from codesign.base.errors import InputError
from codesign.firmware.elf import ElfImage, ElfSection, ElfSymbol, read_elf
from codesign.firmware.size.code import Code
from codesign.firmware.size.deepest_path import CallSite, deepest_path, recursions
from codesign.firmware.size.flow import follow
from codesign.firmware.size.stack import worst_stack
from codesign.firmware.size.stack_usage import read_stack_usage, usage_of
from codesign.firmware.size.thumb import decode

C = """
typedef unsigned u;
__attribute__((noinline)) u leaf(u x) { volatile u a[20]; a[x & 7] = x; return a[3] + x; }
__attribute__((noinline)) u tail(u x) { volatile u a[10]; a[x & 7] = x; return leaf(a[1]); }
__attribute__((noinline)) u large(u x) { volatile u a[3000]; a[x] = x; return leaf(a[5]) + 1; }
__attribute__((noinline)) u early(u x) { if (x < 3) return x; volatile u a[30]; a[x & 3] = x; return leaf(a[1]) * leaf(a[2]); }
__attribute__((noinline)) u many(u x) {
    switch (x) {
    case 0: return leaf(3); case 1: return early(7) + 1; case 2: return large(x) + 3; case 3: return x * 7;
    case 4: return leaf(x) - leaf(9); case 5: return early(x) ^ 5; case 6: return leaf(8) / 3; case 7: return 77;
    default: return 0;
    }
}
__attribute__((noinline)) float floats(float x, float y) {
    volatile float b[9]; b[(u)x & 7] = y; float c = b[2] * x; c += (float)leaf((u)y); return c * y + b[1] * (float)leaf(1) + x;
}
int main(void) {
    volatile u x = 5; volatile float f = 2;
    x = many(x) + early(x) + tail(x); f = floats(f, f);
    return (int)x;
}
"""

POINTERS = """
typedef unsigned u;
__attribute__((noinline)) u small(u x) { volatile u a[2]; a[0] = x; return a[0]; }
__attribute__((noinline)) u big(u x) { volatile u a[100]; a[x & 1] = x; return a[1]; }
u (*const table[2])(u) = {small, big};
__attribute__((noinline)) u choose(volatile u *x) { return table[*x & 1](*x) + 1; }
int main(void) { volatile u x = 1; return (int)choose(&x); }
"""

RECURSION = """
typedef unsigned u;
__attribute__((noinline)) u odd(volatile u *x);
__attribute__((noinline)) u even(volatile u *x) { volatile u a[4]; a[0] = *x; return a[0] ? odd(x) + a[0] : 0; }
__attribute__((noinline)) u odd(volatile u *x) { volatile u a[6]; a[1] = *x; return a[1] ? even(x) + a[1] : 0; }
int main(void) { volatile u x = 1; return (int)even(&x); }
"""

VARIABLE = """
typedef unsigned u;
__attribute__((noinline)) u flexible(u n) { volatile u a[n + 1]; a[n] = n; return a[n]; }
int main(void) { volatile u x = 1; return (int)flexible(x); }
"""

ASSEMBLY = """
        .syntax unified
        .thumb
        .fpu fpv5-sp-d16
        .section .text.main, "ax", %progbits
        .globl main
        .type main, %function
        .thumb_func
main:   push {r4-r11, lr}
        vpush {d8-d11}
        sub.w sp, sp, #1024
        bl middle
        add.w sp, sp, #1024
        vpop {d8-d11}
        pop {r4-r11, pc}
        .word 0x4770b4f0
        .size main, . - main

        .type middle, %function
        .thumb_func
middle: str lr, [sp, #-8]!
        movw r8, #0x1234
        sub sp, sp, r8
        strd r4, r5, [sp, #-16]!
        ldr r3, =label
        adds r3, #1
        blx r3
        ldrd r4, r5, [sp], #16
        add sp, r8
        ldr pc, [sp], #8
        .ltorg
        .size middle, . - middle

        .type unrolled, %function
        .thumb_func
unrolled: push {r0, lr}
        adr.w r2, rounds
        mul r1, r1, r3
        add r1, r1, r2
        cmp r3, #1
        it eq
        addeq r1, r1, #4
        orr r1, r1, #1
        bx r1
        .balign 4
rounds: nop.w
        nop.w
        pop {r0, pc}
        .size unrolled, . - unrolled

label:  stmdb sp!, {r0-r3}
        mov r7, sp
        bic r6, r7, #63
        mov sp, r6
        mov sp, r7
        add sp, #16
        bx lr
"""

# $t and $d at every few bytes of a section that is not loaded: its offsets are addresses of `main`, too.
NOT_LOADED = """
        .syntax unified
        .thumb
        .section .text.main, "ax", %progbits
        .globl main
        .type main, %function
        .thumb_func
main:   push {r4, lr}
        nop
        nop
        nop
        nop
        bl leaf
        pop {r4, pc}
        .size main, . - main

        .type leaf, %function
        .thumb_func
leaf:   sub sp, sp, #200
        nop
        nop
        add sp, sp, #200
        bx lr
        .size leaf, . - leaf

        .section .note.build, "", %progbits
        .type noted, %function
        .thumb_func
noted:  .rept 16
        nop
        .word 0x1234
        .endr
        .size noted, . - noted
"""


def frames(elf):
    image = read_elf(elf)
    code = Code(image)
    found = {}
    for symbol in image.symbols:
        if symbol.type == "STT_FUNC":
            flow = follow(code, code.function(symbol.value & ~1))
            found[symbol.name] = flow.frame, flow.problem
    return found


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("optimize", ["-O0", "-O1", "-O2", "-O3", "-Os"])
def test_frames_equal_the_compilers_stack_usage(compiler, optimize, tmp_path):
    built = build(tmp_path, C, compiler, optimize=optimize)
    usage = read_stack_usage([built.stack_usage])
    found = frames(built.path)
    assert len(found) >= 7
    for name, (frame, problem) in found.items():
        assert problem == ""
        assert frame == usage_of(usage, "unit.c", name).bytes, name
    report = worst_stack(built.path, "main", [built.stack_usage])
    assert report == worst_stack(built.path, "main")
    assert report.unbounded == report.assumption == ""
    assert report.bytes == sum(size for _, size in report.path)
    assert [name for name, _ in report.path] == ["main", "many", "large", "leaf"]
    assert report.bytes > 12_000


@pytest.mark.parametrize("compiler", COMPILERS)
def test_tail_calls_do_not_add_frames(compiler, tmp_path):
    built = build(tmp_path, C, compiler)
    found = frames(built.path)
    assert worst_stack(built.path, "tail").bytes == max(found["tail"][0], found["leaf"][0])


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_pointer_may_reach_every_function_whose_address_is_taken(compiler, tmp_path):
    built = build(tmp_path, POINTERS, compiler)
    report = worst_stack(built.path, "main")
    assert report.path[-1] == ("big", frames(built.path)["big"][0])
    assert report.unbounded == ""
    told = worst_stack(built.path, "main", indirect={"choose": ["small"]})
    assert told.path[-1][0] == "small" or told.bytes < report.bytes
    with pytest.raises(InputError, match="no function nobody"):
        worst_stack(built.path, "main", indirect={"choose": ["nobody"]})


@pytest.mark.parametrize("compiler", COMPILERS)
def test_recursion_is_named(compiler, tmp_path):
    report = worst_stack(build(tmp_path, RECURSION, compiler).path, "main")
    assert report.unbounded in ("recursion even → odd → even", "recursion odd → even → odd")


@pytest.mark.parametrize("compiler", COMPILERS)
def test_variable_frames_are_unbounded(compiler, tmp_path):
    built = build(tmp_path, VARIABLE, compiler)
    assert "flexible" in worst_stack(built.path, "main").unbounded
    assert "variable size" in worst_stack(built.path, "main", [built.stack_usage]).unbounded


@pytest.mark.parametrize("compiler", COMPILERS)
def test_hand_written_assembly(compiler, tmp_path):
    built = build(tmp_path, ASSEMBLY, compiler, suffix=".S")
    report = worst_stack(built.path, "main")
    # main: 9 registers, 4 doubles, 1024. middle: 8, 0x1234, 16. label: 16 and at most 63 for the alignment.
    assert report.path == (("main", 36 + 32 + 1024), ("middle", 8 + 0x1234 + 16), ("label", 16 + 63))
    assert report.unbounded == ""


@pytest.mark.parametrize("compiler", COMPILERS)
def test_symbols_of_sections_that_are_not_loaded_say_nothing_about_code(compiler, tmp_path):
    elf = build(tmp_path, NOT_LOADED, compiler, suffix=".S").path
    image = read_elf(elf)
    main = image.address("main")
    foreign = [s for s in image.symbols if s.name[:2] in ("$d", "$t") and s.section not in image.sections]
    assert [s for s in foreign if s.name[1] == "d" and main < s.value < image.address("leaf")], "the case is there"
    report = worst_stack(elf, "main")
    assert (report.bytes, report.path, report.unbounded) == (208, (("main", 8), ("leaf", 200)), "")
    assert not Code(image).functions_named("noted")


def _image(*sections, symbols):
    """Sections by index as (run address, code); symbols as (name, address, section)."""
    placed = {
        index: ElfSection(f".text{index}", run, len(data), run, data, executable=True, thread_local=False)
        for index, (run, data) in enumerate(sections, 1)
    }
    return ElfImage(Path("x"), placed, tuple(ElfSymbol(n, v, 0, "STT_NOTYPE", True, s, "") for n, v, s in symbols))


def test_mapping_symbols_end_with_their_section():
    nop = b"\x00\xbf"
    symbols = (("$t", 0x100, 1), ("$d.3", 0x108, 1), ("$t.x", 0x110, 2), ("$d", 0x118, 3), ("$d", 0x114, 9))
    code = Code(_image((0x100, nop * 8), (0x110, nop * 4), (0x118, nop * 4), (0x120, nop * 4), symbols=symbols))
    assert [address for address in range(0xF8, 0x130, 4) if code.is_data(address)] == [0x108, 0x10C, 0x118, 0x11C]
    assert [code.has_marks(address) for address in (0x100, 0x110, 0x118, 0x120, 0x130)] == [True, True, True, False, False]
    assert code.next_code(0x108, 0x110) == 0x110
    assert code.next_code(0x100, 0x118) == 0x118, "the next section's code is not this one's"


@pytest.mark.parametrize("symbols", [(("$t", 8, 1), ("$d", 8, 1)), (("$d", 8, 1), ("$t", 8, 1))])
def test_of_two_mapping_symbols_at_one_address_code_counts(symbols):
    code = Code(_image((0, bytes(16)), symbols=(("$d", 0, 1), *symbols)))
    assert (code.is_data(4), code.is_data(8)) == (True, False)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_jump_into_unrolled_code_reaches_no_other_function(compiler, tmp_path):
    built = build(tmp_path, ASSEMBLY, compiler, suffix=".S")
    image = read_elf(built.path)
    (start,) = (symbol.value & ~1 for symbol in image.symbols if symbol.name == "unrolled")
    code = Code(image)
    flow = follow(code, code.function(start))
    assert (flow.frame, flow.problem, flow.sites) == (8, "", set())


def test_unknown_entry_and_stripped_images(tmp_path):
    built = build(tmp_path, POINTERS, "ziglang")
    with pytest.raises(InputError, match="no function nothing"):
        worst_stack(built.path, "nothing")


def test_stack_usage_files(tmp_path):
    good = tmp_path / "a.su"
    good.write_text("/x/a.c:3:5:f\t88\tstatic\nb.c:7:f\t16\tdynamic,bounded\nb.c:9:g\t24\tdynamic\n\n")
    usage = read_stack_usage([good])
    assert usage["a.c", "f"].bytes == usage["", "f"].bytes == 88
    assert usage["b.c", "f"].bytes == 16
    assert usage["b.c", "f"].bounded
    assert not usage["", "g"].bounded
    assert usage_of(usage, "", "g.constprop.0") is None
    assert usage_of(usage, "b.c", "f.1") == usage["b.c", "f"]
    bad = tmp_path / "b.su"
    for text in ("nonsense", "a.c:f\tmany\tstatic", "a.c:f\t-3\tstatic"):
        bad.write_text(text)
        with pytest.raises(InputError, match=r"b\.su:1 is not a line"):
            read_stack_usage([bad])
    with pytest.raises(InputError, match="cannot read"):
        read_stack_usage([tmp_path / "none.su"])


def test_every_halfword_decodes():
    for first in range(0x10000):
        instruction = decode(first.to_bytes(2, "little") + b"\xff\xff", 0, 0x100)
        assert instruction.size == (4 if first >= 0xE800 else 2)
    with pytest.raises(IndexError):
        decode(b"\x00\xf0", 0, 0)


def test_core_registers_that_vectors_and_security_write():
    """VMOV LR, R7, Q4[2], Q4[0]; TT R7, R8; SMLALD R0, R1, R2, R3; BXNS LR: where Capstone knows nothing or too little."""
    for code, registers in (("17ec0e8f", {14, 7}), ("48e800f7", {7}), ("c2fbc301", {0, 1})):
        assert {effect.rd for effect in decode(bytes.fromhex(code), 0, 0x100).effects} == registers
    leaving = decode(bytes.fromhex("7447"), 0, 0x100)
    assert leaving.through == 14
    assert leaving.ends


def test_longest_path_tries_every_order_in_a_group():
    frames_ = {1: 8, 2: 100, 3: 10, 4: 50}
    calls = {
        1: [CallSite(8, 2, certain=True), CallSite(4, 3, certain=True)],
        2: [CallSite(20, 3, certain=False)],
        3: [CallSite(10, 2, certain=False), CallSite(10, 4, certain=True)],
        4: [],
    }
    # 1 → 3 → 2 is 4 + 10 + 100; 1 → 2 → 3 → 4 only 8 + 20 + 10 + 50
    assert deepest_path(1, frames_, calls) == (114, ((1, 4), (3, 10), (2, 100)))
    assert recursions(1, calls) in ([[2, 3, 2]], [[3, 2, 3]])


@pytest.mark.slow
def test_groups_too_large_to_search_count_whole():
    count = 70
    frames_ = dict.fromkeys(range(count), 16)
    calls = {n: [CallSite(10, m, certain=False) for m in range(count) if m != n] for n in range(count)}
    total, path = deepest_path(0, frames_, calls)
    assert total == sum(size for _, size in path)
    assert 10 * (count - 1) + 16 <= total <= 10 * count + 16
    small = {n: [CallSite(10, m, certain=False) for m in range(20) if m != n] for n in range(20)}
    assert 10 * 19 + 16 <= deepest_path(0, dict.fromkeys(range(20), 16), small)[0] <= 10 * 20 + 16
