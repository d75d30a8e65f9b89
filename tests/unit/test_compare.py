# SPDX-License-Identifier: Apache-2.0
"""compare: what is worse than allowed, in either direction, and documents that cannot be compared."""

import json
from pathlib import Path

import pytest

from codesign.base.errors import InputError
from codesign.proof.compare import Figures, compare, default_thresholds, read_figures, read_thresholds
from codesign.proof.compare.figures import render_baseline
from codesign.proof.compare.summary import render_comparison
from codesign.proof.report.content import Metric
from evidence import HOSTILE


def figures(**values):
    kinds = {"quality": ("dB", "more"), "check": ("passed", "more")}
    found = []
    for name, value in values.items():
        dotted = name.replace("__", ".")
        unit, better = kinds.get(dotted.split(".")[0], ("bytes", "less"))
        found.append(Metric(dotted, float(value), unit, better, "exact"))
    return Figures((("model", "m"), ("board", "b")), tuple(found))


def verdicts(base, new, thresholds=None):
    return {row.name: row.verdict for row in compare(base, new, thresholds or default_thresholds()).rows}


def thresholds(tmp_path, text):
    path = tmp_path / "thresholds.toml"
    path.write_text(text)
    return read_thresholds(path)


def test_defaults():
    base = figures(flash=100_000, ram=100_000, stack=264, check__equal=1, quality__a__si_sdr=10, part__x__flash=100)
    new = figures(flash=101_000, ram=101_001, stack=329, check__equal=0, quality__a__si_sdr=9.89, part__x__flash=356)
    assert verdicts(base, new) == {
        "flash": "worse",
        "ram": "failed",
        "stack": "failed",
        "check.equal": "failed",
        "quality.a.si_sdr": "failed",
        "part.x.flash": "worse",
    }


def test_better_and_same_and_new_and_gone():
    base = figures(flash=100, ram=50, part__a__flash=7, quality__a__si_sdr=3)
    new = figures(flash=90, ram=50, part__b__flash=9, quality__a__si_sdr=4)
    assert verdicts(base, new) == {
        "flash": "better",
        "ram": "same",
        "part.a.flash": "gone",
        "quality.a.si_sdr": "better",
        "part.b.flash": "new",
    }


def test_a_figure_that_must_be_there():
    assert verdicts(figures(flash=1, ram=1), figures(flash=1))["ram"] == "failed"


def test_the_most_exact_pattern_wins(tmp_path):
    limits = thresholds(
        tmp_path,
        '[default]\npercent = 50\n["layer.*"]\npercent = 0\nabsolute = 10\n["layer.lstm*"]\nabsolute = 20\n'
        '["layer.lstm0.instructions"]\nignore = true\n',
    )
    base = figures(layer__fc0__instructions=100, layer__lstm0__instructions=100, layer__lstm1__instructions=100, flash=100)
    new = figures(layer__fc0__instructions=111, layer__lstm0__instructions=999, layer__lstm1__instructions=120, flash=150)
    assert list(verdicts(base, new, limits).values()) == ["failed", "worse", "worse", "worse"]


def test_the_last_bit_is_no_change():
    assert verdicts(figures(flash=0.1 + 0.2), figures(flash=0.3)) == {"flash": "same"}


def test_a_zero_base():
    assert verdicts(figures(flash=0), figures(flash=1)) == {"flash": "failed"}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[flash]\npercent = -1", "flash.percent"),
        ("[flash]\npercents = 1", "flash.percents"),
        ("[flash]\nabsolute = nan", "flash.absolute"),
        ('[flash]\nrequired = "yes"', "flash.required"),
        ("flash = 1", "flash"),
        ("[layer.lstm0]\npercent = 1", "quotes"),
        ("[flash", "TOML"),
    ],
)
def test_bad_thresholds(tmp_path, text, word):
    with pytest.raises(InputError, match=word):
        thresholds(tmp_path, text)


def test_thresholds_that_are_not_there(tmp_path):
    with pytest.raises(InputError, match=r"none\.toml"):
        read_thresholds(tmp_path / "none.toml")


def test_a_baseline_is_read_back(tmp_path):
    wanted = figures(flash=100_000, quality__a__si_sdr=3.25)
    (tmp_path / "base.json").write_text(render_baseline(wanted))
    assert read_figures(tmp_path / "base.json") == wanted


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("{", "not JSON"),
        ("[]", "schema_version"),
        ('{"schema_version": 2}', "schema_version is 2"),
        ('{"schema_version": 1, "kind": "doctor"}', "kind is 'doctor'"),
        ('{"schema_version": 1, "kind": "report"}', "damaged"),
        ('{"schema_version": 1, "kind": "baseline", "origin": {}, "metrics": [{"name": "x"}]}', "metrics.0"),
        ('{"schema_version": 1, "kind": "verify", "verdict": {}}', "damaged"),
        ("[" * 100_000, "not JSON"),
        (b"\xff\xfe", "not JSON"),
    ],
)
def test_documents_that_cannot_be_compared(tmp_path, content, word):
    path = tmp_path / "bad.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=word) as error:
        read_figures(path)
    assert "bad.json" in error.value.message


def test_not_finite(tmp_path):
    path = tmp_path / "bad.json"
    path.write_text(render_baseline(figures(flash=1)).replace("1.0", "NaN"))
    with pytest.raises(InputError, match="flash is not finite"):
        read_figures(path)


def test_markdown_shows_hostile_names_as_text():
    base = Figures((("model", HOSTILE),), (Metric(f"layer.{HOSTILE}.instructions", 1.0, "x", "less", "exact"),))
    new = Figures((), (Metric(f"layer.{HOSTILE}.instructions", 1000.0, "x", "less", "exact"),))
    text = render_comparison(compare(base, new, default_thresholds()))
    assert "❌ 1 beyond the thresholds" in text
    assert "<" not in text
    assert "](" not in text.replace("\\](", "")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(line.replace("\\|", "").split("|")) for line in rows} == {8}


def test_baseline_document_is_one_line_a_figure():
    text = render_baseline(figures(flash=1, ram=2))
    assert sum('"name"' in line for line in text.splitlines()) == 2
    assert json.loads(text)["kind"] == "baseline"


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_no_document(device):
    with pytest.raises(InputError, match="not a regular file"):
        read_figures(Path(device))
