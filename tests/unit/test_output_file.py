# SPDX-License-Identifier: Apache-2.0
"""Output files: whole or not at all, through links, into devices, never over an input."""

import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from codesign.base.audio import read_audio, write_audio
from codesign.base.errors import InputError
from codesign.base.files.output_file import check_file, check_files, replace_file


def write(path, text="new"):
    with replace_file(path) as temporary:
        temporary.write_text(text)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask():
    before = os.umask(0o027)
    yield
    os.umask(before)


def test_a_failed_write_keeps_the_old_file(tmp_path):
    target = tmp_path / "out.txt"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), replace_file(target) as temporary:
        temporary.write_text("half of the new")
        raise ZeroDivisionError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("name", ["no/out.txt", "file/out.txt", "", "n" * 300], ids=["missing", "file", "folder", "long"])
def test_what_cannot_be_written_is_one_line_before_and_after_the_work(tmp_path, name):
    (tmp_path / "file").write_text("mine")
    for refuse in (check_file, write):
        with pytest.raises(InputError, match="cannot write") as caught:
            refuse(tmp_path / name)
        assert "\n" not in str(caught.value)
    assert (tmp_path / "file").read_text() == "mine"
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_mode_is_that_of_the_umask_or_of_the_old_file(tmp_path, umask):
    path = tmp_path / "out.txt"
    write(path)
    assert mode(path) == 0o640
    for kept in (0o600, 0o666, 0o755):
        path.chmod(kept)
        write(path)
        assert mode(path) == kept


def test_a_protected_file_stays(tmp_path, monkeypatch):
    path = tmp_path / "out.txt"
    path.write_text("old")
    path.chmod(0o444)
    if os.geteuid() == 0:  # who may write anything
        monkeypatch.setattr(os, "access", lambda place, wanted: place.stat().st_mode & 0o200 != 0)
    with pytest.raises(InputError, match="write-protected"):
        write(path)
    assert path.read_text() == "old"


def test_links_are_followed(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("sub/real.txt")
    (tmp_path / "second.txt").symlink_to("link.txt")
    (tmp_path / "dangling.txt").symlink_to("sub/later.txt")
    for link, real in (("second.txt", "real.txt"), ("dangling.txt", "later.txt")):
        write(tmp_path / link)
        assert (tmp_path / link).is_symlink()
        assert not (tmp_path / "sub" / real).is_symlink()
        assert (tmp_path / "sub" / real).read_text() == "new"
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match="cannot write"):
        write(tmp_path / "loop")
    assert (tmp_path / "loop").is_symlink()


def test_a_device_is_written_to_and_stays_a_device(tmp_path):
    node = tmp_path / "null.wav"
    try:
        os.mknod(node, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        node.open("wb").close()
    except OSError as error:
        pytest.skip(f"no devices can be made here: {error}")
    write_audio(node, np.ones(1000, np.int16), 16000)
    assert stat.S_ISCHR(node.stat().st_mode)
    assert list(tmp_path.iterdir()) == [node]


def test_a_disk_and_a_socket_are_refused(tmp_path):
    import socket

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        with pytest.raises(InputError, match="socket"):
            write(tmp_path / "s")
    try:
        os.mknod(tmp_path / "disk", stat.S_IFBLK | 0o600, os.makedev(7, 250))
    except OSError as error:
        pytest.skip(f"no devices can be made here: {error}")
    with pytest.raises(InputError, match="disk"):
        write(tmp_path / "disk")
    assert stat.S_ISBLK((tmp_path / "disk").stat().st_mode)


def test_a_full_device_is_one_line():
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(InputError, match="cannot write /dev/full: No space left"):
        write(Path("/dev/full"))


def test_a_fifo_carries_what_is_written_and_stays_a_fifo(tmp_path):
    fifo, got = tmp_path / "fifo.wav", tmp_path / "got.wav"
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: got.write_bytes(fifo.read_bytes()))
    reader.start()
    pcm = np.arange(5000, dtype=np.int16)
    write_audio(fifo, pcm, 16000)
    reader.join()
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    np.testing.assert_array_equal(read_audio(got, 16000).pcm, pcm)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_is_written_to_also_when_it_is_a_file(tmp_path, name):
    if not Path(name).exists():
        pytest.skip(f"no {name} here")
    code = (
        "import pathlib\nfrom codesign.base.files.output_file import replace_file\nprint('before')\n"
        f"with replace_file(pathlib.Path({name!r})) as t:\n    t.write_text('content\\n')\nprint('after')"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with (tmp_path / "all.txt").open("w") as file:
        subprocess.run([sys.executable, "-c", code], stdout=file, env=environment, check=True)
    assert (tmp_path / "all.txt").read_text() == "before\ncontent\nafter\n"
    piped = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert piped.stdout == "before\ncontent\nafter\n"


def test_an_input_is_never_an_output(tmp_path):
    model = tmp_path / "model.onnx"
    model.write_text("model")
    (tmp_path / "soft").symlink_to("model.onnx")
    (tmp_path / "hard").hardlink_to(model)
    (tmp_path / "loop").symlink_to(".")
    for name in ("model.onnx", "soft", "hard", "loop/model.onnx", "../" + tmp_path.name + "/model.onnx"):
        with pytest.raises(InputError, match="is an input too") as caught:
            check_file(tmp_path / name, [tmp_path / "other", model])
        assert caught.value.hint
    check_file(tmp_path / "new.onnx", [model, tmp_path / "missing"])


def test_a_recording_in_a_folder_that_is_read_is_an_input(tmp_path):
    (tmp_path / "data" / "sub").mkdir(parents=True)
    (tmp_path / "data" / "sub" / "a.wav").write_text("sound")
    (tmp_path / "data" / "figures.csv").write_text("figures of the last run")
    with pytest.raises(InputError, match="is an input too"):
        check_file(tmp_path / "data" / "sub" / "a.wav", [tmp_path / "data"])
    check_file(tmp_path / "data" / "figures.csv", [tmp_path / "data"])


def test_two_outputs_are_two_files(tmp_path):
    (tmp_path / "link").symlink_to("a.md")
    with pytest.raises(InputError, match="the same file"):
        check_files([tmp_path / "a.md", tmp_path / "link"])
    check_files([tmp_path / "a.md", tmp_path / "b.md"])


def test_writers_at_the_same_time_leave_one_whole_file(tmp_path):
    path, texts = tmp_path / "out.txt", [letter * 100_000 for letter in "abc"]
    write(path, texts[0])

    def repeat(text):
        for _ in range(50):
            write(path, text)
            assert path.read_text() in texts

    threads = [threading.Thread(target=repeat, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in texts
    assert list(tmp_path.iterdir()) == [path]


def test_a_read_only_disk_is_said_of_the_file_that_was_asked_for(tmp_path, monkeypatch):
    """There unlink() refuses as well, even what does not exist."""

    def refuse(path, *arguments, **options):
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "touch", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    expected = r"cannot write .*a\.txt: Read-only file system; check the folder"
    with pytest.raises(InputError, match=expected), replace_file(tmp_path / "a.txt"):
        pass
