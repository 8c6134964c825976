"""van Laarhoven 2017: under batch norm an L2 penalty sets the size of the weights, and so the effective learning rate."""

from collections.abc import Iterator
from itertools import product

from bnlab.claims import Bounded, Claim, Fact
from bnlab.studies import Article, Quantities, SeedQuantities, Source, Study, StudyArm

_PAPER = "van Laarhoven 2017"
A = 3.0
"""The factor of the kernels."""
EPSILON = 1e-3
_ROUNDING = "float32 rounds each of a few hundred sums of up to 64 products by 6e-8 of its size"

SOURCE = Source(
    id="van-laarhoven-2017",
    name=_PAPER,
    title="L2 regularization versus batch and weight normalization",
    system="arXiv 1706.05350",
    did=(
        "It shows that a network computes the same for any size of the weights before a BN, so that an L2 penalty does not "
        "limit what the network can compute. The size of the weights sets how far a step turns them: the effective "
        "learning rate of SGD is rate / ‖w‖². It derives where the size settles, and what Adam changes, and trains "
        "convolutional networks on CIFAR-10."
    ),
    left_open=("How much epsilon, which breaks the invariance, matters.",),
    assumed=(
        "w is the whole kernel of a layer, or a column of it: the weights of a unit. Both have these identities.",
        "λ is the scale of the halved penalty ½ · λ · Σ w². For a penalty without the half, 2λ becomes 4λ.",
    ),
    departures=(
        "The networks are MLPs, and the trainings are on scikit-learn's digits. The identities hold for any network with BN, "
        "so that a verdict on them is one on the paper. A verdict on a training says what these MLPs do, and nothing about "
        "convolutional networks on CIFAR-10.",
        "A decay also shrinks the kernel of the last layer, which no BN follows.",
    ),
)

_INVARIANCE, _RATE, _ADAM = (
    "the section on normalization and scale",
    "the section on the effective learning rate",
    "the section on Adam and other optimizers",
)


def _fact(id: str, place: str, says: str, check: Fact, assumed: str = "") -> Claim:
    conditions = "three MLPs of 5-7-3, 20-16-16-4 and 64-32-32-32-10 units; the worst of them counts"
    return Claim(f"van-laarhoven-2017/{id}", _PAPER, place, says, check, conditions=conditions, assumed=assumed)


_IDENTITIES = (
    _fact(
        "loss",
        _INVARIANCE,
        "Where all kernels before a BN are multiplied by a, the loss does not change.",
        Fact("a = 3, epsilon scaled along: loss(aW) / loss(W) − 1", 0.0, 1e-6, _ROUNDING),
        "Epsilon is multiplied by a². The variance grows by this factor.",
    ),
    _fact(
        "loss/epsilon",
        _INVARIANCE,
        "Where epsilon stays as it is, multiplying the kernels by a is dividing epsilon by a², and nothing else.",
        Fact("a = 3, epsilon not scaled: loss(aW) / loss(W, epsilon / a²) − 1", 0.0, 1e-6, _ROUNDING),
        "The paper's formulas leave epsilon out. This is what follows for it.",
    ),
    _fact(
        "epsilon",
        _INVARIANCE,
        "A BN gives a unit whose variance is epsilon the spread √½, and not 1.",
        Fact("spread of a normalised unit whose variance is epsilon", 0.5**0.5, 1e-6, _ROUNDING),
        "The paper's formulas leave epsilon out. This is where the invariance ends.",
    ),
    _fact(
        "loss/units",
        _INVARIANCE,
        "Each unit's weights may have a factor of their own.",
        Fact("without epsilon, a factor for each unit: change of the loss", 0.0, 1e-6, _ROUNDING),
        "Epsilon is the smallest float32, so that it changes no variance.",
    ),
    _fact(
        "gradient",
        _RATE,
        "The norm of the gradient falls as 1 / a.",
        Fact("a = 3, epsilon scaled along: gradient norm at aW / at W", 1 / A, 1e-6, _ROUNDING),
        "Epsilon is multiplied by a².",
    ),
    _fact(
        "orthogonal",
        _RATE,
        "The gradient of a unit's weights is orthogonal to them.",
        Fact("without epsilon: largest |cosine| of weights and gradient", 0.0, 1e-5, _ROUNDING),
        "This is the slope of the invariance. Epsilon is the smallest float32.",
    ),
    _fact(
        "orthogonal/epsilon",
        _RATE,
        "What is left of the cosine is epsilon's share: it is proportional to epsilon.",
        Fact(
            "largest |cosine|: with epsilon / with epsilon / 100",
            100.0,
            3.0,
            "proportional to first order; epsilon² gives up to 2 %, and rounding of the small cosine 1 %",
        ),
        "The paper's formulas leave epsilon out. Epsilon is 0.001 at first.",
    ),
    _fact(
        "sgd",
        _RATE,
        "A step of SGD turns the weights by rate / ‖w‖²: at a times the weights it turns them by 1 / a² as much.",
        Fact("a = 3: turn by a step of SGD at aW / at W", A**-2, 1e-6, _ROUNDING),
        "The turn is ‖Δw‖ / ‖w‖. Epsilon is multiplied by a².",
    ),
    _fact(
        "adam",
        _ADAM,
        "Adam removes this dependence only in part: its step turns the weights by 1 / a as much, and not equally far.",
        Fact("a = 3: turn by a step of Adam at aW / at W", 1 / A, 1e-5, _ROUNDING),
        "The first step, with Adam's own epsilon at the smallest float32.",
    ),
    _fact(
        "decay/function",
        _INVARIANCE,
        "A decay of the weights before a BN does not change what the network computes.",
        Fact("without epsilon, a step of decay alone: change of the loss", 0.0, 1e-6, _ROUNDING),
        "The last layer is not decayed here.",
    ),
    _fact(
        "decay/kernels",
        _INVARIANCE,
        "The decay is one of the weights: biases, gamma and beta have none.",
        Fact("arrays besides the kernels that a decay moves", 0.0),
        "The paper left gamma and beta without a penalty. We check decoupled decay and the L2 penalty.",
    ),
)

_STEPS = 6000
_PROBES = ("probes=[kernel_norm, gradient_norm]", f"num_steps={_STEPS}", "record_every=10")
NONE = StudyArm("digits_bn_sgd", "no decay", _PROBES)
DECAY = StudyArm("digits_bn_sgd", "decay 0.01", (*_PROBES, "optimizer.weight_decay=0.01"))
DECAY_ALONE = StudyArm(
    "digits_bn_sgd", "decay 0.01 with epsilon 1e-8", (*_PROBES, "optimizer.weight_decay=0.01", "model.norm.epsilon=1e-8")
)
"""The law leaves epsilon out. The other arm has 0.001, which counts where a decay makes the variances small."""
LAYERS = {"dense0": "the first", "dense1": "the second"}
"""{a layer with batch norm: how a sentence calls it}."""
_WITHIN = 0.1


def law(layer: str) -> str:
    """Return the name of the quantity that is 1 where the law of the settled norm holds."""
    return f"{layer}: (rate / 2λ) · mean ‖ĝ‖² / mean ‖W‖⁴ over the second half"


def growth(layer: str) -> str:
    """Return the name of the quantity that says how ‖W‖ changes in training."""
    return f"{layer}: ‖W‖ after training / ‖W‖ after 10 steps"


def _trained() -> Iterator[Claim]:
    conditions = f"{_STEPS:,} steps of SGD at 0.1, batches of 32 digits, ‖W‖ and ‖gradient‖ at every 10th step"
    settled = (
        f"ĝ is the gradient at W / ‖W‖, which is ‖W‖ · gradient. The second half of the training counts as settled, "
        f"and within {_WITHIN:.0%} as equal."
    )
    for layer, words in LAYERS.items():
        sides = (("below", 1 + _WITHIN, False), ("above", 1 - _WITHIN, True))
        for arm, (side, bound, above) in product((DECAY_ALONE, DECAY), sides):
            kept = "epsilon-kept/" if arm is DECAY else ""
            yield Claim(
                id=f"van-laarhoven-2017/settles/{kept}{layer}/not-{side}",
                source=_PAPER,
                place=_RATE,
                says=f"With SGD and decay ‖W‖⁴ settles at (rate / 2λ) · ‖ĝ‖²: {words} layer, not {side} it.",
                check=Bounded(arm.label, law(layer), bound, above=above),
                conditions=conditions,
                assumed=settled,
            )
        yield Claim(
            id=f"van-laarhoven-2017/grows/{layer}",
            source=_PAPER,
            place=_RATE,
            says=f"Without a penalty the norm of the weights grows, and the effective learning rate falls: {words} layer.",
            check=Bounded(NONE.label, growth(layer), 1.0, above=True),
            conditions=conditions,
        )


_BEST = ("optimizer.learning_rate=0.3",)
BEST_NONE = StudyArm("digits_bn_sgd", "no decay at rate 0.3", _BEST)
BEST_DECAY = StudyArm("digits_bn_sgd", "decay 0.001 at rate 0.3", (*_BEST, "optimizer.weight_decay=0.001"))
GAIN = "final test accuracy with decay − without, for the same seed"
_GAIN_BOUND = 0.005

_AT_BEST = (
    Claim(
        id="van-laarhoven-2017/no-regularization",
        source=_PAPER,
        place="the abstract and the conclusion",
        says="Under BN a penalty does not regularize: with the best rate for each, a network with it is no more accurate.",
        check=Bounded(BEST_DECAY.label, GAIN, _GAIN_BOUND),
        conditions="1,600 steps of SGD, batches of 32 digits",
        assumed=(
            "Both rates are those with the least mean validation loss in the sweep digits_decay_grid, over six rates and ten "
            f"other seeds. Half a point ({_GAIN_BOUND:.1%}) of test accuracy counts as no gain."
        ),
    ),
)


def _quantities() -> Quantities:
    from bnlab.papers.van_laarhoven_2017.quantities import quantities

    return quantities()


def _seed_quantities() -> SeedQuantities:
    from bnlab.papers.van_laarhoven_2017.quantities import SEED_QUANTITIES

    return SEED_QUANTITIES


PAPER = Article(
    SOURCE,
    studies=(
        Study(
            id="weight-scale-identities",
            source=_PAPER,
            title="What the size of the weights changes under batch norm",
            claims=_IDENTITIES,
        ),
        Study(
            id="weight-scale",
            source=_PAPER,
            title="Where the norm of the weights settles",
            arms=(NONE, DECAY, DECAY_ALONE),
            seeds="0:20",
            metrics=("dense0_kernel_norm", "dense1_kernel_norm", "test_loss"),
            at=(1000, _STEPS),
            claims=tuple(_trained()),
            quick_steps=200,
        ),
        Study(
            id="decay-at-best-rates",
            source=_PAPER,
            title="Weight decay under batch norm, with the best rate for each",
            arms=(BEST_NONE, BEST_DECAY),
            seeds="0:20",
            quick_steps=200,
            metrics=("test_loss", "test_accuracy"),
            at=(400, 1600),
            claims=_AT_BEST,
        ),
    ),
    quantities=_quantities,
    seed_quantities=_seed_quantities,
)
