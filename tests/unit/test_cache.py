# SPDX-License-Identifier: Apache-2.0
"""The cache: where it is, and that texts kept there can be found."""

import tempfile
from pathlib import Path

from codesign.base import cache
from codesign.base.cache import cache_folder, keep_text


def test_the_folder_is_what_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CODESIGN_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == tmp_path / ".cache" / "codesign"
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert cache_folder() == Path("/x/codesign")
    monkeypatch.setenv("CODESIGN_CACHE", "/c")
    assert cache_folder() == Path("/c")


def test_texts_are_kept_apart_and_the_oldest_go(monkeypatch, tmp_path):
    monkeypatch.setenv("CODESIGN_CACHE", str(tmp_path))
    monkeypatch.setattr(cache, "KEPT", 3)
    paths = [Path(keep_text("build", f"text {number} \udcff")) for number in range(5)]
    assert len(set(paths)) == 5
    assert [path.exists() for path in paths] == [False, False, True, True, True]
    assert paths[-1].read_text() == "text 4 \\udcff"
    assert all(path.parent == tmp_path / "build" for path in paths)


def test_without_a_cache_they_go_to_the_temporary_files(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("CODESIGN_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    path = Path(keep_text("error", "text"))
    assert path.parent == tmp_path / "tmp"
    assert path.read_text() == "text"
    assert (tmp_path / "file").read_text() == "mine"
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    assert keep_text("error", "text") == ""
