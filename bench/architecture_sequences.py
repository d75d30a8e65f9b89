# SPDX-License-Identifier: Apache-2.0
"""Architectures of the field over many frames, as they are trained: the frames' axis stays open, the import takes one a step.

[1, frames, features] → [1, frames, gains]; random weights. Convolutions see past frames through zeros in front of the first.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn.functional import pad


class Causal(nn.Module):
    """Convolution over frames and frequencies with BatchNorm and an activation: [1, channels, frames, frequencies]."""

    def __init__(self, inputs, outputs, kernel, stride=1, act=nn.ELU, up=False, edge=None, grow=0):
        super().__init__()
        self.frames, self.up = kernel[0] - 1, up
        edges = (0, kernel[1] // 2 if edge is None else edge)
        if up:
            self.conv = nn.ConvTranspose2d(inputs, outputs, kernel, (1, stride), edges, (0, grow))
        else:
            self.conv = nn.Conv2d(inputs, outputs, kernel, (1, stride), edges)
        self.rest = nn.Sequential(nn.BatchNorm2d(outputs), act())

    def forward(self, x):
        if self.up:  # a transposed convolution makes more frames: those past the last are of the future
            y = self.conv(x)
            return self.rest(y[:, :, : -self.frames] if self.frames else y)
        return self.rest(self.conv(pad(x, (0, 0, self.frames, 0))))


class Crn(nn.Module):
    """CRN [Tan, Interspeech 2018] with an eighth of its channels: 161 magnitudes → gains, two LSTMs of 128."""

    def __init__(self):
        super().__init__()
        sizes = (1, 2, 4, 8, 16, 32)  # 161 → 80 → 39 → 19 → 9 → 4 frequencies
        layers = list(pairwise(sizes))
        self.down = nn.ModuleList(Causal(i, o, (2, 3), 2, edge=0) for i, o in layers)
        self.lstm = nn.LSTM(128, 128, 2, batch_first=True)
        self.up = nn.ModuleList(
            Causal(2 * o, i, (2, 3), 2, nn.Sigmoid if i == 1 else nn.ELU, up=True, edge=0, grow=int(i == 2))
            for i, o in reversed(layers)
        )

    def forward(self, frames):
        x, skips = frames.unsqueeze(1), []
        for layer in self.down:
            x = layer(x)
            skips.append(x)
        y, _ = self.lstm(x.transpose(1, 2).flatten(2))
        x = y.unflatten(2, (32, 4)).transpose(1, 2)
        for layer in self.up:
            x = layer(torch.cat([x, skips.pop()], 1))
        return x.squeeze(1)


class Cruse(nn.Module):
    """CRUSE [Braun, ICASSP 2021], four convolutions, four parallel GRUs, skips that are added: 161 log powers → gains."""

    def __init__(self, channels=(1, 16, 32, 64, 64)):
        super().__init__()
        layers, act = list(pairwise(channels)), nn.LeakyReLU
        self.down = nn.ModuleList(Causal(i, o, (2, 3), 2, act) for i, o in layers)
        self.skips = nn.ModuleList(nn.Conv2d(o, o, 1, groups=o) for _, o in layers)
        self.size = channels[-1] * 11 // 4
        self.grus = nn.ModuleList(nn.GRU(self.size, self.size, batch_first=True) for _ in range(4))
        self.up = nn.ModuleList(Causal(o, i, (2, 3), 2, nn.Sigmoid if i == 1 else act, up=True) for i, o in reversed(layers))

    def forward(self, frames):
        x, past = frames.unsqueeze(1), []
        for layer, skip in zip(self.down, self.skips, strict=True):
            x = layer(x)
            past.append(skip(x))
        parts = x.transpose(1, 2).flatten(2).split(self.size, 2)
        y = torch.cat([gru(part)[0] for gru, part in zip(self.grus, parts, strict=True)], 2)
        x = y.unflatten(2, (-1, 11)).transpose(1, 2)
        for layer in self.up:
            x = layer(x + past.pop())
        return x.squeeze(1)


class DeepFilterErb(nn.Module):
    """The gains' part of DeepFilterNet2 [Schröter, IWAENC 2022] without its look-ahead: 32 ERB bands → 32 gains."""

    def __init__(self, channels=64, hidden=256):
        super().__init__()
        c, act = channels, nn.ReLU
        self.first = Causal(1, c, (3, 3), 1, act)
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(c, c, (1, 3), (1, s), (0, 1), groups=c), Causal(c, c, (1, 1), 1, act)) for s in (2, 2, 1)
        )
        self.squeeze = nn.Conv1d(8 * c, hidden, 1, groups=8)
        self.gru = nn.GRU(hidden, hidden, 2, batch_first=True)
        self.spread = nn.Conv1d(hidden, 8 * c, 1, groups=8)
        self.skips = nn.ModuleList(Causal(c, c, (1, 1), 1, act) for _ in range(4))
        self.up = nn.ModuleList(
            nn.Sequential(nn.ConvTranspose2d(c, c, (1, 3), (1, s), (0, 1), (0, s - 1), groups=c), Causal(c, c, (1, 1), 1, act))
            for s in (1, 2, 2)
        )
        self.last = Causal(c, 1, (1, 3), 1, nn.Sigmoid)

    def forward(self, frames):
        x = self.first(frames.unsqueeze(1))
        past = [x]
        for layer in self.down:
            x = layer(x)
            past.append(x)
        y = torch.relu(self.squeeze(x.transpose(2, 3).flatten(1, 2)))
        y, _ = self.gru(y.transpose(1, 2))
        y = torch.relu(self.spread(y.transpose(1, 2)))
        y = y.unflatten(1, (-1, 8)).transpose(2, 3)
        for layer, skip in zip(self.up, self.skips, strict=False):
            y = layer(y + skip(past.pop()))
        return self.last(y + self.skips[3](past.pop())).squeeze(1)


class RnNoise(nn.Module):
    """RNNoise [Valin, MMSP 2018] on its 22 bands alone, without pitch and cosine transforms: gains."""

    def __init__(self, bands=22):
        super().__init__()
        self.first = nn.Linear(bands, 24)
        self.voice, self.noise = nn.GRU(24, 24, batch_first=True), nn.GRU(48 + bands, 48, batch_first=True)
        self.denoise, self.gains = nn.GRU(72 + bands, 96, batch_first=True), nn.Linear(96, bands)

    def forward(self, frames):
        x = torch.tanh(self.first(frames))
        voice, _ = self.voice(x)
        noise, _ = self.noise(torch.cat([x, voice, frames], 2))
        y, _ = self.denoise(torch.cat([voice, noise, frames], 2))
        return torch.sigmoid(self.gains(y))


class PercepNet(nn.Module):
    """PercepNet [Valin, Interspeech 2020] on its 34 bands alone with a quarter of its units: two convolutions, five GRUs."""

    def __init__(self, bands=34, units=128):
        super().__init__()
        self.first = nn.Linear(bands, 128)
        self.convs = nn.ModuleList((nn.Conv1d(128, units, 5), nn.Conv1d(units, units, 3)))
        self.grus = nn.ModuleList(nn.GRU(units, units, batch_first=True) for _ in range(3))
        self.late, self.gains = nn.GRU(2 * units, units // 4, batch_first=True), nn.Linear(units + units // 4, bands)

    def forward(self, frames):
        x = torch.relu(self.first(frames)).transpose(1, 2)
        for conv in self.convs:
            x = torch.tanh(conv(pad(x, (conv.kernel_size[0] - 1, 0))))
        x = x.transpose(1, 2)
        y = x
        for gru in self.grus:
            y, _ = gru(y)
        late, _ = self.late(torch.cat([y, x], 2))
        return torch.sigmoid(self.gains(torch.cat([late, y], 2)))


class ConvTasNet(nn.Module):
    """Conv-TasNet [Luo, TASLP 2019], causal, small: frames of 4 ms → 64 filters → 2 × 5 blocks of 64 channels → frames."""

    def __init__(self, filters=64, narrow=32, wide=64, blocks=5, repeats=2):
        super().__init__()
        self.encoder, self.decoder = nn.Conv1d(64, filters, 1, bias=False), nn.Conv1d(filters, 64, 1, bias=False)
        self.first, self.mask = nn.Conv1d(filters, narrow, 1), nn.Conv1d(narrow, filters, 1)
        self.blocks = nn.ModuleList(
            nn.ModuleList(
                (
                    nn.Sequential(nn.Conv1d(narrow, wide, 1), nn.PReLU(), nn.BatchNorm1d(wide)),
                    nn.Conv1d(wide, wide, 3, dilation=2**n, groups=wide),
                    nn.Sequential(nn.PReLU(), nn.BatchNorm1d(wide), nn.Conv1d(wide, narrow, 1)),
                )
            )
            for _ in range(repeats)
            for n in range(blocks)
        )

    def forward(self, frames):
        coded = torch.relu(self.encoder(frames.transpose(1, 2)))
        x = self.first(coded)
        for wide, deep, narrow in self.blocks:
            x = x + narrow(deep(pad(wide(x), (2 * deep.dilation[0], 0))))
        return self.decoder(coded * torch.sigmoid(self.mask(x))).transpose(1, 2)


class NsNet2(nn.Module):
    """NSNet2 [Braun, Interspeech 2020] in its size: 161 log powers → two GRUs of 400 → gains."""

    def __init__(self, units=400):
        super().__init__()
        self.first, self.grus = nn.Linear(161, units), nn.GRU(units, units, 2, batch_first=True)
        self.rest = nn.Sequential(nn.Linear(units, 600), nn.ReLU(), nn.Linear(600, 600), nn.ReLU(), nn.Linear(600, 161))

    def forward(self, frames):
        y, _ = self.grus(self.first(frames))
        return torch.sigmoid(self.rest(y))
