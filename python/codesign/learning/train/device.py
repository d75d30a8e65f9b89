# SPDX-License-Identifier: Apache-2.0
"""The device that torch computes on, if torch is here. This module can be imported without it."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from codesign.base.errors import InputError, ToolError

if TYPE_CHECKING:
    import torch


def need_torch() -> None:
    """Raise ToolError when torch is not installed."""
    if importlib.util.find_spec("torch") is None:
        raise ToolError("torch is not installed", hint="pip install 'codesign[train]'")


def device_named(name: str) -> torch.device:
    """The device "cpu", "cuda", "cuda:1", …; "auto" is CUDA where there is one.

    Raises:
        ToolError: no torch.
        InputError: no such device.
    """
    need_torch()
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"device '{name}' cannot be used: {str(error).splitlines()[0]}", hint="give cpu, cuda or auto"
        ) from error
    return device
