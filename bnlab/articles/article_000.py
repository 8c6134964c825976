"""Article 000: a polynomial with a cosine on top, learnt with and without batch norm (TensorFlow 1.4.1)."""

from bnlab.claims import BetterThan, Claim
from bnlab.studies import Study, StudyArm

_NONE, _MOVING, _BATCH = "no BN", "BN by moving averages", "BN by batch statistics"

STUDY = Study(
    id="article-000",
    source="article 000",
    title="Regression of a polynomial with a cosine on top",
    arms=(StudyArm("regression", _NONE), StudyArm("regression_bn", _MOVING), StudyArm("regression_bn_batch_stats", _BATCH)),
    seeds="0:100",
    metrics=("test_loss",),
    at=(100, 500, 2000),
    claims=tuple(
        Claim(
            id=f"000/falls-faster/{config}",
            source="article 000",
            place="the figures of the test loss with and without BN, linear and logarithmic",
            says="With BN the test loss falls faster.",
            check=BetterThan(label, _NONE, "test_loss"),
            conditions="one run of 2,000 steps, batches of 20",
            assumed='"Faster" is not defined. We take the lower mean of the test loss over all 2,000 steps.',
        )
        for config, label in (("regression_bn", _MOVING), ("regression_bn_batch_stats", _BATCH))
    ),
)
