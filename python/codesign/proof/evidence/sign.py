# SPDX-License-Identifier: Apache-2.0
"""A signature of the list of hashes, by a program and a key of the user's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from codesign.base.errors import InputError, ToolError, one_line

SUMS = "SHA256SUMS"


def check_signer(key: Path | None, sigstore: bool) -> None:
    """Whether what will be asked for is here, before the work.

    Raises:
        ToolError: no minisign, no sigstore.
        InputError: no such key.
    """
    if key is not None:
        _need("minisign", "install minisign, https://jedisct1.github.io/minisign")
        if not key.is_file():
            raise InputError(f"{key} is no file", hint="name the secret key of minisign -G")
    if sigstore:
        _need("sigstore", "pip install sigstore")


def sign(folder: Path, key: Path | None, sigstore: bool, comment: str) -> str:
    """Sign the sums in `folder`; what was done, in words, "" where nothing was asked for. A password is asked on the terminal.

    Raises:
        InputError: the program refused.
    """
    said = []
    if key is not None:
        _run(["minisign", "-S", "-s", str(key), "-m", str(folder / SUMS), "-t", comment])
        said.append(f"{SUMS}.minisig by minisign")
    if sigstore:
        bundle = f"{SUMS}.sigstore.json"
        _run(["sigstore", "sign", "--bundle", str(folder / bundle), str(folder / SUMS)])
        said.append(f"{bundle} by sigstore")
    return " and ".join(said)


def _need(program: str, how: str) -> None:
    if shutil.which(program) is None:
        raise ToolError(f"{program} is not here", hint=f"{how}; or leave the signature out")


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except OSError as error:
        raise ToolError(f"{command[0]} does not start: {error.strerror}", hint="or leave the signature out") from error
    if done.returncode:
        raise InputError(f"{command[0]} refused: {one_line(done.stderr or done.stdout, 200)}", hint="check the key")
