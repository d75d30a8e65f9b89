# SPDX-License-Identifier: Apache-2.0
"""Hooks of MkDocs: pages that lie elsewhere in the repository, and the reference that the package itself is asked for."""

from __future__ import annotations

import json
import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
ELSEWHERE = {
    "README.md": "project/readme.md",
    "models/README.md": "project/models.md",
    "models/corpus/README.md": "project/corpus.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
}
"""Files of the repository and the pages that they are."""
COPIED = ("examples/first_network.ipynb", "examples/conv-recurrent.toml", "LICENSE")
"""Files that pages link to and a browser can have as they are."""
SCHEMAS = ROOT / "python" / "codesign" / "cli" / "schemas"
WIDTH = 80
_LINK = re.compile(r"(!?\[[^\]]*\]\()([^)#\s]+)(#[^)\s]*)?(\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what does not lie under docs/."""
    from mkdocs.structure.files import File

    def add(place: str, text: str) -> None:
        files.append(File.generated(config, place, content=text))

    for source, page in ELSEWHERE.items():
        add(page, (ROOT / source).read_text(encoding="utf-8"))
    for source in COPIED:
        add(f"files/{Path(source).name}", (ROOT / source).read_text(encoding="utf-8"))
    add("reference/commands.md", commands())
    add("reference/schemas.md", schemas())
    for path in SCHEMAS.glob("*.schema.json"):
        add(f"files/{path.name}", path.read_text(encoding="utf-8"))
    add("reference/package.md", "# The package\n\n::: codesign.api\n\n::: codesign.enhancer\n")
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links at where files of the repository are on the site; a link to any other file of it becomes its name."""
    here = next((source for source, place in ELSEWHERE.items() if place == page.file.src_uri), f"docs/{page.file.src_uri}")

    def moved(found: re.Match[str]) -> str:
        before, target, anchor, after = found[1], found[2], found[3] or "", found[4]
        if ":" in target:
            return found[0]
        source = posixpath.normpath(posixpath.join(posixpath.dirname(here), target))
        place = _place(source)
        if place is None:
            return before[before.index("[") + 1 : -2] if (ROOT / source).exists() else found[0]
        return f"{before}{posixpath.relpath(place, posixpath.dirname(page.file.src_uri) or '.')}{anchor}{after}"

    return _LINK.sub(moved, markdown)


def _place(source: str) -> str | None:
    """Where a file of the repository is on the site."""
    if source in ELSEWHERE:
        return ELSEWHERE[source]
    if source in COPIED:
        return f"files/{posixpath.basename(source)}"
    if source.startswith("python/codesign/cli/schemas/"):
        return f"files/{posixpath.basename(source)}"
    if source == "docs":
        return "README.md"
    return source.removeprefix("docs/") if source.startswith("docs/") else None


def commands() -> str:
    """The page of all commands: what each one's --help says."""
    from codesign.cli.app import SUMMARIES, load_command

    parts = ["# Commands\n", "What `--help` says of each command.\n"]
    for name in SUMMARIES:
        command = load_command(name)
        parts.append(f"## {name}\n\n```text\n{_help(command, name)}\n```\n")
        for inner, sub in getattr(command, "commands", {}).items():
            parts.append(f"### {name} {inner}\n\n```text\n{_help(sub, f'{name} {inner}')}\n```\n")
    return "\n".join(parts)


def schemas() -> str:
    """The page of all JSON schemas: what each describes, and its keys."""
    parts = [
        "# JSON schemas, key by key\n",
        "What a document has at its top; the files say the rest ([what a reader can rely on](../json.md)).\n",
    ]
    for path in sorted(SCHEMAS.glob("*.schema.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        parts.append(
            f"## {path.name.removesuffix('.schema.json')}\n\n{schema['description']} [{path.name}](../files/{path.name})\n"
        )
        parts.append("| Key | Type | Always | What it is |\n|---|---|---|---|")
        wanted = schema.get("required", [])
        for key, value in schema["properties"].items():
            always, says = "yes" if key in wanted else "", value.get("description", "").replace("|", "\\|")
            parts.append(f"| `{key}` | {_kind(value)} | {always} | {says} |")
        parts.append("")
    return "\n".join(parts)


def _kind(value: dict[str, Any]) -> str:
    """A property's type in a word or two."""
    if "const" in value:
        return f"`{value['const']}`"
    if "$ref" in value:
        return str(value["$ref"].rpartition("/")[2])
    found = value.get("type") or [_kind(option) for option in value.get("anyOf", ())] or "text"
    return " or ".join(found) if isinstance(found, list) else str(found)


def _help(command: Any, name: str) -> str:
    text: str = command.get_help(command.context_class(command, info_name=f"codesign {name}", terminal_width=WIDTH))
    return text
