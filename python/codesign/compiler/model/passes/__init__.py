# SPDX-License-Identifier: Apache-2.0
"""What exporters write → what the readers know: passes over a model, in the order of `PASSES`."""

from codesign.compiler.model.passes.simplify import Simplified, simplify

__all__ = ["Simplified", "simplify"]
