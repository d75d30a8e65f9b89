# SPDX-License-Identifier: Apache-2.0
"""The stages of a frame: where their functions are in an image, and what they executed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend.output_stage import limiter_of, mix_of, rms_limiter_of
from codesign.firmware.elf import ElfImage
from codesign.firmware.image import Image
from codesign.firmware.machines.run import LayerCost

FRONT_END_STAGES = {"analysis": "analysis", "features": "features", "apply_mask": "mask", "synthesis": "synthesis"}
"""What the runtime's own frame calls a stage's function, after cs_."""

REST = "calls and bookkeeping"
"""What no stage contains; its name in counts is ""."""


def stage_entries(image: Image, elf: ElfImage) -> dict[int, str]:
    """First address of each stage's function, and its name."""
    if image.plan.own_frame:
        entries = {elf.address(f"{image.generated.identifier}_{stage}"): stage for stage in FRONT_END_STAGES.values()}
    else:
        suffix = "_q31" if image.plan.front_end == "q31" else ""
        entries = {elf.address(f"cs_{name}{suffix}"): stage for name, stage in FRONT_END_STAGES.items()}
    for name, functions in _finish(image).items():
        entries |= {elf.address(function): name for function in functions}
    for layer in image.network.stages:
        entries[elf.address(image.generated.function(layer.name))] = layer.name
    return entries


def counts_by_stage(image: Image, frames: Sequence[Mapping[str, int]]) -> dict[str, npt.NDArray[np.int64]]:
    """Instructions per counted frame of every stage, int64 (frames,), in the order in which they run; empty without frames."""
    names = [
        "analysis",
        "features",
        *(layer.name for layer in image.network.stages),
        "mask",
        "synthesis",
        *_finish(image),
        "",
    ]
    return {name: np.array([frame.get(name, 0) for frame in frames], np.int64) for name in names} if frames else {}


def _finish(image: Image) -> dict[str, tuple[str, ...]]:
    """What a chain does around the frame, where it does, and the runtime's functions for it."""
    chain = image.network.frontend
    found: dict[str, tuple[str, ...]] = {}
    if mix_of(chain) and chain.compressor is None:
        found["strength"] = ("cs_mix_take", "cs_mix_add")
    limits = ["cs_limit_output"] if limiter_of(chain) else []
    limits += ["cs_limit_rms"] if rms_limiter_of(chain) else []
    found |= {"limiter": tuple(limits)} if limits else {}
    found |= {"beamformer": ("cs_beam_form",)} if chain.beamformer else {}
    return found | ({"resampling": ("cs_resample_down", "cs_resample_up")} if chain.resample > 1 else {})


def layer_costs(image: Image, frames: Sequence[Mapping[str, int]]) -> tuple[LayerCost, ...]:
    """Worst and mean of `counts_by_stage`."""
    macs = {layer.name: layer.macs for layer in image.network.stages}
    return tuple(
        LayerCost(name or REST, macs.get(name, 0), int(counts.max()), float(counts.mean()))
        for name, counts in counts_by_stage(image, frames).items()
    )
