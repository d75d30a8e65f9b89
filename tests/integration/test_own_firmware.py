# SPDX-License-Identifier: Apache-2.0
"""The library in somebody's own firmware: README's lines as printed, with README's one flag, in C and in C++."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from codesign.base.resources import resource
from codesign.compiler.emit import emit
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.compiler.plan import plan_memory
from codesign.firmware.machines import MACHINES
from codesign.firmware.toolchain import build_host
from codesign.firmware.toolchain.compilers import compile_all, find_arm_compiler, find_host_compiler, link
from codesign.firmware.toolchain.runtime import runtime_include

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
HOSTS = ("cc", "ziglang")
LANGUAGES = ("c", "c++")
STRICT = ("-Wall", "-Wextra", "-Werror")

# What a program around README's lines looks like: hops of int16 from stdin to stdout.
AROUND = """
#include <stdio.h>
int main(void)
{
    int16_t block[PRUNED_HOP];
    enhancer_start();
    while (fread(block, sizeof block, 1, stdin) == 1) {
        enhancer_hop(block, block);
        fwrite(block, sizeof block, 1, stdout);
    }
    return 0;
}
"""
MEMORY_FUNCTIONS = """
#include <stddef.h>
void *memcpy(void *to, const void *from, size_t n)
{
    for (size_t i = 0; i < n; i++) { ((volatile char *)to)[i] = ((const char *)from)[i]; }
    return to;
}
void *memset(void *to, int value, size_t n)
{
    for (size_t i = 0; i < n; i++) { ((volatile char *)to)[i] = (char)value; }
    return to;
}
void __aeabi_memcpy(void *to, const void *from, size_t n) { memcpy(to, from, n); }
void __aeabi_memcpy4(void *to, const void *from, size_t n) { memcpy(to, from, n); }
void __aeabi_memcpy8(void *to, const void *from, size_t n) { memcpy(to, from, n); }
void __aeabi_memclr(void *to, size_t n) { memset(to, 0, n); }
void __aeabi_memclr4(void *to, size_t n) { memset(to, 0, n); }
void __aeabi_memclr8(void *to, size_t n) { memset(to, 0, n); }
"""
ENTRY = """
int main(void)
{
    static int16_t block[PRUNED_HOP];
    enhancer_start();
    enhancer_hop(block, block);
    return 0;
}
"""


def printed() -> tuple[str, str]:
    """README's C and its one flag."""
    (code,) = re.findall(r"^```c\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    words = README[README.index(code) :].split("\n##", 1)[0]
    (flag,) = re.findall(r"and\s+`(-f[^`]*)`", words)
    return code, flag


@pytest.fixture(scope="module")
def network():
    return lower(load_onnx(resource("models", "pruned", "pruned.onnx")))


def generated(network, kernel, folder):
    emit(network, plan_memory(network, kernel, "float32"), folder / "generated")
    return folder / "generated"


def library(folder: Path) -> list[Path]:
    """The files that README names."""
    root = runtime_include().parent
    return [
        *sorted(folder.glob("*.c")),
        *sorted(root.glob("*.c")),
        *sorted((root / "dsp").glob("*.[cS]")),
        *sorted((root / "nn").glob("*.c")),
        *sorted((root / "nn").glob("*.S")),
    ]


def compiled(command, sources, folder):
    """One object file a source, compiled with README's flag."""
    return compile_all((*command, "-O2", printed()[1], *STRICT), sources, folder)


def host_command(name):
    if name == "ziglang":
        if importlib.util.find_spec("ziglang") is None:
            pytest.skip("ziglang is not installed")
        return [sys.executable, "-m", "ziglang", "cc", "-fno-sanitize=all"]
    command = list(find_host_compiler().compile)
    if "ziglang" in command:
        pytest.skip("no compiler of the host's on the PATH")
    return command


@pytest.mark.parametrize("name", HOSTS)
def test_readme_compiles_links_and_gives_the_proven_bits(name, network, tmp_path):
    folder = generated(network, "plain", tmp_path)
    include = [f"-I{folder}", f"-I{runtime_include()}"]
    command = [*host_command(name), *include]
    objects = compiled(command, library(folder), tmp_path)
    pcm = np.random.default_rng(3).integers(-20000, 20000, 40 * network.frontend.hop).astype(np.int16)
    expected = MACHINES["host"].run(build_host(network, tmp_path / "host"), pcm).pcm
    for language in LANGUAGES:
        source = tmp_path / f"main_{len(language)}.{language.replace('+', 'p')}"
        source.write_text(printed()[0] + AROUND)
        main = compiled([*command, *(("-xc++",) if language == "c++" else ())], [source], tmp_path)
        program = tmp_path / f"own_{len(language)}"
        subprocess.run([*host_command(name), *map(str, objects + main), "-o", str(program)], check=True)
        done = subprocess.run([str(program)], input=pcm.tobytes(), capture_output=True, check=True)
        assert np.array_equal(np.frombuffer(done.stdout, np.int16), expected), language


@pytest.mark.parametrize(
    ("name", "cpu"), [("arm-none-eabi-gcc", "cortex-m33"), ("arm-none-eabi-gcc", "cortex-m0plus"), ("ziglang", "cortex-m33")]
)
def test_readme_links_on_cortex_m_without_a_c_library(name, cpu, network, tmp_path):
    if not (shutil.which(name) or importlib.util.find_spec(name.replace("-", "_"))):
        pytest.skip(f"{name} is not installed")
    folder = generated(network, "dsp" if cpu == "cortex-m33" else "plain", tmp_path)
    compiler = find_arm_compiler(name)
    flags = compiler.cpu_flags(cpu)
    include = [f"-I{folder}", f"-I{runtime_include()}"]
    if name == "ziglang":  # it brings no headers of a C library
        include += ["-ffreestanding", f"-I{resource('runtime', 'port', 'bare', 'include')}"]
    command = [*compiler.compile, *flags, *include]
    around = tmp_path / "around.c"
    around.write_text(MEMORY_FUNCTIONS)
    objects = compiled([*command, "-ffreestanding", "-w", "-fno-builtin"], [around], tmp_path)
    objects += compiled(command, library(folder), tmp_path)
    for language in LANGUAGES:
        source = tmp_path / f"own.{language.replace('+', 'p')}"
        source.write_text(printed()[0] + ENTRY)
        own = compiled([*command, "-x", language, *(("-fno-exceptions",) if language == "c++" else ())], [source], tmp_path)
        elf = tmp_path / "own.elf"
        done = subprocess.run(
            link(compiler, flags, ("-e", "main", "--no-undefined"), [*objects, *own], elf), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert elf.is_file()


@pytest.mark.parametrize("standard", ["c++11", "c++17", "c++20", "c11", "c17"])
def test_every_public_header_stands_alone_in_either_language(standard, network, tmp_path):
    folder = generated(network, "plain", tmp_path)
    headers = sorted(p for place in (folder, runtime_include() / "codesign") for p in place.glob("*.h"))
    assert {"codesign_model.h", "enhancer.h", "nn.h"} < {header.name for header in headers}
    flags = ["-pedantic", *STRICT, f"-std={standard}", f"-I{folder}", f"-I{runtime_include()}", "-fsyntax-only"]
    for header in headers:
        source = tmp_path / f"{header.stem}.txt"
        source.write_text(f'#include "{header}"\n#include "{header}"\nint x;\n')
        language = "c++" if "++" in standard else "c"
        subprocess.run([*host_command("cc"), *flags, "-x", language, str(source)], check=True)
        text = header.read_text()
        assert ('extern "C"' in text) == ("extern const" in text or "(const" in text), header.name
