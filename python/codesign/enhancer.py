# SPDX-License-Identifier: Apache-2.0
"""Enhancing signals in memory with the firmware's own C on this machine."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import soxr

from codesign.base.errors import InputError
from codesign.compiler.frontend import Arithmetic, whole_hops
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.firmware.machines.host import HostEnhancer
from codesign.firmware.toolchain import build_host

Signal = npt.NDArray[Any]


class Enhancer:
    """An int8 model at work on a stream: blocks of any length at `sample_rate` Hz in, what is ready out.

    Output lags behind input by `latency` samples beside what waits for a whole hop. As a context manager, or by `close`, it
    removes the library that it was built into.

    Raises:
        InputError: the model is no int8 model that codesign can lower.
        ToolError, BuildError: no compiler, or it refused.
    """

    def __init__(self, model: str | Path, *, front_end: Arithmetic = "float32", chain: str | Path | None = None) -> None:
        network = lower(load_onnx(Path(model), None if chain is None else Path(chain)))
        self._folder = tempfile.TemporaryDirectory(prefix="codesign-")
        try:
            self._enhancer = HostEnhancer(build_host(network, Path(self._folder.name) / "host", front_end))
        except BaseException:
            self._folder.cleanup()
            raise
        self.sample_rate, self.hop = network.frontend.sample_rate, network.frontend.hop
        self.latency = network.frontend.latency_samples
        self._waiting = np.zeros(0, np.int16)

    def process(self, block: Signal) -> Signal:
        """Enhance the next samples, (n,) in int16 or in floating point within ±1; the samples that are ready, in the same type.

        Raises:
            InputError: another type or shape, or a sample that is not finite.
        """
        pcm = _int16(block)
        self._waiting = np.concatenate([self._waiting, pcm])
        ready = self._waiting.size // self.hop * self.hop
        enhanced = self._enhancer.process(self._waiting[:ready])
        self._waiting = self._waiting[ready:]
        return _as(enhanced, block.dtype)

    def reset(self) -> None:
        """Forget everything heard so far."""
        self._enhancer.reset()
        self._waiting = np.zeros(0, np.int16)

    def close(self) -> None:
        """Remove the files behind it."""
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def enhance(model: str | Path | Enhancer, audio: Signal, sample_rate: int) -> Signal:
    """Enhance a whole signal (n,) of int16, or of floating point within ±1, at `sample_rate` Hz; any length.

    The result has the type, length and rate of `audio` and is aligned with it. At another rate than the model's the signal is
    resampled there and back, and what lies above half of the lower rate is lost. An Enhancer is reset first.

    Raises:
        InputError: another type or shape, an empty signal, or a sample that is not finite.
    """
    pcm = _int16(audio)
    if pcm.size == 0 or sample_rate <= 0:
        raise InputError(f"a signal of {pcm.size} samples at {sample_rate} Hz", hint="give a signal and its sample rate")
    if not isinstance(model, Enhancer):
        with Enhancer(model) as enhancer:
            return enhance(enhancer, audio, sample_rate)
    model.reset()
    at_rate = _resampled(pcm, sample_rate, model.sample_rate)
    enhanced = model.process(whole_hops(at_rate, model.hop, model.latency))[model.latency :][: at_rate.size]
    back = _resampled(enhanced, model.sample_rate, sample_rate)
    fitted = np.zeros(pcm.size, np.int16)
    fitted[: back.size] = back[: pcm.size]
    return _as(fitted, audio.dtype)


def _int16(signal: Signal) -> npt.NDArray[np.int16]:
    if signal.ndim != 1:
        raise InputError(
            f"a signal of shape {signal.shape}", hint="give one channel, (n,): audio.mean(axis=...) mixes stereo down"
        )
    if signal.dtype == np.int16:
        return signal
    if not np.issubdtype(signal.dtype, np.floating):
        raise InputError(f"a signal of {signal.dtype}", hint="give int16, or floating point within ±1")
    if not np.isfinite(signal).all():
        raise InputError("a signal holds NaN or infinity", hint="check the recording")
    return np.clip(np.rint(signal.astype(np.float64) * 32768.0), -32768, 32767).astype(np.int16)


def _as(pcm: npt.NDArray[np.int16], dtype: np.dtype[Any]) -> Signal:
    return pcm if dtype == np.int16 else (pcm / 32768.0).astype(dtype)


def _resampled(pcm: npt.NDArray[np.int16], rate: int, wanted: int) -> npt.NDArray[np.int16]:
    if rate == wanted:
        return pcm
    return _int16(np.asarray(soxr.resample(pcm / 32768.0, rate, wanted)))
