# SPDX-License-Identifier: Apache-2.0
"""proof: image, run and reference → verdict. Equal means every bit; estimates are called estimates."""

from codesign.proof.verdict import Check, Delay, Latency, Quality, Verdict

__all__ = ["Check", "Delay", "Latency", "Quality", "Verdict"]
