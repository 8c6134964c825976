"""MNIST at any batch size: the same epochs for all, and a learning rate in proportion to the batch."""

import math

EPOCHS = 2
_ROWS = 55_000
"""The training rows of MNIST."""
_RATE, _AT = 0.1, 32
"""The learning rate at one batch size; at any other it is in proportion."""

RULE = (
    f"SGD for {EPOCHS} epochs, so that every batch size sees the same images. The learning rate is {_RATE} · batch size / "
    f"{_AT}. This rule, the epochs and the batch sizes were fixed before any run."
)
PREVIEW = "Two runs of every arm, of the seeds 100 and 101, were looked at before the claims were written."
PAIRS = "At another batch size a seed has the same first weights, but other batches."


def overrides(batch_size: int, *more: str) -> tuple[str, ...]:
    """Return what is changed in mnist_bn for a batch size, and `more`."""
    return (
        "optimizer.name=sgd",
        f"optimizer.learning_rate={_RATE * batch_size / _AT:g}",
        f"batch_size={batch_size}",
        f"num_epochs={EPOCHS}",
        "record_every=epoch",
        "evaluation.train_rows=batch",
        *more,
    )


def last_step(batch_size: int) -> int:
    """Return the step after which the training ends."""
    return math.ceil(EPOCHS * _ROWS / batch_size)
