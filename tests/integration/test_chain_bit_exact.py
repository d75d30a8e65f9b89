# SPDX-License-Identifier: Apache-2.0
"""Chains of every kind: host library and emulated image give every bit of the NumPy reference."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from chains import CHAINS, chain_of, small_network
from codesign.base.errors import InputError
from codesign.compiler.frontend import Chain, whole_hops
from codesign.compiler.plan import plan_memory
from codesign.firmware.boards import load_board
from codesign.firmware.machines import MACHINES
from codesign.firmware.machines.machine import RunOptions
from codesign.firmware.size import measure
from codesign.firmware.size.parts import parts_of
from codesign.firmware.size.stack import worst_stack
from codesign.firmware.toolchain import build_bare, build_host
from codesign.proof.equality import equal, run_reference, same_in_one_call


def signal(chain: Chain, frames: int) -> np.ndarray:
    """Noise that fades, silence, and the extremes of int16."""
    rng, n = np.random.default_rng(5), frames * chain.hop
    pcm = rng.normal(0, 9000, n) * np.exp(-np.arange(n) * 8 / n)
    pcm[n // 3 : n // 2] = 0
    pcm[n // 2 : n // 2 + 9] = [32767, -32768, 32767, 32767, -32768, -32768, 1, -1, 0]
    return whole_hops(np.clip(np.rint(pcm), -32768, 32767).astype(np.int16), chain.hop)


FILTERS = ("filter, mixed and limited", "filter of minimum phase", "filter of minimum phase in 16 bits, mixed")
TYPES = [("int16", "int16"), ("int8", "int8"), ("int16", "int8")]


@pytest.mark.parametrize(("name", "types"), [(name, TYPES[i % 3]) for i, name in enumerate(CHAINS)])
def test_host_library_equals_reference(name, types, tmp_path):
    network = small_network(CHAINS[name], *types)
    pcm = signal(network.frontend, 30)
    image = build_host(network, tmp_path / "host")
    host = MACHINES["host"].run(image, pcm)
    for check in (equal(host, run_reference(network, pcm)), same_in_one_call(image, pcm, host)):
        assert check.ok, check.detail
    assert np.unique(host.mask).size > 10, "constant outputs prove nothing"
    assert np.unique(host.pcm).size > 10


@pytest.mark.parametrize(
    "name",
    [
        *("preset nsnet2", "preset gtcrn", "preset dtln-2", "complex mask in planes, scaled", *FILTERS, "asymmetric window"),
        *("compression after the network, with strength", "compression in the filter, after it, with programs"),
        "programs without compression",
    ],
)
def test_image_equals_reference(name, tmp_path):
    network, board = small_network(CHAINS[name]), load_board("nrf5340dk")
    pcm = signal(network.frontend, 12)
    image = build_bare(network, board, tmp_path / "bare")
    run = MACHINES["unicorn"].run(image, pcm, RunOptions(counted_frames=3))
    check = equal(run, run_reference(network, pcm))
    assert check.ok, check.detail
    assert all(run.counts.stages[stage].min() > 100 for stage in ("analysis", "features", "mask", "synthesis"))
    footprint = measure(image.path, board)
    assert {"front end", "enhancer"} <= {part.label for part in parts_of(image, footprint)}
    bound = worst_stack(image.path, image.symbols.entry, image.stack_usage, image.symbols.pointer_calls)
    assert not bound.unbounded
    assert 0 < run.stack_bytes <= bound.bytes


@pytest.mark.parametrize(("board", "arithmetic"), [("stm32f746g_disco", "float32"), ("mps2_an385", "q31")])
def test_filters_of_16_bits_on_other_cores(board, arithmetic, tmp_path):
    """A core that issues two instructions a cycle, and one with neither FPU nor DSP extension."""
    chain = chain_of(
        window=64, n_fft=64, hop=32, feature="magnitude", exponent=0.5, path="filter", taps=28, filter_type="int16"
    )
    network = small_network(chain, "int8")
    pcm = signal(chain, 12)
    image = build_bare(network, load_board(board), tmp_path / "bare")
    run = MACHINES["unicorn"].run(image, pcm, RunOptions(counted_frames=2))
    check = equal(run, run_reference(network, pcm, arithmetic))
    assert check.ok, check.detail
    assert run.counts.stages["synthesis"].min() > 1000


def test_what_a_chain_does_not_use_is_not_in_the_image(tmp_path):
    board = load_board("nrf5340dk")
    names = {}
    for name in ("preset nsnet2", "preset dtln-2", "preset gtcrn"):
        image = build_bare(small_network(CHAINS[name]), board, tmp_path / name.replace(" ", "-"))
        names[name] = {symbol.name for symbol in measure(image.path, board).symbols}
    nsnet2, dtln, gtcrn = names.values()
    assert {"cs_rfft_mixed", "cs_irfft_mixed", "cs_powers", "cs_logarithm", "cs_limit_gains"} <= nsnet2
    assert not {"cs_rfft", "cs_power", "cs_magnitudes", "cs_frame_float32", "cs_to_planes", "cs_banded_multiply"} & nsnet2
    assert not [name for name in dtln if "fft" in name]
    assert {"cs_rfft", "cs_irfft"} <= gtcrn
    assert not {"cs_rfft_mixed", "cs_powers", "cs_logarithm", "cs_apply_gains", "cs_features"} & gtcrn


@pytest.mark.parametrize("kind", ["slaney_magnitude", "erb_power", "magnitude", "power"])
def test_q31_covers_bands_and_bins_by_a_power_law(kind, tmp_path):
    gains = "bins" if kind in ("magnitude", "power") else "bands"
    chain = Chain(n_fft=128, window=128, hop=64, feature=kind, n_mels=12, gains=gains, window_kind="vorbis")
    chain = dataclasses.replace(chain, strength=60, limiter=-9.0) if kind == "power" else chain
    network = small_network(chain, "int8")
    pcm = signal(chain, 30)
    host = MACHINES["host"].run(build_host(network, tmp_path / "host", "q31"), pcm)
    check = equal(host, run_reference(network, pcm, "q31"))
    assert check.ok, check.detail
    floats = run_reference(network, pcm)
    assert np.abs(host.features.astype(int) - floats.features).max() <= 1


@pytest.mark.parametrize(("taps", "kind"), [(64, "mel_magnitude"), (20, "power")])
def test_q31_filters_as_the_float_front_end_does(taps, kind, tmp_path):
    gains = "bins" if kind == "power" else "bands"
    chain = Chain(n_fft=128, window=128, hop=64, feature=kind, n_mels=12, gains=gains, path="filter", taps=taps)
    network = small_network(chain, "int8")
    pcm = signal(chain, 30)
    host = MACHINES["host"].run(build_host(network, tmp_path / "host", "q31"), pcm)
    check = equal(host, run_reference(network, pcm, "q31"))
    assert check.ok, check.detail
    assert np.abs(host.pcm.astype(int) - run_reference(network, pcm).pcm).max() <= 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"window_kind": "asymmetric", "window": 100, "hop": 20}, "window_kind 'asymmetric'"),
        ({"compression": "log"}, "compression 'log'"),
        ({"n_fft": 120, "window": 120, "hop": 60}, "n_fft 120"),
        ({"window": 100, "hop": 40}, "hop 40"),
        ({"feature": "spectrum", "output": "spectrum"}, "feature 'spectrum'"),
        ({"gains": "bins"}, "65 gains for 12 features"),
        ({"gain_min": 0.1}, "gain_min"),
        ({"deviation": (2.0,)}, "mean or deviation"),
        ({"floor": 0.1}, "floor 0.1"),
        ({"path": "filter", "phase": "minimum"}, "phase 'minimum'"),
        ({"compressor": CHAINS["compression in bands"].compressor}, "compression in bands"),
        ({"feature": "matrix_power", "n_mels": 1, "bands_matrix": (tuple([1.0] * 65),)}, "bands of a matrix"),
    ],
)
def test_q31_refuses_the_rest_by_name(changes, said):
    chain = dataclasses.replace(Chain(n_fft=128, window=128, hop=64, n_mels=12), **changes)
    network = small_network(chain, "int8")
    for compute in (lambda: plan_memory(network, "plain", "q31"), lambda: run_reference(network, signal(chain, 3), "q31")):
        with pytest.raises(InputError, match=f"the Q31 front end has no {said}") as caught:
            compute()
        assert "--front-end float32" in caught.value.hint


def test_a_network_that_does_not_fit_its_chain_is_refused():
    network = dataclasses.replace(small_network(CHAINS["complex mask"]), frontend=CHAINS["preset gtcrn"])
    with pytest.raises(InputError, match="feature 'spectrum' has 514 values, the network 66"):
        plan_memory(network)
