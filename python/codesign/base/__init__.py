# SPDX-License-Identifier: Apache-2.0
"""base: what every room rests on: errors, files, audio, recordings."""
