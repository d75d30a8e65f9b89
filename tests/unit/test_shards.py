# SPDX-License-Identifier: Apache-2.0
"""Packed corpora: shards hold what the folders held, and training hears them in an order that can be gone on with."""

from __future__ import annotations

import functools
import http.server
import io
import json
import pickle
import shutil
import tarfile
import threading

import numpy as np
import pytest
import soundfile

from codesign.base.audio import read_audio
from codesign.base.errors import InputError, ToolError
from codesign.learning.data import PLAIN, Mixer, open_corpus, shard_window, sources
from codesign.learning.data.folders import SPLITS
from codesign.learning.data.pack import pack
from codesign.learning.data.shard_index import read_index
from codesign.learning.data.shard_reader import read_shard
from training_folders import RATE, noise_folder, speech_folder, tone, write

LENGTH = 8000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("corpus")
    speech_folder(made / "speech", voices=12, files=3)
    noise_folder(made / "noise")
    write(made / "noise" / "kind0" / "long.wav", tone(300, seconds=130))
    write(made / "speech" / "voice00" / "low.wav", tone(300, rate=8000), rate=8000)
    return made


@pytest.fixture(scope="module")
def packed(folder):
    pack([folder / "speech", folder / "noise"], folder / "shards", shard_seconds=6.0, jobs=2)
    return folder / "shards"


def members(place):
    """Key → {extension: content}, as WebDataset groups the members of a tar: by what is before the first dot."""
    found = {}
    for path in sorted(place.glob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                key, _, extension = member.name.partition(".")
                found.setdefault(f"{path.name}/{key}", {})[extension] = tar.extractfile(member).read()
    return found


def test_every_recording_is_there_with_its_voice_and_split(folder, packed):
    corpus = open_corpus(folder / "speech", folder / "noise", seed=1, cache=folder / "cache")
    split_of = {group: split for split in SPLITS for group in corpus.speech.groups_of(split)}
    found = members(packed)
    speech = [one for key, one in found.items() if key.startswith("speech")]
    assert len(speech) == 36
    for one in speech:
        known = json.loads(one["json"])
        voice = known["group"].removeprefix("speech/")
        assert known["split"] == split_of[voice]
        samples, rate = soundfile.read(io.BytesIO(one["flac"]), dtype="int16")
        assert rate == RATE
        assert np.array_equal(samples, read_audio(folder / known["file"], RATE).pcm)


def test_a_long_recording_is_cut_into_pieces_that_make_it_up(folder, packed):
    pieces = [one for one in members(packed).values() if json.loads(one["json"])["file"].endswith("long.wav")]
    joined = np.concatenate([soundfile.read(io.BytesIO(one["flac"]), dtype="int16")[0] for one in pieces])
    assert len(pieces) == 2
    assert np.array_equal(joined, read_audio(folder / "noise/kind0/long.wav", RATE).pcm)


def test_the_index_says_what_the_shards_hold(packed):
    _, index = read_index(packed)
    files = list(packed.glob("*.tar"))
    assert {shard.name for shard in index.shards} == {path.name for path in files}
    assert sum(shard.recordings for shard in index.shards) == len(members(packed))
    assert index.count("speech", "train") == 10
    assert any("below 16000 Hz" in note for note in index.notes)
    assert all((packed / shard.name).stat().st_size == shard.bytes for shard in index.shards)


def test_the_same_folders_make_the_same_shards(folder, packed, tmp_path):
    again = pack([folder / "speech", folder / "noise"], tmp_path / "again", shard_seconds=6.0)
    assert again == read_index(packed)[1]


def test_webdataset_reads_them(packed):
    webdataset = pytest.importorskip("webdataset", reason="webdataset reads shards as others do: pip install webdataset")
    urls = [str(path) for path in sorted(packed.glob("speech-train-*.tar"))]
    found = list(webdataset.WebDataset(urls, shardshuffle=False))
    wanted = {key.partition("/")[2]: one for key, one in members(packed).items() if key.startswith("speech-train")}
    assert {one["__key__"]: one["flac"] for one in found} == {key: one["flac"] for key, one in wanted.items()}


def corpus_of(place, length=LENGTH, seed=5):
    return Mixer(open_corpus(place, place), "train", length, seed, PLAIN)


@pytest.fixture
def narrow(monkeypatch):
    """No more than two shards of a kind in memory."""
    monkeypatch.setattr(shard_window, "HELD_SECONDS", 1.0)


def test_a_mixture_depends_on_its_number_alone(packed, narrow):
    one, other = corpus_of(packed), corpus_of(packed)
    first = [one.mixture() for _ in range(120)]
    for number in (119, 3, 60):
        again = other.mixture(number=number)
        assert all(np.array_equal(a, b) for a, b in zip(again, first[number], strict=True))
    carried = pickle.loads(pickle.dumps(one))
    assert np.array_equal(carried.mixture()[0], one.mixture()[0])


def test_every_shard_is_heard_and_few_are_held(packed, narrow, monkeypatch):
    reads = []

    def counted(folder, shard, rate):
        reads.append(shard.name)
        return read_shard(folder, shard, rate)

    monkeypatch.setattr(shard_window, "read_shard", counted)
    index = read_index(packed)[1]
    mixer = corpus_of(packed)
    shards = {shard.name for kind in ("speech", "noise") for shard in index.chosen(kind, "train")}
    for number in range(0, 12 * 2 * len(shards), 12):
        mixer.mixture(number=number)
        window = mixer._windows[0]
        assert len(window._sounds) <= window.held + shard_window.AHEAD
    assert set(reads) == shards


def test_all_shards_at_once_are_the_folder(folder, packed):
    """With room for all, voices are as likely as in the folder that was packed."""
    mixer = corpus_of(packed)
    mixer.mixture()
    whole = open_corpus(folder / "speech", folder / "noise", seed=1, cache=folder / "cache").speech
    heard = mixer._heard[0]
    assert sorted(group.removeprefix("speech/") for group in heard.groups) == sorted(whole.groups_of("train"))
    assert heard.length.sum() == whole.samples("train")
    assert sorted(heard.gain) == pytest.approx(sorted(whole.gain[whole.chosen("train")]), rel=1e-3)


@pytest.fixture
def served(packed):
    handler = functools.partial(Quiet, directory=str(packed))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_a_url_is_as_good_as_a_folder(packed, served):
    pytest.importorskip("aiohttp", reason="fsspec opens http:// with aiohttp")
    wanted = corpus_of(packed).mixture()
    for place in (served, f"{served}/index.json"):
        assert np.array_equal(corpus_of(place).mixture()[0], wanted[0])


def test_object_stores_are_opened_by_fsspec(packed):
    fsspec = pytest.importorskip("fsspec")
    store = fsspec.filesystem("memory")
    store.put(str(packed), "/bucket/shards", recursive=True)
    assert np.array_equal(corpus_of("memory://bucket/shards").mixture()[0], corpus_of(packed).mixture()[0])


def test_what_is_not_there_is_said_in_a_line(served, tmp_path, monkeypatch):
    pytest.importorskip("aiohttp", reason="fsspec opens http:// with aiohttp")
    monkeypatch.setattr(sources, "FIRST_WAIT_SECONDS", 0.0)
    with pytest.raises(InputError, match="no such file"):
        read_index(f"{served}/elsewhere")
    with pytest.raises(InputError, match=r"cannot read http://127\.0\.0\.1:9/index\.json"):
        read_index("http://127.0.0.1:9")
    with pytest.raises(InputError, match="nowhere://"):
        read_index("nowhere://bucket")
    (tmp_path / "index.json").write_text("{}")
    with pytest.raises(InputError, match="is no index of shards"):
        read_index(tmp_path)


def test_a_missing_driver_is_named(monkeypatch):
    import fsspec.core

    def absent(url):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", absent)
    with pytest.raises(ToolError, match="s3://") as caught:
        read_index("s3://bucket/shards")
    assert caught.value.hint == "pip install s3fs"


@pytest.mark.parametrize("damage", ["cut", "bit", "gone"])
def test_a_damaged_shard_is_named(packed, tmp_path, damage):
    place = tmp_path / "shards"
    shutil.copytree(packed, place)
    for path in place.glob("speech-train-*.tar"):
        content = bytearray(path.read_bytes())
        content[700] ^= 1
        path.write_bytes(bytes(content[:-512]) if damage == "cut" else bytes(content))
        if damage == "gone":
            path.unlink()
    with pytest.raises(InputError, match=r"speech-train-\d+\.tar.*(damaged|No such file)"):
        corpus_of(place).mixture()


def test_what_shards_lack_is_said(folder, tmp_path):
    pack([folder / "speech"], tmp_path / "speech", shard_seconds=20.0)
    with pytest.raises(InputError, match="no noise"):
        open_corpus(tmp_path / "speech", tmp_path / "speech")
    with pytest.raises(InputError, match="the recipe asks for 48000 Hz"):
        open_corpus(tmp_path / "speech", folder / "noise", sample_rate=48000, cache=tmp_path / "cache")
    with pytest.raises(InputError, match="'rooms' cannot be packed"):
        pack([folder / "speech"], tmp_path / "rooms", "rooms")


def test_shards_and_a_folder_go_together(folder, packed, tmp_path):
    mixer = Mixer(open_corpus(packed, folder / "noise", cache=tmp_path), "validation", LENGTH, 1, PLAIN)
    noisy, clean = mixer.mixture(0.0)
    assert noisy.shape == clean.shape == (LENGTH,)
    assert clean.any()
