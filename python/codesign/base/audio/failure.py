"""What libsndfile says about a failure."""

from __future__ import annotations

import re


def reason(error: Exception) -> str:
    """Its words, without its repetition of the file's name."""
    text = getattr(error, "error_string", "") or getattr(error, "strerror", "") or str(error)
    text = re.sub(r"^Error opening .*?: (?=[A-Z])", "", text)
    return re.sub(r"^Error : ", "", text).rstrip(".") or "libsndfile gives no reason"
