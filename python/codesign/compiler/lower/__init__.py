# SPDX-License-Identifier: Apache-2.0
"""lower: Graph → Network. Real numbers become integer layers; what the firmware cannot compute is refused here."""

from codesign.compiler.lower.graph import lower

__all__ = ["lower"]
