# SPDX-License-Identifier: Apache-2.0
"""codesign fit: an audiogram to the gains of a hearing aid."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from codesign.cli.console import cells, emit_json, say, stderr, table
from codesign.cli.options import Json


def command(
    audiogram: Annotated[
        str, typer.Option("--audiogram", help="NH, N1 to N7, S1 to S3, or points: 250:20,500:25,1000:30.", show_default=False)
    ],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="TOML file to write: for build --fit.")] = None,
    ratio: Annotated[float | None, typer.Option(help="Compression ratio in all bands (default: 1 + loss/100).")] = None,
    attack: Annotated[float, typer.Option(help="ms in which gains follow a louder sound.")] = 5.0,
    release: Annotated[float, typer.Option(help="ms in which gains follow a fainter sound.")] = 100.0,
    attenuation_limit: Annotated[
        float, typer.Option(help="dB that the network takes of the noise at most; --no-limit writes none.")
    ] = 6.0,
    no_limit: Annotated[bool, typer.Option("--no-limit", help="All that the network takes away.")] = False,
    json: Json = False,
) -> None:
    """Gains for a hearing loss by NAL-R, with compression around speech of average level.

    Example: codesign fit --audiogram N3 -o fit.toml && codesign build --fit fit.toml
    """
    from codesign.hearing.fitting import fit, read_audiogram
    from codesign.hearing.fitting.fit import write_fitting

    found = fit(read_audiogram(audiogram), ratio, attack, release, None if no_limit else attenuation_limit)
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


def _at(levels: tuple[float, ...], row: tuple[float, ...], level: float) -> float:
    import numpy as np

    return float(np.interp(level, levels, row))
