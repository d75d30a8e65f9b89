# SPDX-License-Identifier: Apache-2.0
"""Flags that would change the front end's bits: refused, or without any effect. And the square root without a libm."""

from __future__ import annotations

import ctypes
import importlib.util
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

from codesign.firmware.toolchain.compilers import find_host_compiler
from codesign.firmware.toolchain.runtime import runtime_include

pytestmark = pytest.mark.slow  # the file as a whole

DSP = runtime_include().parent / "dsp"
FLOAT_SOURCES = sorted(file for file in DSP.glob("*.c") if re.search(r"\bfloat\b", file.read_text()))
SAMPLE = [DSP / f"{name}.c" for name in ("cs_banded_multiply", "cs_complex_fft", "cs_features", "cs_power")]

BENT = (
    "-ffast-math",
    "-Ofast",
    "-funsafe-math-optimizations",
    "-fassociative-math -fno-signed-zeros -fno-trapping-math",
    "-freciprocal-math",
    "-fno-signed-zeros",
    "-ffinite-math-only",
)
GCCS = {
    "gcc": ["gcc"],
    "gcc haswell": ["gcc", "-march=haswell"],
    "arm-none-eabi-gcc": ["arm-none-eabi-gcc", "-mcpu=cortex-m33", "-mthumb", "-mfpu=fpv5-sp-d16", "-mfloat-abi=hard"],
}
CLANGS = {
    "x86": ("x86_64-linux-gnu", "haswell"),
    "m7": ("thumb-freestanding-eabihf", "cortex_m7+vfp4d16sp+fp_armv8d16sp"),
    "aarch64": ("aarch64-linux-gnu", "cortex_a72"),
}
# What clang does not tell: (target, flags that leave the machine code as it is).
UNDONE = [
    ("x86", "-ffp-contract=fast -funsafe-math-optimizations"),
    ("x86", "-fassociative-math -fno-signed-zeros -fno-trapping-math -freciprocal-math"),
    ("x86", "-ffp-model=fast"),
    ("m7", "-fassociative-math"),
    ("m7", "-freciprocal-math"),
    ("aarch64", "-fassociative-math -fno-signed-zeros -fno-trapping-math -freciprocal-math"),
]
REFUSED = [
    ("x86", "-ffast-math"),
    ("x86", "-ffinite-math-only"),
    ("m7", "-ffast-math"),
    ("m7", "-funsafe-math-optimizations"),
    ("m7", "-ffp-model=fast"),
    ("aarch64", "-funsafe-math-optimizations"),
]


def gcc(name):
    if shutil.which(GCCS[name][0]) is None:
        pytest.skip(f"{GCCS[name][0]} is not on the PATH")
    if "clang" in subprocess.run([GCCS[name][0], "--version"], capture_output=True, text=True).stdout:
        pytest.skip("gcc is clang by another name")
    return GCCS[name]


def clang(target):
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("ziglang is not installed")
    triple, cpu = CLANGS[target]
    flags = ["-Wno-unused-command-line-argument", "-fno-sanitize=all", "-g0"]
    return [sys.executable, "-m", "ziglang", "cc", "-target", triple, f"-mcpu={cpu}", *flags]


def build(command, source, folder, *flags):
    """Exit code and output of a compilation to unit.o."""
    fixed = ["-std=c11", "-O3", "-Wall", "-Wextra", "-Werror", f"-I{runtime_include()}"]
    words = [*command, *fixed, *flags, "-c", str(source), "-o", str(folder / "unit.o")]
    return subprocess.run(words, capture_output=True, text=True)


def machine_code(command, source, folder, *flags):
    done = build(command, source, folder, *flags)
    assert done.returncode == 0, done.stderr
    with (folder / "unit.o").open("rb") as stream:
        return [(s.name, s.data()) for s in ELFFile(stream).iter_sections() if s["sh_flags"] & 4 and s["sh_size"]]


def refused(done):
    return done.returncode != 0 and "codesign's front end" in done.stderr


def test_every_float_source_is_under_the_rules_from_its_first_line_to_its_last():
    assert set(SAMPLE) < set(FLOAT_SOURCES)
    for source in FLOAT_SOURCES:
        text = source.read_text()
        before_code = text[: text.index("\n{")]
        assert '#include "float_rules.h"' in before_code, source.name
        assert text.endswith('\n\n#include "float_rules_end.h"\n'), source.name


@pytest.mark.parametrize("name", GCCS)
@pytest.mark.parametrize("flags", BENT)
def test_gcc_refuses_what_changes_bits(name, flags, tmp_path):
    done = build(gcc(name), DSP / "cs_power.c", tmp_path, "-ffp-contract=off", *flags.split())
    assert refused(done), done.stderr
    assert any(flag in done.stderr for flag in (*flags.split(), "-ffast-math"))


@pytest.mark.slow
@pytest.mark.parametrize("name", GCCS)
@pytest.mark.parametrize("flags", ["-ffp-contract=fast", *BENT[2:6]])
def test_a_gcc_that_does_not_tell_is_held_to_the_rules(name, flags, tmp_path):
    """As before version 12: the names that it gives its flags now are taken away."""
    command = gcc(name)
    silent = ["-U__ASSOCIATIVE_MATH__", "-U__RECIPROCAL_MATH__", "-U__NO_SIGNED_ZEROS__", "-U__GNUC__", "-D__GNUC__=11"]
    for source in SAMPLE:
        plain = machine_code(command, source, tmp_path, "-ffp-contract=off", *silent)
        assert machine_code(command, source, tmp_path, *silent, *flags.split()) == plain, source.name


@pytest.mark.slow
@pytest.mark.parametrize(("target", "flags"), UNDONE)
def test_clang_is_held_to_the_rules(target, flags, tmp_path):
    for source in SAMPLE:
        plain = machine_code(clang(target), source, tmp_path, "-ffp-contract=off")
        bent = machine_code(clang(target), source, tmp_path, "-ffp-contract=off", *flags.split())
        assert bent == plain, source.name


def test_clang_fuses_nothing_on_a_core_with_fast_fused_instructions(tmp_path):
    """There it may still choose VMLA, which rounds the product as the two instructions do."""
    capstone = pytest.importorskip("capstone")
    thumb = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    thumb.skipdata = True
    names = set()
    for source in SAMPLE:
        for _, code in machine_code(clang("m7"), source, tmp_path, "-ffp-contract=fast"):
            names |= {name.split(".")[0] for _, _, name, _ in thumb.disasm_lite(code, 0)}
    assert "vmul" in names
    assert not names & {"vfma", "vfms", "vfnma", "vfnms"}


@pytest.mark.parametrize(("target", "flags"), REFUSED)
def test_clang_is_refused_where_it_tells(target, flags, tmp_path):
    done = build(clang(target), DSP / "cs_power.c", tmp_path, "-ffp-contract=off", *flags.split())
    assert refused(done), done.stderr


def test_vectors_that_flush_subnormals_are_refused(tmp_path):
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not on the PATH")
    command = ["arm-none-eabi-gcc", "-mthumb", "-mfloat-abi=hard"]
    assert refused(build([*command, "-mcpu=cortex-m55"], DSP / "cs_power.c", tmp_path))
    assert build([*command, "-mcpu=cortex-m55+nomve.fp"], DSP / "cs_power.c", tmp_path).returncode == 0


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """cs_square_root as this machine computes it, and by integers, over arrays."""
    folder = tmp_path_factory.mktemp("roots")
    (folder / "roots.c").write_text("""
#include "square_root.h"
void instruction(const float *x, float *y, int n) { for (int i = 0; i < n; i++) { y[i] = cs_square_root(x[i]); } }
void integers(const uint32_t *x, uint32_t *y, int n) { for (int i = 0; i < n; i++) { y[i] = cs_square_root_bits(x[i]); } }
""")
    command = [*find_host_compiler().compile, "-std=c11", "-O2", f"-I{DSP}", "-shared", "-fPIC"]
    subprocess.run([*command, str(folder / "roots.c"), "-o", str(folder / "roots.so")], check=True)
    return ctypes.CDLL(str(folder / "roots.so"))


def apply(function, bits):
    y = np.empty_like(bits)
    function(ctypes.c_void_p(bits.ctypes.data), ctypes.c_void_p(y.ctypes.data), bits.size)
    return y


@pytest.mark.parametrize("name", ["instruction", "integers"])
def test_square_root_is_correctly_rounded(name, roots):
    """Every mantissa of two octaves (the others repeat them), every power of two, random floats, subnormals, the ends."""
    octaves = np.arange(0x3F800000, 0x40800000, dtype=np.uint32)
    edges = np.concatenate([np.arange(0, 1 << 31, 1 << 23, dtype=np.uint32) + k for k in (0, 1, 2, 0x7FFFFF)])
    drawn = np.random.default_rng(0).integers(0, 0x7F800000, 1 << 21).astype(np.uint32)
    subnormal = np.concatenate([np.arange(1 << 16), (1 << 23) - 1 - np.arange(1 << 16)]).astype(np.uint32)
    for bits in (octaves, edges[edges <= 0x7F800000], drawn, subnormal):
        expected = np.sqrt(bits.view(np.float32)).view(np.uint32)
        assert np.array_equal(apply(getattr(roots, name), bits), expected)


@pytest.mark.parametrize("name", GCCS)
def test_no_build_wants_a_libm(name, tmp_path):
    assert build(gcc(name), DSP / "cs_features.c", tmp_path, "-ffp-contract=off").returncode == 0
    with (tmp_path / "unit.o").open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".symtab")
        undefined = {s.name for s in table.iter_symbols() if s["st_shndx"] == "SHN_UNDEF" and s.name}
    assert {name for name in undefined if not name.startswith("cs_")} <= {"memcpy", "_GLOBAL_OFFSET_TABLE_"}
