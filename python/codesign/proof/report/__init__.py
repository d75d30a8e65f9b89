# SPDX-License-Identifier: Apache-2.0
"""report: a proof → what people look at and listen to: one HTML page, JSON, Markdown, plots."""

from codesign.proof.report.assemble import assemble
from codesign.proof.report.content import Report
from codesign.proof.report.page import render_page
from codesign.proof.report.sound import PlayedSound, sounds

__all__ = ["PlayedSound", "Report", "assemble", "render_page", "sounds"]
