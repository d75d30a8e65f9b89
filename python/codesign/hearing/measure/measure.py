# SPDX-License-Identifier: Apache-2.0
"""A model on a board → the figures of the hearing aid that it is, from an image that a machine runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from codesign.base.progress import Progress, silent
from codesign.compiler.frontend import whole_hops
from codesign.compiler.frontend.capture import to_microphones
from codesign.compiler.frontend.compressor import spl_of
from codesign.compiler.frontend.programs import program_names
from codesign.compiler.load import LoadedModel
from codesign.firmware.boards import Board
from codesign.firmware.image import Image
from codesign.firmware.machines import machine_named
from codesign.firmware.machines.machine import RunOptions
from codesign.firmware.settings import set_up
from codesign.firmware.toolchain import BuildOptions
from codesign.hearing.measure.figures import Scale, distortion_of, input_noise_of, step_times, tone_levels
from codesign.hearing.measure.signals import GAIN_SPL, played
from codesign.proof.aid import AidFigures, CurvePoint
from codesign.proof.delay import delay_of


def measure(
    model: LoadedModel,
    board: Board,
    folder: Path,
    machine_name: str,
    *,
    strength: int | None = 0,
    options: BuildOptions | None = None,
    progress: Progress = silent,
) -> AidFigures:
    """Build `model` for `board` into `folder`, play what hearing aids are measured with, and measure.

    With `strength` in percent the network does so much to the sound: 0, the default, measures what is around it, because a
    network for speech takes tones away. None leaves the chain as it is. `options` is what the user adds to the Zephyr
    application.

    Raises:
        CodesignError: the model cannot be used there, a tool is missing, a build failed, the image faulted.
    """
    machine = machine_named(machine_name)
    model = set_up(model, board)
    if strength is not None:
        programs = tuple(replace(program, strength=strength) for program in model.network.frontend.programs)
        model = model.changed(strength=strength, programs=programs)
    image = machine.build(model.network, board, folder, options=options, progress=progress)
    return measure_image(image, machine_name, folder.parent / machine.name, progress=progress)


def measure_image(image: Image, machine_name: str, folder: Path, *, progress: Progress = silent) -> AidFigures:
    """Play what hearing aids are measured with to a built image as it is, in a machine whose files go to `folder`, and measure.

    Raises:
        CodesignError: the image does not run there, a tool is missing, the image faulted.
    """
    machine, chain = machine_named(machine_name), image.network.frontend
    input_spl, output_spl = spl_of(chain)
    ends = chain.ends
    pcm, parts = played(ends.rate, input_spl)
    whole = whole_hops(to_microphones(chain, pcm), ends.hop, 2 * ends.latency * ends.channels)
    what = machine.title_on(image.board)
    options = RunOptions(folder=folder, progress=lambda done, total: progress(what, done, total))
    run = machine.run(image, whole, options)
    noise = next(part.start for part in parts if part.use == "noise")  # tones do not tell by how much they are late
    from_noise = noise * ends.channels
    delay = delay_of(replace(run, pcm=run.pcm[from_noise:]), image, whole[from_noise:])
    lag = delay.algorithmic - (run.block_samples or ends.block)
    heard = run.pcm[:: ends.channels]
    output = np.concatenate([heard[lag:], np.zeros(lag, np.int16)])
    scale = Scale(ends.rate, output_spl)
    gain = tuple(CurvePoint(each.at, each.value - GAIN_SPL) for each in tone_levels(output, parts, "gain", scale))
    attack, release, steps = step_times(output, parts, scale)
    return AidFigures(
        model=image.network.name,
        board=image.board.name,
        machine=what,
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
