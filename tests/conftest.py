"""Being here, this file puts tests/ on the path: helpers such as integer_layers serve all test folders.

CODESIGN_REQUIRE names markers (zephyr,qemu): a test with one of them may not be skipped, as CI with all tools wants it.
"""

from __future__ import annotations

import os

import pytest

REQUIRED = tuple(filter(None, os.environ.get("CODESIGN_REQUIRE", "").split(",")))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and any(item.get_closest_marker(name) for name in REQUIRED):
        report.outcome = "failed"
        report.longrepr = f"skipped, but CODESIGN_REQUIRE wants it: {report.longrepr}"
    return report
