# SPDX-License-Identifier: Apache-2.0
"""Every command's JSON is what its written schema says, and a version of a schema keeps what it promised.

Commands whose other tests run them with --json are held there by the same `document`.
"""

import ast
import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from codesign.base.resources import resource
from codesign.cli.app import app
from json_documents import FOLDER, KINDS, document, required, schema

ROOT = Path(__file__).resolve().parents[2]
MODEL = resource("models", "low-latency", "low-latency.onnx")
CONTRACT = Path(__file__).with_name("json_contract.json")


def run(*arguments, code=0):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    return done.stdout


def emitted():
    """The kinds that any command emits, by the source."""
    kinds = set()
    for path in (ROOT / "python" / "codesign" / "cli").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "emit_json":
                kinds.add(node.args[0].value.replace(" ", "-"))
    return kinds


def test_every_kind_has_a_schema_and_no_schema_is_left_over():
    assert sorted(emitted() | {"report", "baseline"}) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_one_and_says_what_it_is_of(kind):
    written = schema(kind)
    jsonschema.Draft202012Validator.check_schema(written)
    version = written["properties"]["schema_version"]["const"]
    assert written["$id"] == f"urn:codesign:{kind}:{version}"
    assert written["properties"]["kind"]["const"].replace(" ", "-") == kind
    assert {"schema_version", "kind"} <= set(written["required"])
    assert written["description"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_version_keeps_what_it_promised(kind):
    """What a document had to have stays, under its name and of its type. Anything else is another schema_version, and then
    another entry: python -m tests.integration.test_json_schemas.
    """
    promised = json.loads(CONTRACT.read_text(encoding="utf-8"))
    written = schema(kind)
    key = f"{kind}/{written['properties']['schema_version']['const']}"
    assert key in promised, f"{key} is new: write it to {CONTRACT.name}"
    now = required(kind)
    assert {path: now.get(path) for path in promised[key]} == promised[key]


def test_the_page_lists_every_schema():
    page = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    listed = re.findall(r"\(\.\./python/codesign/cli/schemas/([a-z-]+)\.schema\.json\)", page)
    assert sorted(listed) == KINDS


def test_schema_prints_them():
    assert json.loads(run("schema", "verify")) == schema("verify")
    assert run("schema") == ""
    assert len(list(FOLDER.iterdir())) == len(KINDS)
    assert "no document of kind 'nothing'" in str(CliRunner().invoke(app, ["schema", "nothing"]).exception)


def test_lists():
    assert {board["name"] for board in document(run("boards", "--json"), "boards")["boards"]} >= {"nrf5340dk", "native_sim"}
    assert document(run("doctor", "--json"), "doctor")["checks"]


def test_inspect_of_an_integer_network_a_chain_and_a_float_one(small_model, tmp_path):
    assert document(run("inspect", MODEL, "--json"), "inspect")["quantized"]
    (tmp_path / "chain.toml").write_text('[chain]\npreset = "gtcrn"\n', encoding="utf-8")
    document(run("inspect", tmp_path / "chain.toml", "--json"), "inspect")
    assert not document(run("inspect", small_model.with_name("float.onnx"), "--json"), "inspect")["quantized"]


def test_examples(tmp_path):
    found = document(run("examples", tmp_path / "examples", "--json"), "examples")
    assert {path.name for path in (tmp_path / "examples").iterdir()} == {*found["files"], "recordings", "manifest.json"}
    assert len(list((tmp_path / "examples" / "recordings" / "noisy").iterdir())) == found["recordings"]


def test_fit(tmp_path):
    assert document(run("fit", "--audiogram", "N3", "--json"), "fit")["output"] is None


def test_files_of_a_model(small_model, tmp_path):
    assert document(run("generate", small_model, "-o", tmp_path / "c", "--json"), "generate")["sources"]
    built = run("build", small_model, "--runtime", "bare", "-o", tmp_path / "out", "--json")
    assert document(built, "build")["stack"] is not None
    (tmp_path / "size.json").write_text(run("size", tmp_path / "out" / "firmware.elf", "--json"))
    document((tmp_path / "size.json").read_text(), "size")
    compared = run("compare", tmp_path / "size.json", tmp_path / "size.json", "--format", "json")
    assert document(compared, "compare")["ok"]
    run("compare", tmp_path / "base.json", tmp_path / "size.json", "--update")
    document((tmp_path / "base.json").read_text(), "baseline")
    host = run("build", small_model, "--board", "native_sim", "--runtime", "host", "-o", tmp_path / "host", "--json")
    assert "footprint" not in document(host, "build")


def test_power(tmp_path):
    (tmp_path / "log.csv").write_text("Timestamp(ms),Current(uA)\n0,1000.000\n1,2000.000\n", encoding="utf-8")
    assert document(run("power", tmp_path / "log.csv", "--json"), "power")["power"]["estimated"] is None
    energy = {"milliamps": 2.0, "volts": 3.0, "frame_uj": 96.0, "error": 0.3}
    beside = {"kind": "report", "energy": energy, "model": {"hop": 256, "sample_rate": 16000}}
    (tmp_path / "report.json").write_text(json.dumps(beside), encoding="utf-8")
    found = document(run("power", tmp_path / "log.csv", "--against", tmp_path / "report.json", "--json"), "power")
    assert found["power"]["within"]


def test_measure(small_model, tmp_path):
    document(run("measure", small_model, "--emulator", "host", "--json"), "measure")


def test_data_check(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        soundfile.write(tmp_path / name / f"{name}.wav", (rng.standard_normal(16000) * 2000).astype(np.int16), 16000)
    document(run("data", "check", tmp_path, "--as", "speech", "--json"), "data")
    packed = document(run("data", "pack", tmp_path, "--as", "speech", "-o", tmp_path / "out", "--json"), "shards")
    assert document(run("data", "check", tmp_path / "out", "--json"), "shards")["index"] == packed["index"]


def test_evidence(tmp_path):
    (tmp_path / "junit.xml").write_text('<testsuite><testcase classname="a" name="b"/></testsuite>', encoding="utf-8")
    said = run("evidence", "-o", tmp_path / "evidence", "--results", tmp_path / "junit.xml", "--json", code=1)
    assert not document(said, "evidence")["ok"]


def test_what_is_not_finite_is_null(capsys):
    from codesign.cli.console import emit_json

    emit_json("verify", a=float("nan"), b=[float("inf"), 1.5], c=np.array([np.nan, 2.0]))
    found = json.loads(capsys.readouterr().out)
    assert (found["a"], found["b"], found["c"]) == (None, [None, 1.5], [None, 2.0])


if __name__ == "__main__":
    print(json.dumps({f"{kind}/1": required(kind) for kind in KINDS}, indent=0, sort_keys=True))
