# SPDX-License-Identifier: Apache-2.0
"""The front end: what turns PCM into features and what a network gives back into PCM.

Only its *definition* lives here (sizes, windows, filter banks), shared by the reference, the C emitter and training.
"""

from codesign.compiler.frontend.bands import analysis_bank, gains_bank
from codesign.compiler.frontend.chain import Arithmetic, Chain
from codesign.compiler.frontend.hops import hops, whole_hops
from codesign.compiler.frontend.mel import BandedMatrix, mel_analysis, mel_synthesis
from codesign.compiler.frontend.windows import analysis_window, synthesis_window

__all__ = [
    "Arithmetic",
    "BandedMatrix",
    "Chain",
    "analysis_bank",
    "analysis_window",
    "gains_bank",
    "hops",
    "mel_analysis",
    "mel_synthesis",
    "synthesis_window",
    "whole_hops",
]
