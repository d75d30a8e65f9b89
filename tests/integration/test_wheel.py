# SPDX-License-Identifier: Apache-2.0
"""The wheel: installed in an environment of its own, without the repository, it has all that `codesign demo` needs."""

import importlib.util
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def run(*command, folder):
    """What a command printed to both streams; no path of the repository's reaches it."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment |= {"NO_COLOR": "1", "COLUMNS": "100", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        [*map(str, command)], cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Folder of a virtual environment with the wheel. Its dependencies are those of the Python that runs the tests."""
    if importlib.util.find_spec("pip") is None:
        pytest.skip("no pip in the environment of the tests")
    folder = tmp_path_factory.mktemp("wheel")
    # The build backend is part of the extra "dev"; where it is missing, pip fetches it.
    backend = all(map(importlib.util.find_spec, ("hatchling", "hatch_vcs")))
    isolation = ["--no-build-isolation"] if backend else []
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", *isolation, "-w", folder, REPOSITORY, folder=folder)
    (wheel,) = folder.glob("codesign-*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", folder=folder)
    python = folder / "venv" / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel, folder=folder)
    # They come after the environment's own packages; their .pth files, as that of an editable codesign, are not read.
    own = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=folder).strip())
    paths = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    (own / "dependencies.pth").write_text("".join(f"{path}\n" for path in paths))
    return folder / "venv"


@pytest.mark.slow
def test_nothing_comes_from_the_repository(environment, tmp_path):
    program = (
        "import codesign, sys; from codesign.base.resources import resource; print(codesign.__file__, resource('runtime'))"
    )
    files = run(environment / "bin" / "python", "-c", program, folder=tmp_path).split()
    assert len(files) == 2
    for file in files:
        assert Path(file).is_relative_to(environment)
    # The version is that of the tags, which only a build knows: the wheel's name has it too.
    (wheel,) = environment.parent.glob("codesign-*.whl")
    version = wheel.name.split("-")[1]
    assert run(environment / "bin" / "codesign", "--version", folder=tmp_path) == f"codesign {version}\n"
    assert re.match(r"\d+\.\d+", version)


@pytest.mark.slow
def test_demo_from_the_wheel_is_proven(environment, tmp_path):
    assert "PROVEN" in run(environment / "bin" / "codesign", "demo", folder=tmp_path)
    assert (tmp_path / "demo" / "report.html").stat().st_size > 100_000
