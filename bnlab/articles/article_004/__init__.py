"""Article 004: what `training` and `trainable` do to one batch-norm layer in TensorFlow 2, number by number.

    python -m bnlab.articles.article_004

runs the article's sequence of calls (`sequence`) and prints each stated value beside ours.
"""

from bnlab.claims import Claim, ExactValue, StatedNumber
from bnlab.studies import Study

CANCELLATION = 8 * 2.0**-12
_REASON = (
    "TensorFlow subtracts mean·s from x·s. After 1,001 training calls both are near 3,100, where float32 has steps of 2⁻¹² "
    "(0.00024). So the last bits of s = 1/sqrt(variance + epsilon), which differ between CPUs, decide the third decimal. The "
    "article's CPU gave 0.13110352, another under the same TensorFlow 0.1323242; exact is 0.13231."
)
_CANCELLED = ("then training=False: output", "then trainable=False, training=True: output")

_TRAINING, _INFERENCE, _FROZEN, _FIT = (
    "the calls with training=True",
    "the calls with training=False",
    "the layer with trainable=False",
    "the layer with trainable=True again",
)

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
        "1,000 calls with training=False: output": "99.95004",
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
        source="article 004",
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

STUDY = Study(
    id="article-004",
    source="article 004",
    title="What training and trainable do to one batch-norm layer",
    claims=tuple(CLAIMS.values()),
)
