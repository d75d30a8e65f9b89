# SPDX-License-Identifier: Apache-2.0
"""measure: what a hearing aid's data sheet says, of an image that runs."""

from codesign.hearing.measure.measure import measure, measure_image
from codesign.proof.aid import AidFigures, CurvePoint, Harmonics

__all__ = ["AidFigures", "CurvePoint", "Harmonics", "measure", "measure_image"]
