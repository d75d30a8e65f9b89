# SPDX-License-Identifier: Apache-2.0
"""fitting: an audiogram → gains for a hearing aid → the table of a chain's compressor."""

from codesign.hearing.fitting.audiogram import AUDIOGRAMS, Audiogram, read_audiogram
from codesign.hearing.fitting.fit import Fitting, fit
from codesign.hearing.fitting.nal_r import insertion_gains

__all__ = ["AUDIOGRAMS", "Audiogram", "Fitting", "fit", "insertion_gains", "read_audiogram"]
