# SPDX-License-Identifier: Apache-2.0
"""A model on a board → the figures of the hearing aid that it is, from an image that a machine runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from codesign.base.progress import Progress, silent
from codesign.compiler.frontend import whole_hops
from codesign.compiler.frontend.compressor import spl_of
from codesign.compiler.frontend.programs import program_names
from codesign.compiler.load import LoadedModel
from codesign.firmware.boards import Board
from codesign.firmware.machines import machine_named
from codesign.firmware.machines.machine import RunOptions
from codesign.firmware.settings import set_up
from codesign.hearing.measure.figures import (
    AidFigures,
    CurvePoint,
    Scale,
    distortion_of,
    input_noise_of,
    step_times,
    tone_levels,
)
from codesign.hearing.measure.signals import GAIN_SPL, played
from codesign.proof.delay import delay_of


def measure(
    model: LoadedModel,
    board: Board,
    folder: Path,
    machine_name: str,
    *,
    strength: int | None = 0,
    progress: Progress = silent,
) -> AidFigures:
    """Build `model` for `board` into `folder`, play what hearing aids are measured with, and measure.

    With `strength` in percent the network does so much to the sound: 0, the default, measures what is around it, because a
    network for speech takes tones away. None leaves the chain as it is.

    Raises:
        CodesignError: the model cannot be used there, a tool is missing, a build failed, the image faulted.
    """
    machine = machine_named(machine_name)
    model = set_up(model, board)
    chain = model.network.frontend
    if strength is not None:
        programs = tuple(replace(program, strength=strength) for program in chain.programs)
        model = model.changed(strength=strength, programs=programs)
        chain = model.network.frontend
    image = machine.build(model.network, board, folder, progress=progress)
    input_spl, output_spl = spl_of(chain)
    pcm, parts = played(chain.sample_rate, input_spl)
    whole = whole_hops(pcm, chain.hop, 2 * chain.latency_samples)
    what = machine.title_on(board)
    options = RunOptions(folder=folder.parent / machine.name, progress=lambda done, total: progress(what, done, total))
    run = machine.run(image, whole, options)
    noise = next(part.start for part in parts if part.use == "noise")  # tones do not tell by how much they are late
    delay = delay_of(replace(run, pcm=run.pcm[noise:]), image, whole[noise:])
    lag = delay.algorithmic - chain.block_samples
    output = np.concatenate([run.pcm[lag:], np.zeros(lag, np.int16)])
    scale = Scale(chain.sample_rate, output_spl)
    gain = tuple(CurvePoint(each.at, each.value - GAIN_SPL) for each in tone_levels(output, parts, "gain", scale))
    attack, release, steps = step_times(output, parts, scale)
    return AidFigures(
        model=model.network.name,
        board=board.name,
        machine=machine.title_on(board),
        program=program_names(chain)[chain.program],
        strength=chain.strength,
        input_spl=input_spl,
        output_spl=output_spl,
        gain=gain,
        output=tone_levels(output, parts, "output", scale, whole=True),
        distortion=distortion_of(output, parts, scale),
        input_noise=input_noise_of(output, parts, gain, scale),
        attack_ms=attack,
        release_ms=release,
        steps=steps,
        delay=delay,
    )
