"""What the articles' claims are checked by, on numbers whose answer is plain; and every claim that no seed moves."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bnlab.articles import ARTICLES, article_000, article_002
from bnlab.claims import ExactValue, Fact
from bnlab.config import load_config
from bnlab.data import load, regression
from bnlab.experiment import train
from bnlab.report.checking import check_claim
from bnlab.runs import Pool, gather
from bnlab.statistics import Verdict

CURVES: Any = SimpleNamespace(curves={"test_loss": np.array([[4.0, 1.0, 2.0], [8.0, 6.0, 4.0], [5.0, np.nan, np.nan]])})


def test_the_rise_from_the_least_value():
    rise = ARTICLES["002"].seed_quantities()[article_002.RISE](CURVES)
    np.testing.assert_array_equal(rise, [1.0, 0.0, np.nan])


def test_the_fall_from_the_first_record():
    fall = ARTICLES["000"].seed_quantities()[article_000.FALL](CURVES)
    np.testing.assert_array_equal(fall, [0.5, 0.5, np.nan])


def test_the_distance_from_the_middle(tmp_path: Any):
    """The fit's own test loss says the same: Σ (fit - target)², with the middle in place of the target, over Σ cos²."""
    config = load_config("regression", overrides=["num_steps=30", "record_every=30"], seeds="0:2")
    pool, _ = gather(config, [train(config, out=tmp_path / "run")])
    distance = ARTICLES["000"].seed_quantities()[article_000.FROM_THE_MIDDLE](pool)
    inputs = load("regression").test.inputs
    cosine = regression.cosine(inputs[:, 1])
    for seed in range(2):
        weights = {name: values[seed].astype(float) for name, values in pool.params.items()}
        hidden = np.maximum(inputs @ weights["dense0/kernel"] + weights["dense0/bias"], 0)
        fit = (hidden @ weights["dense1/kernel"] + weights["dense1/bias"])[:, 0]
        middle = regression.target(inputs[:, 1]) - cosine
        assert distance[seed] == pytest.approx(np.sum((fit - middle) ** 2) / np.sum(cosine**2), rel=1e-5)


@pytest.mark.parametrize("id", ARTICLES)
def test_every_claim_that_no_seed_moves_holds(id: str):
    """Those of studies that train nothing, so that no data set has to be there."""
    article = ARTICLES[id]
    quantities = article.quantities()
    claims = [claim for study in article.studies if not study.arms for claim in study.claims]
    exact = [claim for claim in claims if isinstance(claim.check, ExactValue | Fact)]
    assert exact
    pools: dict[str, Pool] = {}
    verdicts = {claim.id: check_claim(claim, article, quantities, pools).judged.verdict for claim in exact}
    assert verdicts == dict.fromkeys(verdicts, Verdict.REPRODUCED)
