# SPDX-License-Identifier: Apache-2.0
"""A listening session in a real browser, from the first page to the last: what was answered is what is saved."""

import json
import shutil
import threading
from pathlib import Path

import pytest
import soundfile
from chromium import open_page, until

from codesign.hearing.listen import analyse, design_test, load_stimuli, read_key, read_results, write_test
from codesign.hearing.listen.serve import ResultServer
from evidence import HOSTILE, tones

CONTRAST = Path(__file__).with_name("contrast.js")
SYSTEMS = ("clean", "noisy", "int8")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    for number in range(2):
        clean, noisy = tones(0.6, seed=number)
        for system, pcm in zip(SYSTEMS, (clean, noisy, clean // 2 + noisy // 2), strict=True):
            (folder / system).mkdir(exist_ok=True)
            soundfile.write(folder / system / f"item{number}.wav", pcm, 16000)
    return {system: str(folder / system) for system in SYSTEMS}


@pytest.fixture(scope="module")
def tests(recordings, tmp_path_factory):
    """kind → (folder, key)."""
    folder = tmp_path_factory.mktemp("tests")
    stimuli = load_stimuli(recordings, "clean")
    made = {}
    for kind in ("preference", "mushra"):
        design = design_test(kind, stimuli, unprocessed="noisy", reference="clean", title=HOSTILE, seed=5)
        made[kind] = (folder / kind, read_key(write_test(design, folder / kind, stimuli.sample_rate)))
    return made


def address(folder):
    return (folder / "index.html").as_uri()


def start(page, listener="anna"):
    page.fill("#listener", listener)
    page.keyboard.press("Enter")
    until(page, "page && !!page.deck.buffers")


def wait_loaded(page, title):
    until(page, f"document.querySelector('h2').textContent.startsWith('{title}') && !!page.deck.buffers")


def answer_preference(page, key):
    page.keyboard.press("a")
    until(page, "page.deck.playing")
    page.keyboard.press("b")
    page.keyboard.press(key)
    page.keyboard.press("Enter")


def test_preference_by_keyboard_with_a_reload_in_between(browser, tests, tmp_path):
    folder, key = tests["preference"]
    count = len(key.trials)
    with open_page(browser, address(folder)) as page:
        start(page)
        answer_preference(page, "7")  # training: does not count
        for number in range(count - 1):
            wait_loaded(page, f"Page {number + 1}")
            answer_preference(page, str(number % 7 + 1))
        wait_loaded(page, f"Page {count}")
        page.reload()
        assert f"{count - 1} of {count} done" in page.inner_text("#resume")
        page.click("#resume")
        wait_loaded(page, f"Page {count}")
        answer_preference(page, "4")
        page.wait_for_selector("#saved")
        with page.expect_download() as download:
            page.click("a[download$='.json']")
        (tmp_path / "results").mkdir()
        download.value.save_as(tmp_path / "results" / "anna.json")
        with page.expect_download() as download:
            page.click("a[download$='.csv']")
        rows = download.value.path().read_text().splitlines()
        assert page.evaluate("window.hacked") is None
        assert page.inner_text("h1") == HOSTILE
    assert len(rows) == 1 + count
    results, refused = read_results(tmp_path / "results", key)
    assert refused == ()
    assert [answer.score for answer in results[0].answers] == [*(n % 7 - 3 for n in range(count - 1)), 0]
    assert {answer.trial for answer in results[0].answers} == set(key.trials)
    assert [row.split(",")[5] for row in rows[1:]] == [str(answer.score) for answer in results[0].answers]


def test_nobody_goes_on_without_listening_and_answering(browser, tests):
    with open_page(browser, address(tests["preference"][0])) as page:
        start(page)
        go = page.locator("#next")
        assert go.is_disabled()
        page.keyboard.press("a")
        until(page, "page.deck.playing")
        page.keyboard.press("3")
        assert go.is_disabled()
        assert "both" in page.inner_text(".next .hint")
        page.keyboard.press("Enter")
        assert page.inner_text("h2").startswith("Training")
        page.keyboard.press("b")
        until(page, "!document.querySelector('#next').disabled")


def test_what_is_heard_is_what_is_shown(browser, tests):
    with open_page(browser, address(tests["preference"][0])) as page:
        start(page)
        for letter, gains in (("a", [1, 0]), ("b", [0, 1]), ("a", [1, 0])):
            page.keyboard.press(letter)
            until(page, "page.deck.playing")
            page.wait_for_timeout(100)
            assert page.evaluate("[...page.deck.voices.values()].map(({gain}) => Math.round(gain.gain.value))") == gains
            assert page.locator(".version[aria-pressed=true]").inner_text() == letter.upper()
        page.keyboard.press("Space")
        until(page, "!page.deck.playing")


def test_order_and_sides_depend_on_the_listener_and_on_nothing_else(browser, tests):
    seen = []
    for listener in ("anna", "anna", "bert"):
        with open_page(browser, address(tests["mushra"][0])) as page:
            start(page, listener)
            page.evaluate("next()")
            wait_loaded(page, "Page 1")
            seen.append(page.evaluate("[...page.deck.ids]"))
    assert seen[0] == seen[1] != seen[2]


def test_names_of_listeners_are_checked(browser, tests):
    with open_page(browser, address(tests["preference"][0])) as page:
        for name in ("", "../x", "a b", "<b>"):
            page.fill("#listener", name)
            page.keyboard.press("Enter")
            assert page.locator("#listener").is_visible()
        assert page.evaluate("localStorage.length") == 0


def test_damaged_memory_of_the_browser_is_no_obstacle(browser, tests):
    with open_page(browser, address(tests["preference"][0])) as page:
        for text in ("{", "null", '{"test": 1}', "[]"):
            page.evaluate("(text) => localStorage.setItem(STORE, text)", text)
            page.reload()
            assert page.locator("#resume").count() == 0
            assert page.locator("#listener").is_visible()


def test_mushra_with_the_server(browser, tests, tmp_path):
    folder, key = tests["mushra"]
    with ResultServer(folder, tmp_path / "results", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        with open_page(browser, server.url) as page:
            start(page, "carla")
            for number in range(len(key.trials) + 1):
                wait_loaded(page, f"Page {number}" if number else "Training")
                page.keyboard.press("r")
                until(page, "page.deck.playing")
                for version in range(4):
                    page.keyboard.press(str(version + 1))
                    page.keyboard.press("Home")
                    for _ in range(version + 1):
                        page.keyboard.press("PageUp")
                page.keyboard.press("Enter")
            until(page, "document.querySelector('#saved')?.textContent.includes('handed in.')")
        server.shutdown()
        thread.join()
    results, refused = read_results(tmp_path / "results", key)
    assert refused == ()
    assert results[0].listener == "carla"
    for answer in results[0].answers:
        assert sorted(answer.scores.values()) == [10, 20, 30, 40]
    document = json.loads(next((tmp_path / "results").glob("*.json")).read_text())
    assert document["finished"]
    with pytest.raises(Exception, match="no result is left"):
        analyse(key, results)  # a hidden reference at 10 to 40 is screened out


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["preference", "mushra"])
def test_text_can_be_read(browser, tests, kind, scheme):
    with open_page(browser, address(tests[kind][0]), color_scheme=scheme, viewport={"width": 360, "height": 740}) as page:
        for _ in ("the first page", "training"):
            worst = page.evaluate(CONTRAST.read_text(encoding="utf-8"))
            assert worst[0] >= 4.5, worst
            assert page.evaluate("document.documentElement.scrollWidth") <= 360
            if page.locator("#listener").count():
                start(page)
                page.evaluate("document.querySelector('#next').disabled = false")


def test_a_session_outlives_its_tab_and_lost_storage(browser, tests):
    count = len(tests["preference"][1].trials)
    context = browser.new_context()
    page = context.new_page()
    page.goto(address(tests["preference"][0]))
    start(page)
    answer_preference(page, "1")
    wait_loaded(page, "Page 1")
    answer_preference(page, "1")
    wait_loaded(page, "Page 2")
    other = context.new_page()
    other.goto(address(tests["preference"][0]))
    assert f"1 of {count} done" in other.inner_text("#resume")
    page.evaluate("localStorage.clear()")
    page.reload()
    assert f"1 of {count} done" in page.inner_text("#resume")
    context.close()


def test_a_missing_sound_is_said(browser, tests, tmp_path):
    folder, _ = tests["preference"]
    shutil.copytree(folder, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "audio")
    opened = browser.new_page()
    opened.goto(address(tmp_path / "copy"))
    opened.fill("#listener", "anna")
    opened.keyboard.press("Enter")
    opened.wait_for_selector(".error")
    assert "is missing" in opened.inner_text(".error")
    opened.close()
