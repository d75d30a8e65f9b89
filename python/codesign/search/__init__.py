# SPDX-License-Identifier: Apache-2.0
"""Search: networks for a board's budget. What cannot fit is known from a built image before a second of training.

`space` says what is searched, `shape_cost` what a shape costs, `train_job` how well it enhances so far, `study` what is tried
next (Optuna), `executor` where it runs (processes or Ray), `driver` puts them together, `front` and `page` are the result.
"""
