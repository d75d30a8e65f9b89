# SPDX-License-Identifier: Apache-2.0
"""What a model takes of the speech of pairs of recordings."""

from __future__ import annotations

from pathlib import Path

from codesign.base.audio import read_audio
from codesign.base.signals import Pcm
from codesign.compiler.model import load_row
from codesign.hearing.evaluate.pairs import Pairs
from codesign.hearing.evaluate.systems import row_system
from codesign.hearing.fitting.speech_loss import speech_loss


def speech_loss_of(model: Path, pairs: Pairs, folder: Path, chain: Path | None = None) -> tuple[float, ...]:
    """What a model, built below `folder`, takes of speech without a limit, in dB at frontend.makeup.LOSS_FREQUENCIES.

    Raises:
        InputError: the model or a recording cannot be used, or there is no speech.
    """
    row = load_row(model, chain).changed(attenuation_limit=None, strength=None, compressor=None, programs=(), program=0)
    system = row_system(model.stem, model, row, folder)
    rate = row.chains[0].sample_rate

    def signals(item: str) -> tuple[Pcm, Pcm, Pcm]:
        noisy, clean = (read_audio(files[item], rate).pcm for files in (pairs.noisy, pairs.clean))
        return noisy, system.enhance(item, noisy), clean

    return speech_loss(map(signals, pairs.items), rate)
