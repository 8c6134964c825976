#!/usr/bin/env python
"""How many seeds do a study's conclusions need, and how often do single runs point the wrong way?

    python scripts/seeds_needed.py STUDY… [--seeds 0:20]

Trains the seeds that no finished run holds. For each claim that one arm of a study is better than another, and at each step
at which the study looks, it prints

difference       the mean over seeds of (arm − other) with its 95 % interval
effect           |mean| / standard deviation of the differences
80 %, 95 %       the smallest number of pairs that settles the comparison with this probability (bnlab.statistics.power)
same seed        in how many seeds the arm that is worse in the mean is ahead
any two          the same for every run of one arm beside every run of the other, whatever their seeds
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Num

from bnlab import experiment
from bnlab.claims import BetterThan
from bnlab.metrics import Metric, find_metric
from bnlab.report.seeds import measured
from bnlab.sources import STUDIES
from bnlab.statistics import paired_difference, pairs_to_settle, share_ahead, share_misled
from bnlab.wording import interval, scale_of

HEADER = ("conclusion", "after step", "difference", "effect", "80 %", "95 %", "same seed", "any two")
Values = Num[np.ndarray, "seeds"]


def rows(name: str, seeds: str) -> Iterator[tuple[str, ...]]:
    """Yield a row for each conclusion of the study and each step at which it looks."""
    study = STUDIES[name]
    pools = experiment.complete(experiment.plan_arms([arm.load(seeds) for arm in study.arms]))
    by_label = {arm.label: pool for arm, pool in zip(study.arms, pools, strict=True)}
    for claim in study.claims:
        if not isinstance(claim.check, BetterThan):
            continue
        for step in study.at if claim.check.step else [None]:
            check = replace(claim.check, step=step)
            arm, other = (measured(check, by_label[label], {}) for label in check.arms)
            metric = find_metric(check.metric, pools[0].config)
            yield claim.id, f"{step:,}" if step else "mean of all", *numbers(arm, other, metric)


def numbers(arm: Values, other: Values, metric: Metric) -> Iterator[str]:
    """Yield the numbers of a row."""
    paired, scale = paired_difference(other, arm, lower_is_better=metric.lower_is_better), scale_of(metric)
    yield interval(paired.mean, paired.low, paired.high, scale)
    differences = arm - other
    yield f"{abs(np.mean(differences)) / np.std(differences, ddof=1):.2f}"
    for share in (0.8, 0.95):
        pairs = pairs_to_settle(arm, other, share=share)
        yield f"{pairs:,}" if pairs else "unknown"
    better, worse = (arm, other) if (np.mean(differences) < 0) == metric.lower_is_better else (other, arm)
    ahead = share_ahead(worse, better, lower_is_better=metric.lower_is_better)
    yield f"{ahead.a_ahead} of {ahead.seeds} ({100 * (ahead.low or 0):.0f}–{100 * (ahead.high or 0):.0f} %)"
    misled = share_misled(arm, other)
    yield "none" if misled is None else f"{100 * misled:.2g} %"


def table(lines: list[tuple[str, ...]]) -> str:
    """Return the lines below each other: the first column begins at the left, the others end at the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]

    def line(first: str, *others: str) -> str:
        return "  ".join(
            [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        )

    return "\n".join(line(*cells) for cells in lines)


def main() -> None:
    """Train what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "studies", metavar="STUDY", nargs="+", choices=[name for name, study in STUDIES.items() if study.arms]
    )
    parser.add_argument("--seeds", default="0:20", help="the seeds of every arm")
    options = parser.parse_args()
    print(table([HEADER, *(row for name in options.studies for row in rows(name, options.seeds))]))


if __name__ == "__main__":
    main()
