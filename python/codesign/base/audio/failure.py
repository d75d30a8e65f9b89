# SPDX-License-Identifier: Apache-2.0
"""What libsndfile says about a failure."""

from __future__ import annotations

import re

_CLEARER = {
    "Internal error : SF_INFO struct incomplete": "its header gives no possible sample rate",
    "System error": "the disk may be full, or the file cannot be reached",
}


def reason(error: Exception) -> str:
    """Its words, without its repetition of the file's name."""
    text = getattr(error, "error_string", "") or getattr(error, "strerror", "") or str(error)
    text = re.sub(r"^Error opening .*?: (?=[A-Z])", "", text)
    text = re.sub(r"^Error : ", "", text).rstrip(".")
    return _CLEARER.get(text, text) or "libsndfile gives no reason"
