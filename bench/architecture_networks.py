# SPDX-License-Identifier: Apache-2.0
"""Architectures of the field as streaming networks in torch: after their papers, small, with random weights.

Each is a module that computes one frame. `forward(frame, memory)` asks `memory` for what it keeps from frame to frame; `Step`
makes these states inputs and outputs, which is all that a streaming export is. Where sizes are not those of the paper, the
docstring says so.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import pad


class Memory:
    """States of one step, in the order in which the network asks for them: zeros where `old` has none."""

    def __init__(self, old=()):
        self.old, self.new = list(old), []

    def take(self, *shape):
        return self.old.pop(0) if self.old else torch.zeros(shape)

    def past(self, x, frames):
        """[1, channels, 1, frequencies] behind its `frames` past ones: what a causal convolution over time reads."""
        joined = torch.cat([self.take(1, x.shape[1], frames, x.shape[3]), x], 2)
        self.new.append(joined[:, :, 1:])
        return joined

    def gru(self, layer, x):
        """[positions, 1, features] through a GRU over time, which keeps a state for each position."""
        y, h = layer(x, self.take(1, x.shape[0], layer.hidden_size))
        self.new.append(h)
        return y

    def lstm(self, layer, x):
        """The same through an LSTM."""
        shape = layer.num_layers, x.shape[0], layer.hidden_size
        y, (h, c) = layer(x, (self.take(*shape), self.take(*shape)))
        self.new += [h, c]
        return y


class Step(nn.Module):
    """A network of one frame as a function of tensors: states in, states out."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, frame, *states):
        memory = Memory(states)
        return self.net(frame, memory), *memory.new


class Conv(nn.Module):
    """Convolution, causal over time, with BatchNorm and an activation; `stride` divides the frequencies, `up` multiplies."""

    def __init__(self, inputs, outputs, kernel, stride=1, up=False, groups=1, act=nn.PReLU):
        super().__init__()
        (self.frames, width), self.up = (kernel[0] - 1, kernel[1]), up
        half = (0, width // 2)
        step = {"stride": (1, stride), "padding": half, "groups": groups}
        self.conv = nn.ConvTranspose2d(inputs, outputs, kernel, **step) if up else nn.Conv2d(inputs, outputs, kernel, **step)
        self.rest = nn.Sequential(nn.BatchNorm2d(outputs), act())

    def forward(self, x, memory):
        y = self.conv(memory.past(x, self.frames) if self.frames else x)
        if self.up and self.frames:  # of the frames that a transposed convolution makes, the one with all of the past
            y = y[:, :, self.frames : self.frames + 1]
        return self.rest(y)


def along_frequency(x):
    """[1, channels, 1, frequencies] as one sequence [1, frequencies, channels]."""
    return x[:, :, 0].transpose(1, 2)


class DualPath(nn.Module):
    """A recurrent layer along frequency, both ways, and one over time at each frequency, each with a residual [Luo, Le]."""

    def __init__(self, channels, hidden, inter):
        super().__init__()
        self.intra = nn.GRU(channels, hidden // 2, batch_first=True, bidirectional=True)
        self.intra_out, self.intra_norm = nn.Linear(hidden, channels), nn.LayerNorm(channels)
        self.inter = inter
        self.inter_out, self.inter_norm = nn.Linear(hidden, channels), nn.LayerNorm(channels)

    def forward(self, x, memory):
        x = x + self.intra_norm(self.intra_out(self.intra(x)[0]))
        y = self.inter(x, memory) if isinstance(self.inter, GroupedGru) else memory.gru(self.inter, x.transpose(0, 1))
        return x + self.inter_norm(self.inter_out(y.reshape(1, x.shape[1], -1)))


class GroupedGru(nn.Module):
    """A GRU over time for each group of neighbouring frequencies: the path extension of FSPEN."""

    def __init__(self, channels, groups):
        super().__init__()
        self.layers = nn.ModuleList(nn.GRU(channels, channels, batch_first=True) for _ in range(groups))

    def forward(self, x, memory):
        parts = x.transpose(0, 1).chunk(len(self.layers))
        return torch.cat([memory.gru(layer, part) for layer, part in zip(self.layers, parts, strict=True)])


class Dpcrn(nn.Module):
    """DPCRN [Le, Interspeech 2021] with an eighth of its channels (16 hidden): complex spectrum → complex mask."""

    def __init__(self):
        super().__init__()
        sizes, strides, widths = (2, 4, 4, 4, 8, 16), (2, 2, 1, 1, 1), (5, 3, 3, 3, 3)
        layers = list(zip(sizes, sizes[1:], widths, strides, strict=False))
        self.down = nn.ModuleList(Conv(i, o, (2, w), s) for i, o, w, s in layers)
        self.middle = nn.ModuleList(DualPath(16, 16, nn.GRU(16, 16, batch_first=True)) for _ in range(2))
        self.up = nn.ModuleList(
            Conv(2 * o, i, (2, w), s, up=True, act=nn.Tanh if i == 2 else nn.PReLU) for i, o, w, s in reversed(layers)
        )

    def forward(self, frame, memory):  # [1, 2, 1, 201]
        x, skips = frame, []
        for layer in self.down:
            x = layer(x, memory)
            skips.append(x)
        y = along_frequency(x)
        for block in self.middle:
            y = block(y, memory)
        x = y.transpose(1, 2).unsqueeze(2)
        for layer in self.up:
            x = layer(torch.cat([x, skips.pop()], 1), memory)
        return x


class Fspen(nn.Module):
    """FSPEN [Yang, ICASSP 2024], full and sub-bands, 3 dual paths with 8 GRUs of time each: spectrum → spectrum."""

    BANDS = ((0, 16, 2), (16, 34, 3), (34, 70, 6), (70, 142, 12), (142, 256, 19))  # first bin, end, bins a band: 32 bands

    def __init__(self):
        super().__init__()
        full = ((2, 4, 6), (4, 16, 8), (16, 32, 6))
        self.full = nn.ModuleList(
            nn.Sequential(nn.Conv1d(i, o, k, 2, k // 2 - 1), nn.BatchNorm1d(o), nn.ELU()) for i, o, k in full
        )
        self.sub = nn.ModuleList(nn.Conv1d(1, 32, 2 * s, s, (s + 1) // 2) for *_, s in self.BANDS)
        self.merge = nn.Sequential(nn.Linear(64, 32), nn.ELU(), nn.Linear(32, 16))
        self.paths = nn.ModuleList(DualPath(16, 16, GroupedGru(16, 8)) for _ in range(3))
        self.spread = nn.Sequential(nn.Linear(16, 32), nn.ELU(), nn.Linear(32, 64), nn.ELU())
        self.full_up = nn.ModuleList(nn.ConvTranspose1d(2 * o, i, k, 2, k // 2 - 1) for i, o, k in reversed(full))
        self.sub_up = nn.ModuleList(nn.Linear(64, s) for *_, s in self.BANDS)

    def forward(self, frame, memory):  # [1, 2, 1, 257]
        x = frame[:, :, 0, :256]
        size = torch.sqrt(x[:, :1] ** 2 + x[:, 1:] ** 2 + 1e-8)
        full = x
        skips = [full := layer(full) for layer in self.full]
        parts = zip(self.sub, self.BANDS, strict=True)
        bands = torch.cat([torch.relu(c(size[:, :, a:b]))[:, :, : (b - a) // s] for c, (a, b, s) in parts], 2)
        y = self.merge(torch.cat([full, bands], 1).transpose(1, 2))
        for block in self.paths:
            y = block(y, memory)
        full, sub = self.spread(y).transpose(1, 2).chunk(2, 1)
        for layer in self.full_up:
            full = layer(torch.cat([full, skips.pop()], 1))
        both, gains, first = torch.cat([sub, bands], 1).transpose(1, 2), [], 0
        for layer, (a, b, s) in zip(self.sub_up, self.BANDS, strict=True):
            count = (b - a) // s
            gains.append(torch.sigmoid(layer(both[:, first : first + count])).reshape(1, 1, b - a))
            first += count
        mask = torch.tanh(full)
        real = x[:, :1] * mask[:, :1] - x[:, 1:] * mask[:, 1:]
        imaginary = x[:, :1] * mask[:, 1:] + x[:, 1:] * mask[:, :1]
        return pad(0.5 * (torch.cat([real, imaginary], 1) + x * torch.cat(gains, 2)), (0, 1)).unsqueeze(2)


class SubbandConv(nn.Module):
    """LiSenNet's convolution: the low quarter of the frequencies as it is, of the rest every third."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.low, self.high = nn.Conv2d(inputs, outputs, (1, 3), 1, (0, 1)), nn.Conv2d(inputs, outputs, (1, 5), (1, 3), (0, 1))
        self.rest = nn.Sequential(nn.InstanceNorm2d(outputs, affine=True), nn.PReLU(outputs))

    def forward(self, x):
        low = x.shape[3] // 4 + 1
        return self.rest(torch.cat([self.low(x[..., :low]), self.high(x[..., low:])], 3))


class SubbandUp(nn.Module):
    """Its way back: thrice the channels, which become thrice the frequencies."""

    def __init__(self, inputs, outputs, low):
        super().__init__()
        self.low_size = low
        self.low, self.high = nn.Conv2d(inputs, outputs, (1, 3), 1, (0, 1)), nn.Conv2d(inputs, 3 * outputs, (1, 3), 1, (0, 1))
        self.rest = nn.Sequential(nn.InstanceNorm2d(outputs, affine=True), nn.PReLU(outputs))

    def forward(self, x):
        high = self.high(x[..., self.low_size :])
        high = high.reshape(1, 3, -1, 1, high.shape[3]).permute(0, 2, 3, 4, 1).flatten(3)
        return self.rest(torch.cat([self.low(x[..., : self.low_size]), high], 3))


class LiSenNet(nn.Module):
    """LiSenNet [Yan, ICASSP 2025], 16 channels, 2 dual paths, without its phase and its noise detector: magnitudes → gains."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(2, 4, 1), nn.PReLU(4))
        self.down = nn.ModuleList(SubbandConv(i, o) for i, o in ((4, 8), (8, 12), (12, 16)))
        self.paths = nn.ModuleList(DualPath(16, 16, nn.GRU(16, 16, batch_first=True)) for _ in range(2))
        self.gated = nn.ModuleList(nn.Conv2d(16, 32, (3, 1), groups=16) for _ in range(2))
        self.back = nn.ModuleList(nn.Conv2d(16, 16, 1) for _ in range(2))
        self.up = nn.ModuleList(SubbandUp(i, o, low) for i, o, low in ((32, 12, 17), (24, 8, 33), (16, 4, 65)))
        self.last = nn.Conv2d(4, 1, (1, 3), 1, (0, 1))

    def forward(self, frame, memory):  # [1, 1, 1, 257], magnitudes to the 0.3
        joined = memory.past(frame, 1)
        x = self.first(torch.cat([frame, frame - joined[:, :, :1]], 1))
        skips = [x := layer(x) for layer in self.down]
        for path, gated, back in zip(self.paths, self.gated, self.back, strict=True):
            x = path(along_frequency(x), memory).transpose(1, 2).unsqueeze(2)
            value, gate = gated(memory.past(x, 2)).chunk(2, 1)
            x = x + back(value * torch.sigmoid(gate))
        for layer in self.up:
            x = layer(torch.cat([x, skips.pop()], 1))
        return 2 * torch.sigmoid(self.last(x))
