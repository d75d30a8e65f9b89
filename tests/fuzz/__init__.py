# SPDX-License-Identifier: Apache-2.0
"""Random input for whatever reads a user's file: refused in one line, or right."""
