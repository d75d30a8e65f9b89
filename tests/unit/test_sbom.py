# SPDX-License-Identifier: Apache-2.0
"""Bills of materials: what a build's folder tells, SPDX documents of west, the CycloneDX document, and what is no build."""

import hashlib
import json

import pytest

from codesign.base.errors import InputError
from codesign.firmware.sbom import read_build
from codesign.firmware.sbom.cyclonedx import render_cyclonedx

MODEL = {
    "schema_version": 1,
    "tool": "codesign 1.2.3",
    "model": {"name": "net", "identifier": "net", "sha256": "ab" * 32, "licence": "MIT"},
    "files": {"net.c": "cd" * 32, "net.h": "ef" * 32},
}
BUILD = {"compiler": "arm-none-eabi-gcc 12.2", "flags": [], "board": "nrf5340dk"}
CACHE = "BOARD:STRING=nrf5340dk/nrf5340/cpuapp\nZEPHYR_BASE:PATH={base}\nCMAKE_C_COMPILER:STRING=/usr/bin/arm-none-eabi-gcc\n"
MODULES = '"cmsis_6":"/x/cmsis_6":"${ZEPHYR_CMSIS_6_CMAKE_DIR}"\n"hal_nordic":"/x/nordic":""\n"codesign":"/x/app/..":"/x"\n'
# As Zephyr's writer (scripts/west_commands/zspdx/writer.py) puts packages: names with - for _, files after the package.
SPDX = """SPDXVersion: SPDX-2.3
DocumentName: zephyr-sources

##### Package: zephyr-sources

PackageName: zephyr-sources
SPDXID: SPDXRef-zephyr-sources
PackageLicenseConcluded: NOASSERTION
PackageLicenseDeclared: Apache-2.0
PackageCopyrightText: NOASSERTION
PackageDownloadLocation: git+https://github.com/zephyrproject-rtos/zephyr@0123
PackageVersion: 4.1.0
ExternalRef: PACKAGE_MANAGER purl pkg:github/zephyrproject-rtos/zephyr@v4.1.0
ExternalRef: SECURITY cpe23Type cpe:2.3:o:zephyrproject:zephyr:4.1.0:-:*:*:*:*:*:*
FilesAnalyzed: true
PackageVerificationCode: 00

FileName: ./kernel/init.c
SPDXID: SPDXRef-File-init.c
LicenseConcluded: GPL-2.0-only

##### Package: hal-nordic-sources

PackageName: hal-nordic-sources
SPDXID: SPDXRef-hal-nordic-sources
PackageLicenseConcluded: BSD-3-Clause
PackageLicenseDeclared: NOASSERTION
PackageCopyrightText: NOASSERTION
PrimaryPackagePurpose: SOURCE
PackageDownloadLocation: NOASSERTION
PackageVersion: 6e39d4f2
FilesAnalyzed: false
PackageComment: Utility target; no files
"""
DEPENDENCIES = """SPDXVersion: SPDX-2.3

##### Package: hal-nordic-deps

PackageName: hal-nordic-deps
SPDXID: SPDXRef-hal-nordic-deps
PackageLicenseConcluded: NOASSERTION
ExternalRef: PACKAGE_MANAGER purl pkg:github/NordicSemiconductor/nrfx@3.9.0
"""


@pytest.fixture
def bare(tmp_path):
    """As a build of a bare image leaves its folder."""
    (tmp_path / "firmware.elf").write_bytes(b"\x7fELF")
    (tmp_path / "manifest.json").write_text(json.dumps({**MODEL, "build": BUILD}), encoding="utf-8")
    return tmp_path


@pytest.fixture
def zephyr(tmp_path):
    """As a build of the Zephyr application does."""
    base = tmp_path / "base"
    base.mkdir()
    (base / "VERSION").write_text("VERSION_MAJOR = 3\nVERSION_MINOR = 3\nPATCHLEVEL = 0\nEXTRAVERSION =\n", encoding="utf-8")
    folder = tmp_path / "build"
    for name in ("zephyr", "codesign_model"):
        (folder / name).mkdir(parents=True)
    (folder / "zephyr" / "zephyr.elf").write_bytes(b"\x7fELF")
    (folder / "codesign_model" / "manifest.json").write_text(json.dumps(MODEL), encoding="utf-8")
    (folder / "manifest.json").write_text('{"schema_version": 1, "tool": "codesign 1.2.3", "contents": []}', encoding="utf-8")
    (folder / "CMakeCache.txt").write_text(CACHE.format(base=base), encoding="utf-8")
    (folder / "zephyr_modules.txt").write_text(MODULES, encoding="utf-8")
    return folder


def named(bill):
    return {part.name: part for part in bill.components}


def test_a_bare_image(bare):
    bill = read_build(bare)
    parts = named(bill)
    assert bill.firmware.name == "net-nrf5340dk"
    assert bill.firmware.sha256 == hashlib.sha256(b"\x7fELF").hexdigest()
    assert (parts["net"].kind, parts["net"].sha256, parts["net"].licence) == ("machine-learning-model", "ab" * 32, "MIT")
    assert {part.name: part.sha256 for part in parts["net-generated"].files} == MODEL["files"]
    assert (parts["codesign-runtime"].version, parts["codesign-runtime"].licence) == ("1.2.3", "Apache-2.0")
    assert len(parts["codesign-runtime"].sha256) == 64
    assert (parts["compiler"].version, parts["compiler"].excluded) == ("arm-none-eabi-gcc 12.2", True)
    assert "zephyr" not in parts


def test_zephyr_without_west_spdx(zephyr):
    bill = read_build(zephyr)
    parts = named(bill)
    assert (parts["zephyr"].kind, parts["zephyr"].version) == ("operating-system", "3.3.0")
    assert {"cmsis_6", "hal_nordic", "codesign-app"} <= set(parts)
    assert "codesign" not in parts
    assert parts["compiler"].version == "arm-none-eabi-gcc"
    assert "west spdx" in bill.notes[0]
    (zephyr / "build_info.yml").write_text(
        "cmake:\n  zephyr:\n    version: '4.1.99'\n    zephyr-base: '/x'\n", encoding="utf-8"
    )
    assert named(read_build(zephyr))["zephyr"].version == "4.1.99"


def test_zephyr_with_west_spdx(zephyr):
    (zephyr / "spdx").mkdir()
    (zephyr / "spdx" / "zephyr.spdx").write_text(SPDX, encoding="utf-8")
    (zephyr / "spdx" / "modules-deps.spdx").write_text(DEPENDENCIES, encoding="utf-8")
    bill = read_build(zephyr)
    parts = named(bill)
    assert bill.notes == ()
    system, module = parts["zephyr"], parts["hal-nordic"]
    assert (system.version, system.licence) == ("4.1.0", "Apache-2.0")
    assert system.cpe == "cpe:2.3:o:zephyrproject:zephyr:4.1.0:-:*:*:*:*:*:*"
    assert system.origin == "git+https://github.com/zephyrproject-rtos/zephyr@0123"
    assert (module.version, module.licence) == ("6e39d4f2", "BSD-3-Clause")
    assert module.purl == "pkg:github/NordicSemiconductor/nrfx@3.9.0"


@pytest.mark.parametrize("kind", ["bare", "zephyr"])
def test_the_document_is_cyclonedx(kind, request, monkeypatch):
    pytest.importorskip("cyclonedx", reason="pip install cyclonedx-python-lib[json-validation]")
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    folder = request.getfixturevalue(kind)
    if kind == "zephyr":
        (folder / "spdx").mkdir()
        (folder / "spdx" / "zephyr.spdx").write_text(SPDX, encoding="utf-8")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    text = render_cyclonedx(read_build(folder))
    assert text == render_cyclonedx(read_build(folder)), "the same image, the same document"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    assert document["metadata"]["component"]["type"] == "firmware"
    assert document["metadata"]["timestamp"].startswith("2023-11-14T22:13:20")
    scopes = {part["name"]: part.get("scope") for part in document["components"]}
    assert scopes["compiler"] == "excluded"
    needed = next(row for row in document["dependencies"] if row["ref"] == "firmware")["dependsOn"]
    assert len(needed) == len(scopes) - 1


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"model": {}}', '{"model": 3, "tool": "codesign 1", "files": {}}'])
def test_what_is_no_build_is_one_line(bare, text):
    (bare / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_build(bare)
    assert "\n" not in str(caught.value)


def test_a_folder_without_an_image_is_one_line(tmp_path):
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(InputError, match=r"has no firmware\.elf"):
            read_build(folder)
