# SPDX-License-Identifier: Apache-2.0
"""Every layer's emitted C, built for Cortex-M and emulated, against the reference: every bit and every saved register."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("unicorn", reason="unicorn is not installed (pip install codesign[emulator])")
pytest.importorskip("ziglang", reason="ziglang is not installed (pip install codesign[emulator])")

from cores import board_of, open_calls

from codesign.compiler.layers.float_block import FloatBlock
from codesign.firmware.toolchain.kernels import best_kernel
from layer_cases import all_cases, wide_256
from layer_images import check, float_sources, memory, source

CORES = (
    ("nrf5340dk", "dsp"),
    ("nrf5340dk", "plain"),
    ("stm32f746g_disco", "dual"),
    ("mps3_an547", "mve"),
    ("cortex-m0plus", "plain"),
)


@pytest.mark.parametrize(("board", "kernel"), CORES)
def test_c_of_every_layer_is_the_reference(tmp_path, board, kernel):
    has_float = board_of(board).front_end == "float32"  # compilers bring software for others, which is not linked here
    cases = [case for case in all_cases() if has_float or not isinstance(case.layer, FloatBlock)]
    file = tmp_path / "layers.c"
    file.write_text(source(cases, kernel))
    image = open_calls(board, tmp_path, more=(file, *(float_sources() if has_float else ())))
    for i, case in enumerate(cases):

        def run(block: np.ndarray, i: int = i) -> np.ndarray:
            image.clear()
            at = image.put(block)
            image.call(f"l{i}", at)
            return image.get(at, np.uint8, len(block))

        check(case, run, f"{board_of(board).core.cpu}, {kernel}")


LIMITS = {
    "nrf5340dk": {"fc_wide": 1.05, "gru": 0.95, "gru_wide": 1.05, "lstm_wide": 1.02},
    "stm32f746g_disco": {"fc_wide": 1.05, "gru": 0.95, "gru_wide": 1.05, "lstm_wide": 1.02},
    "mps3_an547": {"fc_wide": 0.40, "gru": 0.25, "gru_wide": 0.40},
}


@pytest.mark.parametrize(("board", "name"), [(board, name) for board, names in LIMITS.items() for name in names])
def test_instructions_per_mac(tmp_path, board, name):
    case = next(case for case in wide_256() if case.layer.name == name)
    file = tmp_path / "layers.c"
    file.write_text(source([case], best_kernel(board_of(board))))
    image = open_calls(board, tmp_path, counting=True, more=(file,))
    image.call("l0", image.put(memory(case, case.inputs[0])))
    assert image.instructions <= LIMITS[board][name] * case.layer.macs
