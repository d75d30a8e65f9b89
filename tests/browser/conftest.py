# SPDX-License-Identifier: Apache-2.0
"""The browser that the tests of this folder share; they are skipped where there is none."""

import pytest
from chromium import find_chromium


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    path = find_chromium()
    if not path:
        pytest.skip("no Chromium on the PATH: apt install chromium, or set CHROMIUM")
    with playwright.sync_playwright() as driver:
        # Root in a container has no sandbox to give; the pages are our own.
        options = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        browser = driver.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()
