# SPDX-License-Identifier: Apache-2.0
"""What a model is set to before it is built: the board's sound pressure levels, a fitting, the program at first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from codesign.base.errors import InputError
from codesign.compiler.frontend.output_stage import LIMITERS
from codesign.compiler.frontend.programs import check_program
from codesign.compiler.load import LoadedModel
from codesign.compiler.model.chain_file import FIT_LIMIT, fit_entries
from codesign.firmware.boards import Board


def set_up(
    model: LoadedModel, board: Board, fit: Path | None = None, program: int | None = None, strength: int | None = None
) -> LoadedModel:
    """The model with the tables of the file `fit` in its chain, and its limit of attenuation where the chain has none, with
    `program` and `strength` (percent) at first, and with the board's levels where the chain says none and needs them.

    Raises:
        InputError: the file cannot be used or does not fit the chain, or there is no such program.
    """
    keys: dict[str, Any] = {} if fit is None else fit_entries(fit)
    if model.network.frontend.attenuation_limit is not None:
        keys.pop(FIT_LIMIT, None)
    try:
        model = model.changed(**keys) if keys else model
    except InputError as error:
        raise InputError(f"{fit}: {error.message}", hint="see docs/hearing-aid-chain.md") from error
    chain = model.network.frontend
    if program is not None and program != chain.program:
        check_program(chain, program)
        model = model.changed(program=program)
    if strength is not None:
        model = model.changed(strength=strength)
    if board.audio is None or not (chain.compressor or any(getattr(chain, f"{key}_spl") is not None for key in LIMITERS)):
        return model
    levels = {"input_spl": board.audio.input_spl, "output_spl": board.audio.output_spl}
    missing = {key: value for key, value in levels.items() if getattr(chain, key) is None}
    return model.changed(**missing) if missing else model
