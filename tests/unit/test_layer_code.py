# SPDX-License-Identifier: Apache-2.0
"""Every layer's emitted C, compiled for this machine with checks for undefined behaviour, against the reference: every bit."""

from __future__ import annotations

import pytest

from codesign.compiler.layers import Layer
from layer_cases import all_cases
from layer_images import check, host_library

pytestmark = pytest.mark.slow  # the file as a whole


def test_host_c_of_every_layer_is_the_reference(tmp_path):
    cases = all_cases()
    runner = host_library(cases, tmp_path)
    for i, case in enumerate(cases):
        assert isinstance(case.layer, Layer)
        check(case, runner(i), "host")
