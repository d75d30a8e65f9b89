# SPDX-License-Identifier: Apache-2.0
"""The project's front end in torch, on whole signals, differentiable from the mask to the waveform."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from codesign.compiler.frontend import Chain, analysis_window, gains_bank, synthesis_window
from codesign.compiler.frontend.bands import analysis_bank
from codesign.learning.train.filter_path import FilterPathTorch
from codesign.learning.train.spectral import irfft, scale

FLOOR = 2.0**-40
"""Band values below it count as it (docs/numerics.md), which keeps the power's gradient finite."""


class FrontEndTorch(nn.Module):
    """Analysis and synthesis of `config` with the tables of codesign.compiler.frontend, without the stream's delay."""

    def __init__(self, config: Chain) -> None:
        super().__init__()
        self.config = config
        self.path = FilterPathTorch(config) if config.filters else None
        tables = {"window": analysis_window(config)}
        if not config.filters:
            tables["synthesis"] = synthesis_window(config)
        if config.has_bands:
            tables |= {"to_bands": analysis_bank(config).dense().T, "to_bins": gains_bank(config).dense().T}
        for name, table in tables.items():
            self.register_buffer(name, torch.tensor(table), persistent=False)

    window: Tensor
    synthesis: Tensor
    to_bands: Tensor
    to_bins: Tensor

    def analyse(self, signal: Tensor) -> tuple[Tensor, Tensor]:
        """float32 [batch, samples] → complex spectrum [batch, frames, bins] and features [batch, frames, n_features].

        `window − hop` zeros go before the signal, as in the stream, and after it where frames overlap: the last ones are whole.
        """
        config = self.config
        edge = config.window - config.hop
        frames = functional.pad(signal, (edge, 0 if config.filters else edge)).unfold(-1, config.window, config.hop)
        spectrum = torch.fft.rfft(frames * self.window, config.n_fft)
        if not config.has_bands:
            return spectrum, torch.view_as_real(spectrum).flatten(-2)
        size = spectrum.abs()
        bands = (size.square() if config.of_power else size) @ self.to_bands
        return spectrum, bands.clamp_min(FLOOR) ** config.exponent

    def enhance(self, signal: Tensor, spectrum: Tensor, outputs: Tensor) -> Tensor:
        """[batch, samples], its spectrum and what the network gave, as of `synthesise` → the enhanced signal, aligned with it
        and no longer: of filters half of one shorter.
        """
        if self.path is not None:
            return self.path(signal, outputs @ self.to_bins)  # type: ignore[no-any-return]
        return self.synthesise(spectrum, outputs)[:, : signal.shape[1]]

    def synthesise(self, spectrum: Tensor, outputs: Tensor) -> Tensor:
        """Complex [batch, frames, bins] and gains or a complex mask [batch, frames, n_outputs] → [batch, samples], aligned."""
        window, hop = self.config.window, self.config.hop
        if self.config.output == "gains":
            enhanced = scale(spectrum, outputs @ self.to_bins)
        else:
            enhanced = torch.view_as_complex(outputs.unflatten(-1, (-1, 2)).contiguous()) * spectrum.detach()
        frames = irfft(enhanced, self.config.n_fft)[..., :window] * self.synthesis
        parts, count = frames.unflatten(-1, (window // hop, hop)), window // hop
        shifted = [functional.pad(parts[:, :, k], (0, 0, k, count - 1 - k)) for k in range(count)]
        out = sum(shifted[1:], shifted[0]).flatten(1)
        edge = window - hop
        return out[:, edge : out.shape[1] - edge]
