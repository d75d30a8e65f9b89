# SPDX-License-Identifier: Apache-2.0
"""codesign listen: listening tests in a box."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from codesign.base.errors import InputError
from codesign.base.files.output_file import check_files
from codesign.base.files.output_folder import check_folder
from codesign.base.words import counted
from codesign.cli.console import cells, emit_json, progress, say, stderr, table
from codesign.cli.groups import Commands
from codesign.cli.interrupts import check_interrupted
from codesign.cli.options import Json

app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Listening tests: make one, serve it on localhost, analyze its results.",
)


class Kind(StrEnum):
    preference = "preference"
    mushra = "mushra"


@app.command()
def make(
    system: Annotated[
        list[str],
        typer.Option("--system", "-s", help="NAME=FOLDER, or NAME=FILES with one * (repeatable).", show_default=False),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the test.")],
    kind: Annotated[Kind, typer.Option(help="preference: ±3 against the unprocessed; mushra: 0 to 100.")] = Kind.preference,
    unprocessed: Annotated[str, typer.Option(help="The system that the others are compared with.")] = "noisy",
    reference: Annotated[str, typer.Option("--reference", "-r", help="NAME=FOLDER of the clean recordings.")] = "",
    title: Annotated[str, typer.Option(help="What listeners see above every page.")] = "Listening test",
    seed: Annotated[int, typer.Option(help="Of all random choices.")] = 1,
    condition: Annotated[str, typer.Option(help="Regular expression: an item's condition, in its name.")] = "",
) -> None:
    """Make a listening test: a static folder for listeners and, beside it, the key for the analysis.

    Example: codesign listen make -s noisy=noisy/ -s float=float/ -s int8=int8/ -r clean=clean/ -o test
    """
    from codesign.hearing.listen import design_test, load_stimuli, write_test

    check_folder(output)  # before the work
    names = dict(_named(text, "--system") for text in system)
    if len(names) != len(system):
        raise InputError("two systems have the same name", hint="give every --system its own")
    clean = ""
    if reference:
        clean, pattern = _named(reference, "--reference")
        names[clean] = pattern
    with progress() as show:
        stimuli = load_stimuli(names, clean, progress=show)
        design = design_test(
            kind.value, stimuli, unprocessed=unprocessed, reference=clean, title=title, seed=seed, condition=condition
        )
        key = write_test(design, output, stimuli.sample_rate, show)
    for note in stimuli.notes:
        say(note)
    made = f"{counted(len(design.trials), 'page')}, {counted(len(stimuli.items), 'item')}"
    say(f"wrote {output}/index.html: {made}, all at {stimuli.lufs:.1f} LUFS")
    say(f"keep {key} to yourself: it says which recording is which, and analyze needs it")


@app.command()
def serve(
    folder: Annotated[Path, typer.Argument(help="The test's folder.", show_default=False)],
    results: Annotated[Path, typer.Option("--results", help="Folder that results are written to.")] = Path("results"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8765,
    lan: Annotated[
        bool, typer.Option("--lan", help="Let machines of this network in, by an address with a secret token; unencrypted.")
    ] = False,
) -> None:
    """Serve a listening test on localhost, or with --lan in this network, and collect its results, until Ctrl-C.

    Example: codesign listen serve test --results results
    """
    from codesign.hearing.listen.serve import ResultServer

    with ResultServer(folder, results, port, check_interrupted, lan=lan) as server:
        if lan:
            say("in this network: whoever has the address can take part, and what goes over the network is not encrypted")
        say(f"{server.url} serves {folder}; results go to {results}; Ctrl-C ends it")
        server.serve_forever()


@app.command()
def analyze(
    results: Annotated[Path, typer.Argument(help="Folder of results, JSON files.", show_default=False)],
    key: Annotated[Path, typer.Option("--key", "-k", help="The key that make wrote beside the test.", show_default=False)],
    margin: Annotated[float | None, typer.Option(help="Difference that does not matter (0.5 of ±3; 5 of 100).")] = None,
    output: Annotated[
        list[Path] | None, typer.Option("--output", "-o", help=".html, .md, .csv or .json file (repeatable).")
    ] = None,
    json: Json = False,
) -> None:
    """Analyze the results of a listening test; exit code 1 when files had to be refused.

    Example: codesign listen analyze results --key test.key.json -o analysis.html
    """
    from codesign.hearing.listen import analyse, read_key, read_results
    from codesign.hearing.listen.render import answer, facts, pair_rows, score_rows, write_analysis

    check_files(output or [], [key, *results.glob("*.json")])
    good, refused = read_results(results, read_key(key))
    for row in refused:
        say(f"refused {row.file}: {row.reason}")
    analysis = analyse(read_key(key), good, refused, margin)
    for path in output or []:
        write_analysis(path, analysis)
    if json:
        emit_json("listen-analysis", analysis=analysis)
    else:
        for text in facts(analysis):
            say(text)
        scores = table("Scores", "system", "condition", "n", "mean", "95 %: low", "high")
        for cellrow in score_rows(analysis):
            scores.add_row(*cells(*cellrow))
        stderr.print(scores)
        for listener in analysis.excluded:
            say(f"screened out {listener.listener}: {listener.reason}")
        if analysis.comparisons:
            pairs = table("Differences", "pair", "mean", "90 %: low", "high", "p equal", "p differ")
            for cellrow in pair_rows(analysis):
                pairs.add_row(*cells(cellrow[0], *cellrow[2:5], *cellrow[6:8]))
            stderr.print(pairs)
        for comparison in analysis.comparisons:
            say(answer(comparison))
        for path in output or []:
            say(f"wrote {path}")
    if refused:
        raise typer.Exit(1)


def _named(text: str, option: str) -> tuple[str, str]:
    from codesign.hearing.listen.stimuli import ANCHOR

    name, equals, pattern = text.partition("=")
    if not (equals and name and pattern) or name == ANCHOR:
        raise InputError(f"{option} {text}", hint=f"write {option} NAME=FOLDER; '{ANCHOR}' is taken")
    return name, pattern
