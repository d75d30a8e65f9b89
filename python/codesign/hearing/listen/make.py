# SPDX-License-Identifier: Apache-2.0
"""A test as a static folder: index.html, and one file of sound for every stimulus. The key is written beside it."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

from markupsafe import Markup
from pydantic import TypeAdapter

from codesign.base.audio import to_int16
from codesign.base.errors import InputError
from codesign.base.files.output_file import replace_file
from codesign.base.files.output_folder import check_folder, replace_folder
from codesign.base.progress import Progress, silent
from codesign.hearing.listen.design import Design, Key
from codesign.proof.report.page import page_environment, source
from codesign.proof.report.sound import flac

_SCRIPTS = ("deck.js", "pages.js", "session.js")


def key_path(folder: Path) -> Path:
    """Where the key of the test in `folder` lies: outside of it, so that nobody serves it."""
    named = folder if folder.name not in ("", "..") else Path(os.path.realpath(folder))
    return named.with_name(f"{named.name}.key.json")


def write_test(design: Design, folder: Path, sample_rate: int, progress: Progress = silent) -> Path:
    """Write the folder for listeners and, beside it, the key; returns the key's path.

    Raises:
        InputError: the folder is not codesign's or cannot be written.
    """
    check_folder(folder)
    key = key_path(folder)
    if key.exists() and f'"test": "{design.key.test}"' not in key.read_text(encoding="utf-8", errors="replace"):
        raise InputError(f"{key} is of another test", hint="its results need it: move it, or choose another folder")
    with replace_folder(folder) as building:
        (building / "audio").mkdir()
        for number, (identifier, stimulus) in enumerate(design.audio):
            progress("write", number, len(design.audio))
            pcm = to_int16(stimulus.samples)
            data = base64.b64encode(flac(pcm, sample_rate)).decode("ascii")
            # A script and not a FLAC file: pages opened from disk may run scripts but not read other files.
            text = f'codesignAudio("{identifier}","{data}");\n'
            (building / "audio" / f"{identifier}.js").write_text(text, encoding="ascii")
        (building / "index.html").write_text(_page(design), encoding="utf-8")
        manifest = {"schema_version": 1, "kind": "listen-test", "test": design.key.test, "test_kind": design.key.test_kind}
        (building / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        # A test never stands without its key.
        with replace_file(key) as temporary:
            temporary.write_bytes(TypeAdapter(Key).dump_json(design.key, indent=1) + b"\n")
    return key


def _page(design: Design) -> str:
    environment = page_environment("codesign.hearing.listen")
    document = {
        "test": design.key.test,
        "kind": design.key.test_kind,
        "seed": design.key.seed,
        "trials": [{"id": t.id, "stimuli": t.stimuli, "reference": t.reference} for t in design.trials],
        "training": [{"id": t.id, "stimuli": t.stimuli, "reference": t.reference} for t in design.training],
    }
    # Inside <script> nothing is unescaped, so "<" must not appear as itself.
    data = json.dumps(document).replace("<", "\\u003c")
    script = "\n".join(source(environment, name) for name in _SCRIPTS)
    return environment.get_template("listen.html.j2").render(
        title=design.key.title,
        kind=design.key.test_kind,
        trials=len(design.trials),
        style=Markup(source(environment, "listen.css")),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own files
        data=Markup(data),  # noqa: S704 - JSON with its < escaped
    )
