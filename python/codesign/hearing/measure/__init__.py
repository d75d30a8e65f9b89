# SPDX-License-Identifier: Apache-2.0
"""measure: what a hearing aid's data sheet says, of an image that runs."""

from codesign.hearing.measure.figures import AidFigures, CurvePoint, Harmonics
from codesign.hearing.measure.measure import measure

__all__ = ["AidFigures", "CurvePoint", "Harmonics", "measure"]
