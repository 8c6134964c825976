"""Article 000: a polynomial with a cosine on top, learnt with and without batch norm (TensorFlow 1.4.1)."""

from bnlab.claims import BetterThan, Bounded, Claim, Fact, FasterThan, Open, RunValue
from bnlab.studies import Article, Measured, Quantities, SeedQuantities, Source, Study, StudyArm

FROM_THE_MIDDLE = "mean squared distance of the fit from the target without its cosine, as a share of the cosine's"
FALL = "test loss after the last step, as a share of that after the first"

_NONE, _MOVING, _BATCH = "no BN", "BN by moving averages", "BN by batch statistics"
_FORGOTTEN, _UNTRAINED = "updates forgotten", "called without training=True"
_ARTICLE = "article 000"
_RUN = "one run of 2,000 steps, batches of 20"
_LEVEL = 2.5
_ROUNDING = "float32 rounds each of the values that are summed"

SOURCE = Source(
    id="000",
    name=_ARTICLE,
    title="Batch normalization with tf.layers.BatchNormalization, on a regression",
    system="TensorFlow 1.4.1",
    did=(
        "It learns y(x) = 3x + 2x² + 1 + 3 cos(20x) on 300 points of [-2, 2] from the powers x⁰ … x⁵: one hidden layer of 10 "
        "ReLUs, Adam with its defaults, 2,000 steps of 20 random points. It does so without BN, with BN after the ReLU and "
        "both losses on batch statistics, and with BN and both losses in inference mode. Seven figures show the target, the "
        "fits, the training and test losses, and both test losses on a linear and on a logarithmic axis."
    ),
    left_open=("Seeds, and how many runs there were.", "What is meant by falling faster: at which level, or at which step."),
    assumed=(
        '"Faster" is the lower mean of the test loss over all steps and, on the logarithmic axis, the earlier step at a test '
        f"loss of {_LEVEL}. A smooth fit ends near 2.25, which is the cosine's own power.",
    ),
    departures=(
        "A step's batch is the same uniform draw of 20 points without replacement, by another generator than the article's.",
    ),
)


def _claim(
    id: str, place: str, says: str, check: BetterThan | FasterThan | Bounded | Fact | Open, assumed: str = ""
) -> Claim:
    trained = not isinstance(check, Fact | Open)
    return Claim(f"000/{id}", _ARTICLE, place, says, check, conditions=_RUN if trained else "", assumed=assumed)


_MEASURED = {
    _NONE: ("10.1, 8.5, 12.1, 3.3", "3.90, 3.10, 3.06, 2.37", "2.21, 2.21, 2.18, 2.25"),
    _BATCH: ("13.5, 14.5, 12.0, 15.6", "2.74, 2.72, 2.75, 2.94", "2.16, 2.26, 2.15, 2.19"),
}
"""{arm: the test loss at steps 100, 500 and 2,000 under TensorFlow 1.4.1, of each of four seeds}."""

_WITH_BN = (("regression_bn", _MOVING), ("regression_bn_batch_stats", _BATCH))

_FALLS_FASTER = tuple(
    _claim(
        f"falls-faster/{config}",
        "the figure of the test loss with and without BN",
        "With BN the test loss falls faster.",
        BetterThan(label, _NONE, "test_loss"),
        '"Faster" is not defined. We take the lower mean of the test loss over all 2,000 steps.',
    )
    for config, label in _WITH_BN
)
_FALLS_FASTER_LOG = tuple(
    _claim(
        f"falls-faster-log/{config}",
        "the figure of the test loss on a logarithmic axis",
        "On a logarithmic axis one sees well how quickly the test loss falls with BN.",
        FasterThan(label, _NONE, "test_loss", _LEVEL),
        f"No level is stated. {_LEVEL} is a tenth above the cosine's power of 2.25, near which smooth fits end.",
    )
    for config, label in _WITH_BN
)
_FITS = tuple(
    _claim(
        f"{config}/fit-through-the-middle",
        "the figure of the fit",
        says,
        Bounded(label, FROM_THE_MIDDLE, 0.1),
        "The middle is the target without its cosine. We take a mean squared distance of a tenth of the cosine's as close.",
    )
    for config, label, says in (
        ("regression", _NONE, "Without BN the fit goes through the middle of the cosine."),
        ("regression_bn_batch_stats", _BATCH, "With BN the fit is a good one."),
        ("regression_bn", _MOVING, "With BN and a phase flag the fit is a good one."),
    )
)

_FALLS = _claim(
    "falls-easily",
    "the figure of both losses without BN",
    "Without BN the loss falls without trouble.",
    Bounded(_NONE, FALL, 0.25),
    "We take a test loss that ends below a quarter of that after the first step.",
)

_NO_UPDATE = "BN, the update operations"
_FORMULA = "the formula of BN"

_RULES = (
    _claim(
        "formula/mean", _FORMULA, "BN makes the mean of a batch 0.", Fact("mean of a batch after BN", 0.0, 1e-6, _ROUNDING)
    ),
    _claim(
        "formula/variance",
        _FORMULA,
        "BN makes the variance of a batch 1.",
        Fact("variance of a batch after BN", 1.0, 1e-3, "epsilon (0.001) is added to a variance of 2"),
    ),
    _claim(
        "formula/gamma-beta",
        _FORMULA,
        "The normalised values are multiplied by gamma, and beta is added; both are learnt.",
        Fact("gamma and beta: largest error of gamma · x̂ + beta", 0.0, 1e-6, _ROUNDING),
    ),
    _claim(
        "formula/moving",
        _FORMULA,
        "In a test, the moving mean and the moving variance take the place of the batch's.",
        Fact("inference: largest error of the formula with the moving statistics", 0.0, 1e-6, _ROUNDING),
    ),
    _claim(
        "formula/moving-variance",
        _FORMULA,
        "The moving variance averages the variances of the batches.",
        Fact("moving variance after one batch: its step divided by 1 - momentum", 1.0, 1e-4, "float32 takes 1 from 1.01"),
        "The batch is [rows, units], for which TensorFlow 1.4.1 takes the population variance.",
    ),
    _claim(
        "update-forgotten/mean",
        _NO_UPDATE,
        "Without the update operations the moving mean stays at its start.",
        Fact("updates forgotten: largest |moving mean|", 0.0),
        "Shown after 100 steps.",
    ),
    _claim(
        "update-forgotten/variance",
        _NO_UPDATE,
        "Without the update operations the moving variance stays at its start.",
        Fact("updates forgotten: largest |moving variance - 1|", 0.0),
        "Shown after 100 steps.",
    ),
    _claim(
        "not-training/mean",
        _NO_UPDATE,
        "Called without training=True, BN does not update the moving mean.",
        Fact("called without training=True: largest |moving mean|", 0.0),
        "Shown after 100 steps.",
    ),
    _claim(
        "not-training/variance",
        _NO_UPDATE,
        "Called without training=True, BN does not update the moving variance.",
        Fact("called without training=True: largest |moving variance - 1|", 0.0),
        "Shown after 100 steps.",
    ),
    _claim(
        "phase-flag",
        "the postscript on a phase flag",
        "A phase flag changes which statistics the losses use, and not the training.",
        Fact("phase flag: largest difference of weights and moving statistics", 0.0),
        "Shown after 100 steps: both ways end with the same bits.",
    ),
    _claim(
        "weight-order",
        "BN, the weights that are printed",
        "The weights of the layer are gamma, beta, the moving mean and the moving variance, in this order.",
        Fact("weights of BN in the order gamma, beta, mean, variance", 4.0),
        "The order is that of bnlab's arrays, in its functions and in params.npz.",
    ),
    _claim(
        "random-batches",
        "the introduction",
        "Random batches keep the model from overfitting.",
        Open("No experiment with another choice of batches, and no measure of overfitting, is given."),
    ),
)


def _quantities() -> Quantities:
    from bnlab.articles.article_000.quantities import quantities

    return quantities()


def _seed_quantities() -> SeedQuantities:
    from bnlab.articles.article_000.quantities import SEED_QUANTITIES

    return SEED_QUANTITIES


ARTICLE = Article(
    SOURCE,
    studies=(
        Study(
            id="article-000",
            source=_ARTICLE,
            title="Regression of a polynomial with a cosine on top",
            arms=(
                StudyArm("regression", _NONE),
                StudyArm("regression_bn", _MOVING),
                StudyArm("regression_bn_batch_stats", _BATCH),
            ),
            seeds="0:100",
            metrics=("test_loss",),
            at=(100, 500, 2000),
            levels={"test_loss": (_LEVEL,)},
            claims=(*_FALLS_FASTER, *_FALLS_FASTER_LOG, *_FITS, _FALLS),
            measured=Measured(
                "TensorFlow 1.4.1, four seeds",
                tuple(
                    (RunValue(arm, "test_loss", step), text)
                    for arm, texts in _MEASURED.items()
                    for step, text in zip((100, 500, 2000), texts, strict=True)
                ),
            ),
        ),
        Study(
            id="article-000-traps",
            source=_ARTICLE,
            title="Moving averages that are never updated",
            arms=(
                StudyArm("regression_bn", _MOVING),
                StudyArm("regression_bn_no_update", _FORGOTTEN),
                StudyArm("regression_bn_untrained_mode", _UNTRAINED),
            ),
            seeds="0:100",
            metrics=("test_loss",),
            at=(100, 500, 2000),
            claims=(
                _claim(
                    "update-forgotten/test",
                    _NO_UPDATE,
                    "Without the update operations the moving averages are of no use in the test after training.",
                    BetterThan(_MOVING, _FORGOTTEN, "test_loss", step=2000),
                    "We take a higher test loss after the last step than with the updates.",
                ),
            ),
        ),
        Study(id="article-000-rules", source=_ARTICLE, title="What BN computes, and what its updates do", claims=_RULES),
    ),
    quantities=_quantities,
    seed_quantities=_seed_quantities,
)
