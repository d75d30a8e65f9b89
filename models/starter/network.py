"""The starter network in torch: front end, LSTM mask network, inverse front end, and its quantized twins.

`Enhancer.forward` is what is trained. `fake_quantized` gives its weights as int8 with straight-through gradients;
`step_int8` runs the network step by step with every value rounded as on the target, to measure the loss of int8.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from codesign.frontend import FrontEnd, analysis_window, mel_analysis, mel_synthesis, synthesis_window

HIDDEN = 136
FEATURE_MAX = 4.0  # features above are clipped by the int8 network
FLOOR = 2.0**-40

States = tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(h, c) of both LSTMs, each [1, batch, hidden]."""


class FrontEndTorch(nn.Module):
    """The project's front end on whole signals, differentiable from the mask to the waveform."""

    def __init__(self, config: FrontEnd) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("window", torch.from_numpy(analysis_window(config)), persistent=False)
        self.register_buffer("synthesis", torch.from_numpy(synthesis_window(config)), persistent=False)
        self.register_buffer("to_bands", torch.from_numpy(mel_analysis(config).dense().T.copy()), persistent=False)
        self.register_buffer("to_bins", torch.from_numpy(mel_synthesis(config).dense().T.copy()), persistent=False)

    def analyse(self, signal: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, samples] → complex spectrum [batch, frames, bins] and features [batch, frames, bands].

        `window − hop` zeros go before the signal, as in the stream, and after it, so that the last frames are whole.
        """
        edge = self.config.window - self.config.hop
        frames = functional.pad(signal, (edge, edge)).unfold(-1, self.config.window, self.config.hop)
        spectrum = torch.fft.rfft(frames * self.window, self.config.n_fft)
        bands = spectrum.abs() @ self.to_bands
        return spectrum, bands.clamp_min(FLOOR) ** self.config.exponent

    def synthesise(self, spectrum: Tensor, mask: Tensor) -> Tensor:
        """Masked spectrum → [batch, samples], aligned with the signal that went into `analyse` (no stream delay)."""
        window, hop = self.config.window, self.config.hop
        frames = torch.fft.irfft(spectrum * (mask @ self.to_bins), self.config.n_fft)[..., :window] * self.synthesis
        parts, count = frames.unflatten(-1, (window // hop, hop)), window // hop
        shifted = [functional.pad(parts[:, :, k], (0, 0, k, count - 1 - k)) for k in range(count)]
        out = torch.stack(shifted).sum(0).flatten(1)
        length = out.shape[1]
        edge = window - hop
        return out[:, edge : length - edge]


class MaskNetwork(nn.Module):
    """features → LSTM → LSTM → FC, ReLU → FC, sigmoid → mask."""

    def __init__(self, bands: int, hidden: int = HIDDEN) -> None:
        super().__init__()
        self.lstm0 = nn.LSTM(bands, hidden, batch_first=True)
        self.lstm1 = nn.LSTM(hidden, hidden, batch_first=True)
        self.fc0 = nn.Linear(hidden, hidden)
        self.fc1 = nn.Linear(hidden, bands)
        with torch.no_grad():
            self.lstm0.weight_ih_l0.mul_(2.0)  # features are small: about 0.1 … 1.5
            for lstm in (self.lstm0, self.lstm1):
                lstm.bias_hh_l0.zero_()
                lstm.bias_ih_l0.zero_()
                lstm.bias_ih_l0[hidden : 2 * hidden] = 1.0  # remember at first
            self.fc1.bias.fill_(1.0)

    def forward(self, features: Tensor, quantized: bool = False, states: States | None = None) -> tuple[Tensor, States]:
        """[batch, frames, bands] and the states before → mask of the same shape and the states after."""
        before = states or (None, None)
        if quantized:
            features = round_to(features, FEATURE_MAX / 254, 0, 254)
        first, after0 = self.lstm0(features, before[0])
        if quantized:
            first = round_to(first, 1 / 128, -127, 127)
        second, after1 = self.lstm1(first, before[1])
        if quantized:
            second = round_to(second, 1 / 128, -127, 127)
        return torch.sigmoid(self.fc1(torch.relu(self.fc0(second)))), (after0, after1)


class Enhancer(nn.Module):
    """Noisy signal → enhanced signal."""

    def __init__(self, config: FrontEnd | None = None) -> None:
        super().__init__()
        self.front = FrontEndTorch(config or FrontEnd())
        self.network = MaskNetwork(self.front.config.n_mels)

    def forward(self, noisy: Tensor, quantized: bool = False, states: States | None = None) -> tuple[Tensor, States]:
        """[batch, samples] and the network's states before → enhanced signals and the states after."""
        spectrum, features = self.front.analyse(noisy)
        weights = fake_quantized(self.network) if quantized else dict(self.network.named_parameters())
        mask, after = torch.func.functional_call(self.network, weights, (features, quantized, states))
        return self.front.synthesise(spectrum, mask)[:, : noisy.shape[1]], after


def round_to(value: Tensor, scale: float | Tensor, low: int, high: int) -> Tensor:
    """Nearest of scale·{low…high}, with the gradient of the identity."""
    rounded = torch.clamp(torch.round(value / scale), low, high) * scale
    return value + (rounded - value).detach()


def fake_quantized(network: MaskNetwork) -> dict[str, Tensor]:
    """Weights on their int8 grid: one scale a gate in an LSTM, one a row in a fully connected layer."""
    weights = {}
    for name, value in network.named_parameters():
        if value.dim() < 2:
            weights[name] = value
            continue
        groups = value.view(4, -1) if "lstm" in name else value
        scale = groups.detach().abs().amax(dim=1, keepdim=True).clamp_min(1e-8) / 127
        weights[name] = round_to(groups, scale, -127, 127).view_as(value)
    return weights


@torch.no_grad()
def step_int8(network: MaskNetwork, features: Tensor, relu_max: float = 6.0) -> Tensor:
    """Mask of the int8 network: weights, states and activations rounded at every step (arithmetic of docs/numerics.md).

    Gates' pre-activations are Q3.12, the cell state is Q4.11, h and the ReLU's output are int8, the mask is Q0.15.
    """
    weights = fake_quantized(network)
    features = round_to(features, FEATURE_MAX / 254, 0, 254)
    batch, frames, _ = features.shape
    states = [[torch.zeros(batch, HIDDEN), torch.zeros(batch, HIDDEN)] for _ in range(2)]
    masks = []
    for frame in range(frames):
        x = features[:, frame]
        for layer, state in enumerate(states):
            w, r, b, b2 = (weights[f"lstm{layer}.{k}_l0"] for k in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
            gates = round_to(x @ w.T + state[0] @ r.T + b + b2, 2.0**-12, -32768, 32767)
            i, f, g, o = gates.chunk(4, dim=1)
            state[1] = round_to(torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g), 2.0**-11, -32768, 32767)
            x = state[0] = round_to(torch.sigmoid(o) * torch.tanh(state[1].clamp(-8, 8)), 1 / 128, -127, 127)
        y = torch.relu(x @ weights["fc0.weight"].T + network.fc0.bias)
        y = round_to(y, relu_max / 254, 0, 254)
        logit = round_to(y @ weights["fc1.weight"].T + network.fc1.bias, 2.0**-12, -32768, 32767)
        masks.append(round_to(torch.sigmoid(logit), 2.0**-15, 0, 32767))
    return torch.stack(masks, dim=1)


def si_sdr(estimate: Tensor, target: Tensor, ceiling_db: float = 60.0) -> Tensor:
    """Scale-invariant SDR per signal in dB, saturating smoothly at `ceiling_db`."""
    estimate = estimate - estimate.mean(dim=-1, keepdim=True)
    target = target - target.mean(dim=-1, keepdim=True)
    gain = (estimate * target).sum(-1, keepdim=True) / (target.square().sum(-1, keepdim=True) + 1e-10)
    return sdr(estimate, gain * target, ceiling_db)


def sdr(estimate: Tensor, target: Tensor, ceiling_db: float) -> Tensor:
    power = target.square().sum(-1)
    error = (estimate - target).square().sum(-1)
    return 10 * torch.log10((power + 1e-8) / (error + 10 ** (-ceiling_db / 10) * power + 1e-8))


def loss(estimate: Tensor, target: Tensor, noisy: Tensor) -> Tensor:
    """Negative SI-SDR and SDR (it fixes the scale), a small spectral term; the residual level where no speech is."""
    has_speech = target.square().mean(-1) > 1e-7
    ratio = -(si_sdr(estimate, target, 30) + sdr(estimate, target, 30)) / 2
    residual = 10 * torch.log10((estimate.square().sum(-1) + 1e-6) / (noisy.square().sum(-1) + 1e-6) + 1e-3)
    window = torch.hann_window(512)
    stfts = [torch.stft(signal, 512, 256, window=window, return_complex=True) for signal in (estimate, target)]
    spectra = [(torch.view_as_real(stft).square().sum(-1) + 1e-8) ** 0.15 for stft in stfts]
    spectral = (spectra[0] - spectra[1]).square().mean((1, 2))
    return torch.where(has_speech, ratio, 0.1 * residual).mean() + 20 * spectral.mean()


def state_numpy(network: MaskNetwork) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy().astype(np.float32) for name, value in network.state_dict().items()}
