# SPDX-License-Identifier: Apache-2.0
"""The QAT forward against the NumPy reference: every integer, not one apart."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="no torch: pip install 'codesign[train]'")

import json

import numpy as np
import torch
from small import enhancer, small_recipe, tones

from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.compiler.reference.network import run
from codesign.learning.compress.export import export
from codesign.learning.compress.quantized import QuantizedEnhancer
from codesign.learning.compress.quantizing import QuantizeTask, calibrated
from codesign.learning.train.checkpoint import Checkpoint


def quantized(skip, seed=0):
    source = enhancer(skip, seed)
    weights = dict(source.network.state_dict())
    signals = torch.from_numpy(tones(2, 6400)[0])
    rounding = calibrated(source.network.sizes, weights, small_recipe().config, list(signals))
    return QuantizedEnhancer.of(small_recipe().config, source.network.sizes, weights, rounding)


def integers(mask):
    return np.rint(mask.detach().numpy() * 32768).astype(np.int64)


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_forward_is_the_reference_bit_for_bit(skip, seed):
    module = quantized(skip, seed)
    features = module.front.analyse(torch.from_numpy(tones(3, 12800, seed)[0]))[1]
    mask, _, updates = module.mask(features)
    network = lower(module.graph("small"))
    rows = module.integer_features(features).detach().numpy().astype(np.int8)
    for item, row in enumerate(rows):
        expected, updated = run(network, row)
        np.testing.assert_array_equal(integers(mask[item]), expected)
        np.testing.assert_array_equal(updates[item].detach().numpy(), updated)
    assert len(np.unique(integers(mask))) > 100
    assert (float(updates.detach().mean()) < 0.9) == skip


@pytest.mark.parametrize("size", [0.0, 1e-9, 1e-30])
def test_a_row_whose_scale_shrinks_keeps_its_bias(size):
    """Training may drive a unit's weights and their scale to nothing: lowering must still hold the bias."""
    module = quantized(skip=True)
    with torch.no_grad():
        for name in ("fc0", "fc1", "skip"):
            module.network.get_parameter(f"{name}.weight")[0] *= size
            module.scales[f"{name}_weight"][0] = np.log(1e-12)
            module.network.get_parameter(f"{name}.bias")[0] = 0.5
    features = module.front.analyse(torch.from_numpy(tones(1, 6400)[0]))[1]
    mask = module.mask(features)[0]
    expected, _ = run(lower(module.graph("small")), module.integer_features(features)[0].detach().numpy().astype(np.int8))
    np.testing.assert_array_equal(integers(mask[0]), expected)
    assert np.abs(mask[..., 0].detach().numpy() - 1 / (1 + np.exp(-0.5))).max() < 1e-3


def test_states_carry_over():
    module = quantized(skip=True)
    features = module.front.analyse(torch.from_numpy(tones(2, 6400)[0]))[1]
    whole = module.mask(features)[0]
    first, states, _ = module.mask(features[:, :37])
    second = module.mask(features[:, 37:], states)[0]
    assert torch.equal(torch.cat([first, second], 1), whole)


def test_exported_file_is_the_network_that_was_trained(tmp_path):
    module = quantized(skip=True)
    with torch.no_grad():
        for scale in module.scales.values():
            scale.add_(0.07)  # no longer what calibration gave
    progress = {"task": {"cell_fractions": list(module.cell_fractions)}}
    average = {name: value.clone() for name, value in module.state_dict().items()}
    export(Checkpoint(small_recipe(), "quantize", module.network.sizes, 4, average, {}, {}, progress), tmp_path / "net.onnx")
    features = module.front.analyse(torch.from_numpy(tones(1, 6400)[0]))[1]
    expected, _ = run(
        lower(load_onnx(tmp_path / "net.onnx")), module.integer_features(features)[0].detach().numpy().astype(np.int8)
    )
    np.testing.assert_array_equal(integers(module.mask(features)[0][0]), expected)


def test_gradients_reach_every_parameter_and_lower_the_loss():
    recipe, source = small_recipe(), enhancer()
    weights = dict(source.network.state_dict())
    noisy, clean = (torch.from_numpy(signal) for signal in tones(4, 3200))
    task = QuantizeTask(
        recipe, source.network.sizes, weights, calibrated(source.network.sizes, weights, recipe.config, list(noisy))
    )
    optimizer = torch.optim.Adam(task.module.parameters(), lr=3e-3)
    losses = []
    for _ in range(12):
        loss, _, _ = task.loss(noisy, clean, None)
        optimizer.zero_grad()
        loss.backward()
        losses.append(float(loss.detach()))
        optimizer.step()
    assert losses[-1] < losses[0] - 0.5
    silent = [name for name, p in task.module.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert silent == []


def test_gradient_is_the_float_networks_within_the_rounding():
    module, source = quantized(skip=False), enhancer()
    features = source.front.analyse(torch.from_numpy(tones(2, 3200)[0]))[1]
    gradients = []
    for network, mask in ((module.network, module.mask(features)[0]), (source.network, source.network(features)[0])):
        mask.square().mean().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in network.parameters()]))
    assert torch.nn.functional.cosine_similarity(*gradients, dim=0) > 0.99


@pytest.mark.parametrize("skip", [False, True])
def test_float_file_in_onnxruntime_is_torch(tmp_path, skip):
    import onnxruntime

    source = enhancer(skip)
    average = {f"network.{name}": value for name, value in source.network.state_dict().items()}
    export(Checkpoint(small_recipe(), "train", source.network.sizes, 1, average, {}), tmp_path / "float.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "float.onnx"), providers=["CPUExecutionProvider"])
    pairs = json.loads(session.get_modelmeta().custom_metadata_map["states"])
    feed = {value.name: np.zeros(value.shape, np.float32) for value in session.get_inputs()}
    feed |= {pair[0]: np.full((1, 1), pair[2], np.float32) for pair in pairs if len(pair) == 3}
    features = source.front.analyse(torch.from_numpy(tones(1, 12800)[0]))[1]
    expected, _, updates = source.network(features)
    for frame, row in enumerate(features[0].numpy()):
        feed["features"] = row[None]
        result = dict(zip([o.name for o in session.get_outputs()], session.run(None, feed), strict=True))
        np.testing.assert_allclose(result["mask"][0], expected[0, frame].detach().numpy(), atol=2e-5)
        feed |= {pair[0]: result[pair[1]] for pair in pairs}
    assert (float(updates.detach().mean()) < 0.9) == skip
    assert load_onnx(tmp_path / "float.onnx").size("features") == 12
