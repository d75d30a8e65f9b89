# SPDX-License-Identifier: Apache-2.0
"""What templates know of a chain's two ends: tables of beamformer and resampler, and which function is the frame's."""

from __future__ import annotations

from typing import Any

import numpy as np

from codesign.compiler.emit.output_stage import finishes
from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.beamformer import beam_tables
from codesign.compiler.frontend.capture import captures
from codesign.compiler.frontend.resampler import PHASE_TAPS, resampler_taps
from codesign.compiler.layers.code import Array


def capture_stage(chain: Chain, model: str) -> dict[str, Any]:
    """Names for templates: what the chain has, and the constants of it."""
    arrays: list[Array] = []
    beam = None if chain.beamformer is None else beam_tables(chain)
    if beam is not None:
        arrays.append(Array.of(f"{model}_beam_taps", np.ascontiguousarray(beam.taps[::-1])))
    if chain.resample > 1:
        taps = resampler_taps(chain.resample)
        phases = taps.reshape(PHASE_TAPS, chain.resample)[::-1].T
        arrays.append(Array.of(f"{model}_resampler_taps", taps))
        arrays.append(Array.of(f"{model}_resampler_phases", np.ascontiguousarray(phases)))
    return {"captures": captures(chain), "beam": beam, "capture_arrays": arrays, "ends": chain.ends}


def outer_frame(chain: Chain, frame: str) -> str:
    """The function that a model's frame is, around the front end's `frame`."""
    return "device_frame" if captures(chain) else "finished_frame" if finishes(chain) else frame
