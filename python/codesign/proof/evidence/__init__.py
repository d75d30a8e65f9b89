# SPDX-License-Identifier: Apache-2.0
"""evidence: requirements, test results and a build → one folder for a safety file. It claims no compliance."""

from codesign.proof.evidence.folder import write_evidence
from codesign.proof.evidence.gather import Evidence, Inputs, gather
from codesign.proof.evidence.trace import Traced

__all__ = ["Evidence", "Inputs", "Traced", "gather", "write_evidence"]
