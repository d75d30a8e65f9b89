# SPDX-License-Identifier: Apache-2.0
"""The chain: everything that a model file says about the signal around its network."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from codesign.base.errors import InputError
from codesign.compiler.frontend.beamformer import Beamformer
from codesign.compiler.frontend.capture import Ends, capture_checks, ends_of
from codesign.compiler.frontend.compressor import Compressor, compressor_checks
from codesign.compiler.frontend.fft_tables import MAX_N_FFT, MIN_N_FFT, is_fft_length, near_fft_lengths
from codesign.compiler.frontend.filter_path import PATHS, filter_checks, filter_delay, filter_lag
from codesign.compiler.frontend.makeup import makeup_checks
from codesign.compiler.frontend.output_stage import LIMITERS, output_checks
from codesign.compiler.frontend.programs import Program, program_checks
from codesign.compiler.frontend.windows import (
    SYNTHESIS_KINDS,
    WINDOW_KINDS,
    asymmetric_checks,
    overlap_problem,
    synthesis_length,
)

BAND_KINDS = ("mel", "slaney", "erb", "matrix")
FEATURE_KINDS = (
    *("mel_magnitude", "mel_power", "magnitude", "power"),
    *(f"{bands}_{size}" for bands in BAND_KINDS[1:] for size in ("magnitude", "power")),
    *("spectrum", "frame"),
)
"""What the network is given: bands or bins of a size, the complex spectrum, or the frame of samples itself."""
COMPRESSIONS = ("power", "log", "log10", "none")
LAYOUTS = ("interleaved", "planes")
OUTPUT_KINDS = ("gains", "mask", "spectrum", "frame")
"""What the network gives: real gains, a complex mask, the enhanced spectrum, or the enhanced frame."""
GAIN_KINDS = ("bands", "bins", "matrix")
RUNNING_KINDS = ("none", "mean", "mean_deviation", "unit")
"""What is kept of past features to normalize by: nothing, their mean, also their deviation, or the size of complex bins."""
RUNNING_OVER = ("each", "all")
Arithmetic = Literal["float32", "q31"]
"""What a front end computes in: IEEE 754 binary32, or integers of 32 bits with an exponent a frame."""

FRAMES = ("sample_rate", "n_fft", "window", "hop", "window_kind", "window_samples", "synthesis_length", "path")
FILTER = ("taps", "phase", "filter_type", "block", "lag", "filter_delay")
OUTPUT_STAGE = (
    *("attenuation_limit", "strength", "compressor", "programs", "program", "input_spl", "output_spl"),
    *(f"{limiter}{part}" for limiter in LIMITERS for part in ("", "_spl", "_attack", "_release")),
)
CAPTURE = ("resample", "beamformer")
SHARED = FRAMES + FILTER + OUTPUT_STAGE + CAPTURE
"""Keys that say which frames there are, what the sound comes from and what becomes of it at last: networks in a row have them
in common.
"""
FLOOR = 2.0**-40
"""What is below this counts as this before a compression: silence."""
HINT = "correct the model's metadata_props or its chain file (docs/model-file.md)"
Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Chain:
    """PCM → frames → features → network → what makes the enhanced frames → PCM. Each field is a key of a model file.

    Lengths are in samples, frequencies in Hz. `window` frames are zero-padded at their end to `n_fft`. `n_mels` is the number
    of bands, of whatever kind; `f_min`, `f_max` bound them. `mean` and `deviation` have one value for all features or one for
    each. Matrices are rows of floats: bands × bins, and bins × gains. `taps`, `phase`, `filter_type`, `block`, `lag` and
    `filter_delay` are of path "filter". `attenuation_limit` is in dB, `strength` in percent, limiters in dBFS or dB SPL, their
    times in ms. `speech_loss` is what the network takes of speech in dB, of all frequencies or at those of frontend.makeup.
    `input_spl` and `output_spl` are dB SPL of a sine of full scale at microphone and receiver, None where the board says it.
    `program` is the one at first: 0 are the chain's own settings. `resample` times `sample_rate` is the device's rate, and
    `beamformer` makes one signal of its two microphones: lengths and rates are the network's, the device's are `ends`.
    """

    sample_rate: int = 16000
    n_fft: int = 512
    window: int = 512
    hop: int = 256
    window_kind: str = "sqrt_hann"
    feature: str = "mel_magnitude"
    n_mels: int = 128
    f_min: float = 0.0
    f_max: float = 8000.0
    exponent: float = 0.3
    window_samples: tuple[float, ...] = ()
    synthesis_kind: str = "matched"
    synthesis_samples: tuple[float, ...] = ()
    synthesis_length: int = 0
    compression: str = "power"
    floor: float = FLOOR
    offset: float = 0.0
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    running: str = "none"
    running_over: str = "each"
    running_smoothing: float = 0.0
    running_start: tuple[float, ...] = ()
    running_deviation: tuple[float, ...] = ()
    running_floor: float = 1e-10
    layout: str = "interleaved"
    bands_matrix: Rows = ()
    output: str = "gains"
    gains: str = "bands"
    gains_matrix: Rows = ()
    gain_min: float | None = None
    gain_max: float | None = None
    path: str = "frames"
    taps: int = 64
    phase: str = "linear"
    filter_type: str = "float32"
    block: int = 8
    lag: int = 0
    filter_delay: int = 0
    attenuation_limit: float | None = None
    strength: int | None = None
    limiter: float | None = None
    limiter_spl: float | None = None
    limiter_attack: float = 1.0
    limiter_release: float = 50.0
    limiter_rms: float | None = None
    limiter_rms_spl: float | None = None
    limiter_rms_attack: float = 10.0
    limiter_rms_release: float = 100.0
    compressor: Compressor | None = None
    input_spl: float | None = None
    output_spl: float | None = None
    speech_loss: tuple[float, ...] = ()
    programs: tuple[Program, ...] = ()
    program: int = 0
    resample: int = 1
    beamformer: Beamformer | None = None

    def __post_init__(self) -> None:
        for holds, message in self._checks():
            if not holds:
                raise InputError(f"front end: {message}", hint=HINT)

    def _checks(self) -> Iterator[tuple[bool, str]]:
        """Conditions with what to say where they fail, one at a time: each may build on those before it."""
        yield from self._framing_checks()
        yield self.feature in FEATURE_KINDS, f"feature '{self.feature}' is not one of {_or(FEATURE_KINDS)}"
        yield self.output in OUTPUT_KINDS, f"output '{self.output}' is not one of {_or(OUTPUT_KINDS)}"
        if self.transforms:
            limits = f"{MIN_N_FFT}…{MAX_N_FFT}, near it {_or(near_fft_lengths(self.n_fft))}"
            yield is_fft_length(self.n_fft), f"n_fft {self.n_fft} is no even product of 2, 3 and 5 in {limits}"
        yield 2 <= self.window <= self.n_fft <= MAX_N_FFT, f"window {self.window} is not in 2…n_fft={self.n_fft}"
        yield from self._input_checks()
        yield from self._output_checks()
        yield self.path in PATHS, f"path '{self.path}' is not one of {_or(PATHS)}"
        yield from filter_checks(self) if self.filters else ()
        yield from capture_checks(self)
        yield from compressor_checks(self)
        yield from makeup_checks(self)
        yield from asymmetric_checks(self)
        yield from output_checks(self)
        yield from program_checks(self)
        yield not (problem := "" if self.filters else overlap_problem(self)), problem

    def _framing_checks(self) -> Iterator[tuple[bool, str]]:
        yield 4000 <= self.sample_rate <= 192000, f"sample_rate {self.sample_rate} is not in 4000…192000 Hz"
        yield 1 <= self.hop <= self.window, f"hop {self.hop} is not in 1…window={self.window}"
        for key, kinds in (("window", WINDOW_KINDS), ("synthesis", SYNTHESIS_KINDS)):
            kind, samples = getattr(self, f"{key}_kind"), getattr(self, f"{key}_samples")
            yield kind in kinds, f"{key}_kind '{kind}' is not one of {_or(kinds)}"
            wanted = self.window if kind == "samples" else 0
            yield len(samples) == wanted, f"{key}_samples has {len(samples)} values where {key}_kind '{kind}' takes {wanted}"
            yield all(abs(v) <= 1e3 for v in samples), f"{key}_samples holds a value that is not within ±1000"

    def _input_checks(self) -> Iterator[tuple[bool, str]]:
        if self.has_bands:
            yield 1 <= self.n_mels <= self.n_bins, f"n_mels {self.n_mels} is not in 1…{self.n_bins} (bins)"
            in_order = 0 <= self.f_min < self.f_max <= self.sample_rate / 2
            band = f"f_min {self.f_min} and f_max {self.f_max}"
            yield in_order, f"{band} do not satisfy 0 ≤ f_min < f_max ≤ sample_rate/2"
        wanted = (self.n_mels, self.n_bins) if self.bands == "matrix" else (0, 0)
        yield from _matrix_checks("bands_matrix", self.bands_matrix, *wanted, f"feature '{self.feature}'")
        yield self.compression in COMPRESSIONS, f"compression '{self.compression}' is not one of {_or(COMPRESSIONS)}"
        yield 0 < self.exponent <= 1, f"exponent {self.exponent} is not in (0, 1]"
        yield FLOOR <= self.floor <= 1e30, f"floor {self.floor} is not in 2^-40…1e30"
        yield 0 <= self.offset <= 1e30, f"offset {self.offset} is not in 0…1e30"
        logs = self.compression in ("log", "log10")
        yield logs or self.offset == 0, f"offset {self.offset} goes with compression log or log10, not '{self.compression}'"
        yield self.layout in LAYOUTS, f"layout '{self.layout}' is not one of {_or(LAYOUTS)}"
        for key in ("mean", "deviation"):
            values = getattr(self, key)
            fits = len(values) in (0, 1, self.n_features)
            yield fits, f"{key} has {len(values)} values for {self.n_features} features: give one, or one for each"
            yield all(abs(v) <= 1e30 for v in values), f"{key} holds a value that is no number within ±1e30"
        yield all(v >= 1e-30 for v in self.deviation), "deviation holds a value that is not above 0"
        yield from self._running_checks()

    def _running_checks(self) -> Iterator[tuple[bool, str]]:
        yield self.running in RUNNING_KINDS, f"running '{self.running}' is not one of {_or(RUNNING_KINDS)}"
        yield self.running_over in RUNNING_OVER, f"running_over '{self.running_over}' is not one of {_or(RUNNING_OVER)}"
        complex_bins = self.running != "unit" or self.feature == "spectrum"
        yield complex_bins, f"running 'unit' is of complex bins: feature 'spectrum', not '{self.feature}'"
        yield 0 <= self.running_smoothing < 1, f"running_smoothing {self.running_smoothing} is not in [0, 1)"
        yield 1e-30 <= self.running_floor <= 1e30, f"running_floor {self.running_floor} is not in 1e-30…1e30"
        for key, low in (("running_start", 0.0 if self.running == "unit" else -1e30), ("running_deviation", 0.0)):
            values = getattr(self, key)
            fits = len(values) in (0, 1, self.n_running)
            yield fits, f"{key} has {len(values)} values for {self.n_running}: give one, or one for each"
            yield all(low <= v <= 1e15 for v in values), f"{key} holds a value that is not in {low:g}…1e15"

    def _output_checks(self) -> Iterator[tuple[bool, str]]:
        yield self.gains in GAIN_KINDS, f"gains '{self.gains}' is not one of {_or(GAIN_KINDS)}"
        if self.output == "gains" and self.gains == "bands":
            yield self.has_bands, f"gains 'bands' needs bands: feature '{self.feature}' has none (gains = bins or matrix)"
        given = self.output == "gains" and self.gains == "matrix"
        columns = len(self.gains_matrix[0]) if given and self.gains_matrix else 0
        yield columns <= self.n_bins, f"gains_matrix has {columns} columns, more than {self.n_bins} (bins)"
        rows = self.n_bins if given else 0
        yield from _matrix_checks("gains_matrix", self.gains_matrix, rows, columns, f"gains '{self.gains}'")
        for key in ("gain_min", "gain_max"):
            limit = getattr(self, key)
            yield limit is None or abs(limit) <= 1e6, f"{key} {limit} is not within ±1e6"
        low, high = self.gain_limits
        yield low < high, f"gain_min {low:g} is not below gain_max {high:g}"

    @property
    def n_bins(self) -> int:
        """Bins of the one-sided spectrum, n_fft/2 + 1."""
        return self.n_fft // 2 + 1

    @property
    def bands(self) -> str:
        """What the bands are, one of BAND_KINDS; "" where the features are no bands."""
        kind = self.feature.rpartition("_")[0]
        return kind if kind in BAND_KINDS else ""

    @property
    def has_bands(self) -> bool:
        """Whether the features are bands of bins."""
        return bool(self.bands)

    @property
    def of_power(self) -> bool:
        """Whether bands or bins are of |X|², not |X|."""
        return self.feature.endswith("power")

    @property
    def of_sizes(self) -> bool:
        """Whether the features are real sizes, of bands or bins, and may be compressed."""
        return self.feature.endswith(("magnitude", "power"))

    @property
    def changes_spectrum(self) -> bool:
        """Whether what the network gives is applied to the spectrum, which must last until then, or the level is of it."""
        return self.output in ("gains", "mask") or (self.compressor is not None and self.output == "spectrum")

    @property
    def transforms(self) -> bool:
        """Whether there is a Fourier transform: not from frame to frame."""
        return self.feature != "frame" or self.output != "frame"

    @property
    def n_features(self) -> int:
        """Values that the network is given each frame."""
        if self.has_bands:
            return self.n_mels
        return {"spectrum": 2 * self.n_bins, "frame": self.window}.get(self.feature, self.n_bins)

    @property
    def n_running(self) -> int:
        """Means, and deviations, that are kept of past features."""
        if self.running == "none":
            return 0
        return 1 if self.running_over == "all" else self.n_bins if self.running == "unit" else self.n_features

    @property
    def n_outputs(self) -> int:
        """Values that the network gives each frame."""
        if self.output == "gains":
            return {"bands": self.n_mels, "bins": self.n_bins}.get(
                self.gains, len(self.gains_matrix[0] if self.gains_matrix else ())
            )
        return self.window if self.output == "frame" else 2 * self.n_bins

    @property
    def gain_limits(self) -> tuple[float, float]:
        """The smallest and the largest gain, infinite where there is no limit."""
        return -math.inf if self.gain_min is None else self.gain_min, math.inf if self.gain_max is None else self.gain_max

    @property
    def filters(self) -> bool:
        """Whether every sample goes through a filter: path "filter"."""
        return self.path == "filter"

    @property
    def latency_samples(self) -> int:
        """Delay of the output stream against the input stream: what is overlap-added less a hop, or what the filter takes."""
        return filter_delay(self) if self.filters else synthesis_length(self) - self.hop

    @property
    def ends(self) -> Ends:
        """Audio as a device gives and takes it."""
        return ends_of(self)

    @property
    def block_samples(self) -> int:
        """Samples that come and go together: a hop, or the filter path's block."""
        return self.block if self.filters else self.hop

    @property
    def deadline_ms(self) -> float:
        """What a frame may take: a hop, or the time until the filter that comes of it is due, in ms."""
        return 1000.0 * (filter_lag(self) if self.filters else self.hop) / self.sample_rate

    @property
    def hop_ms(self) -> float:
        """Time between two frames, in ms."""
        return 1000.0 * self.hop / self.sample_rate

    @property
    def algorithmic_latency_ms(self) -> float:
        """Stream delay plus the block that must be there first, in ms: of frames the window, and what resampling and beamformer
        add; computation not included.
        """
        ends = self.ends
        return 1000.0 * (ends.latency + ends.block) / ends.rate


def _matrix_checks(key: str, matrix: Rows, rows: int, columns: int, of: str) -> Iterator[tuple[bool, str]]:
    widths = {len(row) for row in matrix}
    shape = f"{len(matrix)} × {'/'.join(map(str, sorted(widths))) or 0}"
    yield len(matrix) == rows and widths <= {columns}, f"{key} is {shape} where {of} takes {rows} × {columns}"
    yield all(abs(v) <= 1e6 for row in matrix for v in row), f"{key} holds a value that is no number within ±1e6"


def _or(words: Iterable[object]) -> str:
    return ", ".join(map(str, words))
