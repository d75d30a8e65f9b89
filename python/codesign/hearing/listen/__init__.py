# SPDX-License-Identifier: Apache-2.0
"""listen: recordings of several systems → a listening test in a folder → results → what listeners prefer."""

from codesign.hearing.listen.analysis import ListenerAnalysis, analyse
from codesign.hearing.listen.design import Design, Key, design_test
from codesign.hearing.listen.make import key_path, write_test
from codesign.hearing.listen.results import read_key, read_results
from codesign.hearing.listen.stimuli import load_stimuli

__all__ = [
    "Design",
    "Key",
    "ListenerAnalysis",
    "analyse",
    "design_test",
    "key_path",
    "load_stimuli",
    "read_key",
    "read_results",
    "write_test",
]
