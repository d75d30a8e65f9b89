# SPDX-License-Identifier: Apache-2.0
"""emit: Network + MemoryPlan → C sources and manifest.json."""

from codesign.compiler.emit.sources import Generated, emit

__all__ = ["Generated", "emit"]
