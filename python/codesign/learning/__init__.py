# SPDX-License-Identifier: Apache-2.0
"""learning: train, compress and export networks."""
