"""What a build leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codesign.emit import Generated
from codesign.lower.network import Network
from codesign.plan import MemoryPlan

FRONT_END_FUNCTIONS = (
    "analysis",
    "apply_mask",
    "banded_",
    "complex_fft",
    "features",
    "irfft",
    "power",
    "rfft",
    "synthesis",
)
"""Functions of runtime/dsp, less their cs_."""


@dataclass(frozen=True)
class Image:
    """A linked file (`path`: ELF or shared library) with what it was made from and how.

    `flags` are the compiler's, without paths. `stack_usage` are the .su files of the compiler, when it writes any.
    """

    path: Path
    runtime: str
    network: Network
    plan: MemoryPlan
    generated: Generated
    compiler: str
    flags: tuple[str, ...]
    board: str = ""
    linker_memory_table: str = ""
    stack_usage: tuple[Path, ...] = ()

    @property
    def pointer_calls(self) -> dict[str, tuple[str, ...]]:
        """{function: functions that it calls through pointers}, for size.stack: a matrix's kernel, a model's reset and step."""
        kernel = ("prepare", "cs_matvec_dsp" if self.plan.kernel == "dsp" else "matvec")
        callers = ("cs_lstm_step", "cs_fully_connected_s8", "cs_fully_connected_s16")
        return {"cs_enhancer_init": ("reset",), "cs_enhancer_process": ("step",), **dict.fromkeys(callers, kernel)}

    @property
    def layer_prefixes(self) -> tuple[tuple[str, str], ...]:
        """(layer, prefix of its symbols) pairs for size.measure, and those of the front end and the bare port."""
        model = self.generated.identifier
        tables = ("analysis_window", "synthesis_window", "fft_", "mel_", "bins_", "frontend")
        return (
            *((layer.name, f"{model}_{layer.name}") for layer in self.network.schedule),
            *(("front end", f"{model}_{table}") for table in tables),
            *(("front end", f"cs_{name}") for name in FRONT_END_FUNCTIONS),
            ("kernels", "cs_"),
            ("enhancer memory and PCM", "cs_bare_"),
            ("enhancer", "cs_enhancer_"),
        )
