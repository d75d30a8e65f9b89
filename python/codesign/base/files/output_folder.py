# SPDX-License-Identifier: Apache-2.0
"""Output folders: written beside their place and put there whole; what codesign did not write is never removed.

A folder of codesign's has a manifest.json that names the tool and, in `contents`, everything that it wrote. Only such a folder
is replaced, and only while it holds nothing else.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from codesign.base.errors import InputError
from codesign.base.files.contents import contents_of, entries, write_contents
from codesign.base.files.exchange import exchange
from codesign.base.files.leftovers import lock_folder, neighbour, remove_leftovers, unlock_folder
from codesign.base.files.output_file import replace_file

_HINT = "choose another folder"
_READS = 100  # of a folder that others replace all the time


def place_of(folder: Path) -> Path:
    """Where output for `folder` goes, links resolved: never what stands there as a whole for more than codesign's output.

    Raises:
        InputError: the root, the home, a mount point, the current folder or one above it; or no folder at all.
    """
    try:
        here = Path(os.path.realpath(os.curdir))
        place = Path(os.path.realpath(folder))
    except OSError as error:  # the current folder was removed
        raise InputError(f"cannot write {folder}: {error.strerror}", hint="run in a folder that exists") from error
    reason = ""
    if place == place.parent:
        reason = "it is the root of all folders"
    elif place == here or place in here.parents:
        reason = "it is the current folder or one above it"
    elif place == Path(os.path.realpath(_home())):
        reason = "it is your home"
    elif os.path.ismount(place):
        reason = "another file system is mounted there"
    if reason:
        raise InputError(f"cannot make {folder} an output folder: {reason}", hint="name a new folder in it")
    mode = _mode(place)  # asked once: another writer may be between two renames
    present = stat.S_ISDIR(mode)
    if mode and not present:
        raise InputError(f"{folder} exists and was not made by codesign: it is no folder", hint=_HINT)
    if present and not os.access(place, os.W_OK | os.X_OK) and _mode(place):
        raise InputError(f"cannot write {folder}: it is write-protected", hint=_HINT)
    return place


def _mode(place: Path) -> int:
    """Type and permissions of what is there, 0 where nothing is or can be."""
    try:
        return os.stat(place).st_mode  # noqa: PTH116 - Path's raises on names that are too long
    except OSError:
        return 0


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a user without one
        return Path("/")


def check_folder(folder: Path, ours: Collection[str] = ()) -> Path:
    """Where output for `folder` goes, links resolved: a new or empty folder, or one that holds only what codesign wrote, and
    what `ours` names.

    Raises:
        InputError: it is neither, or place_of refuses it.
    """
    place = place_of(folder)
    try:
        present, known = _read_whole(place)
        foreign = sorted(present - (known or set()) - set(ours))
    except OSError as error:
        raise InputError(f"cannot read {folder}: {error.strerror or error}", hint=_HINT) from error
    if foreign and known is None:
        raise InputError(f"{folder} was not made by codesign: it holds {foreign[0]}", hint=_HINT)
    if foreign:
        raise InputError(f"{folder} holds {foreign[0]}, which codesign did not write", hint=f"move it away, or {_HINT}")
    return place


def _read_whole(place: Path) -> tuple[set[str], set[str] | None]:
    """What lies in a folder and what its manifest lists, of one and the same folder: another writer may put a new one there
    between the two.
    """
    for _ in range(_READS):
        before = _identity(place)
        try:
            found = entries(place), contents_of(place)
        except OSError:
            if _identity(place) == before:
                raise
            continue
        if _identity(place) == before:
            return found
    return entries(place), contents_of(place)


def _identity(place: Path) -> tuple[int, int] | None:
    try:
        status = place.stat()
    except OSError:  # not there, or no name that could be
        return None
    return status.st_dev, status.st_ino


@contextlib.contextmanager
def replace_folder(folder: Path, ours: Collection[str] = ()) -> Iterator[Path]:
    """An empty folder to fill, a manifest.json in it; when the block ends well it is put in the place of `folder`.

    At every moment a whole folder, old or new, stands there; of writers at the same time the last one wins. When the block
    raises, everything is as before. The manifest is completed with the tool and the contents. `ours` are names that are
    codesign's there without a manifest too.

    Raises:
        InputError: check_folder refuses `folder`, or it cannot be written.
    """
    place = check_folder(folder, ours)
    building = neighbour(place, "new")
    held = -1
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        while held < 0:
            building.mkdir()
            held = lock_folder(building, wait=True)
            if not building.is_dir():  # another process took it for a leftover before it was held
                unlock_folder(held)
                held = -1
            elif held < 0:
                break  # a file system without locks
        if mode := _mode(place):
            building.chmod(mode & 0o777)
        yield building
        write_contents(building)
        check_folder(folder, ours)  # files may have come while it was built
        _put(building, place)
        remove_leftovers(place)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror or error}", hint=_HINT) from error
    finally:
        # After an exchange this name has the old folder.
        shutil.rmtree(building, ignore_errors=True)
        unlock_folder(held)


def _put(building: Path, place: Path) -> None:
    """Make `building` the folder at `place`; what was there then has the name `building`, or is removed."""
    while True:
        try:
            building.rename(place)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        else:
            return
        try:
            if exchange(building, place):
                return
        except FileNotFoundError:  # another writer is between two renames
            continue
        with set_aside(place):
            try:
                building.rename(place)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
            else:
                return


@contextlib.contextmanager
def set_aside(place: Path) -> Iterator[None]:
    """The folder at `place`, if any, under another name while the block makes a new one; removed when the block ends well,
    else put back instead of what the block made.
    """
    aside = neighbour(place, "old")
    held = lock_folder(place)
    try:
        with contextlib.suppress(FileNotFoundError):
            place.rename(aside)
        yield
    except BaseException:
        if aside.is_dir():
            unfinished = neighbour(place, "new")
            with contextlib.suppress(FileNotFoundError):
                place.rename(unfinished)
            aside.rename(place)
            shutil.rmtree(unfinished, ignore_errors=True)
        raise
    else:
        shutil.rmtree(aside, ignore_errors=True)
    finally:
        unlock_folder(held)


def update_folder(source: Path, target: Path) -> None:
    """Make the files that codesign wrote to `target` those of `source`; a file that stays the same keeps its time, others stay.

    Raises:
        InputError: `target` cannot be written.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)
        names = {path.name for path in source.iterdir()}
        for old in contents_of(target) or ():
            if old not in names and (target / old).is_file():
                (target / old).unlink()
        for path in source.iterdir():
            old_file = target / path.name
            if not old_file.is_file() or old_file.read_bytes() != path.read_bytes():
                with replace_file(old_file) as temporary:
                    temporary.write_bytes(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror or error}", hint=_HINT) from error
