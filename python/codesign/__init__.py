"""codesign: neural speech enhancement to hearing-aid firmware, with proof."""

__version__ = "0.1.0"
