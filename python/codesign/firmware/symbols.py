# SPDX-License-Identifier: Apache-2.0
"""What the symbols of an image are: which belong together, and what pointers reach. Kept in manifest.json beside the image."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codesign.compiler.emit import Generated
from codesign.compiler.lower.network import Network
from codesign.compiler.plan import MemoryPlan

_FRONT_END_TABLES = (
    *("analysis_window", "synthesis_window", "fft", "mel", "bins", "mean", "deviation", "frontend"),
    *("analysis", "features", "mask", "synthesis", "frame"),  # functions of a chain of the model's own
)
_FRONT_END_FUNCTIONS = (  # of runtime/dsp
    "cs_analysis",
    "cs_apply_",
    "cs_banded_",
    "cs_complex_fft",
    "cs_dequantize_",
    "cs_exp2_table",
    "cs_features",
    "cs_floor",
    "cs_frame_",
    "cs_from_planes",
    "cs_irfft",
    "cs_limit_gains",
    "cs_log2_table",
    "cs_logarithm",
    "cs_magnitudes",
    "cs_mixed_complex_fft",
    "cs_normalize",
    "cs_overlap_add",
    "cs_power",
    "cs_quantize_",
    "cs_rfft",
    "cs_sqrt_table",
    "cs_synthesis",
    "cs_take_frame",
    "cs_to_planes",
)


@dataclass(frozen=True)
class ImageSymbols:
    """`groups` are (label, symbol prefix) pairs for Footprint.by_group, one label a layer; `pointer_calls` names the functions
    that a function calls through pointers, for size.stack; `entry` is where the image starts, "" for a library.
    """

    groups: tuple[tuple[str, str], ...]
    pointer_calls: Mapping[str, tuple[str, ...]]
    entry: str


def symbols_of(network: Network, plan: MemoryPlan, generated: Generated, entry: str) -> ImageSymbols:
    """The symbols of an image that is built of generated sources and runtime/."""
    model = generated.identifier
    groups = (
        *((layer.name, generated.function(layer.name)) for layer in network.schedule),
        *(("front end", f"{model}_{table}") for table in _FRONT_END_TABLES),
        *(("front end", function) for function in _FRONT_END_FUNCTIONS),
        ("kernels", "cs_"),
        ("enhancer memory and PCM", "cs_bare_"),
        ("enhancer", "cs_enhancer_"),
    )
    kernel = ("prepare", "matvec" if plan.kernel == "plain" else f"cs_matvec_{plan.kernel}")
    callers = ("cs_lstm_step", "cs_fully_connected_s8", "cs_fully_connected_s16")
    frame = f"{model}_frame" if plan.own_frame else f"cs_frame_{plan.front_end}"
    calls = {
        "cs_enhancer_init": ("reset",),
        "cs_enhancer_process": (frame,),
        frame: ("step",),
        **dict.fromkeys(callers, kernel),
    }
    if plan.kernel == "dual":
        calls["cs_matvec_dual"] = ()  # it jumps into its own loop by an address that it keeps on the stack
    return ImageSymbols(groups, calls, entry)


def symbols_beside(elf: Path) -> ImageSymbols | None:
    """The symbols that the manifest.json in the folder of an image tells of, None without a usable one."""
    try:
        document: Any = json.loads(elf.with_name("manifest.json").read_text(encoding="utf-8"))["symbols"]
        groups = tuple((str(label), str(prefix)) for label, prefix in document["groups"])
        calls = {str(name): tuple(map(str, targets)) for name, targets in document["pointer_calls"].items()}
        return ImageSymbols(groups, calls, str(document["entry"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
