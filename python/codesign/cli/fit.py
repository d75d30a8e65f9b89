# SPDX-License-Identifier: Apache-2.0
"""codesign fit: an audiogram to the gains of a hearing aid."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from codesign.base.errors import InputError
from codesign.cli.console import cells, emit_json, say, stderr, table
from codesign.cli.options import Json


def command(
    audiogram: Annotated[
        list[str],
        typer.Option("--audiogram", help="NH, N1 to N7, S1 to S3, or points: 250:20,500:25,1000:30.", show_default=False),
    ],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="TOML file to write: for build --fit.")] = None,
    ratio: Annotated[float | None, typer.Option(help="Compression ratio in all bands (default: 1 + loss/100).")] = None,
    attack: Annotated[float, typer.Option(help="ms in which gains follow a louder sound.")] = 5.0,
    release: Annotated[float, typer.Option(help="ms in which gains follow a fainter sound.")] = 100.0,
    attenuation_limit: Annotated[
        float | None,
        typer.Option(help="dB that the network takes of the noise at most (default: 3); --no-limit writes none."),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", "-m", help="Measure what this model takes of speech, on --pairs.", exists=True, dir_okay=False),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(help="Noisy and clean recordings for --model: docs/evaluate.md.", exists=True, file_okay=False),
    ] = None,
    chain: Annotated[
        Path | None, typer.Option(help="TOML file with the chain of --model.", exists=True, dir_okay=False)
    ] = None,
    no_makeup: Annotated[bool, typer.Option("--no-makeup", help="Give back nothing of what the network takes.")] = False,
    no_limit: Annotated[bool, typer.Option("--no-limit", help="All that the network takes away.")] = False,
    json: Json = False,
) -> None:
    """Gains for a hearing loss by NAL-R, with compression around speech of average level.

    Example: codesign fit --audiogram N3 -o fit.toml && codesign build --fit fit.toml
    """
    from codesign.hearing.fitting import fit, read_audiogram
    from codesign.hearing.fitting.fit import ATTENUATION_LIMIT_DB, write_fitting

    if len(audiogram) > 1:
        raise InputError(f"{len(audiogram)} audiograms, a fitting is for one ear", hint="fit each ear's device for itself")
    if no_limit and attenuation_limit is not None:
        raise InputError("--attenuation-limit with --no-limit", hint="leave one of them out")
    limit = None if no_limit else ATTENUATION_LIMIT_DB if attenuation_limit is None else attenuation_limit
    found = fit(read_audiogram(audiogram[0]), ratio, attack, release, limit, not no_makeup)
    if (model is None) != (pairs is None) or (chain is not None and model is None):
        raise InputError("--model, --pairs and --chain go together", hint="give the folder of recordings for the model to hear")
    if model is not None and pairs is not None:
        found = replace(found, speech_loss=_measured(model, pairs, chain))
    if output is not None:
        write_fitting(output, found)
    if json:
        emit_json("fit", fitting=found, output=output)
        return
    rows = table("Gains", "Hz", "loss dB HL", "speech dB SPL", "NAL-R dB", "ratio", "at 50 dB", "at 65", "at 80")
    compressor = found.compressor
    losses = found.audiogram.at(compressor.frequencies).tolist()
    parts = zip(
        compressor.frequencies, losses, found.speech, found.insertion_gains, found.ratios, compressor.gains, strict=True
    )
    for frequency, loss, speech, gain, each, row in parts:
        at = [_at(compressor.levels, row, level) for level in (50.0, 65.0, 80.0)]
        said = [f"{value:.1f}" for value in (loss, speech, gain)]
        rows.add_row(*cells(f"{frequency:g}", *said, f"{each:.2f}", *(f"{value:.1f}" for value in at)))
    stderr.print(rows)
    say(f"wrote {output}" if output else "not written: -o fit.toml keeps it")


def _measured(model: Path, pairs: Path, chain: Path | None) -> tuple[float, ...]:
    import tempfile

    from codesign.compiler.frontend.makeup import LOSS_FREQUENCIES
    from codesign.hearing.evaluate.loss import speech_loss_of
    from codesign.hearing.evaluate.pairs import find_pairs

    with tempfile.TemporaryDirectory(prefix="codesign-") as folder:
        found = speech_loss_of(model, find_pairs(pairs), Path(folder), chain)
    said = ", ".join(f"{loss:.1f} at {frequency:g}" for frequency, loss in zip(LOSS_FREQUENCIES, found, strict=True))
    say(f"{model.name} takes of speech, without a limit, dB: {said} Hz")
    return found


def _at(levels: tuple[float, ...], row: tuple[float, ...], level: float) -> float:
    import numpy as np

    return float(np.interp(level, levels, row))
