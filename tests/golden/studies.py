"""The studies whose findings and words are kept: each invented, small and the same on every run.

A study is a function that returns all that a report needs; its docstring says why it is here.
Together they reach nearly every sentence that the analysis and the report can write. They lie in
`studies_of_answers`, `studies_of_runs` and `studies_of_curves`, each of which adds its own.
"""

from __future__ import annotations

import studies_of_answers
import studies_of_curves
import studies_of_runs
from golden_study import STUDIES

__all__ = ["STUDIES", "studies_of_answers", "studies_of_curves", "studies_of_runs"]
