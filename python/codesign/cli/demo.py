# SPDX-License-Identifier: Apache-2.0
"""codesign demo: the whole way on the shipped network and recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codesign.base.files import make_folder
from codesign.base.files.output_file import check_files
from codesign.base.resources import resource
from codesign.cli.console import emit_json, progress, say
from codesign.cli.options import DEFAULT_BOARD, BoardName, Json

if TYPE_CHECKING:
    from codesign.proof.recordings import Recording


def command(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")] = Path("demo"),
    board: BoardName = DEFAULT_BOARD,
    json: Json = False,
) -> None:
    """Build the shipped network, run the image in the emulator on real noisy speech and prove it.

    Example: codesign demo
    """
    from codesign.base.audio import read_audio, write_audio
    from codesign.cli.tables import print_answer
    from codesign.compiler.load import load_model
    from codesign.firmware.boards import load_board
    from codesign.pipeline import prove
    from codesign.proof.recordings import Recording
    from codesign.proof.report import assemble, sounds
    from codesign.proof.report.write import write_report

    chosen, model = load_board(board), load_model(resource("models", "pruned", "pruned.onnx"))
    rate = model.sample_rate
    recordings = []
    for noisy in sorted(resource("models", "demo").glob("*_noisy.*")):
        clean = noisy.with_name(noisy.name.replace("_noisy", "_clean"))
        name = noisy.stem.removesuffix("_noisy")
        recordings.append(Recording(name, read_audio(noisy, rate).pcm, read_audio(clean, rate).pcm))
    make_folder(output)
    check_files([output / "report.html", output / "report.json", *(path for r in recordings for path in _sounds(output, r))])
    with progress() as show:
        proof = prove(model, chosen, output, recordings, progress=show)
    report = assemble(proof, recordings, ["make demo"])
    write_report(output / "report.html", report, sounds(proof, recordings))
    write_report(output / "report.json", report)
    for recording, enhanced in zip(recordings, proof.enhanced, strict=True):
        for path, pcm in zip(_sounds(output, recording), (recording.noisy, enhanced), strict=True):
            write_audio(path, pcm, rate)
    if json:
        emit_json("demo", ok=proof.verdict.ok, verdict=proof.verdict, output=output)
    else:
        print_answer(proof.verdict)
        say(f"look and listen: {output}/report.html (all figures: report.json); firmware: {proof.image.path}")
    if not proof.verdict.ok:
        raise typer.Exit(1)


def _sounds(folder: Path, recording: Recording) -> tuple[Path, Path]:
    return folder / f"{recording.name}_noisy.wav", folder / f"{recording.name}_enhanced.wav"
