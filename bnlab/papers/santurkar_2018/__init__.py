"""Santurkar et al. 2018: batch norm smooths the loss; steady distributions are not what makes it train faster."""

from collections.abc import Iterator

from bnlab.claims import Bounded, Check, Claim, Fact, FasterThan
from bnlab.studies import Article, Quantities, SeedQuantities, Source, Study, StudyArm

_PAPER = "Santurkar et al. 2018"
EPSILON = 1e-3
LEVEL = 0.9
"""The training accuracy at which networks are compared."""
FEW_LOSS, MUCH_LOSS = 0.2, 1.0
"""The training losses between which networks are compared at an equal loss."""
_RATE = 0.1
_STEPS = 1600
_CHANCE = 0.1

SOURCE = Source(
    id="santurkar-2018",
    name=_PAPER,
    title="How does batch normalization help optimization?",
    system="NeurIPS 2018, arXiv 1805.11604",
    did=(
        "It asks whether BN works because it keeps the distributions of a layer's inputs steady. It puts noise after BN, "
        "redrawn in each step, and trains as well as before. It then measures how loss and gradient change along the "
        "gradient: less with BN. Theorems say why. The networks are a VGG on CIFAR-10, and deep linear ones."
    ),
    left_open=(
        "How near the curves of BN with noise and without have to be.",
        "Which statistics inference takes after a training with noise, and whether inference has noise.",
        "At how many places along the gradient it looks, and how far.",
    ),
    assumed=(
        "Inference has no noise, and takes precise statistics of the training rows. Moving ones are gathered under noise, "
        "which inference does not have: with them a network with noise looks worse than it is.",
        "The loss is measured at ½, 1, 2 and 4 learning rates along the gradient of the next batch. Each network is one "
        "number: the geometric mean over the records.",
        f"All arms have the learning rate {_RATE}, that of the config. Of 0.03, 0.1 and 0.3 it was the best one for eight "
        "layers without BN, on four other seeds.",
        "These four seeds were looked at before the bounds were written.",
    ),
    departures=(
        "The networks are MLPs with two and with eight hidden layers of 32 units, on scikit-learn's digits, with plain SGD. "
        "A verdict on a training says what these do, and nothing about VGG on CIFAR-10.",
        "The theorems are checked as equations of one layer, for which a network is not needed.",
        "Deep linear networks, the measures of covariate shift, and norms other than the second are not tried.",
    ),
)


# --- Theorems: what needs no training -----------------------------------------------------------------------

_ROUNDING = "float32 rounds each sum over up to 128 rows by 6e-8 of its terms, which partly cancel"

_THEOREMS = (
    (
        "theorem-1",
        "theorem 4.1",
        "BN takes two parts out of the gradient, and scales the rest by gamma / σ: with g the gradient at BN's output, "
        "‖gradient at its input‖² = gamma² / σ² · (‖g‖² − ⟨1, g⟩² / m − ⟨x̂, g⟩² / m).",
        Fact("without epsilon: gradient at BN's input, squared, over what the theorem gives, − 1", 0.0, 1e-4, _ROUNDING),
        "The theorem says at most. For a layer alone both sides are equal, which is more to check.",
    ),
    (
        "theorem-1/orthogonal",
        "theorem 4.1",
        "What is left is orthogonal to 1 and to the normalised inputs.",
        Fact("without epsilon: largest |cosine| of the gradient with 1 and with x̂", 0.0, 1e-5, _ROUNDING),
        "These are the two parts that the theorem takes out.",
    ),
    (
        "theorem-1/epsilon",
        "theorem 4.1",
        "With epsilon the gradient is no longer than that.",
        Fact("with epsilon: units whose gradient is longer than the theorem gives", 0.0),
        f"The paper's formulas leave epsilon out. It is {EPSILON}, and the variances are 0.01 to 4.",
    ),
    (
        "theorem-2",
        "theorem 4.2",
        "Along the gradient v of a unit's inputs the loss curves by gamma² / σ² · vᵀHv − gamma / (m · σ²) · ⟨g, x̂⟩ · ‖v‖², "
        "with H the second derivative at BN's output.",
        Fact(
            "without epsilon: curvature along the gradient minus what the theorem gives, over its terms", 0.0, 1e-4, _ROUNDING
        ),
        "The theorem says at most. For a layer alone both sides are equal, which is more to check.",
    ),
)


def _theorems() -> Iterator[Claim]:
    for id, place, says, check, assumed in _THEOREMS:
        yield Claim(
            id=f"santurkar-2018/{id}",
            source=_PAPER,
            place=place,
            says=says,
            check=check,
            conditions="one BN layer over 8 × 3, 32 × 16 and 128 × 32 (rows m × units), and a loss that is no quadratic",
            assumed=f"{assumed} The unit or network that is farthest off counts.",
        )


# --- Trainings ----------------------------------------------------------------------------------------------

SLOWDOWN = f"steps to a training accuracy of {LEVEL:.0%}: noisy BN / BN"
FINAL = "training accuracy after the last step"
ALONG = {
    "loss": ("along_loss_range", "range of the loss", "the loss changes less along the gradient"),
    "gradient": ("along_gradient_change_max", "change of the gradient", "the gradient changes less along itself"),
    "smoothness": ("along_smoothness", "effective β-smoothness", "the gradient changes less per distance along itself"),
}
"""{what: its metric, its words, how it is with BN}."""
_SAME_SPEED = 1.25
_UNTRAINED = 2 * _CHANCE


def over_training(words: str) -> str:
    """Return the name of the ratio of BN to no BN over all records."""
    return f"{words}: BN / no BN, geometric means over training"


def at_equal_loss(words: str) -> str:
    """Return the name of the ratio of BN to no BN over the records at which the training losses are alike."""
    return f"{words}: BN / no BN, geometric means over training losses of {FEW_LOSS} to {MUCH_LOSS}"


PLAIN, BN, NOISY, NOISY_PLAIN = "no BN", "BN", "noisy BN", "noise, no BN"


def arms(layers: int) -> dict[str, StudyArm]:
    """Return {label: the arm} of the networks with so many hidden layers."""
    shared = (f"model.hidden={[32] * layers}", "probes=[loss_along_gradient]", f"num_steps={_STEPS}", "record_every=10")
    none, precise, noise = "model.norm=null", "model.norm.evaluate_with=precise", "model.noise={}"
    own = {PLAIN: (none,), BN: (precise,), NOISY: (precise, noise), NOISY_PLAIN: (none, noise)}
    return {label: StudyArm("digits_bn_sgd", label, (*shared, *overrides)) for label, overrides in own.items()}


def _checks() -> Iterator[tuple[str, str, str, Check, str]]:
    """Yield (id, place, what it says, check, assumed) of each claim on networks of one depth."""
    same_speed = (
        f"At most {_SAME_SPEED:g} times the steps count as the same speed. A network with noise that never gets there "
        f"counts with {_STEPS:,} steps."
    )
    untrained = f"Up to {_UNTRAINED:.0%} counts as no training; a guess is right in {_CHANCE:.0%}."
    equal_loss = (
        "The paper compares at equal steps, where the loss with BN is lower and all gradients are short. So we also compare "
        f"the records at which the training loss lies between {FEW_LOSS} and {MUCH_LOSS}."
    )
    noise, smooth = "section 2.1 and figure 2", "section 3.2 and figure 4"
    check = Bounded(NOISY, SLOWDOWN, _SAME_SPEED)
    yield "noise/same-speed", noise, "noise after BN does not slow training", check, same_speed
    check = FasterThan(NOISY, PLAIN, "train_accuracy", LEVEL)
    yield "noise/beats-plain", noise, "BN with noise still trains faster than a network without BN", check, ""
    check = FasterThan(PLAIN, NOISY_PLAIN, "train_accuracy", LEVEL)
    more = "The paper says more, which is a claim of its own."
    yield "noise/slows-plain", noise, "the same noise slows a network without BN", check, more
    check = Bounded(NOISY_PLAIN, FINAL, _UNTRAINED)
    yield "noise/stops-plain", noise, "the same noise keeps a network without BN from training at all", check, untrained
    for id, (_, words, says) in ALONG.items():
        check = Bounded(BN, over_training(words), 1.0)
        yield f"smooth/{id}", smooth, f"with BN {says}", check, ""
    for id, (_, words, says) in ALONG.items():
        check = Bounded(BN, at_equal_loss(words), 1.0)
        yield f"smooth/equal-loss/{id}", smooth, f"with BN {says}, at an equal training loss too", check, equal_loss


def _study(id: str, words: str, layers: int) -> Study:
    conditions = f"{words} hidden layers, {_STEPS:,} steps of SGD at {_RATE}, batches of 32 digits, a record every 10 steps"
    claims = (
        Claim(
            id=f"santurkar-2018/{words}-layers/{claim}",
            source=_PAPER,
            place=place,
            says=f"{words.capitalize()} layers: {says}.",
            check=check,
            conditions=conditions,
            assumed=assumed,
        )
        for claim, place, says, check, assumed in _checks()
    )
    return Study(
        id=id,
        source=_PAPER,
        title=f"Noise after batch norm, and the loss along the gradient: {words} hidden layers",
        arms=tuple(arms(layers).values()),
        seeds="0:20",
        metrics=("train_accuracy", "along_loss_range", "along_smoothness"),
        at=(200, _STEPS),
        levels={"train_accuracy": (LEVEL,)},
        claims=tuple(claims),
        quick_steps=50,
    )


def _quantities() -> Quantities:
    from bnlab.papers.santurkar_2018.quantities import quantities

    return quantities()


def _seed_quantities() -> SeedQuantities:
    from bnlab.papers.santurkar_2018.quantities import SEED_QUANTITIES

    return SEED_QUANTITIES


PAPER = Article(
    SOURCE,
    studies=(
        Study(
            id="smoothness-theorems",
            source=_PAPER,
            title="What batch norm does to gradient and curvature",
            claims=tuple(_theorems()),
        ),
        _study("smoothness", "eight", 8),
        _study("smoothness-two-layers", "two", 2),
    ),
    quantities=_quantities,
    seed_quantities=_seed_quantities,
)
