# SPDX-License-Identifier: Apache-2.0
"""verify: Image, Run and reference → Verdict. Equal means every bit; estimates are called estimates."""

from codesign.proof.verdict import Check, Latency, Quality, Verdict

__all__ = ["Check", "Latency", "Quality", "Verdict"]
