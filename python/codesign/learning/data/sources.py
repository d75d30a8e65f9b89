# SPDX-License-Identifier: Apache-2.0
"""Where recordings come from: a folder here, or a URL that fsspec opens (HTTP, S3 and other object stores)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from codesign.base.errors import InputError, ToolError, one_line

Place = Path | str
"""A folder, or a URL as text."""
TRIES = 4
FIRST_WAIT_SECONDS = 0.5
"""Before the second try of a URL; doubled before each further one."""
_DRIVERS = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs", "abfss": "adlfs"}


def inside(place: Place, name: str) -> Place:
    """What is called `name` there."""
    return f"{place}/{name}" if isinstance(place, str) else place / name


def read_bytes(place: Place) -> bytes:
    """The whole file at a place; a URL that does not answer is tried again.

    Raises:
        InputError: there is no such file, or it cannot be read.
        ToolError: what opens URLs of this kind is not installed.
    """
    if isinstance(place, Path):
        try:
            return place.read_bytes()
        except OSError as error:
            raise InputError(f"cannot read {place}: {error.strerror or error}") from error
    for attempt in range(TRIES):
        try:
            return _fetched(place)
        except FileNotFoundError:
            raise InputError(f"cannot read {place}: there is no such file") from None
        except PermissionError as error:
            raise InputError(f"cannot read {place}: {one_line(str(error), 160)}") from error
        except (InputError, ToolError):
            raise
        except Exception as error:  # of whatever file system: all but the two above may pass
            if attempt == TRIES - 1:
                reason = one_line(str(error) or type(error).__name__, 160)
                raise InputError(f"cannot read {place}: {reason}", hint=f"tried {TRIES} times; is it up?") from error
            time.sleep(FIRST_WAIT_SECONDS * 2**attempt)
    raise AssertionError


def _fetched(url: str) -> bytes:
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise ToolError("fsspec is not installed; it opens URLs", hint="pip install 'codesign[train]'") from error
    try:
        system, path = url_to_fs(url)
    except ImportError as error:
        scheme = url.partition("://")[0]
        driver = _DRIVERS.get(scheme, "aiohttp" if scheme.startswith("http") else "")
        hint = f"pip install {driver}" if driver else one_line(str(error), 160)
        raise ToolError(f"what opens {scheme}:// is not installed", hint=hint) from error
    except ValueError as error:
        raise InputError(f"{url}: {one_line(str(error), 160)}", hint="give a folder, https://, s3:// or gs://") from error
    content: Any = system.cat_file(path)
    return bytes(content)
