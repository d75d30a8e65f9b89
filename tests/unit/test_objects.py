# SPDX-License-Identifier: Apache-2.0
"""Objects of the runtime's files that the cache keeps: made once, and again when anything that they depend on is another."""

import sys
from dataclasses import replace

import pytest

from codesign.base.errors import BuildError
from codesign.firmware.toolchain import objects
from codesign.firmware.toolchain.compilers import HostCompiler
from codesign.firmware.toolchain.objects import compile_runtime

PROGRAM = """
import pathlib, sys
words = sys.argv[1:]
source, output = pathlib.Path(words[words.index("-c") + 1]), pathlib.Path(words[words.index("-o") + 1])
text = source.read_text()
if "error" in text:
    sys.exit("error: it says so")
output.write_text(f"object of {text}")
output.with_suffix(".su").write_text(f"stack of {text}")
with pathlib.Path(sys.argv[0]).with_name("log").open("a") as log:
    log.write(source.name + "\\n")
"""


class Room:
    """A runtime of two files and a header, and a compiler that writes down what it compiles."""

    def __init__(self, folder):
        self.folder = folder
        self.runtime = folder / "runtime"
        (self.runtime / "nn").mkdir(parents=True)
        self.header = self.runtime / "nn" / "h.h"
        self.header.write_text("header")
        self.sources = [self.runtime / "nn" / name for name in ("a.c", "b.c")]
        for source in self.sources:
            source.write_text(source.stem)
        (folder / "cc.py").write_text(PROGRAM)
        self.compiler = HostCompiler("cc", "1.0", (sys.executable, "-I", "-S", str(folder / "cc.py")))
        self.flags = ("-O2", f"-I{self.runtime}")
        self.builds = 0

    def build(self, sources=None):
        """The names of what was compiled for a new build, after a look at the files."""
        log = self.folder / "log"
        log.unlink(missing_ok=True)
        self.builds += 1
        build = self.folder / f"build{self.builds}"
        build.mkdir()
        sources = sources or self.sources
        texts = [source.read_text() for source in sources]
        found = compile_runtime(self.compiler, self.flags, sources, build)
        assert [file.read_text() for file in found] == [f"object of {text}" for text in texts]
        assert [file.with_suffix(".su").read_text() for file in found] == [
            f"stack of {source.read_text()}" for source in sources
        ]
        return sorted(log.read_text().split()) if log.exists() else []


@pytest.fixture
def room(tmp_path, monkeypatch):
    monkeypatch.setenv("CODESIGN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(objects, "resource", lambda name: tmp_path / name)
    return Room(tmp_path)


def test_what_was_compiled_is_not_compiled_again(room):
    assert room.build() == ["a.c", "b.c"]
    assert room.build() == []
    room.sources[0].write_text("other")
    assert room.build() == ["a.c"]


def test_headers_flags_compiler_and_environment_count(room, monkeypatch):
    room.build()
    room.header.write_text("another header")
    assert room.build() == ["a.c", "b.c"]
    room.flags = ("-O3", *room.flags[1:])
    assert room.build() == ["a.c", "b.c"]
    room.compiler = replace(room.compiler, version="1.1")
    assert room.build() == ["a.c", "b.c"]
    monkeypatch.setenv("CPATH", "/elsewhere")
    assert room.build() == ["a.c", "b.c"]
    assert room.build() == []


def test_what_depends_on_other_files_is_not_kept(room):
    model = room.folder / "model.c"
    model.write_text("model")
    room.build([*room.sources, model])
    assert room.build([model, *room.sources]) == ["model.c"]
    room.flags = (*room.flags, f"-iquote{room.folder}")
    assert room.build() == room.build() == ["a.c", "b.c"]


def test_another_place_of_the_same_runtime_is_the_same(room, monkeypatch):
    room.build()
    place = room.runtime.rename(room.folder / "elsewhere")
    room.sources = [place / "nn" / source.name for source in room.sources]
    room.flags = ("-O2", f"-I{place}")
    monkeypatch.setattr(objects, "resource", lambda name: place)
    assert room.build() == []


def test_a_file_that_fails_is_not_kept(room):
    room.sources[1].write_text("error")
    for _ in range(2):
        with pytest.raises(BuildError, match=r"b\.c: error: it says so"):
            room.build()


def test_a_cache_that_cannot_be_written_costs_time_alone(room):
    (room.folder / "cache").write_text("a file")
    assert room.build() == room.build() == ["a.c", "b.c"]


def test_those_used_longest_ago_go(room, monkeypatch):
    monkeypatch.setattr(objects, "KEPT", 1)
    room.build()
    assert len(list((room.folder / "cache" / "objects").iterdir())) == 1
    assert len(room.build()) == 1
