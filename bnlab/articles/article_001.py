"""Article 001: the parameters of tf.contrib.layers.batch_norm, and an MNIST MLP (TensorFlow 1.x). It states no figures."""

from bnlab.claims import BetterThan, Claim
from bnlab.studies import Study, StudyArm

_SLOW, _FAST, _DEBIASED = "decay 0.999", "decay 0.9", "decay 0.999 with zero debias"

STUDY = Study(
    id="article-001",
    source="article 001",
    title="Decay of the moving averages of tf.contrib's batch norm",
    arms=(
        StudyArm("mnist_contrib_bn", _SLOW),
        StudyArm("mnist_contrib_bn_decay09", _FAST),
        StudyArm("mnist_contrib_bn_zero_debias", _DEBIASED),
    ),
    seeds="0:6",
    metrics=("test_loss", "test_accuracy"),
    at=(500, 5000, 15000),
    claims=(
        Claim(
            id="001/smaller-decay",
            source="article 001",
            place="the explanation of the parameter decay",
            says="Where training goes well and validation does not, a smaller decay (0.9) helps.",
            check=BetterThan(_FAST, _SLOW, "test_loss", step=500),
            conditions="advice, without an experiment",
            assumed="After the first 500 steps the training loss is low and the test loss is not, so we look there.",
        ),
    ),
)
