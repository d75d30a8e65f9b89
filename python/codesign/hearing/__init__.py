# SPDX-License-Identifier: Apache-2.0
"""hearing: how enhanced speech sounds: measures and listening tests."""
