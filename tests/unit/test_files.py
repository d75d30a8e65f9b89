import pytest

from codesign.base.errors import InputError
from codesign.base.files import replace_file, replace_folder


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


def test_a_folder_of_somebody_else_is_not_touched(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="was not made by codesign"), replace_folder(tmp_path):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_file_in_the_place_of_the_folder_is_not_touched(tmp_path):
    target = tmp_path / "out"
    target.write_text("mine")
    with pytest.raises(InputError, match="was not made by codesign"), replace_folder(target):
        pass
    assert target.read_text() == "mine"


def test_a_failed_write_keeps_the_old_file(tmp_path):
    target = tmp_path / "out.txt"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), replace_file(target) as temporary:
        temporary.write_text("half of the new")
        raise ZeroDivisionError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_missing_folder_is_one_line(tmp_path):
    with pytest.raises(InputError, match="cannot write") as caught, replace_file(tmp_path / "no" / "out.txt"):
        pass
    assert "\n" not in str(caught.value)
