# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, and pages in it that may not complain."""

import contextlib
import os
import shutil
import time


def find_chromium():
    """Path of a Chromium or Chrome: $CHROMIUM, or from PATH; "" without one."""
    for name in (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if name and (path := shutil.which(name)):
            return path
    return ""


@contextlib.contextmanager
def open_page(browser, address, **context):
    """A page at `address`; at the end, everything that its console or an exception said must be nothing."""
    said = []
    with contextlib.closing(browser.new_context(**context)) as opened:
        page = opened.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("requestfailed", lambda request: said.append(f"failed: {request.url[:80]}"))
        page.set_default_timeout(60_000)
        page.goto(address)
        yield page
        assert said == []


def until(page, expression, seconds=60):
    """Wait until a JavaScript expression holds. Playwright's own wait needs eval, which the pages' policies forbid."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"never true: {expression}"
        page.wait_for_timeout(20)
