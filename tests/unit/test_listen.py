# SPDX-License-Identifier: Apache-2.0
"""Listening tests from recordings to answers: blind, balanced, screened, and nothing lost to a damaged file."""

import dataclasses
import json
import math

import numpy as np
import pytest
import soundfile
from scipy import stats

from codesign.base.errors import InputError
from codesign.base.recordings import find_recordings
from codesign.hearing.listen import analyse, design_test, key_path, load_stimuli, read_key, read_results, write_test
from codesign.hearing.listen.loudness import loudness
from codesign.hearing.listen.render import render_csv, render_json, render_markdown, render_page, write_analysis
from codesign.hearing.listen.results import MAX_BYTES, Result, parse_result
from codesign.hearing.listen.stimuli import low_pass
from evidence import HOSTILE, tones

ITEMS = [f"voice{i}_{snr}db" for i in range(4) for snr in (0, 6)]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """clean, noisy, float and int8 folders of eight items."""
    folder = tmp_path_factory.mktemp("recordings")
    for number, item in enumerate(ITEMS):
        clean, noisy = tones(1, seed=number)
        versions = {"clean": clean, "noisy": noisy, "float": clean // 2 + noisy // 2, "int8": clean // 2 + noisy // 2 + 1}
        for system, pcm in versions.items():
            (folder / system).mkdir(exist_ok=True)
            soundfile.write(folder / system / f"{item}.wav", pcm, 16000)
    return folder


def patterns(folder, *names):
    return {name: str(folder / name) for name in names}


@pytest.fixture(scope="module")
def stimuli(recordings):
    return load_stimuli(patterns(recordings, "noisy", "float", "int8", "clean"), "clean")


@pytest.fixture(scope="module")
def preference(stimuli):
    return design_test("preference", stimuli, unprocessed="noisy", reference="clean", title="t", seed=3, condition=r"_(\d+db)")


@pytest.fixture(scope="module")
def mushra(stimuli):
    return design_test("mushra", stimuli, reference="clean", title="t", seed=3)


def preference_result(key, listener, opinion):
    """A session whose preference for a system over another is opinion(system, trial's role) of ±3."""
    answers = []
    for number, (name, trial) in enumerate(key.trials.items()):
        left, right = trial.stimuli[:: 1 if number % 2 else -1]
        better = next((i for i in (left, right) if key.stimuli[i].system not in ("noisy", "anchor")), right)
        score = opinion(key.stimuli[better].system, trial.role)
        answers.append(
            {"trial": name, "left": left, "right": right, "score": score if better == right else -score, "seconds": 3.5}
        )
    return session(key, listener, answers)


def mushra_result(key, listener, opinion):
    answers = [
        {"trial": name, "scores": {i: opinion(key.stimuli[i].system) for i in trial.stimuli}, "seconds": 9}
        for name, trial in key.trials.items()
    ]
    return session(key, listener, answers)


def session(key, listener, answers):
    return {
        "schema_version": 1,
        "kind": "listen-result",
        "test": key.test,
        "test_kind": key.test_kind,
        "listener": listener,
        "started": "2026-01-01T00:00:00Z",
        "finished": "2026-01-01T00:20:00Z",
        "answers": answers,
    }


def write(folder, name, document):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(document if isinstance(document, str) else json.dumps(document))


def test_loudness_is_matched_and_nothing_clips(stimuli):
    assert {round(loudness(s.samples, 16000), 3) for s in stimuli.stimuli} == {round(stimuli.lufs, 3)}
    assert max(np.abs(s.samples).max() for s in stimuli.stimuli) < 1


def test_a_peak_makes_all_quieter(recordings, tmp_path):
    for system in ("noisy", "float"):
        (tmp_path / system).mkdir()
        clicks = np.zeros(16000, np.int16)
        clicks[::4000] = 30000
        soundfile.write(tmp_path / system / "clicks.wav", clicks, 16000)
    found = load_stimuli(patterns(tmp_path, "noisy", "float"))
    assert found.lufs < -26
    assert max(np.abs(s.samples).max() for s in found.stimuli) == pytest.approx(0.99)


def test_the_anchor_is_a_low_pass_of_3_5_khz():
    time = np.arange(16000) / 16000
    for hz, passes in ((1000, True), (3000, True), (4000, False), (7000, False)):
        tone = np.sin(2 * np.pi * hz * time)
        level = 20 * math.log10(np.std(low_pass(tone, 16000)[1000:-1000]) / np.std(tone))
        assert level == pytest.approx(0, abs=0.1) if passes else level < -50


def test_items_by_pattern(recordings, tmp_path):
    assert sorted(find_recordings(str(recordings / "noisy"))) == sorted(ITEMS)
    assert sorted(find_recordings(str(recordings / "noisy" / "*_0db.wav"))) == [f"voice{i}" for i in range(4)]
    found = find_recordings(str(recordings / "*" / f"{ITEMS[0]}.wav"))
    assert sorted(found) == ["clean", "float", "int8", "noisy"]
    assert found["int8"] == recordings / "int8" / f"{ITEMS[0]}.wav"
    for bad in (tmp_path / "none", tmp_path, recordings / "*" / "a.wav", recordings / "*" / "*.wav", tmp_path / "*.wav"):
        with pytest.raises(InputError):
            find_recordings(str(bad))


def test_recordings_that_cannot_be_compared(recordings, tmp_path):
    (tmp_path / "short").mkdir()
    for item in ITEMS:
        soundfile.write(tmp_path / "short" / f"{item}.wav", tones(0.5)[1], 16000)
    with pytest.raises(InputError, match=r"0\.50 s longer"):
        load_stimuli({**patterns(recordings, "noisy"), "short": str(tmp_path / "short")})
    (tmp_path / "short" / f"{ITEMS[0]}.wav").unlink()
    with pytest.raises(InputError, match=f"short has no recording of {ITEMS[0]}"):
        load_stimuli({**patterns(recordings, "noisy"), "short": str(tmp_path / "short")})
    (tmp_path / "silent").mkdir()
    soundfile.write(tmp_path / "silent" / "a.wav", np.zeros(16000, np.int16), 16000)
    with pytest.raises(InputError, match="a of silent is silent"):
        load_stimuli({"silent": str(tmp_path / "silent")})


@pytest.mark.filterwarnings("error")
def test_recordings_that_are_none(tmp_path):
    """Whichever of them it is, the first or a later one."""
    rng = np.random.default_rng(0)
    for system in ("a", "b"):
        (tmp_path / system).mkdir()
        soundfile.write(tmp_path / system / "i.wav", rng.standard_normal(8000) * 0.1, 16000)
    for system in ("a", "b"):
        file = tmp_path / system / "i.wav"
        good = file.read_bytes()
        for data, message in ((b"", "cannot read"), (b"no audio", "cannot read"), (good[:44], "holds no samples")):
            file.write_bytes(data)
            with pytest.raises(InputError, match=message) as caught:
                load_stimuli(patterns(tmp_path, "a", "b"))
            assert str(file) in str(caught.value)
        file.write_bytes(good[:-2000])
        (note,) = load_stimuli(patterns(tmp_path, "a", "b")).notes
        assert note.startswith(f"i, {system}: cut off")
        soundfile.write(file, np.where(np.arange(8000) < 3, 2.0, 0.1 * np.sin(np.arange(8000))), 16000, subtype="FLOAT")
        assert load_stimuli(patterns(tmp_path, "a", "b")).notes == (f"i, {system}: 3 samples beyond full scale clipped",)
        file.write_bytes(good)


@pytest.mark.filterwarnings("error")
def test_a_rate_without_loudness_is_said(tmp_path):
    (tmp_path / "a").mkdir()
    soundfile.write(tmp_path / "a" / "i.wav", np.random.default_rng(0).standard_normal(8000) * 0.1, 2000)
    with pytest.raises(InputError, match=r"i\.wav is at 2000 Hz: loudness") as caught:
        load_stimuli(patterns(tmp_path, "a"))
    assert "silent" not in str(caught.value)


def test_designs_are_complete_and_repeatable(preference, mushra, stimuli):
    roles = [trial.role for trial in preference.key.trials.values()]
    assert {role: roles.count(role) for role in set(roles)} == {"system": 16, "identical": 2, "check": 2}
    assert len(mushra.trials) == 8
    assert all(len(t.stimuli) == 5 and t.reference not in t.stimuli for t in mushra.trials)
    assert {s.condition for s in preference.key.stimuli.values()} == {"0db", "6db"}
    again = design_test("preference", stimuli, unprocessed="noisy", reference="clean", title="t", seed=3, condition=r"_(\d+db)")
    other = design_test("preference", stimuli, unprocessed="noisy", reference="clean", title="t", seed=4)
    assert again.key == preference.key
    assert not set(other.key.stimuli) & set(preference.key.stimuli)


def test_designs_that_cannot_be(stimuli):
    for options in ({"unprocessed": "raw"}, {"unprocessed": ""}):
        with pytest.raises(InputError, match="unprocessed"):
            design_test("preference", stimuli, title="t", seed=1, **options)
    with pytest.raises(InputError, match="clean"):
        design_test("mushra", stimuli, title="t", seed=1)


def test_the_folder_tells_nothing(preference, mushra, tmp_path):
    for design in (preference, mushra):
        folder = tmp_path / design.key.test_kind
        key = write_test(design, folder, 16000)
        assert key == key_path(folder)
        assert folder not in key.parents
        assert read_key(key) == design.key
        text = (folder / "index.html").read_text() + (folder / "manifest.json").read_text()
        for word in (*ITEMS, '"int8"', '"float"', "anchor", "_0db"):
            assert word not in text
        assert {path.stem for path in (folder / "audio").iterdir()} == set(design.key.stimuli)
        sizes = [path.stat().st_size for path in (folder / "audio").iterdir()]
        assert min(sizes) > 1000


def test_the_order_of_a_pair_tells_nothing(stimuli):
    """Over seeds, the unprocessed recording comes first about as often as second."""
    first = total = 0
    for seed in range(12):
        key = design_test("preference", stimuli, unprocessed="noisy", title="t", seed=seed).key
        pairs = [trial.stimuli for trial in key.trials.values() if trial.role == "system"]
        first += sum(key.stimuli[pair[0]].system == "noisy" for pair in pairs)
        total += len(pairs)
    assert stats.binomtest(first, total).pvalue > 1e-3


def test_a_key_of_another_test_is_not_overwritten(preference, mushra, tmp_path):
    write_test(preference, tmp_path / "test", 16000)
    write_test(preference, tmp_path / "test", 16000)
    with pytest.raises(InputError, match="another test"):
        write_test(mushra, tmp_path / "test", 16000)
    assert read_key(key_path(tmp_path / "test")) == preference.key


def test_hostile_titles_are_text(stimuli, tmp_path):
    design = design_test("preference", stimuli, unprocessed="noisy", title=HOSTILE, seed=1)
    write_test(design, tmp_path / "test", 16000)
    text = (tmp_path / "test" / "index.html").read_text()
    assert "<img" not in text
    assert text.count("</script>") == 2


def test_preference_reproduces_what_was_answered(preference, tmp_path):
    """50 listeners who prefer both networks by about 2, as in the paper."""
    key, rng = preference.key, np.random.default_rng(1)
    wanted = {"float": [], "int8": []}
    for number in range(50):
        given = {"float": [], "int8": []}

        def opinion(system, role, given=given):
            score = 0 if role == "identical" else 3 if role == "check" else int(np.clip(round(rng.normal(2, 0.8)), -3, 3))
            if role == "system":
                given[system].append(score)
            return score

        write(tmp_path / "results", f"{number}.json", preference_result(key, f"l{number}", opinion))
        for system, scores in given.items():
            wanted[system].append(np.mean(scores))
    results, refused = read_results(tmp_path / "results", key)
    order = sorted(range(50), key=lambda n: f"l{n}")
    wanted = {system: np.array(means)[order] for system, means in wanted.items()}
    analysis = analyse(key, results, refused)
    assert (analysis.listeners, analysis.excluded, refused) == (50, (), ())
    for system, means in wanted.items():
        score = next(s.score for s in analysis.scores if (s.system, s.condition) == (system, ""))
        interval = stats.ttest_1samp(means, 0).confidence_interval(0.95)
        assert (score.mean, score.low, score.high) == pytest.approx((means.mean(), interval.low, interval.high))
    found = analysis.comparisons[0].result
    first, second = (wanted[name] for name in (analysis.comparisons[0].first, analysis.comparisons[0].second))
    assert found.equivalent is True
    assert found.p_difference == pytest.approx(stats.ttest_rel(first, second).pvalue)
    assert {s.condition for s in analysis.scores} == {"", "0db", "6db"}


def test_preference_screening(preference):
    key = preference.key
    good = [preference_result(key, f"good{n}", lambda system, role: 0 if role == "identical" else 2) for n in range(3)]
    careless = preference_result(key, "careless", lambda system, role: -1)
    hears_things = preference_result(key, "hears", lambda system, role: 3)
    results = [Result.model_validate_json(json.dumps(r)) for r in (*good, careless, hears_things)]
    analysis = analyse(key, results)
    assert {row.listener for row in analysis.excluded} == {"careless", "hears"}
    assert analysis.listeners == 3
    assert all(score.score.mean == 2 for score in analysis.scores)


def test_mushra_screening_and_scores(mushra):
    key = mushra.key
    marks = {"clean": 100, "float": 80, "int8": 60, "noisy": 40, "anchor": 20}
    good = [mushra_result(key, f"g{n}", lambda system, n=n: min(100, marks[system] + n)) for n in range(3)]
    deaf = mushra_result(key, "deaf", lambda system: 50)
    flat = mushra_result(key, "flat", lambda system: 95)
    analysis = analyse(key, [Result.model_validate_json(json.dumps(r)) for r in (*good, deaf, flat)])
    assert [(row.listener, row.reason.split()[0]) for row in analysis.excluded] == [("deaf", "hidden"), ("flat", "anchor")]
    assert {s.system: s.score.mean for s in analysis.scores}["int8"] == pytest.approx(61)
    by_pair = {frozenset((c.first, c.second)): c.result for c in analysis.comparisons}
    assert by_pair[frozenset(("float", "int8"))].equivalent is False
    assert abs(by_pair[frozenset(("float", "int8"))].difference) == pytest.approx(20)


def test_damaged_results_are_refused_by_name_and_the_good_ones_kept(preference, mushra, tmp_path):
    key, folder = preference.key, tmp_path / "results"
    sound = preference_result(key, "sound", lambda system, role: 0 if role == "identical" else 1)
    write(folder, "sound.json", sound)
    broken = {
        "cut.json": json.dumps(sound)[:-40],
        "empty.json": "",
        "list.json": "[]",
        "deep.json": "[" * 100_000,
        "foreign.json": mushra_result(mushra.key, "x", lambda system: 50),
        "score.json": {**sound, "answers": [{**sound["answers"][0], "score": 4}, *sound["answers"][1:]]},
        "half.json": {**sound, "answers": [{**sound["answers"][0], "score": 1.5}, *sound["answers"][1:]]},
        "twice.json": {**sound, "answers": [*sound["answers"][:-1], sound["answers"][0]]},
        "strange.json": {**sound, "answers": [{**sound["answers"][0], "left": "s0"}, *sound["answers"][1:]]},
        "unfinished.json": {**sound, "finished": "", "answers": sound["answers"][:3]},
        "name.json": {**sound, "listener": "../../etc/passwd"},
        "more.json": {**sound, "is_admin": True},
        "huge.json": json.dumps(sound) + " " * MAX_BYTES,
        "again.json": {**sound, "finished": "2027-01-01T00:00:00Z"},
    }
    for name, document in broken.items():
        write(folder, name, document)
    (folder / "binary.json").write_bytes(b"\xff\xfe\x00")
    (folder / "folder.json").mkdir()
    (folder / "notes.txt").write_text("not a result")
    results, refused = read_results(folder, key)
    assert [result.listener for result in results] == ["sound"]
    assert {row.file for row in refused} == {*broken, "binary.json", "folder.json"}
    assert all(row.reason for row in refused)


def test_few_listeners_are_said_and_intervals_stay_on_the_scale(mushra):
    key = mushra.key
    marks = {"clean": 100, "float": 99, "int8": 60, "noisy": 40, "anchor": 1}
    for count in (3, 8):
        results = [
            mushra_result(key, f"l{n}", lambda system, n=n: marks[system] if n % 2 else min(100, 90 * marks[system]))
            for n in range(count)
        ]
        analysis = analyse(key, [Result.model_validate_json(json.dumps(r)) for r in results])
        assert [note.startswith(f"{count} listeners: intervals") for note in analysis.notes] == [True] * (count < 8)
        assert ("are rough" in render_markdown(analysis)) is (count < 8)
        assert all(0 <= row.score.low <= row.score.mean <= row.score.high <= 100 for row in analysis.scores)
        assert all(row.result.low >= -100 and row.result.high <= 100 for row in analysis.comparisons)


def test_nothing_left(preference, tmp_path):
    with pytest.raises(InputError, match="no result"):
        analyse(preference.key, [])
    with pytest.raises(InputError, match="margin"):
        analyse(preference.key, [], margin=-1)
    with pytest.raises(InputError, match="none"):
        read_results(tmp_path / "none", preference.key)
    with pytest.raises(InputError, match=r"none\.json"):
        read_key(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(InputError, match="key"):
        read_key(tmp_path / "bad.json")


def test_results_too_long():
    with pytest.raises(InputError, match="KiB"):
        parse_result(b" " * (MAX_BYTES + 1))


def test_analyses_show_hostile_names_as_text(preference, tmp_path):
    key = preference.key
    result = preference_result(key, "a", lambda system, role: 0 if role == "identical" else 1)
    analysis = analyse(key, [Result.model_validate_json(json.dumps(result))])
    named = [dataclasses.replace(row, system=f"={HOSTILE}") for row in analysis.scores]
    analysis = dataclasses.replace(analysis, title=HOSTILE, scores=tuple(named))
    page = render_page(analysis)
    assert "<img" not in page
    assert "<script" not in page
    assert "<img" not in render_markdown(analysis)
    assert "\n=" not in render_csv(analysis)
    assert json.loads(render_json(analysis))["analysis"]["title"] == HOSTILE
    for name in ("a.html", "a.md", "a.csv", "a.json"):
        write_analysis(tmp_path / name, analysis)
        assert (tmp_path / name).stat().st_size > 100
    with pytest.raises(InputError, match=r"\.pdf"):
        write_analysis(tmp_path / "a.pdf", analysis)
