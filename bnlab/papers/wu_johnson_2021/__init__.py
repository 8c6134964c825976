"""Wu & Johnson 2021: which statistics inference takes, and when the moving ones are too old or too noisy."""

from collections.abc import Iterator

from bnlab.claims import BetterThan, Bounded, Check, Claim, Fact
from bnlab.studies import Article, Quantities, SeedQuantities, Source, Study, StudyArm

_PAPER = "Wu & Johnson 2021"
_PLACE = "section 3, on the population statistics"
_CURVES = "section 3, the validation curves of moving and precise statistics"
_STEPS, EARLY = 5000, 500
_FEW_STEPS = 160
_CLOSED_SHARE, _EQUAL = 0.9, 0.002

SOURCE = Source(
    id="wu-johnson-2021",
    name=_PAPER,
    title='Rethinking "Batch" in BatchNorm',
    system="arXiv 2105.07576",
    did=(
        "It reviews what a batch is for BN, in training and in inference. One part asks where inference gets its "
        "statistics. A moving average with a large momentum holds statistics of old weights, and one with a small momentum "
        "knows only the last batches. Precise statistics are computed anew with the current weights. It trains ResNet-50 on "
        "ImageNet with batches of up to 8,192 images, where the moving statistics give erratic validation curves early on."
    ),
    left_open=("How erratic a curve is, as a number.", "How near two errors have to be to be equal."),
    assumed=(
        f"Early is after {EARLY} steps on MNIST. There article 001's advice on the decay is judged too.",
        "Momentum is the weight of the old value. Article 001 calls it decay.",
        "The settings were tried on two other seeds of MNIST and four of the digits before the bounds were written.",
    ),
    departures=(
        "The networks are MLPs: that of article 001 on MNIST, and one with 32-32 hidden units on scikit-learn's digits. "
        "A verdict on a training says what these do, and nothing about ResNet-50 on ImageNet.",
        "The moving statistics start at 0 and 1. How far this is from the data is part of the early gap.",
        "The paper's other parts are not looked at here: batches in training, domains, and leaks between rows.",
    ),
)


# --- Identities: what needs no training ---------------------------------------------------------------------

_DRIFT = "float32 rounds the moving mean in each of up to 5,000 steps"
_IDENTITIES = (
    (
        "start",
        "After n batches a moving average still holds momentumⁿ of its initial value.",
        Fact("momentum 0.999: share of the initial value after 500 batches", 0.999**500, 1e-4, _DRIFT),
        "This is what article 001's network has early in training.",
    ),
    (
        "start/small-momentum",
        "With a smaller momentum the initial value is soon gone.",
        Fact("momentum 0.9: share of the initial value after 100 batches", 0.9**100, 1e-8, _DRIFT),
        "",
    ),
    (
        "lag",
        "A large momentum holds statistics of old weights: a moving mean lags momentum / (1 − momentum) batches behind a "
        "steady drift.",
        Fact("momentum 0.99: batches by which the moving mean lags behind a steady drift", 99.0, 1e-2, _DRIFT),
        "The batch means grow by the same amount in each step.",
    ),
    (
        "memory",
        "A small momentum knows only the last batches: it averages as well as (1 + momentum) / (1 − momentum) batches.",
        Fact("momentum 0.9: 1 / sum of the squared weights of the batches", 19.0, 1e-3, _DRIFT),
        "The variance of a weighted mean of independent values is that of one value times the sum of the squared weights.",
    ),
    (
        "memory/large-momentum",
        "A large momentum averages over many batches.",
        Fact("momentum 0.99: 1 / sum of the squared weights of the batches", 199.0, 1e-2, _DRIFT),
        "",
    ),
    (
        "precise/mean",
        "Precise statistics join those of batches: the mean of the batch means is the mean of all rows.",
        Fact("precise: largest distance of a mean from that of all rows, in standard deviations", 0.0, 1e-5, _DRIFT),
        "The first layer, whose inputs do not depend on the batch.",
    ),
    (
        "precise/variance",
        "The mean of the batch variances plus the variance of the batch means is the variance of all rows.",
        Fact("precise: largest relative distance of a variance from that of all rows", 0.0, 1e-5, _DRIFT),
        "The first layer, whose inputs do not depend on the batch.",
    ),
    (
        "precise/one-batch",
        "With all rows in one batch, inference normalises these rows as training does, in every layer.",
        Fact("precise, one batch: largest distance of an output in inference from that in training", 0.0, 1e-5, _DRIFT),
        "With several batches a later layer sees rows that were normalised by their own batch.",
    ),
)


def _identities() -> Iterator[Claim]:
    for id, says, check, assumed in _IDENTITIES:
        yield Claim(f"wu-johnson-2021/{id}", _PAPER, _PLACE, says, check, conditions="no experiment", assumed=assumed)


# --- Trainings ----------------------------------------------------------------------------------------------

_MNIST = (f"num_steps={_STEPS}", "record_every=250", "evaluation.train_rows=batch")
_GAP = ("probes.statistics_gap=true", "probes.rows=10000")


def _mnist(label: str, *overrides: str) -> StudyArm:
    return StudyArm("mnist_contrib_bn", label, (*_MNIST, *overrides))


SLOW = _mnist("momentum 0.999", *_GAP)
MIDDLE = _mnist("momentum 0.99", *_GAP, "model.norm.momentum=0.99")
FAST = _mnist("momentum 0.9", *_GAP, "model.norm.momentum=0.9")
DEBIASED = _mnist("momentum 0.999, zero debias", *_GAP, "model.norm.zero_debias_moving_mean=true")
PRECISE = _mnist("precise", "model.norm.evaluate_with=precise", "model.norm.precise_rows=10000")

_LARGE = ("batch_size=256", "optimizer.learning_rate=0.8", f"num_steps={_FEW_STEPS}", "record_every=2")


def _digits(label: str, *overrides: str) -> StudyArm:
    return StudyArm("digits_bn_sgd", label, (*_LARGE, *overrides))


LARGE_FAST = _digits("momentum 0.9")
LARGE_MIDDLE = _digits("momentum 0.99", "model.norm.momentum=0.99")
LARGE_PRECISE = _digits("precise", "model.norm.evaluate_with=precise")

CLOSED = (
    f"share of the test loss after {EARLY} steps that precise statistics save over momentum 0.999, which this arm saves too"
)
LEFT = "final test accuracy − that with precise statistics, for the same seed"
DROPS = "sum of the drops of the validation accuracy: precise − momentum 0.9, for the same seed"


def _claim(id: str, place: str, says: str, check: Check, conditions: str, assumed: str = "") -> Claim:
    return Claim(f"wu-johnson-2021/{id}", _PAPER, place, says, check, conditions=conditions, assumed=assumed)


_ON_MNIST = f"article 001's network on MNIST: 784-100-100-10, SGD 0.01, batches of 100, {_STEPS:,} steps"
_ON_DIGITS = f"{_FEW_STEPS} steps of SGD at 0.8, batches of 256 digits"


def _gaps() -> Iterator[Claim]:
    gaps = {"mean": "bn0_mean_gap", "variance": "bn0_variance_gap"}
    for what, metric in gaps.items():
        yield _claim(
            f"gap/early/{what}",
            _PLACE,
            f"Early in training the moving {what} is nearer to that of the population with a small momentum.",
            BetterThan(FAST.label, SLOW.label, metric, step=EARLY),
            _ON_MNIST,
            "The layer is the first one, and the population 10,000 training rows.",
        )
    says = {
        FAST: ("small", "Late in training a small momentum is too noisy: a middle one is nearer to the population."),
        SLOW: ("large", "Late in training a large momentum is too old: a middle one is nearer to the population."),
    }
    for other, (id, saying) in says.items():
        yield _claim(
            f"gap/late/{id}",
            _PLACE,
            saying,
            BetterThan(MIDDLE.label, other.label, gaps["variance"], step=_STEPS),
            _ON_MNIST,
            "The variance of the first layer, against that of 10,000 training rows.",
        )


def _losses() -> Iterator[Claim]:
    yield _claim(
        "early/precise",
        _CURVES,
        "Early in training, inference with precise statistics is better than with moving ones.",
        BetterThan(PRECISE.label, SLOW.label, "test_loss", step=EARLY),
        _ON_MNIST,
        "The training is the same, to the bit; only the evaluation differs.",
    )
    yield _claim(
        "early/advice",
        _PLACE,
        "A smaller momentum helps early because its statistics are nearer to those of the population.",
        Bounded(FAST.label, CLOSED, _CLOSED_SHARE, above=True),
        _ON_MNIST,
        "Article 001 gives this advice: its claim 001/smaller-decay. The reason counts as found where momentum 0.9 saves "
        f"at least {_CLOSED_SHARE:.0%} of what precise statistics save.",
    )
    for arm in (SLOW, MIDDLE, FAST):
        yield _claim(
            f"late/{arm.label.rpartition(' ')[2]}",
            _CURVES,
            f"At the end of training, moving statistics are as good as precise ones: {arm.label}.",
            Bounded(arm.label, LEFT, -_EQUAL, above=True),
            _ON_MNIST,
            f"A fifth of a point ({_EQUAL:.1%}) less counts as equal.",
        )


def _large_batches() -> Iterator[Claim]:
    scaled = "Batch size and rate are eight times those of the config, as linear scaling has it. No warm-up."
    yield _claim(
        "large-batch/precise",
        _CURVES,
        "With large batches and few steps, precise statistics give a lower validation loss.",
        BetterThan(LARGE_PRECISE.label, LARGE_FAST.label, "valid_loss"),
        _ON_DIGITS,
        scaled,
    )
    yield _claim(
        "large-batch/erratic",
        _CURVES,
        "With large batches the validation error is erratic with moving statistics, and steadier with precise ones.",
        Bounded(LARGE_PRECISE.label, DROPS, 0.0),
        _ON_DIGITS,
        f"{scaled} A curve is as erratic as the sum of its drops between records, two steps apart.",
    )
    yield _claim(
        "large-batch/momentum",
        _PLACE,
        "With few steps a large momentum is too old.",
        BetterThan(LARGE_FAST.label, LARGE_MIDDLE.label, "valid_loss"),
        _ON_DIGITS,
        scaled,
    )


def _quantities() -> Quantities:
    from bnlab.papers.wu_johnson_2021.quantities import quantities

    return quantities()


def _seed_quantities() -> SeedQuantities:
    from bnlab.papers.wu_johnson_2021.quantities import SEED_QUANTITIES

    return SEED_QUANTITIES


PAPER = Article(
    SOURCE,
    studies=(
        Study(
            id="statistics-identities",
            source=_PAPER,
            title="What a moving average holds, and what precise statistics are",
            claims=tuple(_identities()),
        ),
        Study(
            id="statistics-gap",
            source=_PAPER,
            title="The gap between moving and population statistics, by momentum",
            arms=(SLOW, MIDDLE, FAST, DEBIASED),
            seeds="0:10",
            metrics=("bn0_mean_gap", "bn0_variance_gap"),
            at=(EARLY, _STEPS),
            claims=tuple(_gaps()),
            quick_steps=20,
        ),
        Study(
            id="precise-statistics",
            source=_PAPER,
            title="Evaluation by moving and by precise statistics",
            arms=(SLOW, MIDDLE, FAST, PRECISE),
            seeds="0:10",
            metrics=("test_loss", "test_accuracy"),
            at=(EARLY, _STEPS),
            claims=tuple(_losses()),
            quick_steps=20,
        ),
        Study(
            id="statistics-of-large-batches",
            source=_PAPER,
            title="Moving and precise statistics with large batches",
            arms=(LARGE_FAST, LARGE_MIDDLE, LARGE_PRECISE),
            seeds="0:20",
            metrics=("valid_loss", "valid_accuracy"),
            at=(20, _FEW_STEPS),
            claims=tuple(_large_batches()),
            quick_steps=40,
        ),
    ),
    quantities=_quantities,
    seed_quantities=_seed_quantities,
)
