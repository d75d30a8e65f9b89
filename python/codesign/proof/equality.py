# SPDX-License-Identifier: Apache-2.0
"""Bit-exactness: emulated image = host library = NumPy reference, and the rules that an enhancer keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend import Arithmetic
from codesign.compiler.lower.network import Network
from codesign.compiler.plan.chain import has_own_frame
from codesign.compiler.reference import network as reference_network
from codesign.compiler.reference.capture import captured
from codesign.compiler.reference.filter_path_s16 import filtered_s16, filters_q31
from codesign.compiler.reference.frontend import (
    Before,
    analyse,
    handed_over,
    output_of,
    quantize_features,
)
from codesign.compiler.reference.frontend_q31 import analyse_q31, features_q31, synthesise_q31
from codesign.compiler.reference.output_stage import finished
from codesign.firmware.image import Image
from codesign.firmware.machines.host import HostEnhancer
from codesign.firmware.machines.run import NetworkSignals, Run
from codesign.proof.verdict import Check


def run_reference(network: Network, pcm: npt.NDArray[np.int16], front_end: Arithmetic = "float32") -> Run:
    """The contract itself: NumPy front end and integer network, or networks in a row, over int16 PCM of whole hops, from the
    device's end to the device's end.

    Raises:
        InputError: the network does not fit its chain, or the Q31 front end does not have what the chain needs.
    """
    has_own_frame(network, front_end)  # raises for what does not fit
    heard = captured(network.frontend, pcm)
    return _in_q31(network, heard) if front_end == "q31" else _in_float32(network, heard)


def _in_q31(network: Network, pcm: npt.NDArray[np.int16]) -> Run:
    chain, feature, mask_value = network.frontend, network.values[network.input], network.values[network.output]
    spectrum = analyse_q31(chain, pcm)
    features: reference_network.Features = features_q31(chain, spectrum, feature)
    mask, updated = reference_network.run(network, features)
    if chain.filters:
        enhanced = filtered_s16(chain, pcm, filters_q31(chain, mask, mask_value))
    else:
        enhanced = synthesise_q31(chain, spectrum, mask, mask_value)
    return _reference_run(finished(chain, pcm, enhanced), [features], mask, ~updated)


def _in_float32(network: Network, pcm: npt.NDArray[np.int16]) -> Run:
    """Networks in a row too: each from what the one before it gave."""
    seen: list[reference_network.Features] = []
    skipped = np.zeros(pcm.size // network.frontend.hop, np.bool_)
    analysis = analyse(network.frontend, pcm)
    before = Before(analysis.spectrum) if network.parts else None
    for number, part in enumerate(network.row):
        feature, mask_value = part.values[part.input], part.values[part.output]
        seen.append(quantize_features(analysis.features, feature.scale, feature.zero_point, feature.dtype))
        mask, updated = reference_network.run(part, seen[-1])
        skipped |= ~updated
        real = (mask.astype(np.float32) - np.float32(mask_value.zero_point)) * np.float32(mask_value.scale)
        if part is not network.row[-1]:
            before = before.after(part.frontend, real) if before else None
            analysis = handed_over(part.frontend, network.row[number + 1].frontend, analysis.spectrum, real)
    output = output_of(network.back_end, pcm, analysis.spectrum, real, before=before)
    return _reference_run(output, seen, mask, skipped)


def _reference_run(
    pcm: npt.NDArray[np.int16],
    features: Sequence[reference_network.Features],
    mask: npt.NDArray[np.int16] | npt.NDArray[np.int8],
    skipped: npt.NDArray[np.bool_],
) -> Run:
    signals = NetworkSignals(features[0], mask, skipped, tuple(features[1:]))
    return Run("reference", pcm, len(mask), int(skipped.sum()), signals)


def equal(run: Run, expected: Run) -> Check:
    """Whether PCM, and where both runs show them features, mask and skipped frames, are the same, every bit; says where they
    first differ.
    """
    name = f"{run.machine} = {expected.machine}, bit for bit"
    ours, theirs = run.signals, expected.signals
    pairs: list[tuple[str, npt.NDArray[Any], npt.NDArray[Any]]] = [("PCM", run.pcm, expected.pcm)]
    if ours is not None and theirs is not None:
        seen = [("feature", ours.features, theirs.features), ("mask", ours.mask, theirs.mask)]
        pairs = [*seen, *pairs, ("skip", ours.skipped, theirs.skipped)]
    for what, here, there in pairs:
        if here.shape != there.shape:
            return Check(name, False, f"{what}: shape {here.shape} against {there.shape}")
        different = np.flatnonzero((here != there).reshape(-1))
        if different.size:
            first = int(different[0])
            detail = f"{what}: {different.size} of {here.size} values differ, first at {first}: "
            return Check(name, False, f"{detail}{here.reshape(-1)[first]} against {there.reshape(-1)[first]}")
    masks = f", {run.frames} masks" if len(pairs) > 1 else ""
    return Check(name, True, f"{run.pcm.size} samples{masks}, 0 LSB")


def same_in_one_call(image: Image, pcm: npt.NDArray[np.int16], expected: Run) -> Check:
    """1×N = N×1: all hops of `pcm`, int16 (hops · hop,), in one call give the bits of one call a hop, which `expected` has,
    and a reset gives the first bits again.
    """
    enhancer = HostEnhancer(image)
    first = enhancer.process(pcm)
    enhancer.reset()
    second = enhancer.process(pcm)
    ok = bool(np.array_equal(first, expected.pcm) and np.array_equal(second, first))
    detail = f"{expected.frames} frames in one call, twice" if ok else "the output depends on the call's length or on the past"
    return Check("one call = hop by hop = after reset", ok, detail)
