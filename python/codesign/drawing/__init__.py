# SPDX-License-Identifier: Apache-2.0
"""drawing: pictures and pages; knows nothing of networks."""
