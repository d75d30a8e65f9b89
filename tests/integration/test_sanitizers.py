# SPDX-License-Identifier: Apache-2.0
"""The whole pipeline under AddressSanitizer and UndefinedBehaviorSanitizer: no read or write outside, no undefined shift.

CODESIGN_SANITIZED_NETWORKS says how many drawn networks it runs with, CODESIGN_SANITIZED_FROM the number of the first one:
every number is a network of its own, always the same.
"""

import os
import shutil
import subprocess

import numpy as np
import pytest

from chains import CHAINS, small_network
from codesign.base.resources import resource
from codesign.compiler.emit import emit
from codesign.compiler.frontend import whole_hops
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.compiler.plan import plan_memory
from codesign.firmware.toolchain.compilers import COMMON_FLAGS
from codesign.firmware.toolchain.runtime import runtime_include, runtime_sources
from codesign.proof.equality import run_reference
from codesign.proof.signals import proof_signal
from networks import drawn_network, random_network

FIRST = int(os.environ.get("CODESIGN_SANITIZED_FROM", "0"))
DRAWN = range(FIRST, FIRST + int(os.environ.get("CODESIGN_SANITIZED_NETWORKS", "6")))
SHIPPED = ("pruned", "standard-skip", "low-latency")
FRAMES = 200

# Memory of exactly the size that is asked for; PCM of whole hops on stdin, what comes of it on stdout.
DRIVER = r"""
#include <stdio.h>
#include <stdlib.h>
#include "codesign_model.h"

int main(void)
{
    const cs_model *model = &CODESIGN_MODEL;
    const size_t size = cs_enhancer_size(model);
    char *memory = aligned_alloc(8, size);
    int16_t in[CODESIGN_MODEL_HOP], out[CODESIGN_MODEL_HOP];

    if (size % 8 || size != CODESIGN_MODEL_MEMORY_BYTES) return 1;
    if (cs_enhancer_process(0, in, out, 1) != CS_BAD_ARGUMENT) return 2;
    if (cs_enhancer_init(model, memory, size - 1) != CS_BAD_ARGUMENT) return 3;
    if (cs_enhancer_init(model, memory + 4, size) != CS_BAD_ARGUMENT) return 4;
    if (cs_enhancer_init(model, memory, size) != CS_OK) return 5;
    for (int frame = 0; fread(in, sizeof in, 1, stdin) == 1; frame++) {
        int16_t *to = frame % 2 ? in : out; /* in place too */
        if (cs_enhancer_process(memory, in, to, 1) != CS_OK) return 6;
        fwrite(to, sizeof in, 1, stdout);
    }
    if (cs_enhancer_process(memory, 0, 0, 0) != CS_OK) return 7;
    free(memory);
    return 0;
}
"""


class Checked:
    """A compiler with sanitizers, and the runtime compiled by it."""

    def __init__(self, folder):
        gcc = shutil.which("gcc")
        if gcc is None:
            pytest.skip("gcc is not on the PATH")
        sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
        self._command = [gcc, *COMMON_FLAGS, "-O1", "-g", *sanitizers, f"-I{runtime_include()}"]
        (folder / "probe.c").write_text("int main(void) { return 0; }")
        if subprocess.run([*self._command, "probe.c"], cwd=folder, capture_output=True, check=False).returncode:
            pytest.skip("gcc has no sanitizer libraries here")
        self._build([*runtime_sources(("plain",)), "-c"], folder)
        self._objects = sorted(folder.glob("*.o"))

    def _build(self, words, folder):
        done = subprocess.run([*self._command, *words], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def is_clean(self, network, front_end, folder):
        """Runs the network on loud, silent and noisy hops; its output is the reference's."""
        generated = emit(network, plan_memory(network, front_end=front_end), folder / "src")
        (folder / "driver.c").write_text(DRIVER)
        self._build(["driver.c", f"-iquote{generated.folder}", *generated.sources, *self._objects, "-o", "checked"], folder)
        pcm = signal(network.frontend.hop)
        done = subprocess.run([folder / "checked"], input=pcm.tobytes(), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        np.testing.assert_array_equal(np.frombuffer(done.stdout, np.int16), run_reference(network, pcm, front_end).pcm)


def signal(hop):
    """int16, FRAMES hops: what is in the proof signal's parts, and noise at levels between."""
    extremes = proof_signal([], 16000, 1.0)
    noise = np.random.default_rng(1).standard_normal(FRAMES * hop // 2) * np.repeat([30, 300, 3000, 30000], FRAMES * hop // 8)
    step = max(1, extremes.size // 20)
    length = FRAMES * hop // 40
    pieces = [extremes[start : start + length] for start in range(0, 20 * step, step)]
    whole = np.concatenate([*pieces, np.clip(noise, -32768, 32767).astype(np.int16)])
    return whole_hops(whole, hop)


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    return Checked(tmp_path_factory.mktemp("checked"))


@pytest.mark.parametrize("front_end", ["float32", "q31"])
@pytest.mark.parametrize("skip", [False, True], ids=["", "skip gate"])
def test_pipeline_is_clean(checked, skip, front_end, tmp_path):
    checked.is_clean(random_network(skip=skip), front_end, tmp_path)


@pytest.mark.parametrize("front_end", ["float32", "q31"])
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_network_is_clean(checked, name, front_end, tmp_path):
    checked.is_clean(lower(load_onnx(resource("models", name, f"{name}.onnx"))), front_end, tmp_path)


@pytest.mark.parametrize(("name", "types"), [(name, ("int8", "int16")[i % 2]) for i, name in enumerate(CHAINS)])
def test_chain_is_clean(checked, name, types, tmp_path):
    checked.is_clean(small_network(CHAINS[name], types, types), "float32", tmp_path)


@pytest.mark.parametrize("seed", DRAWN)
def test_drawn_network_is_clean(checked, seed, tmp_path):
    checked.is_clean(drawn_network(seed), "q31" if seed % 2 else "float32", tmp_path)
