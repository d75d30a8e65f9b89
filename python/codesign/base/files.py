"""Writing so that nothing is ever half-written: a temporary neighbour, then a rename."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from codesign.base.errors import InputError


@contextlib.contextmanager
def replace_folder(folder: Path) -> Iterator[Path]:
    """An empty folder to fill, which takes the place of `folder` when the block ends well and vanishes when it does not.

    Raises:
        InputError: `folder` is a file, holds files that codesign did not generate, or cannot be written.
    """
    if folder.exists() and not (folder.is_dir() and (not any(folder.iterdir()) or (folder / "manifest.json").exists())):
        raise InputError(f"output folder {folder} exists and was not made by codesign", hint="choose another folder")
    building: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
        building.chmod(0o755)
        yield building
        if folder.exists():
            shutil.rmtree(folder)
        building.rename(folder)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror or error}", hint="choose another folder") from error
    finally:
        if building is not None and building.exists():
            shutil.rmtree(building, ignore_errors=True)


def update_folder(source: Path, target: Path) -> None:
    """Make the files of `target` those of `source`; a file that stays the same keeps its time.

    Raises:
        InputError: `target` cannot be written.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)
        names = {path.name for path in source.iterdir()}
        for old in target.iterdir():
            if old.name not in names and old.suffix in (".c", ".h"):
                old.unlink()
        for path in source.iterdir():
            old = target / path.name
            if not old.is_file() or old.read_bytes() != path.read_bytes():
                with replace_file(old) as temporary:
                    temporary.write_bytes(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror or error}", hint="choose another folder") from error


@contextlib.contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """A temporary path next to `path` to write to, renamed to it when the block ends well.

    Raises:
        InputError: the folder is missing or not writable, or `path` is a folder.
    """
    if path.is_dir():
        raise InputError(f"cannot write {path}: it is a folder", hint="name a file")
    temporary: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix, delete=False) as f:
            temporary = Path(f.name)
        temporary.chmod(0o644)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}", hint="check the folder") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
