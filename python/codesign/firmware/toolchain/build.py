# SPDX-License-Identifier: Apache-2.0
"""Any runtime's build by its name."""

from __future__ import annotations

from pathlib import Path

from codesign.base.files.output_folder import check_folder
from codesign.base.progress import Progress, silent
from codesign.compiler.lower.network import Network
from codesign.firmware.boards import Board
from codesign.firmware.image import Image, Runtime
from codesign.firmware.toolchain.bare import build_bare
from codesign.firmware.toolchain.host import build_host
from codesign.firmware.toolchain.options import BuildOptions
from codesign.firmware.toolchain.zephyr import build_zephyr
from codesign.firmware.toolchain.zephyr_folder import check_build_folder


def build_image(
    runtime: Runtime,
    network: Network,
    board: Board,
    folder: Path,
    *,
    options: BuildOptions | None = None,
    semihosting: bool = False,
    progress: Progress = silent,
) -> Image:
    """Build `network` for `board` in `folder`; `options` are for zephyr, `semihosting` is for bare.

    Raises:
        InputError: the board or the folder cannot be used.
        ToolError, BuildError: a tool is missing, or it refused.
    """
    if runtime == "zephyr":
        return build_zephyr(network, board, folder, options=options or BuildOptions(), progress=progress)
    progress(f"build for {'the host' if runtime == 'host' else 'the board'}", 0, 0)
    if runtime == "bare":
        return build_bare(network, board, folder, semihosting=semihosting)
    return build_host(network, folder, board.front_end)


def check_image_folder(runtime: Runtime, folder: Path) -> None:
    """Look whether an image may be built in `folder`, before the work.

    Raises:
        InputError: it holds what codesign did not make, or cannot be written.
    """
    (check_build_folder if runtime == "zephyr" else check_folder)(folder)
