# SPDX-License-Identifier: Apache-2.0
"""The report says what the proof found, in every format, and shows names as names."""

import base64
import dataclasses
import io
import json
import math
import re
import sys
from html.parser import HTMLParser

import jsonschema
import numpy as np
import pytest
import soundfile
from test_cli import assert_one_line_error, codesign

from codesign.base.errors import InputError, ToolError
from codesign.compiler.frontend import whole_hops
from codesign.proof import Quality
from codesign.proof.aid import AidFigures, CurvePoint, Harmonics
from codesign.proof.judgement import summarize_quality
from codesign.proof.report import assemble, render_page, sounds
from codesign.proof.report.content import Report
from codesign.proof.report.document import render_json
from codesign.proof.report.plots import load_figure, write_plots
from codesign.proof.report.summary import render_summary
from codesign.proof.report.trace import MAX_COLUMNS, differences, trace_of
from codesign.proof.report.write import write_report
from codesign.proof.verdict import Delay
from evidence import HOSTILE, tones
from json_documents import document as checked

ELEMENTS = {
    "html", "head", "meta", "title", "style", "body", "a", "header", "p", "h1", "h2", "h3", "span", "nav", "main", "section",
    "div", "b", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "svg", "desc", "rect", "text", "line", "path",
    "circle", "g", "kbd", "article", "button", "fieldset", "legend", "label", "input", "output", "figure", "figcaption", "img",
    "details", "summary", "audio", "dl", "dt", "dd", "code", "pre", "br", "time", "script", "strong",
}  # fmt: skip


class Page(HTMLParser):
    """Elements, their attributes, ids, and the text of the page."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)

    def named(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def report(small_proof):
    recordings, proof = small_proof
    return assemble(proof, recordings, ["codesign report small.onnx"])


@pytest.fixture(scope="module")
def page(small_proof, report):
    recordings, proof = small_proof
    return render_page(report, sounds(proof, recordings))


def replaced(value):
    """`value` with every text in it hostile."""
    if dataclasses.is_dataclass(value):
        return dataclasses.replace(value, **{f.name: replaced(getattr(value, f.name)) for f in dataclasses.fields(value)})
    if isinstance(value, tuple):
        return tuple(replaced(item) for item in value)
    return HOSTILE if isinstance(value, str) and value not in ("report", "flash", "ram", "bytes", "less", "more") else value


def test_figures_are_those_of_the_proof(small_proof, report):
    _, proof = small_proof
    verdict, run = proof.verdict, proof.run
    assert report.ok == verdict.ok is True
    assert report.cost.worst_instructions == run.instructions.max()
    assert report.trace.worst_frame == run.instructions.argmax()
    assert sum(report.trace.skipped) == run.skipped.sum() > 0
    assert max(report.trace.high) == report.cost.worst_instructions
    assert sum(memory.used for memory in report.memories if memory.kind == "flash") == verdict.footprint.flash
    for memory in report.memories:
        assert sum(part.bytes for part in memory.parts) == memory.used
        assert all(sum(symbol.bytes for symbol in part.symbols) == part.bytes for part in memory.parts)
    assert {budget.name: budget.used for budget in report.budgets}["stack"] == verdict.stack.bytes
    assert sum(layer.share for layer in report.layers if layer.name != "mask") < 1
    assert report.recordings[0].quality.si_sdr_noisy == verdict.quality[0].si_sdr_noisy
    assert report.recordings[1].quality is None
    names = [metric.name for metric in report.metrics]
    assert {"flash", "ram", "stack", "frame.worst.instructions", "layer.fc0.instructions"} <= set(names)


def test_differences_are_found_where_they_are(small_proof):
    _, proof = small_proof
    hop = proof.image.network.frontend.hop
    assert not differences(proof.run, proof.reference, hop).any()
    pcm = proof.run.pcm.copy()
    pcm[7 * hop + 3] ^= 0x10
    found = differences(dataclasses.replace(proof.run, pcm=pcm), proof.reference, hop)
    assert np.flatnonzero(found).tolist() == [7]
    assert found[7] == 16
    trace = trace_of(dataclasses.replace(proof.run, pcm=pcm, signals=None, counts=None), proof.reference, proof.parts, hop)
    assert max(trace.difference) == 16
    assert (trace.worst_frame, trace.counted_frames, trace.high) == (None, 0, ())
    assert len(trace.difference) <= MAX_COLUMNS


def test_json_follows_its_schema(report):
    document = json.loads(render_json(report))
    assert document["schema_version"] == 1
    checked(render_json(report))
    with pytest.raises(jsonschema.ValidationError):
        checked(json.dumps({**document, "cost": 3}))


def test_a_measured_aid_is_a_section_of_every_format(report):
    """A page has its curves, JSON its figures, Markdown its table; without it none of them says anything."""
    points = tuple(CurvePoint(f, level) for f, level in ((500.0, 10.0), (1000.0, 17.0), (2000.0, 12.5)))
    aid = AidFigures(
        *(report.model.name, report.target.name, "cortex-m33 image in Unicorn", "quiet", 0, 120.0, 118.0, points, points),
        *((Harmonics(500.0, 70.0, 1.25),), None, 8.5, 123.0, points, Delay(16000, 40, 8, measured=True, streamed=False)),
    )
    measured = dataclasses.replace(report, aid=aid)
    document = json.loads(render_json(measured))
    checked(render_json(measured))
    assert document["aid"]["gain"][1] == {"at": 1000.0, "value": 17.0}
    found, before = render_page(measured), render_page(report)
    assert found.count("<svg") == before.count("<svg") + 3
    assert 'id="aid"' in found
    assert 'href="#aid"' in found
    assert 'id="aid"' not in before
    for text in (found, render_summary(measured)):
        assert "123.0 ms" in text
        assert "1.25 %" in text
    assert "123.0 ms" not in render_summary(report)
    assert json.loads(render_json(report))["aid"] is None


def test_what_is_not_finite_is_not_written(report):
    with pytest.raises(ValueError, match="JSON"):
        render_json(dataclasses.replace(report, seconds_of_audio=float("nan")))


def test_the_page_needs_nothing_else(page):
    found = Page(page)
    for tag, attributes in found.elements:
        for name in ("src", "href", "action", "data", "srcset"):
            if target := attributes.get(name):
                assert target.startswith(("data:", "#")), (tag, target)
    assert not found.named("link")
    assert "default-src 'none'" in found.named("meta")[2]["content"]
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", page)


def test_the_page_can_be_read_without_eyes(page):
    found = Page(page)
    assert found.named("html")[0]["lang"] == "en"
    assert all(attributes.get("alt") for attributes in found.named("img"))
    assert all(attributes.get("aria-label") for attributes in found.named("svg"))
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in found.named("a") if a["href"].startswith("#")} <= set(ids)
    assert {a["aria-labelledby"] for _, a in found.elements if "aria-labelledby" in a} <= set(ids)


def test_sound_in_the_page_is_the_recording(small_proof, page):
    recordings, proof = small_proof
    found = Page(page).named("audio")
    decoded = [soundfile.read(io.BytesIO(base64.b64decode(a["src"].partition(",")[2])), dtype="int16") for a in found]
    wanted = [recordings[0].noisy, proof.enhanced[0], recordings[0].clean, recordings[1].noisy, proof.enhanced[1]]
    assert [rate for _, rate in decoded] == [16000] * 5
    for (pcm, _), expected in zip(decoded, wanted, strict=True):
        assert np.array_equal(pcm, expected)


def test_names_are_shown_as_names(small_proof, report):
    recordings, proof = small_proof
    hostile = replaced(report)
    played = [dataclasses.replace(sound, name=HOSTILE) for sound in sounds(proof, recordings)]
    found = Page(render_page(hostile, played))
    assert {tag for tag, _ in found.elements} <= ELEMENTS
    assert [a.get("type") for a in found.named("script")] == ["application/json", None]  # figures as data, and the page's own
    assert not [name for _, attributes in found.elements for name in attributes if name.startswith("on")]
    assert all(a["src"].startswith("data:image/png;base64,") for a in found.named("img"))
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", a["download"]) for a in found.named("a") if "download" in a)
    assert HOSTILE in "".join(found.text)
    assert "<" not in render_summary(hostile).replace("<details><summary>Layers</summary>", "").replace("</details>", "")
    assert json.loads(render_json(hostile))["model"]["name"] == HOSTILE


def test_a_page_of_ten_seconds_is_below_5_mb(small_proof, report):
    recordings, proof = small_proof
    noise = np.random.default_rng(0).integers(-32768, 32768, 160_000).astype(np.int16)
    long = dataclasses.replace(recordings[0], noisy=noise, clean=noise)
    played = sounds(dataclasses.replace(proof, enhanced=(noise,)), [long])
    report = dataclasses.replace(report, recordings=report.recordings[:1])
    assert len(render_page(report, played)) < 5e6


def test_ten_minutes_of_sound_are_shown_and_not_all_embedded(small_proof, report):
    recordings, proof = small_proof
    clean, noisy = tones(600)
    long = dataclasses.replace(recordings[0], noisy=noisy, clean=clean)
    played = sounds(dataclasses.replace(proof, enhanced=(noisy,)), [long])
    assert (played[0].seconds, played[0].played) == (600, 30)
    assert len(render_page(dataclasses.replace(report, recordings=report.recordings[:1]), played)) < 8e6
    without = sounds(dataclasses.replace(proof, enhanced=(noisy,)), [long], embedded_seconds=0)
    assert [signal.audio for signal in without[0].signals] == ["", "", ""]
    assert not Page(render_page(dataclasses.replace(report, recordings=report.recordings[:1]), without)).named("audio")


def test_a_report_without_instructions_and_memories(report):
    """As of a native run: nothing counted, no memory map."""
    bare = dataclasses.replace(report, cost=None, memories=(), layers=(), budgets=(), stack=None)
    found = Page(render_page(bare))
    ids = {attributes["id"] for _, attributes in found.elements if "id" in attributes}
    assert {a["href"][1:] for a in found.named("a")} <= ids
    assert "does not count instructions" in "".join(found.text)
    assert "Instructions were not counted" in render_summary(bare)
    checked(render_json(bare))


def test_a_failed_proof_says_so(report):
    check = dataclasses.replace(report.checks[0], ok=False, detail="PCM: 3 differ")
    failed = dataclasses.replace(report, ok=False, checks=(check, *report.checks[1:]))
    text = "".join(Page(render_page(failed)).text)
    assert "Not proven" in text
    assert "PCM: 3 differ" in text
    assert "not proven" in render_summary(failed)


def test_time_is_said_as_it_was_estimated(small_proof, report):
    _, proof = small_proof
    latency = proof.verdict.latency
    assert report.target.cycles_per_instruction is None
    assert (report.target.timing_error, report.target.timing_source) == (latency.error, latency.source)
    text = "".join(Page(render_page(report)).text)
    assert "model of the core’s pipeline" in text
    assert "cycles per instruction" not in text
    assert latency.source in text
    averaged = dataclasses.replace(report, target=dataclasses.replace(report.target, cycles_per_instruction=1.3))
    assert "1.3 cycles per instruction" in "".join(Page(render_page(averaged)).text)


def test_shares_are_of_the_cycles_beside_them(small_proof, report):
    _, proof = small_proof
    stages = {stage.name: stage for stage in proof.verdict.stages}
    assert [layer.worst_cycles for layer in report.layers] == [stages[layer.name].cycles for layer in report.layers]
    total = sum(layer.worst_cycles for layer in report.layers)
    assert [layer.share for layer in report.layers] == pytest.approx([layer.worst_cycles / total for layer in report.layers])


def test_memory_has_one_denominator(report):
    """Percent stand in the table of budgets only, and are of the budget."""
    page = render_page(report)
    memory = page[page.index('<section id="memory"') : page.index('<section id="plan"')]
    assert not re.search(r"\d %", memory)
    flash = next(budget for budget in report.budgets if budget.name == "flash")
    assert f"{flash.limit:,.0f} bytes of flash in all" in memory
    assert f"<b>{100 * flash.used / flash.limit:.0f} %</b>" in page


QUALITIES = {
    "better": ((0.0, 3.0, 0.5, 0.6), (5.0, 7.0, 0.7, 0.8)),
    "one worse": ((0.0, 6.0, 0.5, 0.6), (9.0, 8.0, 0.8, 0.8)),
    "worse": ((0.0, 1.0, 0.5, 0.5), (9.0, 5.0, 0.8, 0.7)),
    "less intelligible": ((0.0, 3.0, 0.5, 0.4),),
    "was clean": ((math.inf, 20.0, 1.0, 1.0),),
    "silent": ((0.0, -math.inf, 0.5, 0.0), (1.0, 1.0, 0.5, 0.5)),
}


@pytest.mark.parametrize(
    ("kind", "worse", "says"),
    [
        ("better", False, "Speech quality, 2 recordings: SI-SDR 2.5 → 5.0 dB, ESTOI 0.60 → 0.70."),
        ("one worse", False, "1 of them is worse than before: 1."),
        ("worse", True, "The network makes speech worse, 1 of 2 recordings."),
        ("less intelligible", True, "The network makes speech worse."),
        ("was clean", True, "The network makes speech worse."),
        ("silent", True, "The network makes speech worse, 1 of 2 recordings."),
    ],
)
def test_a_proof_does_not_stand_alone(report, kind, worse, says):
    found = summarize_quality([Quality(str(i), *values) for i, values in enumerate(QUALITIES[kind])])
    assert found.worse is worse
    judged = dataclasses.replace(report, quality=found)
    page = Page(render_page(judged))
    banner = next(attributes["class"] for tag, attributes in page.elements if "banner" in attributes.get("class", ""))
    assert banner == ("banner warn" if worse else "banner good")
    assert says in "".join(page.text)
    assert ("speech gets worse" in "".join(page.text)) is worse
    assert says.split(":")[0] in render_summary(judged)


def test_quality_that_was_not_measured_is_said(report):
    assert "Speech quality was not measured" in "".join(Page(render_page(dataclasses.replace(report, quality=None))).text)
    assert summarize_quality([]) is None


def test_files_are_whole_or_not_there(report, tmp_path):
    for name in ("a.html", "a.json", "a.md"):
        write_report(tmp_path / name, report)
        assert (tmp_path / name).read_text()
    with pytest.raises(InputError, match=r"\.pdf"):
        write_report(tmp_path / "a.pdf", report)
    with pytest.raises(InputError, match="folder"):
        write_report(tmp_path / "none" / "a.html", report)
    assert len(list(tmp_path.iterdir())) == 3


def test_report_command(small_model, tmp_path):
    clean, noisy = tones(2)
    name = "<b>&'|.wav"
    soundfile.write(tmp_path / name, noisy, 16000)
    soundfile.write(tmp_path / "clean.wav", clean, 16000)
    outputs = [part for ending in ("html", "json") for part in ("-o", tmp_path / f"r.{ending}")]
    arguments = ("report", small_model, tmp_path / name, "-c", tmp_path / "clean.wav", "--seconds", 20, "--format", "md")
    done = codesign(*arguments, *outputs, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("### small on nrf5340dk: proven")
    assert "<b>" not in done.stdout
    document = checked((tmp_path / "r.json").read_text(), "report")
    assert document["recordings"][0]["name"] == name
    assert "--seconds 20" in document["provenance"]["commands"][0]
    assert "&lt;b&gt;&amp;&#39;|.wav" in (tmp_path / "r.html").read_text()
    assert name not in (tmp_path / "r.html").read_text()
    compared = codesign("compare", tmp_path / "r.json", tmp_path / "r.json", "--format", "json")
    assert compared.returncode == 0, compared.stderr
    assert json.loads(compared.stdout)["ok"] is True


def test_report_refuses_before_it_works(small_model, tmp_path):
    assert_one_line_error(codesign("report", small_model, "-o", tmp_path / "r.pdf"), 2, ".pdf")
    assert_one_line_error(codesign("report", small_model, tmp_path / "none.wav", "-o", tmp_path / "r.html"), 2, "none.wav")
    assert_one_line_error(codesign("report", tmp_path / "none.onnx", "-o", tmp_path / "r.html"), 2, "none.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_type_of_the_report_is_frozen(report):
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.ok = False
    assert isinstance(report, Report)


def test_recordings_fit_the_hops(small_proof):
    recordings, proof = small_proof
    config = proof.image.network.frontend
    for recording, run in zip(recordings, proof.recording_runs, strict=True):
        assert run.pcm.size == whole_hops(recording.noisy, config.hop, config.latency_samples).size


def test_plots(small_proof, report, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'codesign[plots]'")
    recordings, proof = small_proof
    written = write_plots(tmp_path / "plots", dataclasses.replace(report, model=replaced(report.model)), proof, recordings)
    assert [path.name for path in written] == [
        "frames.png",
        "layers.png",
        "memory.png",
        "spectrogram_1.png",
        "spectrogram_2.png",
    ]
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in written)


def test_plots_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ToolError, match="matplotlib is not installed") as error:
        load_figure()
    assert "codesign[plots]" in error.value.hint
