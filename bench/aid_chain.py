# SPDX-License-Identifier: Apache-2.0
"""What the chain of a hearing aid costs around a network: it prints the table of docs/hearing-aid-chain.md.

Four images of one network, bare, and the worst frame of extreme signals in each: flash and RAM beside those of the first, and
the share of a core's cycles that a hop takes beside the network and its features.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from network import Frame, frame

from codesign.base.errors import CodesignError
from codesign.base.resources import resource
from codesign.compiler.frontend.programs import Program
from codesign.compiler.load import LoadedModel, load_model
from codesign.firmware.boards import Board, load_board
from codesign.firmware.toolchain.compilers import find_arm_compiler
from codesign.hearing.fitting import fit, read_audiogram

SECONDS = 2.0
BEFORE = ("analysis", "features")
FILTER: Mapping[str, Any] = {"path": "filter", "taps": 64}
PROGRAMS = (Program("restaurant", strength=100), Program("music", strength=0, limiter_spl=105.0))


@dataclass(frozen=True)
class AidCost:
    """One image. Sizes in bytes; `share` of the core's cycles in a hop, 0 to 1, by the estimate of `Frame.cycles`."""

    chain: str
    flash: int
    ram: int
    share: float


def everything() -> Mapping[str, Any]:
    """The keys of compression in nine bands, three programs, both limiters and a limit of attenuation."""
    fitting = fit(read_audiogram("N3"))
    levels = {"input_spl": 120.0, "output_spl": 120.0, "limiter_spl": 112.0, "limiter_rms_spl": 105.0}
    limit = {"attenuation_limit": fitting.attenuation_limit}
    return {"compressor": fitting.compressor, "programs": PROGRAMS, **levels, **limit}


def costs(model: LoadedModel, board: Board) -> Iterator[AidCost]:
    """The four chains.

    Raises:
        CodesignError: a tool is missing, or an image does not build or run.
    """
    chains: dict[str, Mapping[str, Any]] = {
        **{"frames": {}, "frames, with all of it": everything()},
        **{"filter path of 64 taps": FILTER, "filter path, with all of it": FILTER | everything()},
    }
    compiler = find_arm_compiler()
    for name, keys in chains.items():
        network = (model.changed(**keys) if keys else model).network
        measured = frame(network, board, compiler, SECONDS)
        cycles = board.core.clock_hz * network.frontend.hop_ms / 1000
        yield AidCost(name, measured.flash, measured.ram, beside(measured, [layer.name for layer in network.layers]) / cycles)


def beside(measured: Frame, layers: list[str]) -> float:
    """Estimated cycles of the worst frame in no layer of the network and not before it."""
    counted = sum(stage.cycles for stage in measured.stages if stage.name in (*layers, *BEFORE))
    return measured.cycles - counted


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--board", default="nrf5340dk")
    parser.add_argument("--model", default=str(resource("models", "low-latency", "low-latency.onnx")))
    arguments = parser.parse_args()
    try:
        print("| Chain | Flash | RAM | Cycles of a hop beside the network and its features |\n|---|---|---|---|")
        first: AidCost | None = None
        for cost in costs(load_model(Path(arguments.model)), load_board(arguments.board)):
            sizes = (cost.flash, cost.ram) if first is None else (cost.flash - first.flash, cost.ram - first.ram)
            sign = "," if first is None else "+,"
            print(f"| {cost.chain} | {sizes[0]:{sign}} | {sizes[1]:{sign}} | {100 * cost.share:.1f} % |", flush=True)
            first = first or cost
    except CodesignError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
