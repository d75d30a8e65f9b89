# SPDX-License-Identifier: Apache-2.0
"""Charts as inline SVG: colours come from the page's classes, so that light, dark and print need no second drawing."""
