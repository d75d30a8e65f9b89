# SPDX-License-Identifier: Apache-2.0
"""`west codesign …`: the codesign command line, run with the Python and the Zephyr tree of the workspace."""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from west.commands import WestCommand

MISSING = 3  # the command line's exit code for a missing tool


class Codesign(WestCommand):
    """Pass everything on. The package may be installed, or is taken from this repository when its dependencies are there."""

    def __init__(self) -> None:
        super().__init__("codesign", "run codesign", "Run codesign in this workspace.", accepts_unknown_args=True)

    def do_add_parser(self, parser_adder: argparse._SubParsersAction) -> argparse.ArgumentParser:
        # No options of its own, not even --help: codesign answers that.
        return parser_adder.add_parser(self.name, help=self.help, description=self.description, add_help=False)

    def do_run(self, args: argparse.Namespace, unknown_args: list[str]) -> None:
        environment = dict(os.environ)
        if importlib.util.find_spec("codesign") is None:
            package = Path(__file__).resolve().parents[1] / "python"
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(package), environment.get("PYTHONPATH", ""))))
        if importlib.util.find_spec("typer") is None:
            self.err(
                f"codesign is not installed in {sys.executable}: pip install '{Path(__file__).resolve().parents[1]}[emulator]'"
            )
            sys.exit(MISSING)
        command = [sys.executable, "-m", "codesign.cli.main", *unknown_args]
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)
