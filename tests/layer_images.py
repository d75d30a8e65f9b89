# SPDX-License-Identifier: Apache-2.0
"""Layers alone, as the C that they emit: many of them in one library or image, each called on its own memory."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np

from codesign.base.resources import resource
from codesign.compiler.layers import Layer, Value
from codesign.compiler.layers.code import CodeContext
from shared_library import shared_library

CANARY = 0x5C
HEAD = """\
/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include "codesign/nn.h"
#include "codesign/real.h"
void *memcpy(void *to, const void *from, size_t bytes);
#define LAYER __attribute__((noinline))
"""
FLAGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding")


@dataclass(frozen=True)
class Case:
    """A layer with the values it reads and writes; `inputs` are integers by value, states among them, one run after another."""

    layer: Layer
    values: Mapping[str, Value]
    inputs: Sequence[Mapping[str, np.ndarray]]

    @property
    def outputs(self) -> tuple[str, ...]:
        return (*self.layer.writes, *self.layer.states)

    def offsets(self) -> tuple[dict[str, int], int, int]:
        """Where each value lies, where scratch does, and the bytes of all; gaps between them stay untouched."""
        at, found = 16, {}
        for name, value in self.values.items():
            found[name] = at
            at += (value.bytes + 16 + 15) // 16 * 16
        return found, at, at + (self.layer.scratch_bytes + 16 + 15) // 16 * 16

    def expected(self) -> list[dict[str, np.ndarray]]:
        matrices = tuple(matrix.astype(np.float64) for matrix in self.layer.weights_int8)
        results = []
        for inputs in self.inputs:
            values = {name: x.astype(np.int64) for name, x in inputs.items()}
            self.layer.step(values, matrices)
            results.append({name: values[name] for name in self.outputs})
        return results


def source(cases: Sequence[Case], kernel: str) -> str:
    """C of all cases: case i is the function l<i>(memory)."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("codesign.compiler.layers"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    parts = [HEAD]
    for i, case in enumerate(cases):
        offsets, scratch, _ = case.offsets()
        name = case.layer.name
        context = CodeContext(
            values=case.values,
            kernel=kernel,
            functions={name: f"l{i}"},
            value_macros={value: f"{at}u" for value, at in offsets.items()},
            scratch_macros={name: f"{scratch}u"},
            render=lambda template, **words: environment.get_template(template).render(**words),
        )
        code = case.layer.code(context)
        for array in code.arrays:
            parts.append(f"_Alignas(4) static const {array.ctype} {array.name}[{array.count}] = {{\n{array.values}\n}};")
        parts += [f"void l{i}(uint8_t *memory);", code.code]
    return "\n".join(parts)


def memory(case: Case, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """The memory before a call, uint8."""
    offsets, _, size = case.offsets()
    block = np.full(size, CANARY, np.uint8)
    for name, x in inputs.items():
        raw = np.frombuffer(x.astype(_stored(case.values[name])).tobytes(), np.uint8)
        assert len(raw) == case.values[name].bytes
        block[offsets[name] : offsets[name] + len(raw)] = raw
    return block


def float_sources() -> list[Path]:
    """What of runtime/dsp layers call."""
    names = ("cs_real_*.c", "cs_quantize.c", "cs_samples_mve.S", "cs_banded_multiply.c")
    return [file for name in names for file in sorted(resource("runtime", "dsp").glob(name))]


def _stored(value: Value) -> np.dtype:
    """What the integers of a value are stored as: real numbers are their bits."""
    return np.dtype("int32" if value.dtype == "float32" else value.dtype)


def check(case: Case, run: Callable[[np.ndarray], np.ndarray], where: str) -> None:
    """Every output is the reference's, every byte outside of outputs and scratch is as before."""
    offsets, scratch, size = case.offsets()
    for inputs, expected in zip(case.inputs, case.expected(), strict=True):
        before = memory(case, inputs)
        after = run(before.copy())
        kept = np.ones(size, bool)
        kept[scratch : scratch + case.layer.scratch_bytes] = False
        for name in case.outputs:
            value = case.values[name]
            kept[offsets[name] : offsets[name] + value.bytes] = False
            raw = after[offsets[name] : offsets[name] + value.bytes].tobytes()
            got = np.frombuffer(raw, _stored(value))
            np.testing.assert_array_equal(got, expected[name], err_msg=f"{where}: {case.layer.title}: {name}")
        np.testing.assert_array_equal(after[kept], before[kept], err_msg=f"{where}: {case.layer.title} writes elsewhere")


def host_library(cases: Sequence[Case], folder: Path) -> Callable[[int], Callable[[np.ndarray], np.ndarray]]:
    """All cases compiled for this machine: i → the function that runs case i on a memory."""
    (folder / "layers.c").write_text(source(cases, "plain"))
    sources = [folder / "layers.c", *resource("runtime", "nn").glob("*.[cS]"), *float_sources()]
    library = shared_library(sources, folder, (*FLAGS, "-fsanitize=undefined", "-fno-sanitize-recover=undefined"))

    def runner(i: int) -> Callable[[np.ndarray], np.ndarray]:
        def run(block: np.ndarray) -> np.ndarray:
            room = np.zeros(len(block) + 16, np.uint8)
            start = -room.ctypes.data % 16
            aligned = room[start : start + len(block)]
            aligned[:] = block
            getattr(library, f"l{i}")(ctypes.c_void_p(aligned.ctypes.data))
            return aligned.copy()

        return run

    return runner
