# SPDX-License-Identifier: Apache-2.0
"""Assemble a free speech and noise corpus out of Debian packages and GitHub repositories: 16 kHz, mono, 16 bit, trimmed.

    python corpus.py CORPUS [--repositories FOLDER]

fetches the packages of `PACKAGES` with `apt-get download` and unpacks them with `dpkg-deb -x` (neither root nor
installation), then writes

    CORPUS/speech/train/VOICE/*.wav    CORPUS/noise/train/SOURCE/*.wav
    CORPUS/speech/test/VOICE/*.wav     CORPUS/noise/test/SOURCE/*.wav
    CORPUS/licences.json               every source with its licence and hours

--repositories takes a folder with checkouts of the repositories of `REPOSITORIES`, each under its own name; one that is not
there is left out, which is said. They bring what packages lack: many speakers. All of theirs is trained on, none held out.
Voices of speech/test and files of noise/test are never in a training set. `codesign train` reads
only these folders: put your own recordings there instead and nothing else changes.
Needs soundfile, soxr, scipy and, for the G.722 packages, PyAV (`pip install soundfile soxr scipy av`).
"""

from __future__ import annotations

import argparse
import io
import json
import re
import subprocess
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from scipy.ndimage import uniform_filter
from scipy.signal import istft, stft

RATE = 16000
FRAME = 320
BLOCK = 512
Audio = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Package:
    """A Debian package or a repository, and the licence of its sounds (debian/copyright; GPL where nothing else is said)."""

    name: str
    licence: str


PACKAGES = (
    Package("festvox-ru", "BSD-like (Nickolay V. Shmyrev)"),
    Package("asterisk-core-sounds-en-g722", "CC-BY-SA-3.0 (Allison Smith)"),
    Package("asterisk-core-sounds-es-g722", "CC-BY-SA-3.0 (Allison Smith)"),
    Package("asterisk-core-sounds-fr-g722", "CC-BY-SA-3.0 (June Wallack)"),
    Package("asterisk-core-sounds-it-g722", "CC-BY-3.0 (Carlo Flora)"),
    Package("asterisk-core-sounds-ru-g722", "CC-BY-3.0 (Maxim)"),
    Package("fillets-ng-data-cs", "GPL-2"),
    Package("fillets-ng-data-nl", "GPL-2"),
    Package("tuxpaint-stamps-default", "GPL-2"),
    Package("ktuberling-data", "GPL-2+"),
    Package("klettres-data", "GPL-2+"),
    Package("hedgewars-data", "GPL-2 and GFDL-1.3, some CC-BY-SA-3.0"),
    Package("pocketsphinx-testdata", "BSD-2-Clause; the LibriVox reading in it is in the public domain"),
    Package("ufoai-sound", "CC-BY-SA-3.0, GPL-2, GPL-2+, some CC-BY-3.0"),
    Package("asterisk-moh-opsound-g722", "CC-BY-SA-3.0"),
    Package("openttd-opensfx", "CC-BY-SA-3.0"),
    Package("bucklespring-data", "GPL-2+"),
    Package("fillets-ng-data", "GPL-2"),
    Package("lincity-ng-data", "GPL-2+ and CC-BY-SA-2.0"),
    Package("torcs-data", "GPL-2+"),
    Package("minetest-mod-homedecor", "CC-BY-SA-4.0"),
    Package("lomiri-sounds", "CC-BY-SA-3.0, some CC-BY-3.0, CC-BY-4.0 and CC0-1.0"),
    Package("sound-theme-freedesktop", "CC-BY-SA-3.0, GPL-2, some CC-BY-3.0"),
)

REPOSITORIES = (
    Package("Resemblyzer", "CC-BY-4.0 (LibriSpeech, V. Panayotov et al.; readings in the public domain)"),
    Package("speechocean762", "free for commercial and non-commercial use (its README; J. Zhang et al., 2021)"),
    Package("wake-word-benchmark", "Apache-2.0 (Picovoice)"),
    Package("mimic3-voices", "CC0-1.0, public domain, CC-BY, CC-BY-SA-4.0, BSD-like: voices/*/*/LICENSE (synthetic)"),
    Package("vctk-vits-speaker-comparison", "MIT (synthetic, a model of VCTK, CC-BY-4.0)"),
    Package("ESC-10", "CC-BY-3.0 (K. J. Piczak; commit 553c8f1, the last with sounds)"),
    Package("blanket", "by sound: CC0-1.0, public domain, CC-BY, CC-BY-SA (its SOUNDS_LICENSING.md)"),
)

# (pattern of "package/path", voice); the first that matches decides. Test voices are heard nowhere else.
SPEECH = (
    (r"^festvox-ru/.*\.wav$", "ru-nsh"),
    (r"^asterisk-core-sounds-(\w\w)-g722/.*\.g722$", r"asterisk-\1"),
    (r"^fillets-ng-data-(cs|nl)/.*-(m|v)-[^/]*\.ogg$", r"fillets-\1-\2"),
    (r"^fillets-ng-data-(cs|nl)/.*\.ogg$", r"fillets-\1-other"),
    (r"^tuxpaint-stamps-default/.*_desc_(?!da|fr)(\w\w)\.ogg$", r"tuxpaint-\1"),
    (
        r"^hedgewars-data/.*/voices/(British|Classic|Default|Default_es|Default_pl|Mobster|Russian|Surfer)/",
        r"hedgewars-\1",
    ),
    (r"^ktuberling-data/.*/sounds/([a-z]+)/.*\.(ogg|wav)$", r"ktuberling-\1"),
    (r"^klettres-data/.*/klettres/(?!nds)([a-zA-Z_]+)/.*\.(ogg|wav)$", r"klettres-\1"),
    (r"^pocketsphinx-testdata/.*/librivox/.*\.wav$", "librivox"),
    # Without two readers who may be the test voice librivox, which is not named: both recorded Jane Austen for LibriVox.
    (r"^Resemblyzer/.*/(?!19-|103-)(\d+)-\d+-\d+\.flac$", r"librispeech-\1"),
    (r"^speechocean762/WAVE/SPEAKER(\d+)/.*\.WAV$", r"speechocean-\1"),
    (r"^wake-word-benchmark/audio/(\w+)[^/]*/.*\.(?:wav|flac)$", r"keywords-\1"),
    # Without voices whose licence is missing or allows no commercial use, and ODbL's.
    (
        r"^mimic3-voices/samples/(?!bn|ru|sw)(\w+)/(?!kss|apope|tom)([\w-]+?)(?:_low)?/(?:.*/)?sample(.*)\.wav$",
        r"synthetic-mimic3-\1-\2\3",
    ),
    (r"^vctk-vits-speaker-comparison/output/(\d+)\.wav$", r"synthetic-vctk-\1"),
)
TEST_VOICES = ("librivox", "asterisk-it", "asterisk-ru")
SUFFIXES = {".wav", ".flac", ".ogg", ".oga", ".g722", ".cat"}
NOT_SPEECH = re.compile(r"/silence/|beep|/dtmf|confbridge-(join|leave)|ascending|descending|/voices/(Singer|Robot|Pirate)/")
# A noise's folder begins with its kind: ambience goes on, music too, sfx are short events.
NOISE = (
    (r"^ufoai-sound/.*/ambience/", "ambience-ufoai"),
    (r"^ufoai-sound/.*/(doors|footsteps|impact|ugv|geoscape|misc)/", "sfx-ufoai"),
    (r"^asterisk-moh-opsound-g722/.*\.g722$", "music-moh"),
    (r"^openttd-opensfx/.*\.cat$", "sfx-opensfx"),
    (r"^bucklespring-data/.*\.wav$", "sfx-keyboard"),
    (r"^hedgewars-data/.*/Music/[^/]*\.ogg$", "music-hedgewars"),
    (r"^hedgewars-data/.*/Sounds/[^/]*\.ogg$", "sfx-hedgewars"),
    (r"^fillets-ng-data/.*/music/.*\.ogg$", "music-fillets"),
    (r"^fillets-ng-data/.*\.ogg$", "sfx-fillets"),
    (r"^torcs-data/.*\.wav$", "ambience-torcs"),
    (r"^lincity-ng-data/.*\.ogg$", "music-lincity"),
    (r"^lincity-ng-data/.*\.wav$", "sfx-lincity"),
    (r"^minetest-mod-homedecor/.*\.ogg$", "sfx-homedecor"),
    (r"^(lomiri-sounds|sound-theme-freedesktop)/.*\.(ogg|oga)$", "sfx-ringtones"),
    (r"^tuxpaint-stamps-default/(?!.*_desc).*\.(wav|ogg)$", "sfx-tuxpaint"),
    (r"^ESC-10/.*(Rain|Sea|Helicopter|Chainsaw|Fire).*\.ogg$", "ambience-esc10"),
    (r"^ESC-10/.*\.ogg$", "sfx-esc10"),
    (r"^blanket/data/.*\.ogg$", "ambience-blanket"),
)
# Held out by name (the recordings that the demonstration uses among them), and one file in seven of the rest of a package's.
TEST_NOISE = re.compile(r"minepump|bloodspiderwalk|waterfontain|tv_newswav|fire05|machine1|arcticwind|morning_coffee")


def fetch(package: Package, folder: Path) -> Path:
    """Download and unpack one package below `folder`; what is there already is kept."""
    root = folder / package.name
    if root.is_dir():
        return root
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", package.name], cwd=folder, check=True, capture_output=True)
    archive = next(folder.glob(f"{package.name}_*.deb"))
    subprocess.run(["dpkg-deb", "-x", str(archive), str(root)], check=True)
    for container in root.rglob("*.pk3"):
        with zipfile.ZipFile(container) as pk3:
            pk3.extractall(root / "pk3")
    archive.unlink()
    return root


def decode(path: Path) -> Iterator[tuple[Audio, int]]:
    """Mono signals in a file: one, or many where it is an OpenTTD .cat container."""
    if path.suffix == ".g722":
        import av

        with av.open(str(path), format="g722") as container:
            blocks = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
        if blocks:
            yield (np.concatenate(blocks) / 32768).astype(np.float32), RATE
        return
    if path.suffix == ".cat":
        data = path.read_bytes()
        for match in re.finditer(rb"RIFF....WAVE", data, re.DOTALL):
            size = int.from_bytes(data[match.start() + 4 : match.start() + 8], "little") + 8
            yield _read(io.BytesIO(data[match.start() : match.start() + size]))
        return
    yield _read(path)


def _read(file: Path | io.BytesIO) -> tuple[Audio, int]:
    signal, rate = soundfile.read(file, dtype="float32", always_2d=True)
    return signal.mean(axis=1), rate


def frame_levels(signal: Audio) -> Audio:
    """Level of every 20 ms frame in dB relative to the loudest."""
    frames = signal[: len(signal) // FRAME * FRAME].reshape(-1, FRAME)
    power = (frames**2).mean(axis=1) + 1e-10
    return (10 * np.log10(power / power.max())).astype(np.float32)


def trim(signal: Audio, below_db: float) -> Audio:
    """Without the frames before the first and after the last one louder than `below_db`, but for 60 ms."""
    loud = np.flatnonzero(frame_levels(signal) > below_db)
    return signal[max(0, loud[0] - 3) * FRAME : (loud[-1] + 4) * FRAME]


def denoise(signal: Audio) -> Audio:
    """A recording, float32 (samples,), without its steady noise: spectral subtraction (Boll, 1979) of at most 15 dB.

    A network learns to keep whatever its targets hold, and volunteers' recordings hold hiss.
    """
    _, _, spectrum = stft(signal, RATE, nperseg=BLOCK, noverlap=BLOCK * 3 // 4)
    power = np.abs(spectrum) ** 2
    # The tenth percentile of the power of a steady Gaussian noise is 0.105 of its mean.
    noise = np.percentile(power, 10, axis=1, keepdims=True) / 0.105
    smooth = uniform_filter(power, (3, 5))
    gain = np.sqrt(np.maximum(1 - 1.5 * noise / np.maximum(smooth, 1e-20), 10**-1.5))
    return istft(spectrum * gain, RATE, nperseg=BLOCK, noverlap=BLOCK * 3 // 4)[1][: len(signal)].astype(np.float32)


def is_clean(signal: Audio) -> bool:
    """True for 0.3 s or more of speech; from 1 s on its quietest frames must lie 28 dB below its loudest ones."""
    if len(signal) < RATE:
        return len(signal) > 0.3 * RATE
    levels = np.sort(frame_levels(signal))
    return bool(levels[-max(1, len(levels) // 20)] - levels[len(levels) // 20] > 28)


def is_held_out(name: str, number: int) -> bool:
    """True if signal `number` of the noise file of that name is for tests."""
    return bool(TEST_NOISE.search(name)) or zlib.crc32(f"{name}-{number}".encode()) % 7 == 0


def convert(job: tuple[Path, str, Path, str]) -> tuple[str, str, float]:
    """Convert one file into WAVs below its target folder, speech to train on without its steady noise.

    Returns package, subset and hours written.
    """
    source, kind, target, package = job
    seconds = 0.0
    try:
        signals = list(decode(source))
    except (OSError, ValueError, soundfile.LibsndfileError) as error:
        print(f"left out: {source.name}: {error}")
        return package, kind, 0.0
    for number, (signal, rate) in enumerate(signals):
        if len(signal) < 0.05 * rate or not np.abs(signal).max() > 1e-3:
            continue
        audio = signal if rate == RATE else soxr.resample(signal, rate, RATE, "MQ").astype(np.float32)
        if kind == "speech" and not is_clean(audio):
            continue
        audio = audio - audio.mean()
        if kind == "speech" and target.parent.name == "train":
            audio = denoise(audio)
        audio = trim(audio, -40 if kind == "speech" else -60)[: 300 * RATE]
        audio *= 0.7 / max(np.abs(audio).max(), 1e-6)
        name = f"{source.stem}-{zlib.crc32(str(source).encode()):08x}-{number}.wav"
        folder = target
        if kind == "noise" and package not in {r.name for r in REPOSITORIES} and is_held_out(source.name, number):
            folder = target.parent.parent / "test" / target.name
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / name, audio, RATE, subtype="PCM_16")
        seconds += len(audio) / RATE
    return package, kind, seconds / 3600


def jobs(root: Path, package: str, corpus: Path) -> Iterator[tuple[Path, str, Path, str]]:
    children = set(_children(root))
    for path in sorted(root.rglob("*")):
        key = f"{package}/{path.relative_to(root).as_posix()}"
        if not path.is_file() or path.is_symlink() or path.suffix.lower() not in SUFFIXES:
            continue
        voice = _first_match(SPEECH, key)
        if voice and (match := re.match(r"speechocean-(\d+)$", voice)) and match[1] in children:
            voice = f"speechocean-child-{match[1]}"
        if voice and not NOT_SPEECH.search(key):
            subset = "test" if voice in TEST_VOICES else "train"
            yield path, "speech", corpus / "speech" / subset / voice, package
        elif source := _first_match(NOISE, key):
            yield path, "noise", corpus / "noise" / "train" / source, package


def _children(root: Path) -> Iterator[str]:
    """Speakers below 16 by the lists of speakers and ages that a corpus in Kaldi's form has."""
    for listing in root.glob("*/spk2age"):
        for line in listing.read_text().splitlines():
            speaker, age = line.split()
            if int(age) < 16:
                yield speaker


def _first_match(rules: tuple[tuple[str, str], ...], key: str) -> str | None:
    for pattern, name in rules:
        if match := re.match(pattern, key):
            return match.expand(name)
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="folder to write")
    parser.add_argument("--packages", type=Path, help="folder of unpacked packages (default: CORPUS/packages)")
    parser.add_argument("--repositories", type=Path, help="folder of checkouts, each under its repository's name")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    packages = arguments.packages or arguments.corpus / "packages"
    record = {p.name: {"licence": p.licence, "hours": {"speech": 0.0, "noise": 0.0}} for p in PACKAGES + REPOSITORIES}
    todo: list[tuple[Path, str, Path, str]] = []
    for repository in REPOSITORIES if arguments.repositories else ():
        found = list(jobs(arguments.repositories / repository.name, repository.name, arguments.corpus))
        print(f"repository {repository.name}: {len(found)} files" if found else f"left out: repository {repository.name}")
        todo += found
    if arguments.repositories and not todo:
        names = ", ".join(repository.name for repository in REPOSITORIES)
        parser.error(f"{arguments.repositories} has none of {names}: give the folder of the checkouts")
    for package in PACKAGES:
        print(f"package {package.name}", flush=True)
        todo += jobs(fetch(package, packages), package.name, arguments.corpus)
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for done, (name, kind, hours) in enumerate(pool.map(convert, todo, chunksize=16)):
            record[name]["hours"][kind] += hours  # type: ignore[index]
            if done % 500 == 0:
                print(f"{done}/{len(todo)} files", flush=True)
    (arguments.corpus / "licences.json").write_text(json.dumps(record, indent=2) + "\n")
    for name, entry in record.items():
        print(f"{name:34s} {entry['hours']}  {entry['licence']}")


if __name__ == "__main__":
    main()
