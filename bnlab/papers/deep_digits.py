"""A network with ten hidden layers on the digits, at any learning rate: what the studies of larger rates share."""

import math

import numpy as np
from jaxtyping import Float

from bnlab.runs import Pool
from bnlab.studies import StudyArm

STEPS = 1600
_NETWORK = (f"model.hidden={[32] * 10}", "model.kernel_init.name=he_normal", f"num_steps={STEPS}", "record_every=20")
SWEEP = "digits_rate_grid"
"""The sweep over other seeds that the studies take their rates from."""
LOSS_LIMIT = math.log(10) / 2
"""A seed diverges if its final training loss is not below this; a network that guesses among the ten classes has log 10."""
DIVERGES = "share of the seeds that diverge"
MOST = 0.5
"""More than this share of the seeds are most of them."""
WHAT_DIVERGES = (
    f"A seed diverges if its loss is no longer finite, or if its training loss ends at ½ · log 10 = {LOSS_LIMIT:.2f} or "
    "above. Guessing among ten classes has the loss log 10. So a network that no longer learns counts as diverged too."
)


def arm(rate: float, *, batch_norm: bool, more: tuple[str, ...] = ()) -> StudyArm:
    """Return the network at this rate; `more` are further overrides."""
    norm = () if batch_norm else ("model.norm=null",)
    label = f"{'BN' if batch_norm else 'no BN'} at rate {rate:g}"
    return StudyArm("digits_bn_sgd", label, (f"optimizer.learning_rate={rate:g}", *_NETWORK, *norm, *more))


def conditions(num_steps: int) -> str:
    """Return the setting of a claim in words."""
    return f"{num_steps:,} steps of SGD, batches of 32 digits, ten hidden layers of 32 ReLU units, kernels by He's normal"


def diverges(pool: Pool) -> Float[np.ndarray, "seeds"]:
    """Return 1.0 for each seed that diverges and 0.0 for each other one; a share is the mean over the seeds."""
    return 1.0 - (pool.curves["train_loss"][:, -1] < LOSS_LIMIT)
