# SPDX-License-Identifier: Apache-2.0
"""families: the kinds of network that are trained here, one file each."""
