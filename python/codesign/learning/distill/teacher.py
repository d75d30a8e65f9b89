# SPDX-License-Identifier: Apache-2.0
"""A teacher: any ONNX enhancer with its chain, from a noisy signal to what it makes of it; outputs are kept on disk."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codesign.base.cache import cache_folder
from codesign.base.errors import InputError
from codesign.base.files.output_file import replace_file
from codesign.base.signals import Pcm, Signal32
from codesign.compiler.frontend.near import near
from codesign.compiler.frontend.presets import presets
from codesign.compiler.model import load_row
from codesign.compiler.reference.frontend import analyse, handed_over, synthesise
from codesign.learning.distill.step_runner import StepRunner

FORMAT = 1


@dataclass(frozen=True)
class TeacherFile:
    """Where a teacher is: its model or a TOML file of several in a row, and the name of a preset or a TOML file for what is
    around it ("": beside the file or in its metadata).
    """

    model: Path
    chain: str = ""

    def open(self, sample_rate: int) -> Teacher:
        """Load it.

        Raises:
            InputError: the model or its chain cannot be used, or is for another sample rate.
        """
        return Teacher(self, sample_rate)


class Teacher:
    """Outputs of networks for signals of any length, computed in float."""

    def __init__(self, file: TeacherFile, sample_rate: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            row = load_row(file.model, _chain_path(file, Path(folder)))
        self.chains = row.chains
        if self.chains[0].sample_rate != sample_rate:
            raise InputError(
                f"{file.model}: the teacher hears {self.chains[0].sample_rate} Hz, the recipe {sample_rate} Hz",
                hint="give a teacher of the recipe's sample rate, or the recipe the teacher's",
            )
        self._key = f"{FORMAT} {[graph.sha256 for graph in row.graphs]} {self.chains}".encode()
        self._runners = [StepRunner(path, graph) for path, graph in zip(row.paths, row.graphs, strict=True)]

    def __call__(self, noisy: Signal32) -> Signal32:
        """What the teacher makes of float32 samples within ±1, of the same length and aligned with them."""
        pcm = np.clip(np.rint(noisy * 32768.0), -32768, 32767).astype(np.int16)
        path = cache_folder() / "teacher" / f"{hashlib.sha256(self._key + pcm.tobytes()).hexdigest()}.npy"
        enhanced = _kept(path, pcm.size)
        if enhanced is None:
            enhanced = self._enhanced(pcm)
            _keep(path, enhanced)
        return np.asarray(enhanced.astype(np.float32) / np.float32(32768.0))

    def _enhanced(self, pcm: Pcm) -> Pcm:
        chain = self.chains[0]
        size = -(-(pcm.size + chain.latency_samples) // chain.hop) * chain.hop
        analysis = analyse(chain, np.pad(pcm, (0, size - pcm.size)))
        outputs = self._runners[0](analysis.features)
        for before, after, runner in zip(self.chains, self.chains[1:], self._runners[1:], strict=False):
            analysis = handed_over(before, after, analysis.spectrum, outputs)
            outputs = runner(analysis.features)
        whole = synthesise(self.chains[-1], analysis.spectrum, outputs)
        return whole[chain.latency_samples :][: pcm.size]


def _chain_path(file: TeacherFile, folder: Path) -> Path | None:
    """The TOML file of the chain; that of a preset is written to `folder`."""
    if not file.chain:
        return None
    if file.chain in presets():
        path = folder / "chain.toml"
        path.write_text(f'[chain]\npreset = "{file.chain}"\n', encoding="utf-8")
        return path
    path = file.model.parent / file.chain
    if not path.is_file():
        raise InputError(
            f"distill.chain: '{file.chain}' is no preset and no file beside the teacher{near(file.chain, presets())}",
            hint=f"give one of {', '.join(presets())}, or a TOML file (docs/model-file.md)",
        )
    return path


def _kept(path: Path, size: int) -> Pcm | None:
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return found if found.dtype == np.int16 and found.shape == (size,) else None


def _keep(path: Path, pcm: Pcm) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replace_file(path) as temporary:
            np.save(temporary, pcm)
    except (OSError, InputError):
        return  # a cache that cannot be written costs time only
