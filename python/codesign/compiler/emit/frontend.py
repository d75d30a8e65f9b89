# SPDX-License-Identifier: Apache-2.0
"""C of the front end: its tables and its description, in either arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.compiler.emit.chain import Tables, chain_file, filter_numbers
from codesign.compiler.emit.names import checked
from codesign.compiler.frontend import BandedMatrix, Chain, analysis_bank, analysis_window, gains_bank, synthesis_window
from codesign.compiler.frontend.describe import describe
from codesign.compiler.frontend.fft_tables import fft_split, fft_twiddles
from codesign.compiler.frontend.filter_path import early_taper, in_q31, taper
from codesign.compiler.frontend.q31 import exponent_q31, feature_scale_log2, fixed_point_tables, mask_scale
from codesign.compiler.layers.code import Array
from codesign.compiler.lower.network import Network
from codesign.compiler.plan import MemoryPlan


def front_end_file(network: Network, plan: MemoryPlan, model: str, render: Callable[..., str]) -> str:
    """The text of `<model>_frontend.c`."""
    config = network.frontend
    if not tables_type(plan):

        def with_lines(template: str, **values: Any) -> str:
            return render(template, chain_lines=describe(*(part.frontend for part in network.row)), **values)

        return chain_file(network, plan, model, with_lines, lambda tables: _arrays(model, tables))
    features, mask = network.values[network.input], network.values[network.output]
    mel, bins = analysis_bank(config), gains_bank(config)
    common = {"features": features, "mask": mask, "mel": mel, "bins": bins}
    if plan.front_end == "float32":
        return render("frontend.c.j2", arrays=_arrays(model, _float32(config, mel, bins)), **common)
    return render(
        "frontend_q31.c.j2",
        arrays=_arrays(model, _q31(config)),
        log2_n=config.n_fft.bit_length() - 1,
        exponent=exponent_q31(config.exponent),
        feature_scale_log2=feature_scale_log2(features.scale),
        filter=filter_numbers(config),
        gain=mask_scale(mask.scale, mask.zero_point, mask.dtype),
        **common,
    )


def tables_type(plan: MemoryPlan) -> str:
    """The C type of all tables of the runtime's front end, "" where a frame of the model's own names each for itself."""
    return "cs_frontend_q31" if plan.front_end == "q31" else "" if plan.own_frame else "cs_frontend"


def _float32(config: Chain, mel: BandedMatrix, bins: BandedMatrix) -> Tables:
    return {
        "analysis_window": analysis_window(config),
        "synthesis_window": synthesis_window(config),
        "fft_twiddles": fft_twiddles(config.n_fft),
        "fft_split": fft_split(config.n_fft),
        **_banded("mel", mel, mel.weights),
        **_banded("bins", bins, bins.weights),
    }


def _q31(config: Chain) -> Tables:
    tables = fixed_point_tables(config)
    return {
        "analysis_window": tables.analysis_window,
        "synthesis_window": tables.synthesis_window,
        "fft_twiddles": tables.fft_twiddles,
        "fft_split": tables.fft_split,
        **_banded("mel", tables.mel, tables.mel_weights),
        **_banded("bins", tables.bins, tables.bins_weights),
        **({"taper": in_q31(taper(config))} if config.filters else {}),
        **({"early_taper": in_q31(early_taper(config))} if config.filters and config.filter_delay else {}),
    }


def _banded(name: str, matrix: BandedMatrix, weights: npt.NDArray[Any]) -> Tables:
    return {f"{name}_start": matrix.start, f"{name}_length": matrix.length, f"{name}_weights": weights}


def _arrays(model: str, tables: Tables) -> list[Array]:
    return [Array.of(checked(f"{model}_{name}"), np.ascontiguousarray(table)) for name, table in tables.items()]
