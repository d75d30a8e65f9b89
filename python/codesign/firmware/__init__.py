# SPDX-License-Identifier: Apache-2.0
"""firmware: C to an image, its size, its cost, and the machines that run it."""
