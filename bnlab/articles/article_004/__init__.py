"""Article 004: what `training` and `trainable` do to one batch-norm layer in TensorFlow 2, number by number.

    python -m bnlab.articles.article_004

runs the article's sequence of calls (`sequence`) and prints each stated value beside ours.
"""

from bnlab.claims import Claim, ExactValue, Fact, StatedNumber
from bnlab.studies import Article, Measured, Quantities, Source, Study

CANCELLATION = 8 * 2.0**-12
_REASON = (
    "TensorFlow subtracts mean·s from x·s. After 1,001 training calls both are near 3,100, where float32 has steps of 2⁻¹² "
    "(0.00024). So the last bits of s = 1/sqrt(variance + epsilon), which differ between CPUs, decide the third decimal. The "
    "article's CPU gave 0.13110352, another under the same TensorFlow 0.1323242; exact is 0.13231."
)
_ARTICLE = "article 004"
_CANCELLED = ("then training=False: output", "then trainable=False, training=True: output")

_TRAINING, _INFERENCE, _FROZEN, _FIT = (
    "the calls with training=True",
    "the calls with training=False",
    "the layer with trainable=False",
    "the layer with trainable=True again",
)

_INFERENCE_OUTPUT = "1,000 calls with training=False: output"

_STATED = {
    _TRAINING: {
        "parameters": "4",
        "parameters that train": "2",
        "parameters that do not": "2",
        "fresh: moving_mean": "0",
        "fresh: moving_variance": "1",
        "training=True: output": "0",
        "one training call: moving_mean": "1",
        "one training call: moving_variance": "0.99",
        "1,000 more: moving_mean": "99.99573",
        "1,000 more: moving_variance": "4.273953e-05",
        "then training=True: output": "0",
        "then training=False: output": "0.13110352",
        "then trainable=False, training=True: output": "0.13110352",
    },
    _INFERENCE: {
        "1,000 calls with training=False: moving_mean": "0",
        "1,000 calls with training=False: moving_variance": "1",
        _INFERENCE_OUTPUT: "99.95004",
    },
    _FROZEN: {
        "trainable=False, 1,000 training calls: gamma": "1",
        "trainable=False, 1,000 training calls: beta": "0",
        "trainable=False, 1,000 training calls: moving_mean": "0",
        "trainable=False, 1,000 training calls: moving_variance": "1",
        "trainable=False: output with training=True": "99.95004",
        "trainable=False: output with training=False": "99.95004",
        "trainable=False, fit(): gamma": "1",
        "trainable=False, fit(): beta": "0",
        "trainable=False, fit(): moving_mean": "0",
        "trainable=False, fit(): moving_variance": "1",
    },
    _FIT: {
        "trainable=True again, fit(): gamma": "1",
        "trainable=True again, fit(): beta": "0.001",
        "trainable=True again, fit(): moving_mean": "1",
        "trainable=True again, fit(): moving_variance": "0.99",
        "1,000 epochs more: gamma": "1",
        "1,000 epochs more: beta": "0.9988577",
        "1,000 epochs more: moving_mean": "99.99573",
        "1,000 epochs more: moving_variance": "4.273953e-05",
    },
}
"""{place in the article: {quantity: the value as printed}}; the quantities are those of `sequence.measure`."""


def _check(quantity: str) -> ExactValue:
    return ExactValue(quantity, CANCELLATION, _REASON) if quantity in _CANCELLED else ExactValue(quantity)


CLAIMS = {
    quantity: Claim(
        id=f"004/{quantity}",
        source=_ARTICLE,
        place=place,
        says=f"{quantity} is {text}.",
        check=_check(quantity),
        stated=StatedNumber(text),
        conditions="one layer on one feature, Keras' defaults, input [[100.0]], float32, TensorFlow 2",
    )
    for place, numbers in _STATED.items()
    for quantity, text in numbers.items()
}
"""{quantity: what the article states of it}, in its order."""

_RULES_PLACE = "the summary of training and trainable"
_DOUBLE = "The article computes it in double precision. Ours is float32, which has steps of 7.6e-6 near 100."


def _rule(id: str, says: str, check: Fact) -> Claim:
    return Claim(f"004/rule/{id}", _ARTICLE, _RULES_PLACE, says, check, conditions="one layer on one feature")


RULES = (
    _rule(
        "training/batch",
        "In training mode the batch's mean and variance normalise.",
        Fact("training mode: mean of the output", 0.0, 1e-6, "float32 rounds"),
    ),
    _rule(
        "training/updates",
        "In training mode the moving statistics are updated.",
        Fact("training mode: moving statistics that move", 2.0),
    ),
    _rule(
        "inference/moving",
        "In inference mode the moving statistics normalise.",
        Fact("inference mode: what other rows change in a row's output", 0.0),
    ),
    _rule(
        "inference/updates",
        "In inference mode the moving statistics are not updated.",
        Fact("inference mode: moving statistics that move", 0.0),
    ),
    _rule(
        "frozen/mode",
        "In TensorFlow 2, trainable=False is inference mode, whatever training says.",
        Fact("trainable=False, TensorFlow 2: difference of both modes' outputs", 0.0),
    ),
    _rule(
        "frozen/updates",
        "In TensorFlow 2, trainable=False stops the updates of the moving statistics.",
        Fact("trainable=False, TensorFlow 2: moving statistics that move", 0.0),
    ),
    _rule(
        "frozen/tensorflow1-mode",
        "In TensorFlow 1, trainable=False did not switch to inference mode.",
        Fact("trainable=False, TensorFlow 1: mean of the output in training mode", 0.0, 1e-6, "float32 rounds"),
    ),
    _rule(
        "frozen/tensorflow1-weights",
        "In TensorFlow 1 too, trainable=False kept gamma and beta as they were.",
        Fact("trainable=False, TensorFlow 1: largest gradient", 0.0),
    ),
    _rule(
        "frozen/parameters",
        "With trainable=False no parameter trains, and fit() warns of that.",
        Fact("trainable=False: largest gradient", 0.0),
    ),
    _rule(
        "trainable/parameters",
        "With trainable=True gamma and beta train.",
        Fact("trainable=True: gradients that are not 0", 2.0),
    ),
    _rule(
        "momentum",
        "momentum weighs the old value of a moving average, and 1 - momentum the batch's.",
        Fact("momentum 0.75: moving mean after one batch of mean 1", 0.25),
    ),
    _rule("defaults/momentum", "By default momentum is 0.99.", Fact("default momentum", 0.99)),
    _rule("defaults/epsilon", "By default epsilon is 0.001.", Fact("default epsilon", 0.001)),
)
"""What the article says of training and trainable, beside its numbers."""

_FORMULA = Claim(
    id="004/formula",
    source=_ARTICLE,
    place="the calls with training=False, the formula",
    says="The formula (100 - 0) / sqrt(1 + 0.001) gives this, and so does the layer.",
    check=ExactValue(_INFERENCE_OUTPUT, tolerance=8e-6, reason=_DOUBLE),
    stated=StatedNumber("99.95003746877732"),
)

SOURCE = Source(
    id="004",
    name=_ARTICLE,
    title="What training and trainable do to BatchNormalization in TensorFlow 2",
    system="TensorFlow 2.1.0",
    did=(
        "It calls one BatchNormalization layer with one feature on the input 100, a thousand times in each mode, and prints "
        "the output, gamma, beta and the moving statistics. It then freezes the layer and fits it."
    ),
    assumed=("The rules are shown on eight rows as well: on one row, the batch's mean is the row itself.",),
    departures=("bnlab's layer takes the order of operations of TensorFlow here (`formula: tensorflow`).",),
)


def _quantities() -> Quantities:
    from bnlab.articles.article_004.quantities import quantities

    return quantities()


ARTICLE = Article(
    SOURCE,
    studies=(
        Study(
            id="article-004",
            source=_ARTICLE,
            title="What training and trainable do to one batch-norm layer",
            claims=(*CLAIMS.values(), _FORMULA, *RULES),
            measured=Measured("TensorFlow 2.1.0 on another CPU", ((_check(_CANCELLED[0]), "0.1323242"),)),
        ),
    ),
    quantities=_quantities,
)
