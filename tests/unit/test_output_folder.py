# SPDX-License-Identifier: Apache-2.0
"""Output folders: ours are replaced whole, what is not ours stays, whatever interrupts."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from codesign.base.errors import InputError
from codesign.base.files import output_folder
from codesign.base.files.contents import contents_of
from codesign.base.files.leftovers import lock_folder, unlock_folder
from codesign.base.files.output_folder import check_folder, replace_folder, set_aside, update_folder


def write(folder, text="text", names=("a.txt", "sub/b.txt")):
    with replace_folder(folder) as building:
        for name in names:
            (building / name).parent.mkdir(exist_ok=True)
            (building / name).write_text(text)
        (building / "empty").mkdir()
        (building / "manifest.json").write_text("{}")


def texts(folder):
    return {(folder / name).read_text() for name in ("a.txt", "sub/b.txt")}


def neighbours(folder):
    return sorted(path.name for path in folder.parent.iterdir() if path != folder)


def test_folder_appears_complete_or_not_at_all(tmp_path):
    target = tmp_path / "out"
    with pytest.raises(ZeroDivisionError), replace_folder(target) as building:
        (building / "manifest.json").write_text("{}")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    with replace_folder(target) as building:
        (building / "manifest.json").write_text("{}")
        assert not target.exists()
    assert [p.name for p in target.iterdir()] == ["manifest.json"]


def test_the_manifest_names_the_tool_and_everything_written(tmp_path):
    write(tmp_path / "out")
    document = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert document["tool"].startswith("codesign ")
    assert document["contents"] == ["a.txt", "empty/", "manifest.json", "sub/", "sub/b.txt"]


def test_own_output_is_replaced(tmp_path):
    write(tmp_path / "out", "old", names=("a.txt", "sub/b.txt", "c.txt"))
    write(tmp_path / "out", "new")
    assert texts(tmp_path / "out") == {"new"}
    assert not (tmp_path / "out" / "c.txt").exists()
    assert neighbours(tmp_path / "out") == []


@pytest.mark.parametrize(
    "manifest",
    [
        "{}",
        "[]",
        "not JSON",
        "[" * 100_000,
        '{"manifest_version": 3, "name": "a browser extension"}',
        '{"name": "a web application", "icons": []}',
        '{"schema_version": 1, "tool": "another 1.0", "contents": ["thesis.txt"]}',
        '{"schema_version": 1, "tool": "codesign 0.1", "contents": "thesis.txt"}',
        '{"tool": "codesign 0.1", "contents": ["thesis.txt"]}',
        '{"schema_version": 1, "tool": "codesign 0.1"}',
    ],
)
def test_a_folder_of_somebody_else_is_not_touched(tmp_path, manifest):
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(InputError, match="was not made by codesign: it holds"), replace_folder(tmp_path):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    assert neighbours(tmp_path / "thesis.txt") == ["manifest.json"]


@pytest.mark.parametrize("foreign", ["notes.txt", "sub/notes.txt", "own/notes.txt", ".hidden", "link", "folder/"])
def test_a_file_that_codesign_did_not_write_refuses_the_write_and_is_named(tmp_path, foreign):
    out = tmp_path / "out"
    write(out, "old")
    path = out / foreign
    path.parent.mkdir(exist_ok=True)
    if foreign == "link":
        path.symlink_to(tmp_path)
    elif foreign.endswith("/"):
        path.mkdir()
    else:
        path.write_text("mine")
    with pytest.raises(InputError, match="codesign did not write") as caught:
        write(out, "new")
    assert foreign.split("/")[0] in caught.value.message
    assert os.path.lexists(path)
    assert texts(out) == {"old"}


def test_a_file_that_came_while_the_new_folder_was_made_refuses_it_too(tmp_path):
    out = tmp_path / "out"
    write(out, "old")
    with pytest.raises(InputError, match=r"notes\.txt"), replace_folder(out) as building:
        (building / "manifest.json").write_text("{}")
        (out / "notes.txt").write_text("mine")
    assert (out / "notes.txt").read_text() == "mine"
    assert neighbours(out) == []


def test_a_file_in_the_place_of_the_folder_is_not_touched(tmp_path):
    target = tmp_path / "out"
    target.write_text("mine")
    with pytest.raises(InputError, match="was not made by codesign"), replace_folder(target):
        pass
    assert target.read_text() == "mine"


@pytest.mark.parametrize("name", [".", "..", "../..", "/", "", "sub/..", "~", "here", "link"])
def test_root_home_and_where_one_stands_are_refused(tmp_path, monkeypatch, name):
    here = tmp_path / "home" / "parent" / "here"
    (here / "sub").mkdir(parents=True)
    (here / "link").symlink_to("..")
    (here / "here").symlink_to(here)
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = Path(os.path.expanduser(name))  # noqa: PTH111 - as a shell does it
    with pytest.raises(InputError, match="cannot make"), replace_folder(folder):
        pytest.fail("the work was begun")
    assert sorted(path.name for path in here.iterdir()) == ["here", "link", "sub"]


def test_a_current_folder_that_was_removed_is_one_line(tmp_path):
    (tmp_path / "gone").mkdir()
    code = "import os, pathlib\nfrom codesign.base.files.output_folder import check_folder\n"
    code += f"os.rmdir({str(tmp_path / 'gone')!r})\ncheck_folder(pathlib.Path('x'))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "gone", capture_output=True, text=True, env=environment, check=False
    )
    assert "InputError: cannot write x" in done.stderr


def test_links_to_folders_are_written_through(tmp_path):
    write(tmp_path / "real", "old")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "dangling").symlink_to("later")
    for link, real in (("link", "real"), ("dangling", "later")):
        write(tmp_path / link, "new")
        assert (tmp_path / link).is_symlink()
        assert not (tmp_path / real).is_symlink()
        assert texts(tmp_path / real) == {"new"}


def test_mode_is_that_of_the_umask_or_of_the_old_folder(tmp_path):
    before = os.umask(0o027)
    try:
        write(tmp_path / "out")
        assert (tmp_path / "out").stat().st_mode & 0o777 == 0o750
        (tmp_path / "out").chmod(0o700)
        write(tmp_path / "out")
        assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)


def test_a_long_name(tmp_path):
    write(tmp_path / ("n" * 250))
    write(tmp_path / ("ß" * 120), "new")
    assert texts(tmp_path / ("ß" * 120)) == {"new"}
    with pytest.raises(InputError, match="cannot write"):
        write(tmp_path / ("n" * 300))


EARLIER = {
    "a build": (
        {"schema_version": 1, "tool": "codesign 0.1.0", "files": {"m.h": "hash", "m.c": "hash"}},
        ["firmware.elf", "firmware.map", "linker.ld", "src/m.h", "src/m.c", "src/manifest.json", "obj/m.c.su"],
    ),
    "sources": ({"schema_version": 1, "tool": "codesign 0.1.0", "files": {"m.h": "hash"}}, ["m.h"]),
    "a test": ({"schema_version": 1, "kind": "listen-test", "test": "t", "test_kind": "mushra"}, ["index.html", "audio/s1.js"]),
}


@pytest.mark.parametrize("kind", EARLIER)
def test_output_of_the_version_without_contents_is_known_by_its_names(tmp_path, kind):
    out = tmp_path / "out"
    manifest, names = EARLIER[kind]
    for name in names:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("old")
    (out / "manifest.json").write_text(json.dumps(manifest))
    (out / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"notes\.txt"):
        write(out)
    (out / "notes.txt").unlink()
    write(out, "new")
    assert texts(out) == {"new"}


class Stop:
    """Raises KeyboardInterrupt at the nth call of a function, before or after what it does."""

    def __init__(self, function, at, after):
        self.function, self.left, self.after = function, at, after

    def __get__(self, instance, owner):
        return self if instance is None else lambda *rest, **options: self(instance, *rest, **options)

    def __call__(self, *arguments, **options):
        self.left -= 1
        if self.left != 0:
            return self.function(*arguments, **options)
        if self.after:
            self.function(*arguments, **options)
        raise KeyboardInterrupt


@pytest.mark.parametrize("swaps", [True, False], ids=["exchange", "renames"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("owner", "name", "at"),
    [(Path, "rename", 1), (Path, "rename", 2), (Path, "rename", 3), (output_folder, "exchange", 1), (shutil, "rmtree", 1)],
    ids=["rename1", "rename2", "rename3", "exchange", "rmtree"],
)
def test_ctrl_c_in_the_swap_leaves_the_old_or_the_new_folder_whole(tmp_path, monkeypatch, swaps, after, owner, name, at):
    out = tmp_path / "out"
    write(out, "old")
    with monkeypatch.context() as patch:
        if not swaps:
            patch.setattr(output_folder, "exchange", lambda one, other: False)
        patch.setattr(owner, name, Stop(getattr(owner, name), at, after))
        try:
            write(out, "new")
        except KeyboardInterrupt:
            assert texts(out) in ({"old"}, {"new"})
        else:
            assert texts(out) == {"new"}
    assert check_folder(out) == out
    write(out, "next")
    assert texts(out) == {"next"}
    assert neighbours(out) == []


WRITER = """
import sys, time
from pathlib import Path
from codesign.base.files import output_folder
if sys.argv[3] == "renames":
    output_folder.exchange = lambda one, other: False
end, count, text = time.monotonic() + float(sys.argv[4]), 0, sys.argv[2]
print("ready", flush=True)
while time.monotonic() < end:
    with output_folder.replace_folder(Path(sys.argv[1])) as building:
        for number in range(20):
            (building / f"{number}.txt").write_text(text)
        (building / "manifest.json").write_text("{}")
    count += 1
print(count)
"""


def writer(folder, text, way, seconds):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), text, way, str(seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    return process


@pytest.mark.parametrize("way", ["exchange", "renames"])
def test_writers_at_the_same_time_neither_fail_nor_mix(tmp_path, way):
    out = tmp_path / "out"
    writers = [writer(out, text, way, 1.5) for text in "abc"]
    while not out.exists() and any(process.poll() is None for process in writers):
        time.sleep(0.01)
    absent = 0
    while any(process.poll() is None for process in writers):
        try:
            folder = os.open(out, os.O_RDONLY)
        except FileNotFoundError:
            absent += 1
            continue
        found = set()
        try:
            for number in range(20):
                with os.fdopen(os.open(f"{number}.txt", os.O_RDONLY, dir_fd=folder)) as file:
                    found.add(file.read())
        except FileNotFoundError:  # the folder that was opened is being removed
            pass
        finally:
            os.close(folder)
        assert len(found) <= 1
    for process in writers:
        counted, errors = process.communicate()
        assert process.returncode == 0, errors
        assert int(counted) > 0
    assert len({(out / f"{number}.txt").read_text() for number in range(20)}) == 1
    assert contents_of(out) == {"manifest.json", *(f"{number}.txt" for number in range(20))}
    if way == "exchange" and sys.platform == "linux":
        assert absent == 0
    write(out)
    assert neighbours(out) == []


@pytest.mark.parametrize("way", ["exchange", "renames"])
def test_a_killed_writer_loses_nothing_and_its_leftovers_go_with_the_next_write(tmp_path, way):
    out = tmp_path / "out"
    write(out, "old", names=[f"{number}.txt" for number in range(20)])
    for pause in (0.0, 0.003, 0.01, 0.017, 0.03, 0.05):
        process = writer(out, "new", way, 60)
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        whole = [out] if out.exists() else [path for path in tmp_path.glob(".out-*") if contents_of(path)]
        assert whole, "neither the old nor the new folder is left"
        assert {(whole[0] / f"{number}.txt").read_text() for number in range(20)} in ({"old"}, {"new"})
    write(out, "next")
    assert texts(out) == {"next"}
    assert neighbours(out) == []


def test_leftovers_of_others_and_of_living_writers_stay(tmp_path):
    out = tmp_path / "out"
    stay = [".out-old-mine", ".outer-old-01234567", "out-old-01234567", ".out-new-0123456"]
    for name in (*stay, ".out-new-76543210", ".out-old-01234567"):
        (tmp_path / name).mkdir()
    (tmp_path / ".out-old-abcdef01").write_text("a file of the user's")
    held = lock_folder(tmp_path / ".out-new-76543210")
    write(out)
    assert neighbours(out) == sorted([*stay, ".out-old-abcdef01", ".out-new-76543210"])
    unlock_folder(held)
    write(out)
    assert neighbours(out) == sorted([*stay, ".out-old-abcdef01"])


def test_a_folder_set_aside_comes_back_when_the_block_fails(tmp_path):
    out = tmp_path / "out"
    write(out, "old")
    with pytest.raises(ZeroDivisionError), set_aside(out):
        assert not out.exists()
        out.mkdir()
        (out / "half.txt").write_text("half")
        raise ZeroDivisionError
    assert texts(out) == {"old"}
    assert not (out / "half.txt").exists()
    assert neighbours(out) == []
    with set_aside(out):
        write(out, "new")
    assert texts(out) == {"new"}
    assert neighbours(out) == []


def test_a_folder_mounted_or_protected_is_refused_before_the_work(tmp_path, monkeypatch):
    out = tmp_path / "out"
    write(out, "old")
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path) == out)
    with pytest.raises(InputError, match="mounted"):
        check_folder(out)
    monkeypatch.undo()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != out)
    with pytest.raises(InputError, match="write-protected"):
        check_folder(out)


def test_an_update_removes_only_what_codesign_wrote_and_keeps_times(tmp_path):
    write(tmp_path / "source", names=("a.c", "b.c"))
    shutil.rmtree(tmp_path / "source" / "empty")
    target = tmp_path / "target"
    update_folder(tmp_path / "source", target)
    (target / "mine.c").write_text("mine")
    os.utime(target / "a.c", (1, 1))
    write(tmp_path / "source", names=("a.c", "d.c"))
    shutil.rmtree(tmp_path / "source" / "empty")
    update_folder(tmp_path / "source", target)
    assert sorted(path.name for path in target.iterdir()) == ["a.c", "d.c", "manifest.json", "mine.c"]
    assert (target / "a.c").stat().st_mtime == 1
