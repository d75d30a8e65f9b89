# SPDX-License-Identifier: Apache-2.0
"""The report's page in a real browser: no errors, sound that plays, versions that switch, pictures that are not blank."""

import dataclasses
from pathlib import Path

import pytest
from chromium import open_page, until

from codesign.proof.report import assemble, render_page, sounds
from evidence import HOSTILE

CONTRAST = Path(__file__).with_name("contrast.js")


@pytest.fixture(scope="module")
def address(small_proof, tmp_path_factory):
    recordings, proof = small_proof
    report = assemble(proof, recordings, [HOSTILE])
    report = dataclasses.replace(report, model=dataclasses.replace(report.model, name=HOSTILE))
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render_page(report, sounds(proof, recordings)), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def page(browser, address):
    with open_page(browser, address) as page:
        yield page


def versions(page):
    """What is heard in the first player: the gain of every version, once a switch has settled."""
    page.wait_for_timeout(100)
    return page.evaluate("Player.all[0].gains.map((gain) => Math.round(gain.gain.value))")


def test_it_opens_without_errors_and_nothing_hostile_runs(page):
    assert page.evaluate("window.hacked") is None
    assert HOSTILE in page.inner_text("h1")
    assert page.locator("h3", has_text="onerror").count() == 1


def test_pictures_are_not_blank(page):
    counts = page.evaluate(
        """() => [...document.querySelectorAll('.picture img')].map((img) => {
            const canvas = document.createElement('canvas');
            Object.assign(canvas, {width: img.naturalWidth, height: img.naturalHeight});
            const context = canvas.getContext('2d');
            context.drawImage(img, 0, 0);
            const data = new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
            return new Set(data).size;
        })"""
    )
    assert len(counts) == 5
    assert min(counts) > 20


def test_it_plays_and_the_place_moves(page):
    player = page.locator(".recording").first
    player.get_by_role("button", name="Play").click()
    until(page, "Player.all[0].position() > 0.3")
    assert versions(page) == [1, 0, 0]
    loud = page.evaluate("Player.all[0].buffers.map((buffer) => buffer.getChannelData(0).some((sample) => sample > 0.1))")
    assert loud == [True, True, True]
    head = page.evaluate("parseFloat(document.querySelector('.playhead').style.left)")
    assert head > 5
    player.get_by_role("button", name="Pause").click()
    at = page.evaluate("Player.all[0].position()")
    page.wait_for_timeout(200)
    assert page.evaluate("Player.all[0].position()") == at


def test_the_keyboard_switches_versions_without_a_gap(page):
    page.locator(".recording .play").first.focus()
    page.keyboard.press("Enter")
    until(page, "Player.all[0].playing")
    for key, heard in (("2", [0, 1, 0]), ("3", [0, 0, 1]), ("x", [0, 1, 0]), ("x", [0, 0, 1]), ("1", [1, 0, 0])):
        before = page.evaluate("Player.all[0].position()")
        page.keyboard.press(key)
        assert versions(page) == heard
        assert page.evaluate("Player.all[0].position()") > before
        assert page.locator(".recording figure.on").first.get_attribute("data-version") == str(heard.index(1))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    until(page, "!Player.all[0].playing")


def test_strength_mixes_the_noisy_signal_into_the_enhanced_one(page):
    player = page.locator(".recording").first
    player.get_by_role("button", name="Play").click()
    until(page, "Player.all[0].playing")
    player.get_by_label("Strength").fill("30")
    page.wait_for_timeout(100)
    assert page.evaluate("Player.all[0].version") == 1, "it is the enhanced one that has a strength"
    assert page.evaluate("Player.all[0].gains.map((gain) => gain.gain.value)") == pytest.approx([0.7, 0.3, 0], abs=0.02)
    assert player.locator(".strength output").inner_text() == "30 %"
    page.keyboard.press("ArrowRight")
    assert player.locator(".strength output").inner_text() == "31 %", "arrows move what has the focus"
    page.keyboard.press("3")
    assert versions(page) == [0, 0, 1]
    page.keyboard.press("2")
    page.wait_for_timeout(100)
    assert page.evaluate("Player.all[0].gains.map((gain) => gain.gain.value)") == pytest.approx([0.69, 0.31, 0], abs=0.02)


def test_a_click_into_a_picture_moves_there(page):
    picture = page.locator(".picture").first
    box = picture.bounding_box()
    picture.click(position={"x": box["width"] / 2, "y": 10})
    assert page.evaluate("Player.all[0].position() / Player.all[0].seconds") == pytest.approx(0.5, abs=0.01)


def test_only_one_recording_plays(page):
    for index in (0, 1):
        page.locator(".recording .play").nth(index).click()
        until(page, f"Player.all[{index}].playing")
    assert page.evaluate("Player.all.map((player) => player.playing)") == [False, True]


def test_it_ends_at_the_end_and_starts_again(page):
    page.evaluate("Player.all[0].move(Player.all[0].length - 0.1)")
    page.locator(".recording .play").first.click()
    until(page, "!Player.all[0].playing && Player.all[0].position() === Player.all[0].length")
    page.locator(".recording .play").first.click()
    until(page, "Player.all[0].playing && Player.all[0].position() < 1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(browser, address, scheme):
    """WCAG AA: contrast of at least 4.5 between every text and what is behind it."""
    with open_page(browser, address, color_scheme=scheme) as page:
        worst = page.evaluate(CONTRAST.read_text(encoding="utf-8"))
        assert worst[0] >= 4.5, worst


def test_a_phone_needs_no_sideways_scrolling(browser, address):
    with open_page(browser, address, viewport={"width": 360, "height": 740}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("width", [360, 390, 600, 1280])
def test_budget_bars_are_whole(browser, address, width):
    """A bar that is cut looks full: the end of each, its limit, lies inside of the table's window."""
    with open_page(browser, address, viewport={"width": width, "height": 740}) as page:
        ends = page.evaluate(
            """() => [...document.querySelectorAll('td.wide svg')].map((bar) => {
                const box = bar.closest('.scroll').getBoundingClientRect(), end = bar.getBoundingClientRect();
                return [end.right - box.right, end.width, end.height];
            })"""
        )
    assert len(ends) >= 4
    assert all(beyond <= 0.5 and wide > 100 and high > 10 for beyond, wide, high in ends), ends


def test_paper_shows_the_tables_and_no_switches(browser, address):
    with open_page(browser, address, color_scheme="dark") as page:
        page.emulate_media(media="print", color_scheme="dark")
        assert page.locator(".transport").first.is_hidden()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator("#memory details[open]").count() == 2
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.locator("details[open]").count() == 0


def test_without_scripts_everything_but_the_switching_is_there(browser, address):
    with open_page(browser, address, java_script_enabled=False) as page:
        assert page.locator(".transport").first.is_hidden()
        assert page.locator("audio").count() == 5
        assert page.locator("svg").count() >= 6


def test_the_table_of_layers_sorts_by_any_column(page):
    column = "[...document.querySelectorAll('#layers tbody tr')].map((row) => row.cells[6].textContent)"
    page.locator("#layers thead button", has_text="cycles, estimate").click()
    found = [float(text.replace(",", "")) for text in page.evaluate(column)]
    assert found == sorted(found, reverse=True)
    page.locator("#layers thead button", has_text="cycles, estimate").click()
    assert [float(text.replace(",", "")) for text in page.evaluate(column)] == found[::-1]
    assert page.locator("#layers th[aria-sort=ascending]").count() == 1
    assert page.locator("#layers tfoot tr").count() == 1


def test_a_part_of_a_chart_is_said_under_the_pointer_and_by_keys(page):
    chart = page.locator("#memory .chart").first
    chart.scroll_into_view_if_needed()
    chart.locator("rect").last.hover()
    said = page.locator("#memory .readout").first
    assert "bytes" in said.inner_text()
    chart.focus()
    before = said.inner_text()
    page.keyboard.press("ArrowRight")
    assert said.inner_text() != before


def test_the_page_gives_its_figures_as_files(page):
    for name, begins in (("report.json", "{"), ("layers.csv", "name,kind,macs"), ("memory.csv", "memory,part,symbol,bytes")):
        with page.expect_download() as download:
            page.click(f"#downloads a[download='{name}']")
        assert download.value.path().read_text(encoding="utf-8").startswith(begins)


def test_no_table_is_clipped_on_a_phone(browser, address):
    with open_page(browser, address, viewport={"width": 360, "height": 740}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        clipped = page.evaluate(
            """() => [...document.querySelectorAll('table')]
                .filter((table) => table.scrollWidth > table.parentNode.clientWidth + 1)
                .map((table) => table.parentNode.getAttribute('aria-label'))"""
        )
        assert clipped == []
