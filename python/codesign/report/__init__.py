"""report: a proof → what people look at and listen to: one HTML page, JSON, Markdown, plots."""

from codesign.report.assemble import assemble
from codesign.report.content import Report
from codesign.report.page import render_page
from codesign.report.sound import Sound, sounds

__all__ = ["Report", "Sound", "assemble", "render_page", "sounds"]
