# SPDX-License-Identifier: Apache-2.0
"""evaluate: models and recordings + pairs of noisy and clean signals → figures of quality with intervals."""

from codesign.hearing.evaluate.evaluation import Evaluation, evaluate, summarize
from codesign.hearing.evaluate.pairs import Pairs, find_outputs, find_pairs
from codesign.hearing.evaluate.systems import System, model_system, recorded_system
from codesign.hearing.evaluate.write import write_evaluation

__all__ = [
    "Evaluation",
    "Pairs",
    "System",
    "evaluate",
    "find_outputs",
    "find_pairs",
    "model_system",
    "recorded_system",
    "summarize",
    "write_evaluation",
]
