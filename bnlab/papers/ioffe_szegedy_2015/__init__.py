"""Ioffe & Szegedy 2015, the paper on batch norm: faster training, steadier inputs of a unit, and larger learning rates."""

from collections.abc import Iterator

from bnlab.claims import BetterThan, Bounded, Check, Claim, FasterThan
from bnlab.papers import deep_digits
from bnlab.papers.deep_digits import DIVERGES, MOST, STEPS, WHAT_DIVERGES
from bnlab.studies import Article, SeedQuantities, Source, Study, StudyArm

_PAPER = "Ioffe & Szegedy 2015"
_ID = "ioffe-szegedy-2015"

SOURCE = Source(
    id=_ID,
    name=_PAPER,
    title="Batch normalization: accelerating deep network training by reducing internal covariate shift",
    system="ICML 2015, arXiv 1502.03167",
    did=(
        "It proposes batch norm. Section 4.1 trains a small network on MNIST with it and without it, and follows the inputs "
        "of one unit. Section 4.2 trains Inception on ImageNet, at its own rate (BN-Baseline), at five times this rate "
        "(BN-x5) and at thirty times (BN-x30)."
    ),
    left_open=(
        "Section 4.1: the optimizer and its learning rate, the deviation of the first weights, the threshold of the binary "
        "images, the number of runs, and which unit is shown.",
        "How much steadier the percentiles are: the paper shows curves only.",
        "Which level of accuracy says how fast a training is. On ImageNet it is the best accuracy of the network without BN.",
    ),
    assumed=(
        "Section 4.1: SGD at 0.1, weights of deviation 0.1, and pixels that are 1 above 0.5. The sweep mnist_sigmoid_grid "
        "tries other rates and deviations on other seeds. The answer depends on them. So a second study takes the best point "
        "of the network without BN in that sweep.",
        "The unit is unit 0 of the last hidden layer, in each of the seeds.",
        "Section 4.2: the rate ×1 is the largest one of the sweep digits_rate_grid at which no seed without BN diverges.",
    ),
    departures=(
        "Section 4.1 is repeated as the paper has it, but for what it leaves open. We train on 55,000 of the 60,000 images. "
        "The training accuracy is that of the batch.",
        "Section 4.2 is repeated on an MLP with ten hidden layers and scikit-learn's digits. "
        "A verdict says whether BN allows larger rates there. It says nothing about Inception and ImageNet.",
        "The other changes of section 4.2.1 are not tried: no dropout, less weight decay, a faster decay of the rate.",
    ),
)


def _seed_quantities() -> SeedQuantities:
    from bnlab.papers.ioffe_szegedy_2015.quantities import SEED_QUANTITIES

    return SEED_QUANTITIES


# --- Section 4.1 --------------------------------------------------------------------------------------------

PERCENTILES = tuple(f"dense2_unit0_input_p{percent}" for percent in (15, 50, 85))
MOVEMENT = "how far the percentiles move, with BN / without"
RELATIVE_MOVEMENT = "how far the percentiles move as a share of their width, with BN / without"


def sigmoid_arms(rate: float, num_steps: int) -> tuple[StudyArm, StudyArm]:
    """Return the network of section 4.1 at this rate: without BN, and with it."""
    setting = (
        "data.binarise=0.5",
        "model.hidden=[100, 100, 100]",
        "model.activation=sigmoid",
        "model.kernel_init={name: normal, stddev: 0.1}",
        f"optimizer={{name: sgd, learning_rate: {rate:g}}}",
        "batch_size=60",
        f"num_steps={num_steps}",
        "record_every=500",
        "evaluation.train_rows=batch",
        "probes.input_quantiles={}",
    )
    return StudyArm("mnist", f"no BN at rate {rate:g}", setting), StudyArm("mnist_bn", f"BN at rate {rate:g}", setting)


def _sigmoid_claims(prefix: str, where: str, none: StudyArm, bn: StudyArm, num_steps: int, few_seeds: str) -> Iterator[Claim]:
    """Yield the claims of section 4.1; `where` ends each sentence, and their ids begin with `prefix`."""
    conditions = f"784-100-100-100-10 with sigmoid units, binary MNIST, {num_steps:,} steps of 60 images"

    def claim(id: str, place: str, says: str, check: Check, assumed: str) -> Claim:
        sentence, assumed = f"{says}{where}.", f"{assumed} {few_seeds}".strip()
        return Claim(f"{_ID}/{prefix}{id}", _PAPER, place, sentence, check, conditions=conditions, assumed=assumed)

    accuracy = "section 4.1 and figure 1 (a)"
    for level in LEVELS:
        yield claim(
            f"faster-{level:g}",
            accuracy,
            f"BN trains faster: to a test accuracy of {level:.0%}",
            FasterThan(bn.label, none.label, "test_accuracy", level),
            "The paper names no level. A record is taken at every 500th step.",
        )
    yield claim(
        "higher",
        accuracy,
        "BN ends with the higher test accuracy",
        BetterThan(bn.label, none.label, "test_accuracy", step=num_steps),
        "The paper shows one curve of each. We compare seed by seed.",
    )
    inputs = "section 4.1 and figure 1 (b, c)"
    movement = (
        "How far a percentile moves is its standard deviation over the records of the training. We take the mean of the "
        "three percentiles, and the ratio of the arms for the same seed. This was written down before it was computed."
    )
    yield claim(
        "steadier",
        inputs,
        "With BN the percentiles of a unit's input are steadier over the training",
        Bounded(bn.label, MOVEMENT, 1.0),
        movement,
    )
    yield claim(
        "steadier/relative",
        inputs,
        "With BN the percentiles of a unit's input are steadier, for the width of its distribution",
        Bounded(bn.label, RELATIVE_MOVEMENT, 1.0),
        f"{movement} The width is the mean of the 85th minus the 15th percentile.",
    )


LEVELS = (0.9, 0.95)
SIGMOID_STEPS, BEST_STEPS = 50_000, 10_000
SIGMOID_NONE, SIGMOID_BN = sigmoid_arms(0.1, SIGMOID_STEPS)
BEST_NONE, BEST_BN = sigmoid_arms(1.0, BEST_STEPS)
"""The best rate of the network without BN in the sweep mnist_sigmoid_grid."""


def _sigmoid_study(
    id: str, title: str, prefix: str, where: str, none: StudyArm, bn: StudyArm, num_steps: int, few_seeds: str
) -> Study:
    return Study(
        id=id,
        source=_PAPER,
        title=title,
        arms=(none, bn),
        seeds="0:10",
        metrics=("test_accuracy", PERCENTILES[-1]),
        at=(1000, num_steps // 5, num_steps),
        levels={"test_accuracy": LEVELS},
        claims=tuple(_sigmoid_claims(prefix, where, none, bn, num_steps, few_seeds)),
        few_seeds=few_seeds,
        quick_steps=300,
    )


# --- Section 4.2 --------------------------------------------------------------------------------------------

RATE = 0.05
RATES = (RATE, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Those of the sweep digits_rate_grid from RATE on."""
NONE, NONE_X5 = (deep_digits.arm(rate, batch_norm=False) for rate in (RATE, 5 * RATE))
BN, BN_X5, BN_X30 = (deep_digits.arm(rate, batch_norm=True) for rate in (RATE, 5 * RATE, 30 * RATE))
LARGEST = "largest rate of the grid that does not diverge, with BN / without"
_TIMES = 5.0
_LEVEL = 0.95
_FIGURES = "section 4.2.2 and figures 2 and 3"
_ACCELERATING = "sections 3.3 and 4.2.1"


def _claim(id: str, place: str, says: str, check: Check, assumed: str) -> Claim:
    conditions = deep_digits.conditions(STEPS)
    return Claim(f"{_ID}/rates/{id}", _PAPER, place, says, check, conditions=conditions, assumed=assumed)


def _faster(id: str, says: str, arm: StudyArm, other: StudyArm) -> Claim:
    check = FasterThan(arm.label, other.label, "test_accuracy", _LEVEL)
    return _claim(id, _FIGURES, says, check, f"The level is a test accuracy of {_LEVEL:.0%}.")


_RATE_CLAIMS = (
    _claim(
        "none-x5",
        _FIGURES,
        "Without BN, five times the rate diverges.",
        Bounded(NONE_X5.label, DIVERGES, MOST, above=True),
        f"{WHAT_DIVERGES} Most seeds must diverge.",
    ),
    *(
        _claim(
            f"bn-{name}",
            _FIGURES,
            f"With BN, {words} times the rate does not diverge.",
            Bounded(arm.label, DIVERGES, MOST),
            f"{WHAT_DIVERGES} Most seeds must not diverge.",
        )
        for name, words, arm in (("x5", "five", BN_X5), ("x30", "thirty", BN_X30))
    ),
    _claim(
        "largest",
        _ACCELERATING,
        "BN allows much larger learning rates.",
        Bounded(BN.label, LARGEST, _TIMES, above=True),
        f"{WHAT_DIVERGES} For each seed we take the largest of the rates {', '.join(f'{rate:g}' for rate in RATES)} that "
        f"does not diverge, with BN and without. The mean ratio must be at least {_TIMES:g}: the paper's smaller factor.",
    ),
    _faster("faster", "BN alone is faster at the same rate.", BN, NONE),
    _faster("faster-x5", "BN at five times the rate is faster than the network without BN at its own rate.", BN_X5, NONE),
    _faster("x5-faster-than-x1", "BN is faster at five times the rate than at the rate itself.", BN_X5, BN),
    _claim(
        "x30-higher",
        _FIGURES,
        "BN at thirty times the rate ends more accurate than at five times.",
        BetterThan(BN_X30.label, BN_X5.label, "test_accuracy", step=STEPS),
        "We compare the final test accuracy; the paper has the best validation accuracy.",
    ),
)

PAPER = Article(
    SOURCE,
    studies=(
        _sigmoid_study(
            "sigmoid-mnist",
            "Section 4.1: a sigmoid network on binary MNIST",
            "sigmoid/",
            "",
            SIGMOID_NONE,
            SIGMOID_BN,
            SIGMOID_STEPS,
            "The study has ten seeds: with both arms they take a million steps.",
        ),
        _sigmoid_study(
            "sigmoid-mnist-best-rate",
            "Section 4.1 at the best rate of the network without BN",
            "sigmoid-best-rate/",
            ", at the best rate of the network without BN",
            BEST_NONE,
            BEST_BN,
            BEST_STEPS,
            "",
        ),
        Study(
            id="larger-rates",
            source=_PAPER,
            title="Section 4.2: larger learning rates, on a deep MLP",
            arms=(NONE, NONE_X5, BN, BN_X5, BN_X30),
            seeds="0:20",
            metrics=("train_loss", "test_accuracy"),
            at=(400, STEPS),
            levels={"test_accuracy": (_LEVEL,)},
            claims=_RATE_CLAIMS,
            quick_steps=300,
        ),
    ),
    seed_quantities=_seed_quantities,
)
