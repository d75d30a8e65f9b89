# SPDX-License-Identifier: Apache-2.0
"""What programs call: the stages of the command line as functions, over paths. docs/api.md has examples.

Paths may be str or Path, a board is a name or the path of a card. Errors are those of codesign.base.errors: `message` says
what and where, `hint` what to do.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from codesign.base.errors import InputError
from codesign.base.signals import Samples
from codesign.compiler.emit import Generated, emit
from codesign.compiler.frontend import Arithmetic, Chain
from codesign.compiler.load import load_model
from codesign.compiler.model import Graph, load_onnx
from codesign.compiler.model import read_chain as read
from codesign.compiler.plan import plan_memory
from codesign.compiler.quantize import QuantizeReport, quantize_file
from codesign.compiler.quantize.calibrate import AUTO_DB, Activations
from codesign.enhancer import Enhanced, run_on
from codesign.firmware.boards import Board, load_board
from codesign.firmware.image import Image, Runtime
from codesign.firmware.settings import set_up
from codesign.firmware.size.size import Size
from codesign.firmware.size.size import size as size_of
from codesign.firmware.toolchain import build_image
from codesign.pipeline import prove as prove_model
from codesign.proof.proof import Proof
from codesign.proof.recordings import read_recordings
from codesign.proof.signals import PROOF_SECONDS

if TYPE_CHECKING:
    from codesign.hearing.evaluate import Evaluation
    from codesign.hearing.fitting.fit import Fitting
    from codesign.proof.aid import AidFigures

PathLike = str | Path
BoardLike = str | Board
BOARD = "nrf5340dk"


def load(model: PathLike, *, chain: PathLike | None = None, result: str | None = None) -> Graph:
    """The network in a model file, checked: one time step, its operators, states and front end, float or int8.

    The graph's `notes` say what was assumed and dropped.

    `chain`, here and below, is a TOML file of what is around the network, for a model that cannot be edited
    (docs/model-file.md), and `result` names the output to keep where the file has several. Elsewhere a model may also be a
    TOML file of networks in a row.

    Raises:
        InputError: the file cannot be used, or has no such output.
    """
    return load_onnx(Path(model), _path(chain), result)


def read_chain(path: PathLike) -> Chain:
    """What is around the network, from a model's metadata (with `<model>.toml` beside it) or from a chain file alone.

    Raises:
        InputError: the file cannot be used.
    """
    return read(Path(path)).chain


def quantize(
    model: PathLike,
    data: PathLike,
    output: PathLike,
    *,
    balance: bool = False,
    activations: Activations = "int8",
    threshold_db: float = AUTO_DB,
    chain: PathLike | None = None,
    result: str | None = None,
) -> QuantizeReport:
    """Calibrate a float model on the recordings under the folder `data` and write it with int8 weights.

    With `balance`, scales are moved between linear layers first. `activations` are "int8", "int16", or "auto": int16 where
    int8 would leave a value a signal-to-noise ratio of less than `threshold_db`.

    Raises:
        InputError: the model is quantized already or cannot be lowered, no recording is usable, or `output` cannot be written.
    """
    return quantize_file(
        Path(model),
        Path(data),
        Path(output),
        balanced=balance,
        chain=_path(chain),
        result=result,
        activations=activations,
        threshold_db=threshold_db,
    )


def generate(
    model: PathLike,
    folder: PathLike,
    *,
    kernel: Literal["plain", "dsp", "dual", "mve"] = "dsp",
    front_end: Arithmetic = "float32",
    chain: PathLike | None = None,
    result: str | None = None,
) -> Generated:
    """Write the C sources of an int8 model into `folder`, which is replaced when codesign made it.

    `kernel` is what multiplies its matrices: "plain" on any core, "dsp" and "dual" with Arm's DSP extension ("dual" where two
    instructions are issued a cycle), "mve" with the vector extension. `front_end` is what the front end computes in.

    Raises:
        InputError: the model cannot be lowered, or `folder` is not codesign's.
    """
    network = load_model(Path(model), _path(chain), result).network
    return emit(network, plan_memory(network, kernel, front_end), Path(folder))


def build(
    model: PathLike,
    folder: PathLike,
    *,
    board: BoardLike = BOARD,
    runtime: Runtime = "bare",
    chain: PathLike | None = None,
    result: str | None = None,
    fit: PathLike | None = None,
) -> Image:
    """Build an int8 model into `folder`: "zephyr" is the application that is flashed, "bare" an ELF without an operating
    system, "host" a shared library. `fit` is a file that `codesign fit` wrote: its tables go into the chain.

    Raises:
        InputError: the model, the board or the folder cannot be used.
        ToolError, BuildError: no compiler, no Zephyr, or the compiler refused.
    """
    loaded = set_up(load_model(Path(model), _path(chain), result), _board(board), _path(fit))
    return build_image(runtime, loaded.network, _board(board), Path(folder))


def size(image: Image | PathLike, *, board: BoardLike | None = None) -> Size:
    """Flash, RAM and worst-case stack of a built image, or of any linked ELF, against a board's budget: by default the board
    that the image was built for, of an ELF the nRF5340 DK.

    Raises:
        InputError: no Arm ELF, or the board has no memories.
    """
    if isinstance(image, Image):
        return size_of(image, None if board is None else _board(board))
    return size_of(Path(image), _board(board or BOARD))


def run(
    model: PathLike | Image,
    audio: PathLike | Samples,
    *,
    on: str = "host",
    sample_rate: int | None = None,
    board: BoardLike = BOARD,
    profile: bool = False,
    folder: PathLike | None = None,
    chain: PathLike | None = None,
    result: str | None = None,
) -> Enhanced:
    """Enhance a signal of any length on one machine: "host", the library of this computer, an emulator, "unicorn", "qemu",
    "renode" or "native", or a board on a serial port, "serial:/dev/ttyACM0" for example.

    `model` is an int8 model, built for `board`, or an image that `build` made. `audio` is a recording's path, or (n,) of int16
    or of floating point within ±1 at `sample_rate` Hz (the model's by default); at another rate it is resampled, and `notes`
    say so. The result is aligned with the signal, in its type, at the model's rate. With `profile`, under "unicorn" and
    "qemu", instructions are counted stage by stage and cycles estimated. The build stays in `folder` if it is given.

    Raises:
        InputError: the model, image, board or signal cannot be used there; stereo, for one.
        ToolError, BuildError, ValidationError: a tool is missing, the build failed, the image faulted.
    """
    source = model if isinstance(model, Image) else load_model(Path(model), _path(chain), result)
    signal = Path(audio) if isinstance(audio, str | Path) else audio
    kept = None if folder is None else Path(folder)
    return run_on(source, signal, on, _board(board), sample_rate=sample_rate, profile=profile, folder=kept)


def prove(
    model: PathLike,
    *,
    board: BoardLike = BOARD,
    emulator: str = "unicorn",
    audio: Sequence[PathLike] = (),
    clean: Sequence[PathLike] = (),
    seconds: float = PROOF_SECONDS,
    folder: PathLike | None = None,
    chain: PathLike | None = None,
    result: str | None = None,
    fit: PathLike | None = None,
    elf: PathLike | None = None,
) -> Proof:
    """Build an int8 model for a board, run the image in an emulator and compare it with the references.

    `audio` are noisy recordings that take part, `clean` their clean signals in the same order or nothing. Builds stay in
    `folder` if it is given; `fit` as for `build`; `elf` is the user's own build of the Zephyr application. `.verdict.ok` says
    whether every check holds; checks that fail do not raise.

    Raises:
        CodesignError: the model or a recording cannot be used, a tool is missing, a build failed, the image faulted.
    """
    loaded = set_up(load_model(Path(model), _path(chain), result), _board(board), _path(fit))
    recordings = read_recordings([Path(path) for path in audio], [Path(path) for path in clean], loaded.sample_rate)
    with _keeping(folder) as where:
        own = _path(elf)
        return prove_model(loaded, _board(board), Path(where), recordings, emulator=emulator, seconds=seconds, elf=own)


def evaluate(
    data: PathLike,
    models: PathLike | Sequence[PathLike] | Mapping[str, PathLike] = (),
    *,
    recordings: Mapping[str, PathLike] | None = None,
    audiogram: str = "",
    fit: PathLike | None = None,
    baseline: str = "noisy",
    jobs: int = 1,
    chain: PathLike | Mapping[str, PathLike] | None = None,
    result: str | Mapping[str, str] | None = None,
    real_values: bool = False,
) -> Evaluation:
    """Score models, and recordings that something else enhanced, on the pairs of noisy and clean recordings under `data`.

    `models` are files, int8 or float, named after themselves, or name → file. `recordings` is name → folder, or files with one
    `*`. The layouts of `data` and the measures are those of docs/evaluate.md; `audiogram` (NH, N1 to N7, S1 to S3, or typed)
    adds HASPI and HASQI, heard through the table of `fit` if it is given. `jobs` processes score at a time. `chain` and
    `result` are those of all models, or name → of one. With `real_values`, each quantized model is scored once more as "NAME,
    real values": the numbers of its integer weights, no value rounded.

    Raises:
        InputError: no pairs, a model or a recording that cannot be used, or a name that is there twice.
    """
    from codesign.hearing.evaluate import evaluate as evaluate_systems
    from codesign.hearing.evaluate import find_pairs, recorded_system
    from codesign.hearing.evaluate.pairs import find_outputs
    from codesign.hearing.evaluate.scoring import sample_rate_of
    from codesign.hearing.evaluate.systems import System, model_systems, names_of
    from codesign.hearing.fitting import read_audiogram
    from codesign.hearing.fitting.fit import compressor_of, limit_of, loss_of

    if audiogram:
        read_audiogram(audiogram)
    heard_through = None if fit is None else compressor_of(Path(fit))
    if not isinstance(models, Mapping):
        files = [Path(file) for file in ([models] if isinstance(models, str | Path) else models)]
        models = dict(zip(names_of(files), files, strict=True))
    pairs = find_pairs(Path(data))
    with tempfile.TemporaryDirectory(prefix="codesign-") as folder:
        chains = chain if isinstance(chain, Mapping) else dict.fromkeys(models, chain)
        results = result if isinstance(result, Mapping) else dict.fromkeys(models, result)
        fitted = (None, ()) if fit is None else (limit_of(Path(fit)), loss_of(Path(fit)))
        systems = list[System]()
        for name, file in models.items():
            settings = (Path(file), Path(folder), _path(chains.get(name)), results.get(name), *fitted)
            systems += model_systems(name, *settings, real_values=real_values)
        rate = sample_rate_of(pairs, systems)
        for name, pattern in (recordings or {}).items():
            systems.append(recorded_system(name, find_outputs(pairs, name, str(pattern)), rate, str(pattern)))
        return evaluate_systems(pairs, systems, audiogram=audiogram, fit=heard_through, baseline=baseline, jobs=jobs)


def fit(
    audiogram: str,
    output: PathLike | None = None,
    *,
    ratio: float | None = None,
    attack: float = 5.0,
    release: float = 100.0,
    attenuation_limit: float | None = 3.0,
    makeup: bool = True,
    model: PathLike | None = None,
    pairs: PathLike | None = None,
) -> Fitting:
    """The gains of a hearing aid for an audiogram, by NAL-R with compression around speech of average level; a TOML file of
    them, which `build`, `prove`, `measure` and `evaluate` take as `fit`, goes to `output`.

    `audiogram` is NH, N1 to N7, S1 to S3, or typed, "250:20,500:25,1000:40" in Hz and dB HL; `ratio` is of all bands, by
    default 1 + loss/100 in each; times in ms. `attenuation_limit` is what the network may take of the noise in dB, None all.
    `makeup` gives back what a network takes of speech: as its file says, or as `model` takes it on `pairs`, a folder.

    Raises:
        InputError: no such audiogram, a ratio or a time out of range, or `output` cannot be written.
    """
    from codesign.hearing.evaluate.loss import speech_loss_of
    from codesign.hearing.evaluate.pairs import find_pairs
    from codesign.hearing.fitting import fit as fitted
    from codesign.hearing.fitting import read_audiogram
    from codesign.hearing.fitting.fit import write_fitting

    found = fitted(read_audiogram(audiogram), ratio, attack, release, attenuation_limit, makeup)
    if model is not None and pairs is not None:
        with tempfile.TemporaryDirectory(prefix="codesign-") as folder:
            found = replace(found, speech_loss=speech_loss_of(Path(model), find_pairs(Path(pairs)), Path(folder)))
    if output is not None:
        write_fitting(Path(output), found)
    return found


def measure(
    model: PathLike | Image,
    *,
    on: str = "unicorn",
    board: BoardLike = BOARD,
    strength: int | None = None,
    folder: PathLike | None = None,
    chain: PathLike | None = None,
    result: str | None = None,
    fit: PathLike | None = None,
    program: int | None = None,
) -> AidFigures:
    """The figures of a hearing aid, in the manner of IEC 60118, of an image that runs on the machine `on`: gain and maximum
    output over frequency, distortion, noise, attack, release and delay (docs/hearing-aid-chain.md).

    `model` is an int8 model, built for `board`, or an image that `build` made, which is measured as it is. `strength` is what
    the network does of a model's image, in percent, by default 0: networks for speech take tones away; -1 leaves the chain as
    it is. `program` is the chain's, by number, 0 for its own settings. The build stays in `folder` if it is given.

    Raises:
        InputError: the model, image or board cannot be used there, or an image is given with what is of a build.
        ToolError, BuildError, ValidationError: a tool is missing, the build failed, the image faulted.
    """
    from codesign.hearing.measure import measure as measure_model
    from codesign.hearing.measure import measure_image

    if strength is not None and not -1 <= strength <= 100:
        raise InputError(f"strength {strength} is not in 0…100 %", hint="-1 leaves the chain as it is")
    with _keeping(folder) as where:
        if isinstance(model, Image):
            if any(each is not None for each in (strength, chain, result, fit, program)):
                raise InputError(
                    "an image is what it is: strength, chain, result, fit and program are of its build",
                    hint="give them with the model's file",
                )
            return measure_image(model, on, Path(where) / on)
        loaded = set_up(load_model(Path(model), _path(chain), result), _board(board), _path(fit), program)
        how = None if strength == -1 else strength or 0
        return measure_model(loaded, _board(board), Path(where) / "image", on, strength=how)


def _keeping(folder: PathLike | None) -> AbstractContextManager[str]:
    """The folder that the user named, or one that goes when the work is done."""
    return tempfile.TemporaryDirectory(prefix="codesign-") if folder is None else nullcontext(str(folder))


def _path(path: PathLike | None) -> Path | None:
    return None if path is None else Path(path)


def _board(board: BoardLike) -> Board:
    return board if isinstance(board, Board) else load_board(board)
