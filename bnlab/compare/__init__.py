"""Arms of a study, side by side: trains or reads them, compares them, and writes a folder with the result.

A comparison has two or more *arms* (configs or finished runs). The first is the *baseline*. Each other arm is compared with
it, paired over seeds: seed s of both has the same batches and, where shapes agree, the same first weights.

    arms = compare.find_arms(["regression", "regression_bn"])     # refuses what cannot be compared
    arms = compare.train_missing(arms)
    comparison = compare.analyse(arms)
    compare.write(comparison, comparison_folder(["regression", "regression_bn"], None))

The folder holds

comparison.json      everything that is compared, as `analysis.Row` defines it: metrics → metric → final | area | step → S |
                     reach → THRESHOLD → arm → numbers; the arms with their run folders and SHA-256; what they share
comparison.csv       the same rows, tidy: one a metric, measure and arm
comparison.md        a summary to read, which defines each number
METRIC.png .svg      the metric over steps, all arms
METRIC_difference…   the paired difference of an arm from the baseline over steps, with its interval
METRIC_final…        the final values, a dot per seed
decay…               where the arms differ in their L2 penalty alone: training and test loss for each strength
"""

from bnlab.compare.analysis import Comparison, analyse
from bnlab.compare.arms import Arm, find_arms, train_missing
from bnlab.compare.findings import findings
from bnlab.compare.pages import document
from bnlab.compare.recorded import seeds_at_hand
from bnlab.compare.request import expand_study, make_request
from bnlab.compare.tables import Table, tables
from bnlab.compare.write import first_figure, write

__all__ = [
    "Arm",
    "Comparison",
    "Table",
    "analyse",
    "document",
    "expand_study",
    "find_arms",
    "findings",
    "first_figure",
    "make_request",
    "seeds_at_hand",
    "tables",
    "train_missing",
    "write",
]
