"""Rules for all statistics: a cheap import, and results that are strict JSON."""

import json
import subprocess
import sys
from dataclasses import asdict

import numpy as np

from bnlab import statistics

NAN = np.nan


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


def test_import_is_cheap():
    code = "import sys, bnlab.statistics; sys.exit('scipy' in sys.modules or 'jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_results_are_strict_json():
    empty, some = array(NAN, NAN), array(*range(8))
    results = [
        result
        for values in (empty, some)
        for result in (
            statistics.summarize(values),
            statistics.paired_difference(values, values[::-1]),
            statistics.reach_ratio(values, values[::-1]),
            statistics.reach_share(values, values[::-1]),
            statistics.judge_stated_value(1.0, 0.1, values),
        )
    ]
    for result in results:
        assert json.loads(json.dumps(asdict(result), allow_nan=False)) == asdict(result)
