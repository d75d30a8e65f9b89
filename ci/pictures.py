# SPDX-License-Identifier: Apache-2.0
"""The documentation's pictures, from what commands wrote: `python ci/pictures.py demo/report.html measured.html`.

report.png is the first screen of the demo's report in a headless Chromium (playwright, in the extra "dev"); measured.svg the
chart of `codesign measure` in the tutorial about fitting.
"""

from __future__ import annotations

import html
import re
import shutil
import sys
from pathlib import Path

IMAGES = Path(__file__).parents[1] / "docs" / "img"
WIDTH, HEIGHT = 1000, 800


def first_screen(page: Path, image: Path) -> None:
    """A screenshot of a page's beginning."""
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        view.goto(page.resolve().as_uri())
        view.screenshot(path=str(image))
        browser.close()


def first_chart(page: Path, image: Path) -> None:
    """The first SVG of a page as a file that stands alone: with the page's own style."""
    text = page.read_text(encoding="utf-8")
    style, chart = re.search(r"<style>(.*?)</style>", text, re.DOTALL), re.search(r"<svg.*?</svg>", text, re.DOTALL)
    if style is None or chart is None:
        raise SystemExit(f"{page} has no chart")
    rules = html.escape(
        re.sub(r"@media screen and \(prefers-color-scheme: dark\) \{ :root \{.*?\} \}", "", style[1], flags=re.DOTALL)
    )
    image.write_text(
        chart[0].replace(">", f"><style>{rules} svg{{background:var(--paper)}}</style>", 1) + "\n", encoding="utf-8"
    )


def main() -> None:
    """Write both."""
    if len(sys.argv) != 3:
        raise SystemExit("python ci/pictures.py demo/report.html measured.html")
    IMAGES.mkdir(parents=True, exist_ok=True)
    first_screen(Path(sys.argv[1]), IMAGES / "report.png")
    first_chart(Path(sys.argv[2]), IMAGES / "measured.svg")


if __name__ == "__main__":
    main()
