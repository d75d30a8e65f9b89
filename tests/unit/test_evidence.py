# SPDX-License-Identifier: Apache-2.0
"""Evidence: requirements and their tests, results of JUnit XML, the folder with its hashes, a signature, what is refused."""

import ast
import hashlib
import json
import os
import stat
from pathlib import Path

import pytest

from codesign.base.errors import InputError, ToolError
from codesign.proof.evidence import Inputs, gather, write_evidence
from codesign.proof.evidence.junit import TestResult, read_junit
from codesign.proof.evidence.requirements import Requirement, read_anomalies, read_requirements
from codesign.proof.evidence.sign import check_signer
from codesign.proof.evidence.trace import trace

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


REQUIREMENTS = """
[[requirement]]
id = "AID-1"
title = "Two | tests"
text = "It does."
tests = ["tests/unit/test_a.py::test_one", "tests/unit/test_b.py"]
"""
ANOMALIES = '[[anomaly]]\nid = "AID-KNOWN-1"\ntitle = "t"\neffect = "e"\nremedy = "r"\n'
JUNIT = """<?xml version="1.0"?>
<testsuites><testsuite name="pytest">
<testcase classname="tests.unit.test_a" name="test_one[x]"/>
<testcase classname="tests.unit.test_a" name="test_one[y]"/>
<testcase classname="tests.unit.test_a" name="test_one_more"><failure message="m"/></testcase>
<testcase classname="tests.unit.test_b.TestClass" name="test_two"/>
<testcase classname="tests.unit.test_bb" name="test_two"><error/></testcase>
</testsuite></testsuites>
"""


def test_every_requirement_of_ours_names_tests_that_exist():
    requirements = read_requirements(ROOT / "docs" / "requirements.toml")
    assert len(requirements) > 8
    for one in requirements:
        for test in one.tests:
            file, _, name = test.partition("::")
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
            assert name in functions if name else any(each.startswith("test_") for each in functions), test
    assert read_anomalies(ROOT / "docs" / "anomalies.toml")


def test_cases_belong_to_tests_by_file_and_name(write):
    (one,) = trace(read_requirements(write("r.toml", REQUIREMENTS)), read_junit(write("j.xml", JUNIT)))
    assert [(test.passed, test.failed, test.skipped) for test in one.tests] == [(2, 0, 0), (1, 0, 0)]
    assert one.status == "shown"


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        (["passed"], "shown"),
        (["passed", "skipped"], "incomplete"),
        (["skipped"], "incomplete"),
        ([], "incomplete"),
        (["passed", "failed"], "failed"),
        (["skipped", "failed"], "failed"),
    ],
)
def test_a_requirement_is_shown_by_tests_that_passed_and_nothing_else(outcomes, status):
    requirement = Requirement(id="A-1", title="t", text="t", tests=("tests/test_a.py::test_x",))
    results = [TestResult("tests.test_a", f"test_x[{n}]", outcome, "why") for n, outcome in enumerate(outcomes)]
    (one,) = trace([requirement], results)
    assert one.status == status
    assert len(one.tests[0].reasons) == sum(outcome != "passed" for outcome in outcomes)


def test_reasons_are_one_line(write):
    text = '<testsuite><testcase classname="a" name="b"><failure message="x&#10;y"/></testcase></testsuite>'
    (case,) = read_junit(write("j.xml", text))
    assert (case.outcome, case.reason) == ("failed", "x y")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not XML"),
        ("<testsuite>", "is not XML"),
        ("<testsuite/>", "no testcase"),
        ('<!DOCTYPE a [<!ENTITY x "y">]><testsuite><testcase name="&x;"/></testsuite>', "document type"),
        ("{}", "is not XML"),
    ],
)
def test_what_is_no_junit_is_one_line(write, text, says):
    with pytest.raises(InputError, match=says) as caught:
        read_junit(write("j.xml", text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds"),
        ("[requirement]\nid = 'A-1'\n", "holds"),
        (REQUIREMENTS + "[[other]]\n", "holds"),
        (REQUIREMENTS + REQUIREMENTS, "AID-1 stands there twice"),
        (REQUIREMENTS.replace("AID-1", "aid 1"), "requirement 1.id"),
        (REQUIREMENTS.replace("title", "titel"), "requirement 1.title: Field required"),
        ("[[requirement]]\nid = 'A-1'\ntitle = 't'\ntext = 't'\ntests = []\n", "requirement 1.tests"),
    ],
)
def test_what_is_no_requirement_is_one_line(write, text, says):
    with pytest.raises(InputError, match=says) as caught:
        read_requirements(write("r.toml", text))
    assert "\n" not in str(caught.value)


@pytest.fixture
def inputs(write):
    kept = write("report.json", "{}")
    return Inputs((write("j.xml", JUNIT),), write("r.toml", REQUIREMENTS), write("a.toml", ANOMALIES), documents=(kept, kept))


def test_the_folder_is_whole_and_its_hashes_hold(inputs, tmp_path):
    folder = tmp_path / "evidence"
    evidence = gather(inputs)
    assert evidence.ok
    for _ in range(2):  # the second one replaces the first
        assert write_evidence(folder, evidence, inputs) == ()
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"README.md", "trace.md", "trace.json", "soup.md", "tools.md", "anomalies.md", "results/j.xml"} <= files
    assert {"kept/report.json", "kept/2-report.json"} <= files
    sums = dict(line.split("  ")[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    assert set(sums) == files - {"SHA256SUMS", "manifest.json"}
    for name, digest in sums.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert "Two \\| tests" in (folder / "trace.md").read_text()
    assert "claims no compliance" in " ".join((folder / "README.md").read_text().split())
    assert json.loads((folder / "trace.json").read_text())["requirements"][0]["status"] == "shown"
    assert any(one.name == "numpy" and one.version for one in evidence.soup)


def test_a_folder_with_a_file_of_the_users_is_refused(inputs, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("x")
    with pytest.raises(InputError, match=r"notes\.txt"):
        write_evidence(tmp_path / "mine", gather(inputs), inputs)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def program(folder, name, text):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_minisign_is_called_on_the_sums_with_the_users_key(inputs, tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    program(tmp_path / "bin", "minisign", 'cp "$5" "$5.minisig"; echo "$@" > "$(dirname "$5")/../arguments"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    key = tmp_path / "mine.key"
    key.write_text("k")
    check_signer(key, False)
    write_evidence(tmp_path / "evidence", gather(inputs), inputs, key)
    assert (tmp_path / "evidence" / "SHA256SUMS.minisig").read_bytes() == (tmp_path / "evidence" / "SHA256SUMS").read_bytes()
    assert f"-S -s {key} -m" in (tmp_path / "arguments").read_text()
    program(tmp_path / "bin", "minisign", "echo wrong password >&2; exit 1")
    with pytest.raises(InputError, match="minisign refused: wrong password"):
        write_evidence(tmp_path / "other", gather(inputs), inputs, key)
    assert not (tmp_path / "other").exists()


def test_a_signer_that_is_not_here_is_said_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    for key, sigstore, name in ((tmp_path / "k", False, "minisign"), (None, True, "sigstore")):
        with pytest.raises(ToolError, match=f"{name} is not here") as caught:
            check_signer(key, sigstore)
        assert caught.value.exit_code == 3
    check_signer(None, False)
