# SPDX-License-Identifier: Apache-2.0
"""What a user adds to a Zephyr build, in the words of each release, and folders that Zephyr cannot be built in."""

from pathlib import Path

import pytest

from codesign.base.errors import InputError
from codesign.firmware.toolchain.options import BuildOptions, settings_of
from codesign.firmware.toolchain.zephyr_folder import check_build_folder

OLD, NEW = (3, 3), (4, 1)


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("mine.conf", "more.conf", "mine.overlay", "board.overlay"):
        (tmp_path / name).write_text("", encoding="utf-8")
    return tmp_path


def test_files_are_relative_to_the_current_folder(files):
    options = BuildOptions(("EXTRA_CONF_FILE=mine.conf", "CONFIG_X=y"), (Path("more.conf"),), (Path("mine.overlay"),))
    assert settings_of(options, NEW, Path("none.overlay")) == [
        f"EXTRA_CONF_FILE={files / 'mine.conf'};{files / 'more.conf'}",
        "CONFIG_X=y",
        f"EXTRA_DTC_OVERLAY_FILE={files / 'mine.overlay'}",
    ]


def test_before_zephyr_3_4_an_overlay_takes_the_boards_own_along(files):
    options = BuildOptions((), (Path("mine.conf"),), (Path("mine.overlay"),))
    assert settings_of(options, OLD, files / "board.overlay") == [
        f"OVERLAY_CONFIG={files / 'mine.conf'}",
        f"DTC_OVERLAY_FILE={files / 'board.overlay'};{files / 'mine.overlay'}",
    ]
    assert settings_of(options, OLD, files / "none.overlay")[1] == f"DTC_OVERLAY_FILE={files / 'mine.overlay'}"
    assert settings_of(BuildOptions(), OLD, files / "board.overlay") == []


def test_folders_are_absolute_and_shields_one_list(files):
    (files / "mine").mkdir()
    options = BuildOptions(("BOARD_ROOT=mine",), shields=("codec", "microphones"))
    assert settings_of(options, NEW, Path("none.overlay")) == [f"BOARD_ROOT={files / 'mine'}", "SHIELD=codec;microphones"]
    assert settings_of(BuildOptions(("SHIELD=first",), shields=("codec",)), OLD, Path("none")) == ["SHIELD=first;codec"]
    assert BuildOptions(shields=("codec",))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (BuildOptions(("BOARD_ROOT=lost",)), "no folder lost"),
        (BuildOptions(shields=("two words",)), "no name of a shield"),
        (BuildOptions(("EXTRA_CONF_FILE=lost.conf",)), r"no file lost\.conf"),
        (BuildOptions((), (Path("lost.conf"),)), r"no file lost\.conf"),
        (BuildOptions((), (), (Path("lost.overlay"),)), r"no file lost\.overlay"),
        (BuildOptions(("no value",)), "NAME=VALUE"),
    ],
)
def test_missing_files_and_other_words_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        settings_of(options, NEW, Path("board.overlay"))


@pytest.mark.parametrize("name", ["my build", "100%"])
def test_folders_that_zephyrs_tools_take_apart_are_refused(files, name):
    with pytest.raises(InputError, match="Zephyr cannot be built in"):
        check_build_folder(files / name)
