# SPDX-License-Identifier: Apache-2.0
"""compress: a trained float network → a smaller one that rounds as the firmware does. Needs torch (the extra `train`)."""
