"""Findings as JSON: their values stay what they are."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sixteenth.analysis.findings.types import as_json

LARGEST_EXACT_FLOAT = 2**53


@pytest.mark.parametrize("kind", [int, np.int64, np.uint64])
def test_whole_numbers_of_any_size_stay_exact(kind):
    written = as_json({"train_flops": kind(LARGEST_EXACT_FLOAT + 1)})
    assert json.loads(json.dumps(written)) == {"train_flops": LARGEST_EXACT_FLOAT + 1}


def test_a_number_of_single_precision_gets_no_more_digits():
    assert as_json([np.float32(0.1), np.float64(0.1), np.nan]) == [0.1, 0.1, None]
