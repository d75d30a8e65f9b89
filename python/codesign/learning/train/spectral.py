# SPDX-License-Identifier: Apache-2.0
"""Real Fourier transforms and compression with backward passes of their own.

torch's go through complex transforms of full length and a second power: more than half of a training step's time on a CPU.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

FLOOR = 1e-8
"""Added to a squared magnitude before its power, which keeps the gradient finite."""


class _Rfft(Function):
    @staticmethod
    def forward(ctx: Any, signal: Tensor, size: int) -> Tensor:
        ctx.size, ctx.length = size, signal.shape[-1]
        return torch.fft.rfft(signal, size)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        # x[n] ← Re Σ G[k]·exp(2πikn/N) over the half spectrum; irfft counts all but its first and last bin twice.
        half = gradients[0] * 0.5
        half[..., 0] *= 2
        if ctx.size % 2 == 0:
            half[..., -1] *= 2
        return torch.fft.irfft(half, ctx.size, norm="forward")[..., : ctx.length], None


class _Irfft(Function):
    @staticmethod
    def forward(ctx: Any, spectrum: Tensor, size: int) -> Tensor:
        ctx.size = size
        return torch.fft.irfft(spectrum, size)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        result = torch.fft.rfft(gradients[0]) * (2 / ctx.size)
        result[..., 0] *= 0.5
        if ctx.size % 2 == 0:
            result[..., -1] *= 0.5
        return result, None


class _Compress(Function):
    @staticmethod
    def forward(ctx: Any, spectrum: Tensor, exponent: float) -> Tensor:
        parts = torch.view_as_real(spectrum)
        power = parts.square().sum(-1).add_(FLOOR)
        result = power ** (exponent / 2)
        ctx.save_for_backward(parts, power, result)
        ctx.exponent = exponent
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        parts, power, result = ctx.saved_tensors
        factor = result.div(power).mul_(gradients[0]).mul_(ctx.exponent)
        return torch.view_as_complex(parts * factor[..., None]), None


def rfft(signal: Tensor, size: int) -> Tensor:
    """As torch.fft.rfft over the last axis, whose length is at most `size`."""
    return _Rfft.apply(signal, size)  # type: ignore[no-untyped-call,no-any-return]


def irfft(spectrum: Tensor, size: int) -> Tensor:
    """As torch.fft.irfft over the last axis."""
    return _Irfft.apply(spectrum, size)  # type: ignore[no-untyped-call,no-any-return]


def compress(spectrum: Tensor, exponent: float) -> Tensor:
    """Magnitudes of a complex tensor to the power of `exponent`, float of the same shape."""
    return _Compress.apply(spectrum, exponent)  # type: ignore[no-untyped-call,no-any-return]


def scale(spectrum: Tensor, gains: Tensor) -> Tensor:
    """Complex spectrum times real gains; the spectrum is a constant of the gradient."""
    return torch.view_as_complex(torch.view_as_real(spectrum.detach()) * gains[..., None])


def half_overlapping(signal: Tensor, size: int) -> Tensor:
    """[…, samples] → […, frames, size], a frame every size // 2 samples (size even); what fills no frame is left out."""
    hop = size // 2
    count = signal.shape[-1] // hop
    halves = signal[..., : count * hop].unflatten(-1, (count, hop))
    return torch.cat([halves[..., :-1, :], halves[..., 1:, :]], -1)
