# SPDX-License-Identifier: Apache-2.0
"""Each source file of ours says its licence at its top, in the way that tools read."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("app", "bench", "boards", "models", "python", "runtime", "tests", "zephyr")
COMMENTS = {
    "# {}": ("*.py", "*.cmake", "CMakeLists.txt", "Kconfig"),
    "/* {} */": ("*.c", "*.h", "*.S", "*.cs", "*.overlay"),
    "{{# {} -#}}": ("*.j2",),  # not in what a template makes: that holds the user's network
}
TAG = "SPDX-License-Identifier: Apache-2.0"


def sources(folder, pattern):
    """Files of ours; builds and caches that lie among them are not."""
    for path in sorted((ROOT / folder).rglob(pattern)):
        between = path.relative_to(ROOT).parts[:-1]
        if not any(part.startswith((".", "build", "twister-out", "__")) for part in between):
            yield path


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_source_file_has_its_licence_line(folder):
    missing, found = [], 0
    for comment, patterns in COMMENTS.items():
        for path in (path for pattern in patterns for path in sources(folder, pattern)):
            lines = path.read_text(encoding="utf-8").split("\n", 2)
            first = lines[1] if lines[0].startswith("#!") else lines[0]
            found += 1
            if first != comment.format(TAG):
                missing.append(path.relative_to(ROOT).as_posix())
    assert found > 0
    assert missing == []
