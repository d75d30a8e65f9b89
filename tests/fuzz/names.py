# SPDX-License-Identifier: Apache-2.0
"""Names that meet those of C, of the runtime or of the generated code."""

HOSTILE = (
    *("history", "overlap", "spectrum", "work", "Work", "SPECTRUM", "features", "mask", "model", "frontend", "mel", "bins"),
    *("int", "while", "NULL", "INT32_MIN", "CS_OK", "cs", "stdint", "memory", "LAYER", "updated", "step", "main", "memcpy"),
    *(
        "fc0_bias",
        "fc0_weights",
        "fc0_requantize",
        "lstm0.scratch",
        "enc_input",
        "a b",
        "ä",
        "日本",
        "",
        "0",
        "_",
        "a\nb",
        "%s%n",
    ),
    *("../../x", "x" * 10_000, '"; }', "*/", "\\", "??/", "{{ id }}", "analysis", "synthesis", "gate_logit", "mask_q15"),
)
