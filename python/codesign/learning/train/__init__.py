# SPDX-License-Identifier: Apache-2.0
"""train: folders of speech and noise + a recipe → a float network."""
