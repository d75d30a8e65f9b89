"""The whole pipeline under AddressSanitizer and UndefinedBehaviorSanitizer: no read or write outside, no undefined shift."""

import shutil
import subprocess

import pytest

from codesign.compiler.emit import emit
from codesign.compiler.plan import plan_memory
from codesign.firmware.toolchain.compilers import COMMON_FLAGS
from codesign.firmware.toolchain.runtime import runtime_include, runtime_sources
from networks import random_network

DRIVER = r"""
#include <stdio.h>
#include <stdlib.h>
#include "random.h"

int main(void)
{
    const size_t size = cs_enhancer_size(&random_model);
    char *memory = aligned_alloc(8, (size + 15) / 8 * 8);
    int16_t in[RANDOM_HOP], out[RANDOM_HOP];
    unsigned noise = 1, hash = 0;

    if (cs_enhancer_process(0, in, out, 1) != CS_BAD_ARGUMENT) return 1;
    if (cs_enhancer_init(&random_model, memory, size - 1) != CS_BAD_ARGUMENT) return 2;
    if (cs_enhancer_init(&random_model, memory + 4, size) != CS_BAD_ARGUMENT) return 3;
    if (cs_enhancer_init(&random_model, memory, size) != CS_OK) return 4;
    for (int frame = 0; frame < 400; frame++) {
        for (int i = 0; i < RANDOM_HOP; i++) {
            noise = noise * 1664525u + 1013904223u;
            const int sample = (int)(noise >> 16) - 32768;
            in[i] = (int16_t)(frame < 50 ? 0 : frame < 100 ? ((i / 4) % 2 ? 32767 : -32768) : sample / (frame % 9 + 1));
        }
        if (cs_enhancer_process(memory, in, out, 1) != CS_OK) return 5;
        for (int i = 0; i < RANDOM_HOP; i++) hash = hash * 31 + (unsigned short)out[i];
    }
    if (cs_enhancer_process(memory, in, in, 1) != CS_OK || cs_enhancer_process(memory, 0, 0, 0) != CS_OK) return 6;
    printf("%u frames, hash %08x\n", (unsigned)cs_enhancer_frames(memory), hash);
    free(memory);
    return 0;
}
"""


@pytest.mark.parametrize("front_end", ["float32", "q31"])
@pytest.mark.parametrize("skip", [False, True], ids=["", "skip gate"])
def test_pipeline_is_clean(skip, front_end, tmp_path):
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("gcc is not on the PATH")
    probe = tmp_path / "probe.c"
    probe.write_text("int main(void) { return 0; }")
    flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    if subprocess.run([gcc, *flags, probe, "-o", tmp_path / "probe"], capture_output=True, check=False).returncode:
        pytest.skip("gcc has no sanitizer libraries here")
    network = random_network(skip=skip)
    generated = emit(network, plan_memory(network, front_end=front_end), tmp_path / "src")
    (tmp_path / "driver.c").write_text(DRIVER)
    sources = [tmp_path / "driver.c", *generated.sources, *runtime_sources(("plain",))]
    hashes = set()
    for name, options in (("checked", ["-O1", "-g", *flags]), ("plain", [])):
        includes = [f"-I{runtime_include()}", f"-I{generated.folder}"]
        command = [gcc, *COMMON_FLAGS, *includes, *options, *sources, "-o", tmp_path / name]
        built = subprocess.run(list(map(str, command)), check=False, capture_output=True, text=True)
        assert built.returncode == 0, built.stderr
        done = subprocess.run([tmp_path / name], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        hashes.add(done.stdout)
    assert len(hashes) == 1
    assert hashes.pop().startswith("401 frames")
