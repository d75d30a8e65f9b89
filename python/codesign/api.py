# SPDX-License-Identifier: Apache-2.0
"""What programs call: the stages of the command line as functions, over paths. docs/api.md has examples.

Paths may be str or Path, a board is a name or the path of a card. Errors are those of codesign.base.errors: `message` says
what and where, `hint` what to do.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Literal

from codesign.base.audio import read_audio
from codesign.base.errors import InputError
from codesign.compiler.emit import Generated, emit
from codesign.compiler.frontend import Arithmetic, Chain
from codesign.compiler.lower import lower
from codesign.compiler.model import Graph, load_onnx
from codesign.compiler.model import read_chain as read
from codesign.compiler.plan import plan_memory
from codesign.compiler.quantize import QuantizeReport, quantize_file
from codesign.firmware.boards import Board, load_board
from codesign.firmware.image import Image
from codesign.firmware.size.size import Size
from codesign.firmware.size.size import size as size_of
from codesign.firmware.toolchain import build_bare, build_host, build_zephyr
from codesign.proof.prove import Emulator, Proof, Recording
from codesign.proof.prove import prove as prove_model
from codesign.proof.signals import PROOF_SECONDS

PathLike = str | Path
BoardLike = str | Board
BOARD = "nrf5340dk"


def load(model: PathLike, *, chain: PathLike | None = None) -> Graph:
    """The network in an ONNX file of one time step, checked: operators, states and front end, float or int8.

    `chain`, here and below, is a TOML file of what is around the network, for a model that cannot be edited
    (docs/model-file.md).

    Raises:
        InputError: the file cannot be used.
    """
    return load_onnx(Path(model), _path(chain))


def read_chain(path: PathLike) -> Chain:
    """What is around the network, from a model's metadata (with `<model>.toml` beside it) or from a chain file alone.

    Raises:
        InputError: the file cannot be used.
    """
    return read(Path(path)).chain


def quantize(
    model: PathLike, data: PathLike, output: PathLike, *, balance: bool = False, chain: PathLike | None = None
) -> QuantizeReport:
    """Calibrate a float model on the recordings under the folder `data` and write it with int8 weights and activations.

    With `balance`, scales are moved between linear layers first.

    Raises:
        InputError: the model is quantized already or cannot be lowered, no recording is usable, or `output` cannot be written.
    """
    return quantize_file(Path(model), Path(data), Path(output), balanced=balance, chain=_path(chain))


def generate(
    model: PathLike,
    folder: PathLike,
    *,
    kernel: Literal["plain", "dsp", "dual", "mve"] = "dsp",
    front_end: Arithmetic = "float32",
    chain: PathLike | None = None,
) -> Generated:
    """Write the C sources of an int8 model into `folder`, which is replaced when codesign made it.

    Raises:
        InputError: the model cannot be lowered, or `folder` is not codesign's.
    """
    network = lower(load_onnx(Path(model), _path(chain)))
    return emit(network, plan_memory(network, kernel, front_end), Path(folder))


def build(
    model: PathLike,
    folder: PathLike,
    *,
    board: BoardLike = BOARD,
    runtime: Literal["zephyr", "bare", "host"] = "bare",
    chain: PathLike | None = None,
) -> Image:
    """Build an int8 model into `folder`: "zephyr" is the application that is flashed, "bare" an ELF without an operating
    system, "host" a shared library.

    Raises:
        InputError: the model, the board or the folder cannot be used.
        ToolError, BuildError: no compiler, no Zephyr, or the compiler refused.
    """
    network, target, where = lower(load_onnx(Path(model), _path(chain))), _board(board), Path(folder)
    if runtime == "zephyr":
        return build_zephyr(network, target, where)
    if runtime == "bare":
        return build_bare(network, target, where)
    return build_host(network, where, target.front_end)


def size(image: Image | PathLike, *, board: BoardLike = BOARD) -> Size:
    """Flash, RAM and worst-case stack of a built image, or of any linked ELF, against the board's budget.

    Raises:
        InputError: no Arm ELF, or the board has no memories.
    """
    return size_of(image if isinstance(image, Image) else Path(image), _board(board))


def prove(
    model: PathLike,
    *,
    board: BoardLike = BOARD,
    emulator: Emulator = "unicorn",
    audio: Sequence[PathLike] = (),
    clean: Sequence[PathLike] = (),
    seconds: float = PROOF_SECONDS,
    folder: PathLike | None = None,
    chain: PathLike | None = None,
) -> Proof:
    """Build an int8 model for a board, run the image in an emulator and compare it with the references.

    `audio` are noisy recordings that take part, `clean` their clean signals in the same order or nothing. Builds stay in
    `folder` if it is given. `.verdict.ok` says whether every check holds; checks that fail do not raise.

    Raises:
        CodesignError: the model or a recording cannot be used, a tool is missing, a build failed, the image faulted.
    """
    rate = load_onnx(Path(model), _path(chain)).frontend.sample_rate
    recordings = _recordings([Path(path) for path in audio], [Path(path) for path in clean], rate)
    keeping = tempfile.TemporaryDirectory(prefix="codesign-") if folder is None else nullcontext(str(folder))
    with keeping as where:
        return prove_model(
            *(Path(model), _board(board), Path(where), recordings), emulator=emulator, seconds=seconds, chain=_path(chain)
        )


def _path(path: PathLike | None) -> Path | None:
    return None if path is None else Path(path)


def _board(board: BoardLike) -> Board:
    return board if isinstance(board, Board) else load_board(board)


def _recordings(audio: Sequence[Path], clean: Sequence[Path], rate: int) -> list[Recording]:
    if clean and len(clean) != len(audio):
        raise InputError(f"{len(audio)} noisy but {len(clean)} clean recordings", hint="give one clean file for each noisy one")
    noisy = [read_audio(path, rate) for path in audio]
    references = [read_audio(clean[index], rate).pcm if clean else None for index in range(len(noisy))]
    for path, recording, reference in zip(audio, noisy, references, strict=True):
        if reference is not None and reference.size != recording.pcm.size:
            raise InputError(f"{path} and its clean signal differ in length", hint="give aligned files of one length")
    return [
        Recording(path.name, recording.pcm, reference, recording.cut_off)
        for path, recording, reference in zip(audio, noisy, references, strict=True)
    ]
