"""Bjorck et al. 2018, "Understanding batch normalization": what batch norm gives is the larger learning rate."""

from bnlab.claims import BetterThan, Bounded, Check, Claim
from bnlab.papers import deep_digits
from bnlab.papers.deep_digits import DIVERGES, MOST, STEPS, WHAT_DIVERGES
from bnlab.studies import Article, SeedQuantities, Source, Study

_PAPER = "Bjorck et al. 2018"
_ID = "bjorck-2018"

SMALL, LARGE = 0.02, 1.0

SOURCE = Source(
    id=_ID,
    name=_PAPER,
    title="Understanding batch normalization",
    system="NeurIPS 2018, arXiv 1806.02375",
    did=(
        "It trains a ResNet of 110 layers on CIFAR-10 with BN and without it, at three learning rates. At the smallest one, "
        "where the network without BN converges, both are about equally accurate. At the larger ones the network without BN "
        "diverges, and the one with BN becomes more accurate. It then looks at gradients and activations without BN, which "
        "grow out of bounds at large steps."
    ),
    left_open=(
        "How near the accuracies at the smallest rate have to be.",
        "How large the gradients are that make a network diverge.",
    ),
    assumed=(
        f"The small rate, {SMALL:g}, is the largest one of the sweep {deep_digits.SWEEP} at which every seed without BN ends "
        f"with a training loss below 0.1. The large rate, {LARGE:g}, is one at which no seed with BN diverges there.",
        "We could not check the numbers of the paper's sections; its figure 1 is the comparison of rates.",
    ),
    departures=(
        "The network is an MLP with ten hidden layers on scikit-learn's digits, without momentum, augmentation or a decay of "
        "the rate. The digits are easy, and 250 test rows leave little room for a gain in accuracy. A verdict here says "
        "nothing about ResNets on CIFAR-10.",
        "We look at gradients and not at activations.",
    ),
)


def _seed_quantities() -> SeedQuantities:
    from bnlab.papers.bjorck_2018.quantities import SEED_QUANTITIES

    return SEED_QUANTITIES


NONE_SMALL, NONE_LARGE = (deep_digits.arm(rate, batch_norm=False) for rate in (SMALL, LARGE))
BN_SMALL, BN_LARGE = (deep_digits.arm(rate, batch_norm=True) for rate in (SMALL, LARGE))
FIRST_STEPS = 40
_FIRST = (f"num_steps={FIRST_STEPS}", "record_every=1", "probes=[gradient_norm]")
NONE_FIRST, BN_FIRST = (deep_digits.arm(LARGE, batch_norm=batch_norm, more=_FIRST) for batch_norm in (False, True))

GAIN = "final test accuracy with BN − without, for the same seed"
EXPLOSION = "powers of ten between the largest gradient norm without BN and that with BN"
_EQUAL = 0.01
_POWERS = 2.0
_FIGURE = "the section on the benefits of BN, and figure 1"


def _claim(id: str, place: str, says: str, check: Check, assumed: str, num_steps: int = STEPS) -> Claim:
    conditions = deep_digits.conditions(num_steps)
    return Claim(f"{_ID}/{id}", _PAPER, place, says, check, conditions=conditions, assumed=assumed)


_RATE_CLAIMS = (
    *(
        _claim(
            f"small-rate/{side}",
            _FIGURE,
            f"At a small rate both are equally accurate: BN is not {side} accurate.",
            Bounded(BN_SMALL.label, GAIN, bound, above=bound < 0),
            f"Within {_EQUAL:.0%} counts as equal.",
        )
        for side, bound in (("more", _EQUAL), ("less", -_EQUAL))
    ),
    _claim(
        "large-rate/none",
        _FIGURE,
        "Without BN the large rate diverges.",
        Bounded(NONE_LARGE.label, DIVERGES, MOST, above=True),
        f"{WHAT_DIVERGES} Most seeds must diverge.",
    ),
    _claim(
        "large-rate/bn",
        _FIGURE,
        "With BN the large rate does not diverge.",
        Bounded(BN_LARGE.label, DIVERGES, MOST),
        f"{WHAT_DIVERGES} Most seeds must not diverge.",
    ),
    _claim(
        "large-rate/accuracy",
        _FIGURE,
        "BN at a large rate is more accurate than BN at the small one.",
        BetterThan(BN_LARGE.label, BN_SMALL.label, "test_accuracy", step=STEPS),
        "We compare the final test accuracy.",
    ),
    _claim(
        "large-rate/against-none",
        _FIGURE,
        "BN at a large rate is more accurate than the network without BN at the small one.",
        BetterThan(BN_LARGE.label, NONE_SMALL.label, "test_accuracy", step=STEPS),
        "We compare the final test accuracy.",
    ),
)

PAPER = Article(
    SOURCE,
    studies=(
        Study(
            id="rates-of-a-deep-net",
            source=_PAPER,
            title="A small and a large learning rate, on a deep MLP",
            arms=(NONE_SMALL, NONE_LARGE, BN_SMALL, BN_LARGE),
            seeds="0:20",
            metrics=("train_loss", "test_accuracy"),
            at=(400, STEPS),
            claims=_RATE_CLAIMS,
            quick_steps=300,
        ),
        Study(
            id="exploding-gradients",
            source=_PAPER,
            title="The gradient in the first steps at a large rate",
            arms=(NONE_FIRST, BN_FIRST),
            seeds="0:20",
            metrics=("train_loss",),
            at=(10, FIRST_STEPS),
            claims=(
                _claim(
                    "explosion",
                    "the section on gradients and divergence",
                    "At a large rate gradients grow out of bounds without BN; with BN they do not.",
                    Bounded(BN_FIRST.label, EXPLOSION, _POWERS, above=True),
                    f"We take the largest finite norm of the gradient in the first {FIRST_STEPS} steps. Without BN it is at "
                    f"least {10**_POWERS:g} times that with BN, for the same seed. The bound was written down before.",
                    FIRST_STEPS,
                ),
            ),
        ),
    ),
    seed_quantities=_seed_quantities,
)
