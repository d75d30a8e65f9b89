# SPDX-License-Identifier: Apache-2.0
"""The filter path in torch, differentiable from the gains to the waveform: what compiler/reference/filter_path.py computes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional

from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.filter_path import LEAST_GAIN, early_taper, fade_samples, filter_delay, filter_lag, taper
from codesign.learning.train.spectral import irfft, rfft


class FilterPathTorch(nn.Module):
    """Gains of bins → one filter a hop → the filtered signal, of a chain with path "filter", without the stream's delay.

    Every filter acts on its own stretch of the signal, a hop and a fade long, by the discrete Fourier transform; the stretches
    overlap by the fade. A filter comes in as late as in the stream: `filter_lag` samples after its hop.
    """

    def __init__(self, chain: Chain) -> None:
        super().__init__()
        self.chain, self.fade = chain, fade_samples(chain)
        stretch = chain.hop + self.fade
        self.size = stretch + chain.taps - 1
        self.transform = -(-self.size // 16) * 16
        rise = torch.arange(1, self.fade + 1) / self.fade
        share = torch.cat([rise, torch.ones(chain.hop - self.fade), 1 - rise])
        start = torch.zeros(chain.taps)
        start[filter_delay(chain)] = 1.0
        for name, table in {"taper": _whole_taper(chain), "share": share, "start": start}.items():
            self.register_buffer(name, table, persistent=False)

    taper: Tensor
    share: Tensor
    start: Tensor

    def filters(self, gains: Tensor) -> Tensor:
        """Gains [batch, frames, bins] → filters [batch, frames, taps] of the chain's phase."""
        if self.chain.phase == "minimum":
            logarithm = gains.clamp_min(LEAST_GAIN).log()
            cepstrum = irfft(torch.complex(logarithm, torch.zeros_like(logarithm)), self.chain.n_fft)[..., : self.chain.taps]
            return _SeriesExp.apply(torch.cat([cepstrum[..., :1], 2 * cepstrum[..., 1:]], -1))  # type: ignore[no-untyped-call,no-any-return]
        delay = filter_delay(self.chain)
        response = irfft(torch.complex(gains, torch.zeros_like(gains)), self.chain.n_fft)
        return torch.cat([response[..., 1 : delay + 1].flip(-1), response[..., : self.chain.taps - delay]], -1) * self.taper

    def forward(self, signal: Tensor, gains: Tensor) -> Tensor:
        """[batch, samples] and gains of its hops [batch, frames, bins] → [batch, samples − delay], aligned with the signal.

        The last samples, as many as the filter's delay, would need later ones, and are left out.
        """
        chain, batch = self.chain, len(signal)
        early = 2 * chain.hop - filter_lag(chain)
        count = -(-(signal.shape[-1] + early) // chain.hop)
        # Three filters that only delay come first: nothing fades in at the beginning, and one lasts until the first hop's.
        start = self.start.expand(batch, 3, -1)
        bank = torch.cat([start, self.filters(gains)], 1)[:, :count]
        after = count * chain.hop + self.fade - early - signal.shape[-1]
        padded = functional.pad(signal.detach(), (early + chain.taps - 1, after))
        stretches = padded.unfold(-1, self.size, chain.hop)
        filtered = irfft(rfft(stretches, self.transform) * rfft(bank, self.transform), self.transform)
        parts = filtered[..., chain.taps - 1 : self.size] * self.share
        hops, fades = parts[..., : chain.hop], parts[..., chain.hop :]
        late = functional.pad(fades[:, :-1], (0, chain.hop - self.fade, 1, 0))
        whole = (hops + late).flatten(1)[:, early : early + signal.shape[-1]]
        return whole[:, filter_delay(chain) :]


def _whole_taper(chain: Chain) -> Tensor:
    """What the taps of linear phase are multiplied by, (taps,): 0 the first."""
    early = torch.tensor(early_taper(chain)).flip(0)
    return torch.cat([torch.zeros(1), early[:-1], torch.tensor(taper(chain))])[-chain.taps :]


class _SeriesExp(Function):
    """The power series exp(c₀ + c₁z + …) of as many terms: a filter of minimum phase from its folded cepstrum."""

    @staticmethod
    def forward(ctx: Any, series: Tensor) -> Tensor:
        # n·hₙ = Σ k·cₖ·hₙ₋ₖ, of the derivative h' = c'·h.
        weighted = series * torch.arange(series.shape[-1], dtype=series.dtype, device=series.device)
        result = torch.zeros_like(series)
        result[..., 0] = series[..., 0].exp()
        for n in range(1, series.shape[-1]):
            result[..., n] = (weighted[..., 1 : n + 1] * result[..., :n].flip(-1)).sum(-1) / n
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        # dh = h·dc, so that cₖ is given Σ g[n]·h[n − k].
        (result,) = ctx.saved_tensors
        terms = result.shape[-1]
        product = torch.fft.rfft(gradients[0], 2 * terms) * torch.fft.rfft(result, 2 * terms).conj()
        return torch.fft.irfft(product, 2 * terms)[..., :terms]
