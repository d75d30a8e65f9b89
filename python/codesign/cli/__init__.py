# SPDX-License-Identifier: Apache-2.0
"""The command line. Everything it prints, the library computed."""
