# SPDX-License-Identifier: Apache-2.0
"""Two names in the file system swapped in one step, where the system can."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

_HERE = -100
"""AT_FDCWD: paths are relative to the current folder."""
_EXCHANGE = 2
"""RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS."""
_CANNOT = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)


def exchange(one: Path, other: Path) -> bool:
    """Swap what two paths on one file system name; at no moment is either missing. False where that is not to be had.

    Raises:
        OSError: one is missing, or may not be renamed.
    """
    library = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(one), os.fsencode(other)
    if sys.platform == "darwin":
        call, arguments = getattr(library, "renamex_np", None), (*names, _EXCHANGE)
    else:
        call, arguments = getattr(library, "renameat2", None), (_HERE, names[0], _HERE, names[1], _EXCHANGE)
    if call is None:
        return False
    if call(*arguments) == 0:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(other))
