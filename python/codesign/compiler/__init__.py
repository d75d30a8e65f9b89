# SPDX-License-Identifier: Apache-2.0
"""compiler: a network file to a plan and C: model, quantize, lower, layers, reference, plan, emit."""
