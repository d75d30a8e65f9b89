# SPDX-License-Identifier: Apache-2.0
"""The notebook: stored without outputs, and every cell runs, in Jupyter where it is installed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "examples" / "first_network.ipynb"


@pytest.fixture
def cells():
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]


@pytest.fixture
def beside_the_models(tmp_path, monkeypatch):
    """A folder that stands to the models as examples/ does, so that nothing is written to the project."""
    (tmp_path / "models").symlink_to(ROOT / "models")
    (tmp_path / "examples").mkdir()
    monkeypatch.chdir(tmp_path / "examples")
    return tmp_path / "examples"


def test_it_is_stored_without_outputs(cells):
    kinds = {cell["cell_type"] for cell in cells}
    assert kinds == {"code", "markdown"}
    for cell in cells:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


def test_its_links_lead_somewhere(cells):
    text = "".join(line for cell in cells for line in cell["source"])
    links = [part.partition(")")[0] for part in text.split("](")[1:]]
    assert links
    for link in links:
        assert (NOTEBOOK.parent / link).resolve().is_file(), link


@pytest.mark.slow
def test_its_cells_run_one_after_the_other(cells, beside_the_models, monkeypatch, capsys):
    pytest.importorskip("matplotlib", reason="the notebook plots with matplotlib")
    monkeypatch.setenv("MPLBACKEND", "agg")
    space: dict[str, object] = {"Audio": lambda samples, rate: None}
    for cell in cells:
        if cell["cell_type"] == "code":
            source = "".join(line for line in cell["source"] if "import Audio" not in line)  # there is no page to play it in
            exec(compile(source, cell["id"], "exec"), space)
    assert (beside_the_models / "first_network_files" / "int8.onnx").is_file()
    assert "unicorn = host, bit for bit" in capsys.readouterr().out
    space["pyplot"].close("all")


@pytest.mark.slow
def test_it_runs_in_jupyter(beside_the_models):
    pytest.importorskip("matplotlib", reason="the notebook plots with matplotlib")
    pytest.importorskip("ipykernel", reason="runs a kernel of Jupyter: pip install nbclient ipykernel")
    nbclient = pytest.importorskip("nbclient", reason="runs the notebook as Jupyter does: pip install nbclient ipykernel")
    nbformat = pytest.importorskip("nbformat", reason="reads notebooks")
    shutil.copy(NOTEBOOK, beside_the_models)
    notebook = nbformat.read(beside_the_models / NOTEBOOK.name, as_version=4)
    nbformat.validate(notebook)
    nbclient.NotebookClient(notebook, timeout=300).execute(cwd=str(beside_the_models))
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in shown) == 1
    assert sum("<audio" in output.get("data", {}).get("text/html", "") for output in shown) == 2
