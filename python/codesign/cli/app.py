# SPDX-License-Identifier: Apache-2.0
"""The commands, gathered: what `codesign --help` lists. A command's module is imported when it is asked for."""

from __future__ import annotations

import importlib
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from codesign import __version__
from codesign.cli.groups import Commands, in_plain_words
from codesign.cli.interrupts import stopping_at_once

SUMMARIES = {
    "demo": "Build the shipped network, run the image in the emulator on real noisy speech and prove it.",
    "examples": "Write shipped networks and the demo's recordings into a folder: what the tutorials begin with.",
    "doctor": "Say which tools are present, what each enables and how to get the rest.",
    "boards": "List the boards with their cores, memories and budgets.",
    "data": "Say what a folder of recordings is to training: check; pack corpora for training as shards: pack.",
    "train": "Train a network; a run that was stopped goes on where it was.",
    "compress": "Prune, train on, teach to skip and quantize a trained network, as far as the recipe says so; "
    "a stopped run goes on.",
    "search": "Search networks for a board's budget: `codesign search space.toml …` begins or goes on.",
    "export": "Write a checkpoint's network as ONNX: integers after quantization-aware training, float before.",
    "inspect": "Show what is around a model's network, its layers, states, memory, multiply-accumulates and rough cost on each "
    "board.",
    "fit": "Gains for a hearing loss by NAL-R, with compression around speech of average level.",
    "quantize": "Quantize a float model to int8 weights by running recordings through it.",
    "generate": "Write a model's C sources; compile them with runtime/ in any build, or name the folder as CODESIGN_MODEL "
    "in Zephyr's.",
    "build": "Generate C for a model and build it; exit code 1 when the image is over the board's budget.",
    "model": "Networks in partitions of their own: pack, show (docs/update.md).",
    "size": "Flash and RAM of an image per region, layer, section and symbol, and its worst-case stack; exit code 1 over "
    "the budget.",
    "run": "Enhance a recording.",
    "verify": "Build, emulate and compare with the references; exit code 1 unless everything holds.",
    "evaluate": "Score models and recordings on noisy recordings with known clean signals.",
    "measure": "Gain, maximum output, distortion, noise, attack, release and delay of an image, in the manner of IEC 60118.",
    "power": "Mean current of a measurement, hours on cells, and the estimate beside it.",
    "report": "Prove a model as verify does, and write what was found; exit code 1 unless everything holds.",
    "compare": "Compare two sets of figures; exit code 1 when one is worse than its threshold allows.",
    "schema": "The JSON Schema of what a command prints with --json.",
    "sbom": "Software bill of materials of a built firmware, as CycloneDX: its network, codesign's parts, Zephyr and its "
    "modules.",
    "evidence": "Requirements, tests and their results, tools, software of others, known anomalies, hashes: one folder for a "
    "safety file.",
    "listen": "Listening tests: make one, serve it on localhost, analyze its results.",
}
"""What each command does, as the list of commands says it: the beginning of its own help."""

_HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}


class LazyCommands(Commands):
    """The group of all commands. It lists them without their modules and imports the one that is called or completed."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(SUMMARIES)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:
        """What the list shows of a command; `resolve_command` has the command itself."""
        return TyperCommand(cmd_name, help=SUMMARIES[cmd_name]) if cmd_name in SUMMARIES else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, listed, rest = super().resolve_command(ctx, args)
        return name, listed if name is None or listed is None else load_command(name), rest


def load_command(name: str) -> Any:
    """The command `name`, which its module defines: `command`, or `app` when it has commands of its own."""
    with stopping_at_once():
        module = importlib.import_module(f"codesign.cli.{name}")
    if hasattr(module, "app"):
        return in_plain_words(typer.main.get_command(module.app))
    one = typer.Typer(
        rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False, context_settings=_HELP_OPTIONS
    )
    one.command(name=name)(module.command)
    return in_plain_words(typer.main.get_command(one))


app = typer.Typer(
    name="codesign",
    cls=LazyCommands,
    help="Neural speech enhancement to hearing-aid firmware, with proof.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=_HELP_OPTIONS,
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"codesign {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass
