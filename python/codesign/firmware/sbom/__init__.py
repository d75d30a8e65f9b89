# SPDX-License-Identifier: Apache-2.0
"""sbom: a build's folder → what is in the firmware → a CycloneDX document."""

from codesign.firmware.sbom.component import Bill, Component
from codesign.firmware.sbom.parts import read_build

__all__ = ["Bill", "Component", "read_build"]
