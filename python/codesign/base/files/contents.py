# SPDX-License-Identifier: Apache-2.0
"""manifest.json of an output folder: what tells codesign's own folders, and all that codesign wrote to them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from codesign import __version__

MANIFEST = "manifest.json"
_TOOL = "codesign "
_OF_A_BUILD = r"(src/)?({files})|src/|obj/([^/]+\.su)?|firmware\.(elf|map)|linker\.ld|lib[^/]+\.so"
_OF_A_TEST = r"index\.html|audio/([\w-]+\.js)?"


def entries(folder: Path) -> set[str]:
    """Everything below `folder` as relative paths, folders with a slash at their end; links are not followed.

    Raises:
        OSError: a folder that cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise error

    if not os.path.lexists(folder):
        return set()
    found: set[str] = set()
    for at, folders, files in os.walk(folder, onerror=refuse):
        below = Path(at).relative_to(folder)
        found |= {(below / name).as_posix() for name in files}
        for name in folders:
            path = (below / name).as_posix()
            found.add(path if (Path(at) / name).is_symlink() else f"{path}/")
    return found


def contents_of(folder: Path) -> set[str] | None:
    """What codesign wrote to `folder`, as entries names it; None when it is no output folder of codesign's."""
    document = _read(folder)
    if document is None:
        return None
    contents = document.get("contents")
    if isinstance(contents, list) and _by_codesign(document):
        return {str(name) for name in contents} | {MANIFEST}
    pattern = _earlier(document)
    if pattern is None:
        return None
    return {name for name in entries(folder) if name == MANIFEST or re.fullmatch(pattern, name)}


def write_contents(folder: Path, leave_out: set[str] | None = None) -> None:
    """Complete `folder`'s manifest with the tool and all that lies in the folder, less `leave_out`."""
    document = {"schema_version": 1, "tool": f"{_TOOL}{__version__}", **(_read(folder) or {})}
    document["contents"] = sorted((entries(folder) | {MANIFEST}) - (leave_out or set()))
    (folder / MANIFEST).write_text(json.dumps(document, indent=2, ensure_ascii=True) + "\n", encoding="utf-8")


def _by_codesign(document: dict[str, Any]) -> bool:
    return isinstance(document.get("schema_version"), int) and str(document.get("tool")).startswith(_TOOL)


def _earlier(document: dict[str, Any]) -> str | None:
    """A pattern of all that the version before `contents` wrote, by the kind of its manifest."""
    files = document.get("files")
    if isinstance(files, dict) and _by_codesign(document):
        return _OF_A_BUILD.format(files="|".join(map(re.escape, (*files, MANIFEST))))
    if document.get("kind") == "listen-test" and "test_kind" in document:
        return _OF_A_TEST
    return None


def _read(folder: Path) -> dict[str, Any] | None:
    try:
        document = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
