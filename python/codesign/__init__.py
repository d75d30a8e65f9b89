# SPDX-License-Identifier: Apache-2.0
"""codesign: neural speech enhancement to hearing-aid firmware, with proof.

The functions of docs/api.md are imported when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

try:
    from codesign.base._version import version as __version__
except ImportError:  # a checkout that nothing was built from
    __version__ = "0.1.0.dev0"

if TYPE_CHECKING:
    from codesign.api import build, evaluate, fit, generate, load, measure, prove, quantize, read_chain, run, size
    from codesign.enhancer import Enhancer, enhance

__all__ = [
    "Enhancer",
    "__version__",
    "build",
    "enhance",
    "evaluate",
    "fit",
    "generate",
    "load",
    "measure",
    "prove",
    "quantize",
    "read_chain",
    "run",
    "size",
]

_FROM = {"Enhancer": "codesign.enhancer", "enhance": "codesign.enhancer"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'codesign' has no attribute '{name}'")
    return getattr(importlib.import_module(_FROM.get(name, "codesign.api")), name)
