# SPDX-License-Identifier: Apache-2.0
"""compare as a gate: a kernel made slower and a table made larger do not get through."""

import shutil

import pytest
from test_cli import codesign

from codesign.base.resources import resource
from codesign.cli.console import emit_json
from codesign.firmware.boards import load_board
from codesign.firmware.toolchain import runtime
from codesign.pipeline import prove
from codesign.proof.compare import compare, default_thresholds, read_figures
from codesign.proof.report import assemble
from codesign.proof.report.write import write_report


@pytest.fixture(scope="module")
def documents(small_model, small_proof, tmp_path_factory):
    """(base, worse): reports on the same network, before and after two changes of the runtime."""
    folder = tmp_path_factory.mktemp("gate")
    recordings, proof = small_proof
    write_report(folder / "base.json", assemble(proof, recordings))

    changed = folder / "runtime"
    shutil.copytree(resource("runtime"), changed)
    for file in (changed / "nn").glob("cs_fully_connected_s*.c"):
        edit(file, "\n{\n", "\n{\n    for (volatile int wasted = 0; wasted < 50; ++wasted) {\n    }\n")
    for file in (changed / "include" / "codesign" / "nn.h", changed / "nn" / "cs_tables.c"):
        edit(file, "cs_sigmoid_table[512]", "cs_sigmoid_table[640]")

    def elsewhere(*parts):
        return changed.joinpath(*parts[1:]) if parts[:1] == ("runtime",) else resource(*parts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime, "resource", elsewhere)
        slower = prove(small_model, load_board("nrf5340dk"), folder / "build", recordings, seconds=20)
    write_report(folder / "worse.json", assemble(slower, recordings))
    return folder / "base.json", folder / "worse.json"


def edit(path, old, new):
    text = path.read_text()
    assert text.count(old) == 1, path
    path.write_text(text.replace(old, new))


def test_a_slower_kernel_and_a_grown_table_are_named(documents):
    base, worse = map(read_figures, documents)
    rows = {row.name: row for row in compare(base, worse, default_thresholds()).rows}
    assert rows["flash"].verdict == "failed"
    assert rows["flash"].change >= 512
    assert rows["part.kernels.flash"].verdict == "failed"
    assert rows["layer.fc1.instructions"].verdict == "failed"
    assert rows["network.instructions"].verdict == "failed"
    for name in ("ram", "stack", "check.unicorn = host, bit for bit", "quality.tones.wav.si_sdr"):
        assert rows[name].verdict == "same", rows[name]


def test_the_command_exits_1_and_says_which(documents):
    done = codesign("compare", *documents, "--format", "md")
    assert done.returncode == 1
    assert "| network.instructions |" in done.stdout
    assert "too much: flash" in done.stderr
    assert codesign("compare", documents[0], documents[0]).returncode == 0


def test_the_other_way_round_is_an_improvement(documents):
    assert codesign("compare", *reversed(documents)).returncode == 0


def test_thresholds_and_update(documents, tmp_path):
    limits = tmp_path / "limits.toml"
    limits.write_text('[default]\npercent = 60\n["*"]\npercent = 60\nabsolute = 1000\n')
    assert codesign("compare", *documents, "-t", limits).returncode == 0
    baseline = tmp_path / "baseline.json"
    assert codesign("compare", baseline, documents[0], "--update").returncode == 0
    assert codesign("compare", baseline, documents[0]).returncode == 0
    assert codesign("compare", baseline, documents[1]).returncode == 1
    assert codesign("compare", baseline, documents[1], "--update").returncode == 0
    assert codesign("compare", baseline, documents[1]).returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["baseline.json", "limits.toml"]


def test_sizes_alone_can_be_compared(small_model, tmp_path):
    built = codesign("build", small_model, "--runtime", "bare", "-o", tmp_path / "out", "--json")
    assert built.returncode == 0, built.stderr
    (tmp_path / "build.json").write_text(built.stdout)
    sized = codesign("size", tmp_path / "out" / "firmware.elf", "--json")
    (tmp_path / "size.json").write_text(sized.stdout)
    done = codesign("compare", tmp_path / "build.json", tmp_path / "size.json")
    assert done.returncode == 0, done.stderr
    assert "0 beyond the thresholds" in done.stderr


def test_documents_of_another_kind(documents, tmp_path):
    (tmp_path / "doctor.json").write_text(codesign("doctor", "--json").stdout)
    done = codesign("compare", documents[0], tmp_path / "doctor.json")
    assert done.returncode == 2
    assert "doctor" in done.stderr


def test_what_verify_prints_has_the_same_figures(small_proof, documents, tmp_path, capsys):
    _, proof = small_proof
    emit_json("verify", ok=True, verdict=proof.verdict)
    (tmp_path / "verify.json").write_text(capsys.readouterr().out)
    assert read_figures(tmp_path / "verify.json").metrics == read_figures(documents[0]).metrics
