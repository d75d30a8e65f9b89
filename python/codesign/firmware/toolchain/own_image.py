# SPDX-License-Identifier: Apache-2.0
"""An image that the user built: the ELF that is flashed is the one that is proven."""

from __future__ import annotations

from pathlib import Path

from codesign.base.errors import InputError
from codesign.compiler.emit import emit
from codesign.compiler.lower.network import Network
from codesign.firmware.boards import Board
from codesign.firmware.elf import read_elf
from codesign.firmware.image import Image
from codesign.firmware.symbols import symbols_of
from codesign.firmware.toolchain.plan import plan_of
from codesign.firmware.toolchain.zephyr import enhancer_entry


def own_image(network: Network, board: Board, elf: Path, folder: Path) -> Image:
    """The Zephyr application with `network` for `board` that lies in `elf`; the sources that it should have go to `folder`.

    Whether it has this network is what a proof finds out: the bits tell.

    Raises:
        InputError: `elf` is no Arm ELF, or not of the application with a network of this name.
    """
    plan = plan_of(network, board)
    generated = emit(network, plan, folder)
    entry = enhancer_entry(network, generated)
    names = {symbol.name for symbol in read_elf(elf).symbols}
    for name in (entry, generated.symbol, "monitor_frame"):
        if name not in names:
            raise InputError(
                f"{elf} is not the application with {network.name}: it has no symbol {name}",
                hint="give the zephyr.elf of a build of app/ with this model",
            )
    return Image(
        path=elf,
        runtime="zephyr",
        board=board,
        network=network,
        plan=plan,
        generated=generated,
        compiler=f"the build of {elf}",
        flags=(),
        symbols=symbols_of(network, plan, generated, entry),
    )
