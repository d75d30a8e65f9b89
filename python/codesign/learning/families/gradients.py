# SPDX-License-Identifier: Apache-2.0
"""Values that the backward pass sees through."""

from __future__ import annotations

from torch import Tensor


def straight_through(surrogate: Tensor, value: Tensor) -> Tensor:
    """`value` with the gradient of `surrogate`."""
    return surrogate + (value - surrogate).detach()
