# SPDX-License-Identifier: Apache-2.0
"""Layers of the convolutional-recurrent family on [batch, channels, frames, frequencies]; none sees a later frame."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.mel import interpolation, triangles_at

TAPS = 3
"""Frames, and frequencies, that a block's depthwise convolution covers."""
SMALLEST = 1e-12
"""Added to a squared magnitude before its root, which keeps the gradient finite."""


class BandSplit(nn.Module):
    """A spectrum as magnitude, real and imaginary part: the lowest `direct` bins as they are, the others as `bands` bands of
    equal width on the scale of equivalent rectangular bandwidths; and back.
    """

    def __init__(self, chain: Chain, direct: int, bands: int) -> None:
        super().__init__()
        self.direct = direct
        low, high = (21.4 * np.log10(1.0 + 0.00437 * bin * chain.sample_rate / chain.n_fft) for bin in (direct, chain.n_bins))
        points = (10.0 ** (np.linspace(low, high, bands + 2) / 21.4) - 1.0) / 0.00437
        triangles = triangles_at(chain, points)[:, direct:]
        wide = triangles / triangles.sum(1, keepdims=True).clip(min=1e-6)
        for name, table in (("to_bands", wide.T), ("to_bins", interpolation(triangles).T)):
            self.register_buffer(name, torch.tensor(np.ascontiguousarray(table), dtype=torch.float32), persistent=False)

    to_bands: Tensor
    to_bins: Tensor

    def planes(self, features: Tensor) -> Tensor:
        """Interleaved [batch, frames, 2·bins] → [batch, 3, frames, direct + bands]."""
        real, imaginary = features.unflatten(-1, (-1, 2)).unbind(-1)
        size = torch.sqrt(real * real + imaginary * imaginary + SMALLEST)
        x = torch.stack([size, real, imaginary], 1)
        return torch.cat([x[..., : self.direct], x[..., self.direct :] @ self.to_bands], -1)

    def mask(self, x: Tensor) -> Tensor:
        """[batch, 2, frames, direct + bands] → interleaved [batch, frames, 2·bins]."""
        bins = torch.cat([x[..., : self.direct], x[..., self.direct :] @ self.to_bins], -1)
        return bins.permute(0, 2, 3, 1).flatten(2)


class DownLayer(nn.Module):
    """Half as many frequencies."""

    def __init__(self, inputs: int, outputs: int, kernel: int, groups: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, (1, kernel), (1, 2), (0, kernel // 2 - 1), groups=groups, bias=False)
        self.norm, self.slope = nn.BatchNorm2d(outputs), nn.PReLU(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, inputs, frames, F] → [batch, outputs, frames, F/2]."""
        return self.slope(self.norm(self.conv(x)))  # type: ignore[no-any-return]


class UpLayer(nn.Module):
    """Twice as many frequencies; the last one gives what becomes gains or a mask."""

    def __init__(self, inputs: int, outputs: int, kernel: int, groups: int, last: bool) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(inputs, outputs, (1, kernel), (1, 2), (0, kernel // 2 - 1), groups=groups, bias=last)
        self.last = last
        if not last:
            self.norm, self.slope = nn.BatchNorm2d(outputs), nn.PReLU(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, inputs, frames, F] → [batch, outputs, frames, 2·F]."""
        x = self.conv(x)
        return x if self.last else self.slope(self.norm(x))


class PastBlock(nn.Module):
    """Each frequency's channels mixed, every channel seen over past frames and neighbouring frequencies, mixed back, added."""

    def __init__(self, channels: int, hidden: int, dilation: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, hidden, 1, bias=False)
        self.first_norm, self.first_slope = nn.BatchNorm2d(hidden), nn.PReLU(hidden)
        padding = (0, TAPS // 2)
        self.past = nn.Conv2d(hidden, hidden, TAPS, padding=padding, dilation=(dilation, 1), groups=hidden, bias=False)
        self.past_norm, self.past_slope = nn.BatchNorm2d(hidden), nn.PReLU(hidden)
        self.last = nn.Conv2d(hidden, channels, 1, bias=False)
        self.last_norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """Values and the hidden channels' past frames → the same after it."""
        y = torch.cat([past, self.first_slope(self.first_norm(self.first(x)))], 2)
        frames = past.shape[2]
        z = self.past_slope(self.past_norm(self.past(y)))
        return x + self.last_norm(self.last(z)), y[:, :, -frames:]


class RecurrentLayer(nn.Module):
    """A GRU in both directions across the frequencies of a frame, then one over time that each frequency has for itself."""

    def __init__(self, channels: int, across: int, over: int) -> None:
        super().__init__()
        if across:
            self.across = nn.GRU(channels, across, batch_first=True, bidirectional=True)
            self.across_out = nn.Linear(2 * across, channels)
        self.over = nn.GRU(channels, over, batch_first=True)
        self.over_out = nn.Linear(over, channels)
        self.has_across = across > 0

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Values and the states over time [batch, F, units] → the same after it."""
        batch, channels, frames, frequencies = x.shape
        y = x.permute(0, 2, 3, 1)  # batch, frames, frequencies, channels
        if self.has_across:
            rows = y.reshape(batch * frames, frequencies, channels)
            y = y + self.across_out(self.across(rows)[0]).reshape(batch, frames, frequencies, channels)
        columns = y.transpose(1, 2).reshape(batch * frequencies, frames, channels)
        hidden, after = self.over(columns, state.reshape(1, batch * frequencies, -1))
        z = self.over_out(hidden).reshape(batch, frequencies, frames, channels)
        return (y + z.transpose(1, 2)).permute(0, 3, 1, 2), after.reshape(batch, frequencies, -1)
