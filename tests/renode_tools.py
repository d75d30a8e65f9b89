# SPDX-License-Identifier: Apache-2.0
"""What the tests with Renode need, and why they are skipped where it is not there."""

from __future__ import annotations

from codesign.base.errors import CodesignError
from codesign.firmware.machines.renode_process import find_renode
from zephyr_tools import missing_for_zephyr


def missing_for_renode(board: str) -> str:
    """Why no image for `board` can be built or run in Renode here, "" when it can."""
    try:
        find_renode()
    except CodesignError as error:
        return error.message
    return missing_for_zephyr(board)
