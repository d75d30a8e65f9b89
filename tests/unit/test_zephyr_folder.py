# SPDX-License-Identifier: Apache-2.0
"""The folder of a Zephyr build, with tools that only write files."""

import json

import pytest

from codesign.base.errors import InputError
from codesign.base.files.contents import contents_of
from codesign.firmware.toolchain.zephyr_folder import CONFIGURED, MODEL, build_folder, check_build_folder


def build(folder, text, *, anew=False, fails=False):
    with build_folder(folder, anew=anew):
        (folder / MODEL).mkdir(exist_ok=True)
        (folder / CONFIGURED).write_text(text)
        (folder / f"{text}.elf").write_text(text)
        if fails:
            raise KeyboardInterrupt


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_a_build_goes_on_in_its_folder_and_lists_what_it_made(tmp_path):
    out = tmp_path / "build"
    build(out, "one")
    (out / "notes.txt").write_text("mine")
    build(out, "two")
    assert names(out) == {MODEL, "one.elf", "two.elf", "notes.txt", "manifest.json"}
    assert contents_of(out) == {f"{MODEL}/", CONFIGURED, "one.elf", "two.elf", "manifest.json"}


def test_an_interrupted_build_is_codesigns_too(tmp_path):
    out = tmp_path / "build"
    with pytest.raises(KeyboardInterrupt):
        build(out, "one", fails=True)
    build(out, "two", anew=True)
    assert names(out) == {MODEL, "two.elf", "manifest.json"}


def test_a_build_begun_anew_takes_the_place_of_the_old_one_when_it_succeeds(tmp_path):
    out = tmp_path / "build"
    build(out, "one")
    with pytest.raises(KeyboardInterrupt):
        build(out, "two", anew=True, fails=True)
    assert names(out) == {MODEL, "one.elf", "manifest.json"}
    assert (out / CONFIGURED).read_text() == "one"
    build(out, "three", anew=True)
    assert names(out) == {MODEL, "three.elf", "manifest.json"}
    assert names(tmp_path) == {"build"}


def test_a_build_is_not_begun_anew_over_files_of_the_users(tmp_path):
    out = tmp_path / "build"
    build(out, "one")
    (out / "notes.txt").write_text("mine")
    build(out, "one")
    with pytest.raises(InputError, match=r"holds notes\.txt, which codesign did not write"):
        build(out, "two", anew=True)
    assert (out / "notes.txt").read_text() == "mine"
    assert (out / "one.elf").exists()


def test_a_project_with_generated_sources_is_no_build(tmp_path):
    (tmp_path / MODEL).mkdir()
    (tmp_path / "main.c").write_text("mine")
    with pytest.raises(InputError, match="was not made by codesign"):
        check_build_folder(tmp_path)


def test_a_build_of_the_version_without_lists_goes_on_but_is_not_begun_anew(tmp_path):
    out = tmp_path / "build"
    (out / MODEL).mkdir(parents=True)
    (out / CONFIGURED).write_text("one")
    manifest = {"schema_version": 1, "tool": "codesign 0.1.0", "files": {"m.c": "hash"}}
    (out / MODEL / "manifest.json").write_text(json.dumps(manifest))
    (out / "zephyr.elf").write_text("old")
    with pytest.raises(InputError, match="an earlier version"):
        build(out, "two", anew=True)
    assert (out / "zephyr.elf").read_text() == "old"
    build(out, "one")
    build(out, "two", anew=True)
    assert names(out) == {MODEL, "two.elf", "manifest.json"}
