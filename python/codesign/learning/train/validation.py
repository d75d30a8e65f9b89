# SPDX-License-Identifier: Apache-2.0
"""What a network is judged by while it learns: several measures on fixed mixtures, and the rule that picks the best."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from codesign.base.errors import InputError
from codesign.base.metrics import estoi
from codesign.learning.train.losses import si_sdr
from codesign.learning.train.recipe import RANGES, Select

HEARD = 2
"""Mixtures that are kept to be listened to."""
PESQ_RATE = 16000


@dataclass(frozen=True)
class Heard:
    """A mixture of the validation: float32 (n,) at `sample_rate` Hz each."""

    sample_rate: int
    noisy: Tensor
    enhanced: Tensor
    clean: Tensor


@dataclass(frozen=True)
class Judged:
    """`score`, higher is better, decides which checkpoint is the best; `figures` are means by the measures' names."""

    score: float
    figures: dict[str, float] = field(default_factory=dict)
    heard: tuple[Heard, ...] = ()


class Validation:
    """Means over fixed pairs: SI-SDR in dB, ESTOI, and PESQ-WB where the package pesq is installed and the rate is 16 kHz.

    The score is one of them, or for `balanced` the mean of their places within RANGES.

    Raises:
        InputError: `select` asks for PESQ, which this machine or rate does not have.
    """

    def __init__(
        self,
        noisy: np.ndarray,
        clean: np.ndarray,
        device: torch.device,
        sample_rate: int = PESQ_RATE,
        select: Select = "si_sdr",
    ) -> None:
        self.noisy, self.clean = torch.from_numpy(noisy).to(device), torch.from_numpy(clean).to(device)
        self.sample_rate, self.select = sample_rate, select
        has_pesq = sample_rate == PESQ_RATE and importlib.util.find_spec("pesq") is not None
        if select == "pesq" and not has_pesq:
            raise InputError("select = 'pesq' without PESQ", hint="pip install pesq, 16 kHz; or select another measure")
        self.measures: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {"estoi": self._estoi}
        if has_pesq:
            self.measures["pesq"] = _pesq

    @torch.no_grad()
    def __call__(self, module: nn.Module) -> Judged:
        module.eval()
        enhanced = module(self.noisy)[0]
        clean = self.clean[:, : enhanced.shape[1]]
        figures = {"si_sdr": float(si_sdr(enhanced, clean).mean())}
        signals = list(zip(enhanced.cpu().numpy(), clean.cpu().numpy(), strict=True))
        for name, measure in self.measures.items():
            values = []
            for pair in signals:
                with contextlib.suppress(InputError):  # too little speech for this measure
                    values.append(measure(*pair))
            if values:
                figures[name] = float(np.mean(values))
        parts = zip(self.noisy.cpu(), enhanced.cpu(), clean.cpu(), strict=False)
        heard = tuple(Heard(self.sample_rate, *part) for part, _ in zip(parts, range(HEARD), strict=False))
        return Judged(score_of(figures, self.select), figures, heard)

    def _estoi(self, estimate: np.ndarray, reference: np.ndarray) -> float:
        return estoi(estimate, reference, self.sample_rate)


def score_of(figures: dict[str, float], select: Select) -> float:
    """The selecting figure, or the mean of all figures' places within their RANGES."""
    if select != "balanced":
        return figures.get(select, -np.inf)
    return float(np.mean([(figures[name] - low) / (high - low) for name, (low, high) in RANGES.items() if name in figures]))


def _pesq(estimate: np.ndarray, reference: np.ndarray) -> float:
    import pesq

    try:
        return float(pesq.pesq(PESQ_RATE, reference, estimate, "wb"))
    except pesq.PesqError as error:
        raise InputError(f"PESQ: {type(error).__name__}", hint="give speech") from error
