# SPDX-License-Identifier: Apache-2.0
"""Whether the C of a network computes what the NumPy reference computes, fast enough for thousands of networks.

Object files are kept by the text that they were made from. Weights are written into the loaded library where its own stand, so
that networks which differ in those alone are compiled once.
"""

from __future__ import annotations

import ctypes
import hashlib
import mmap
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from codesign.compiler.emit import Generated, emit
from codesign.compiler.frontend import Arithmetic, whole_hops
from codesign.compiler.lower.network import Network
from codesign.compiler.plan import plan_memory
from codesign.firmware.boards import load_board
from codesign.firmware.image import Image
from codesign.firmware.machines import MACHINES
from codesign.firmware.symbols import symbols_of
from codesign.firmware.toolchain.compilers import COMMON_FLAGS, find_host_compiler, run_tool
from codesign.firmware.toolchain.host import HOST_FLAGS, NATIVE_BOARD
from codesign.firmware.toolchain.objects import compile_runtime
from codesign.firmware.toolchain.runtime import runtime_include, runtime_sources
from codesign.proof.equality import equal, run_reference

FRAMES = 24
_ARRAY = re.compile(r"const (\w+)_t (\w+)\[(\d+)\] = \{([^}]*)\}")


class Compiled:
    """Libraries of networks, in `folder`, which other processes may share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._flags = (*COMMON_FLAGS, *HOST_FLAGS)
        compiler, include = find_host_compiler(), f"-I{runtime_include()}"
        self._compile = (*compiler.compile, *self._flags, include)
        own = Path(tempfile.mkdtemp(dir=folder, prefix="runtime-"))
        self._runtime = compile_runtime(compiler, (*self._flags, include), runtime_sources(("plain",)), own)

    def difference(self, network: Network, front_end: Arithmetic, seed: int) -> str:
        """Where C and reference differ on random PCM, "" if nowhere.

        Raises:
            CodesignError: the network cannot be emitted, or its C does not compile.
        """
        plan = plan_memory(network, "plain", front_end)
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            generated = emit(network, plan, Path(folder) / "src")
            library = self._library(generated)
            self._write_weights(library, (generated.folder / f"{generated.identifier}_weights.c").read_text())
            symbols = symbols_of(network, plan, generated, entry="")
            board = load_board(NATIVE_BOARD).with_front_end(front_end)
            image = Image(library, "host", board, network, plan, generated, "", self._flags, symbols)
            pcm = random_pcm(network.frontend.hop, seed)
            check = equal(MACHINES["host"].run(image, pcm), run_reference(network, pcm, front_end))
            return "" if check.ok else check.detail

    def _library(self, generated: Generated) -> Path:
        headers = "".join(_plain(file) for file in sorted(generated.folder.glob("*.h")))
        objects = [self._object(source, headers, f"-iquote{generated.folder}") for source in generated.sources]
        library = self._folder / f"{_hash(*map(str, objects))}.so"
        return self._made(library, (*self._compile, "-shared", *map(str, self._runtime), *map(str, objects)))

    def _object(self, source: Path, headers: str, *words: str) -> Path:
        text = _ARRAY.sub(r"\1 \2[\3]", _plain(source)) if source.stem.endswith("_weights") else _plain(source)
        return self._made(self._folder / f"{_hash(text, headers)}.o", (*self._compile, *words, "-c", str(source)))

    def _made(self, path: Path, command: Sequence[str]) -> Path:
        if not path.exists():
            temporary = path.with_name(f"{os.getpid()}-{path.name}")
            run_tool((*command, "-o", str(temporary)), path.name)
            temporary.replace(path)
        return path

    def _write_weights(self, library: Path, text: str) -> None:
        """Put the constants of the generated file `text` where the loaded library has some."""
        loaded = ctypes.CDLL(str(library))
        for kind, name, count, numbers in _ARRAY.findall(text):
            values = np.array(re.findall(r"-?\d+", numbers.replace("INT32_MIN", str(-(2**31)))), np.int64).astype(kind)
            assert values.size == int(count), f"{name}: {values.size} of {count} values understood"
            address = ctypes.addressof(ctypes.c_char.in_dll(loaded, name))
            start = address // mmap.PAGESIZE * mmap.PAGESIZE
            assert _MPROTECT(start, address + values.nbytes - start, mmap.PROT_READ | mmap.PROT_WRITE) == 0
            ctypes.memmove(address, values.ctypes.data, values.nbytes)


_MPROTECT = ctypes.CDLL(None).mprotect
_MPROTECT.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def _plain(file: Path) -> str:
    """Its text without the line that names the model's hash."""
    text = file.read_text(encoding="utf-8")
    return re.sub(r"^/\* Generated by .*?\*/\n", "", text) if file.stem != "codesign_model" else ""


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:24]


def random_pcm(hop: int, seed: int) -> np.ndarray:
    """Noise whose level jumps from silence to full scale."""
    rng = np.random.default_rng(seed)
    levels = np.repeat(rng.choice([0.0, 3.0, 300.0, 8000.0, 60000.0], FRAMES), hop)
    return whole_hops(np.clip(rng.normal(0.0, 1.0, levels.size) * levels, -32768, 32767).astype(np.int16), hop)


def digest(network: Network) -> str:
    """A hash of everything that is computed: networks of one hash are one."""
    parts = [repr(network.frontend), repr(sorted(network.values.items())), repr(network.states), network.name]
    for layer in network.layers:
        for key, value in vars(layer).items():
            parts.append(
                f"{key} {value.dtype} {value.shape} {_array_hash(value)}" if isinstance(value, np.ndarray) else f"{key} {value}"
            )
        inner = getattr(layer, "delta_layer", None)
        parts += [_array_hash(value) for value in vars(inner).values() if isinstance(value, np.ndarray)] if inner else []
    return _hash(*parts, network.input, network.output)


def _array_hash(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
