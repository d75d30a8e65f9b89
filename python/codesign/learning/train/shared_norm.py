# SPDX-License-Identifier: Apache-2.0
"""Batch normalizations that go by the whole batch where several processes have its rows.

torch.nn.SyncBatchNorm is for GPUs alone; this one computes the same on any device, mean and variance one after the other.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional


def share_norms(module: nn.Module) -> None:
    """Let the normalizations of `module` take their statistics from all processes of torch.distributed's group."""
    for one in module.modules():
        if isinstance(one, nn.BatchNorm2d):
            one.forward = partial(_normalized, one)


def _normalized(norm: nn.BatchNorm2d, values: Tensor) -> Tensor:
    """[rows, channels, …] as nn.BatchNorm2d normalizes them, by the rows of all."""
    if not norm.training:
        return functional.batch_norm(values, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)
    x = values.float()
    count = _summed(torch.full((1,), float(x.numel() // x.shape[1]), device=x.device))
    shape = (1, -1, *[1] * (x.dim() - 2))
    others = [axis for axis in range(x.dim()) if axis != 1]
    mean = _summed(x.sum(others)) / count
    centred = x - mean.view(shape)
    variance = _summed(centred.square().sum(others)) / count
    with torch.no_grad():
        assert norm.running_mean is not None
        assert norm.running_var is not None
        assert norm.momentum is not None
        norm.running_mean.lerp_(mean.detach(), norm.momentum)
        norm.running_var.lerp_(variance.detach() * count / (count - 1), norm.momentum)
        if norm.num_batches_tracked is not None:
            norm.num_batches_tracked += 1
    scaled = centred * torch.rsqrt(variance + norm.eps).view(shape)
    return (scaled * norm.weight.view(shape) + norm.bias.view(shape)).to(values.dtype)


def _summed(values: Tensor) -> Tensor:
    """The sum over all processes, with a gradient."""
    from torch.distributed.nn.functional import all_reduce

    result: Tensor = all_reduce(values)
    return result
