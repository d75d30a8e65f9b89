# SPDX-License-Identifier: Apache-2.0
"""What the symbols of an image are: which belong together, and what pointers reach. Kept in manifest.json beside the image."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codesign.compiler.emit import Generated
from codesign.compiler.emit.capture import outer_frame
from codesign.compiler.lower.network import Network
from codesign.compiler.plan import MemoryPlan

_FRONT_END_TABLES = (
    *("analysis_window", "synthesis_window", "fft", "mel", "bins", "mean", "deviation", "running", "frontend"),
    *("analysis", "features", "mask", "synthesis", "frame"),  # functions of a chain of the model's own
    *("taper", "filter", "hear", "play", "update", "held"),  # of the filter path
    *("mix", "limiter", "rms_limiter", "set_strength", "compressor", "program", "set_program"),
    *("beam", "resampler"),
)
_FRONT_END_FUNCTIONS = (  # of runtime/dsp
    "cs_analysis",
    "cs_apply_complex_mask",
    "cs_apply_gains",
    "cs_apply_mask",
    "cs_band_powers",
    "cs_banded_",
    "cs_complex_fft",
    "cs_compress",
    "cs_dequantize_",
    "cs_exp2_table",
    "cs_features",
    "cs_filter_",
    "cs_floor",
    "cs_frame_",
    "cs_from_planes",
    "cs_gains_spectrum",
    "cs_irfft",
    "cs_limit_gains",
    "cs_limit_output",
    "cs_limit_rms",
    "cs_log2_table",
    "cs_logarithm",
    "cs_magnitudes",
    "cs_mix_",
    "cs_mixed_complex_fft",
    "cs_move_level",
    "cs_multiply_gains",
    "cs_overlap_add",
    "cs_power",
    "cs_powers",
    "cs_quantize_",
    "cs_real_",
    "cs_rfft",
    "cs_running_",
    "cs_spread_gains",
    "cs_sqrt_table",
    "cs_standardize",
    "cs_synthesis",
    "cs_take_frame",
    "cs_to_planes",
    "cs_beam_",
    "cs_resample_",
    "cs_to_both",
    "device_frame",
    "ends",
    "finished_frame",
    "give_samples",
    "inner",
    "take_samples",
)

_KERNELS = {
    "plain": (("prepare", "matvec"), ("prepare_wide", "matvec_wide")),
    "dsp": (("prepare", "cs_matvec_dsp"), ("prepare_wide", "cs_matvec_wide_dsp")),
    "dual": (("prepare", "cs_matvec_dual"), ("prepare_wide", "cs_matvec_wide_dsp")),
    "mve": (("prepare", "cs_matvec_mve"), ("prepare_wide", "cs_matvec_wide_mve")),
}
"""The functions of each kernel, for int8 vectors and for int16 ones."""


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
        *((layer.name, generated.function(layer.name)) for layer in network.stages),
        *(("front end", f"{model}_{table}") for table in _FRONT_END_TABLES),
        *(("front end", function) for function in _FRONT_END_FUNCTIONS),
        ("kernels", "cs_"),
        ("enhancer memory and PCM", "cs_bare_"),
        ("enhancer", "cs_enhancer_"),
    )
    frame = f"{model}_frame" if plan.own_frame else f"cs_frame_{plan.front_end}"
    calls = {
        "cs_enhancer_init": ("reset",),
        "cs_enhancer_process": (outer_frame(network.frontend, frame),),
        frame: ("step",),
        f"{model}_hear": ("step",),
        **_matrix_calls(network, plan.kernel),
    }
    return ImageSymbols(groups, calls, entry)


def _matrix_calls(network: Network, kernel: str) -> dict[str, tuple[str, ...]]:
    """What the layers with matrices call through the kernels that this network has."""
    narrow, wide = _KERNELS[kernel]
    calls: dict[str, tuple[str, ...]] = {}
    bits: set[int] = set()
    for layer in network.layers:
        bits.update(layer.matrix_bits(kernel))
        for caller, called in layer.pointer_calls(kernel).items():
            calls[caller] = tuple(dict.fromkeys((*calls.get(caller, ()), *called)))
    if 8 in bits:
        calls |= dict.fromkeys(("cs_fully_connected_s8", "cs_fully_connected_s16"), narrow)
    if 16 in bits:
        calls |= dict.fromkeys(("cs_fully_connected_wide_s8", "cs_fully_connected_wide_s16"), wide)
    both = (*(narrow if 8 in bits else ()), *(wide if 16 in bits else ()))
    calls |= dict.fromkeys(("cs_lstm_step", "cs_lstm_step_wide", "cs_gru_step", "cs_rnn_step"), both)
    # These jump into their own loops by an address that they keep on the stack.
    return calls | {
        "cs_matvec_dual": (),
        "cs_matvec_wide_dsp": (),
        "cs_conv_multiply": (),
        "cs_conv_rows": (),
        "cs_conv_runs": (),
        "cs_conv_vectors": (),
    }


def symbols_beside(elf: Path) -> ImageSymbols | None:
    """The symbols that the manifest.json in the folder of an image tells of, None without a usable one."""
    try:
        document: Any = json.loads(elf.with_name("manifest.json").read_text(encoding="utf-8"))["symbols"]
        groups = tuple((str(label), str(prefix)) for label, prefix in document["groups"])
        calls = {str(name): tuple(map(str, targets)) for name, targets in document["pointer_calls"].items()}
        return ImageSymbols(groups, calls, str(document["entry"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
