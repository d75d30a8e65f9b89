# SPDX-License-Identifier: Apache-2.0
"""The rooms of the package depend on each other in one direction only, and no two modules on each other."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import codesign

PACKAGE = Path(codesign.__file__).parent
MAY_IMPORT = {
    "base": set(),
    "compiler": {"base"},
    "drawing": {"base"},
    "firmware": {"base", "compiler"},
    "proof": {"base", "compiler", "drawing", "firmware"},
    "learning": {"base", "compiler", "firmware"},
    "hearing": {"base", "compiler", "drawing", "firmware", "learning", "proof"},
    "search": {"base", "compiler", "drawing", "firmware", "hearing", "learning", "proof"},
    "testing": {"base", "compiler", "firmware", "proof"},
}


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in PACKAGE.rglob("*.py")}


def imports(name: str, everywhere: bool = True) -> set[str]:
    """Modules of the package that a module imports; without `everywhere`, those that it imports when it is imported."""
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree) if everywhere else _at_import(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "codesign":
            found |= {inner if (inner := f"{node.module}.{alias.name}") in MODULES else node.module for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] == "codesign"}
    return found - {name}


def _at_import(tree: ast.Module) -> list[ast.stmt]:
    return [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_arrows_go_one_way(name):
    wrong = [
        f"{module} -> {other}"
        for module in MODULES
        if room(module) == name
        for other in imports(module)
        if room(other) not in {name, "", *MAY_IMPORT[name]}
    ]
    assert wrong == []


def test_every_folder_is_a_room():
    assert all(
        room(m) in MAY_IMPORT or not room(m) or room(m) in {"cli", "api", "enhancer", "pipeline", "__main__"} for m in MODULES
    )
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name not in ("__pycache__", "data")}
    assert folders == {*MAY_IMPORT, "cli"}


def test_nothing_but_the_command_line_imports_the_command_line():
    assert [m for m in MODULES if room(m) not in ("cli", "__main__") and any(room(o) == "cli" for o in imports(m))] == []


def test_no_module_imports_itself_through_others():
    graph = {name: {other for other in imports(name, everywhere=False) if other in MODULES} for name in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' -> '.join(error.args[1])}")


def test_a_class_name_has_one_meaning():
    """An operator of a model file, of the graph and of the network share one; parts of one layer are named in its own file."""
    found: Counter[tuple[str, str]] = Counter()
    for module, path in MODULES.items():
        stage = ".".join(module.split(".")[1:3]) if room(module) == "compiler" else room(module)
        names = [node.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ClassDef)]
        found.update((stage, name) for name in names if not name.startswith("_"))
    assert [(stage, name) for (stage, name), times in found.items() if times > 1 and stage != "compiler.layers"] == []
    stages = {name: {stage for stage, other in found if other == name} for _, name in found}
    shared = {"compiler.model", "compiler.operators", "compiler.layers"}
    assert {name: where for name, where in stages.items() if len(where) > 1 and not where <= shared} == {}


def test_the_arrows_of_the_page_are_those_that_grimp_finds():
    pytest.importorskip("grimp", reason="grimp draws the arrows: pip install grimp")
    page = (Path(__file__).parents[2] / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    program = re.search(r"```python\n(import grimp.*?)```", page, re.DOTALL)
    printed = re.search(r"```text\n(base.*?)```", page, re.DOTALL)
    assert program is not None
    assert printed is not None
    done = subprocess.run([sys.executable, "-c", program[1]], capture_output=True, text=True, check=True, timeout=100)
    assert [line.rstrip() for line in printed[1].splitlines()] == [line.rstrip() for line in done.stdout.splitlines()]
    arrows = {room: set(below.split()) for room, below in (line.split(" ->") for line in done.stdout.splitlines())}
    assert {room for room, below in arrows.items() if not below <= MAY_IMPORT.get(room, {*MAY_IMPORT})} == set()
