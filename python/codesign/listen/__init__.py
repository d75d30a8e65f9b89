"""listen: recordings of several systems → a listening test in a folder → results → what listeners prefer."""

from codesign.listen.analysis import Analysis, analyse
from codesign.listen.design import Design, Key, design_test
from codesign.listen.make import key_path, write_test
from codesign.listen.results import read_key, read_results
from codesign.listen.stimuli import load_stimuli

__all__ = [
    "Analysis",
    "Design",
    "Key",
    "analyse",
    "design_test",
    "key_path",
    "load_stimuli",
    "read_key",
    "read_results",
    "write_test",
]
