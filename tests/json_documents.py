# SPDX-License-Identifier: Apache-2.0
"""JSON documents against their written schemas, strictly: a property that no schema names is one that nobody can rely on."""

import copy
import json
from importlib import resources

import jsonschema

FOLDER = resources.files("codesign.cli") / "schemas"
ENDING = ".schema.json"
KINDS = sorted(file.name.removesuffix(ENDING) for file in FOLDER.iterdir())


def schema(kind):
    """The written schema of a kind."""
    return json.loads((FOLDER / f"{kind.replace(' ', '-')}{ENDING}").read_text(encoding="utf-8"))


def strict(written):
    """The same, with every object closed that lists its properties."""
    closed = copy.deepcopy(written)
    waiting = [closed]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "properties" in part and part.get("type") == "object":
                part["additionalProperties"] = False
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return closed


def no_constant(name):
    raise AssertionError(f"{name} is not JSON")


def document(text, kind=None):
    """The document in `text`, which is strictly what its schema says."""
    found = json.loads(text, parse_constant=no_constant)
    assert kind is None or found["kind"] == kind
    jsonschema.validate(found, strict(schema(found["kind"])), cls=jsonschema.Draft202012Validator)
    return found


def required(kind):
    """{path: type} of everything that a document of the kind must have, at any depth; [] is each item, * any key."""
    root = schema(kind)
    paths = {}

    def walk(part, path, seen):
        if "$ref" in part:
            name = part["$ref"].rpartition("/")[2]
            if name not in seen:
                walk(root["$defs"][name], path, (*seen, name))
            return
        for option in part.get("anyOf", ()):
            if option != {"type": "null"}:
                walk(option, path, seen)
        if "anyOf" in part:
            return
        says = part.get("const", part.get("enum", part.get("type", "any")))
        paths[path] = json.dumps(says)
        for name in part.get("required", ()):
            walk(part["properties"][name], f"{path}/{name}", seen)
        if isinstance(part.get("items"), dict):
            walk(part["items"], f"{path}/[]", seen)
        if isinstance(part.get("additionalProperties"), dict):
            walk(part["additionalProperties"], f"{path}/*", seen)

    walk(root, "", ())
    return paths
