# SPDX-License-Identifier: Apache-2.0
"""The front end: what turns PCM into features and a mask back into PCM.

Only its *definition* lives here (sizes, windows, filter banks), shared by the reference, the C emitter and training.
"""

from codesign.compiler.frontend.config import FEATURE_KINDS, WINDOW_KINDS, Arithmetic, FrontEnd
from codesign.compiler.frontend.hops import hops, whole_hops
from codesign.compiler.frontend.mel import BandedMatrix, mel_analysis, mel_synthesis
from codesign.compiler.frontend.windows import analysis_window, synthesis_window

__all__ = [
    "FEATURE_KINDS",
    "WINDOW_KINDS",
    "Arithmetic",
    "BandedMatrix",
    "FrontEnd",
    "analysis_window",
    "hops",
    "mel_analysis",
    "mel_synthesis",
    "synthesis_window",
    "whole_hops",
]
