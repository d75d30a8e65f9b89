# SPDX-License-Identifier: Apache-2.0
"""`python -m codesign` is the command line."""

from codesign.cli.main import main

main()
