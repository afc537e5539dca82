"""The line that a spreadsheet writes before a table: it names the delimiter, as ``sep=;``."""

from __future__ import annotations

import re

SEP_LINE = re.compile(r"sep=(.)\r?\n")
"""At the start of a text: the delimiter is its group 1, and the header follows it."""
