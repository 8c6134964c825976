"""Article 001: the parameters of tf.contrib.layers.batch_norm, and an MNIST MLP (TensorFlow 1.x). It states no results."""

from bnlab.claims import BetterThan, Claim, ExactValue, Fact, Open, RunValue, StatedNumber
from bnlab.studies import Article, Measured, Quantities, Source, Study, StudyArm

_SLOW, _FAST, _DEBIASED = "decay 0.999", "decay 0.9", "decay 0.999 with zero debias"
_ARTICLE = "article 001"
_FEW = "A run takes 20 s, and three arms of 20 seeds 10 minutes of two cores; six seeds are the fewest that settle an order."

SOURCE = Source(
    id="001",
    name=_ARTICLE,
    title="The parameters of tf.contrib.layers.batch_norm, with an MNIST example",
    system="TensorFlow 1.x",
    did=(
        "It goes through the parameters of tf.contrib.layers.batch_norm and trains 784 → [Dense 100 → BN(center, scale) → "
        "ReLU] ×2 → Dense 10 on MNIST: mean softmax cross-entropy, SGD 0.01, batches of 100, 15,000 steps. Every 500 steps "
        "it notes loss and accuracy: on the training set in training mode, on the test set in inference mode."
    ),
    left_open=("All results: the code prints a history, which is not shown.", "Seeds."),
    assumed=(
        "The advice is judged after the first 500 steps, when the training loss is low and the test loss is not.",
        _FEW,
    ),
    departures=("TensorFlow's names, scopes and collections have no counterpart in a pure function.",),
)

_ROW_STEPS = 500
_MEASURED = """
1   0.398  .8990  1.192  .8627
2   0.284  .9241  0.733  .9125
3   0.232  .9370  0.453  .9322
5   0.177  .9520  0.232  .9486
10  0.115  .9696  0.139  .9606
20  0.065  .9836  0.099  .9707
30  0.041  .9908  0.087  .9740
"""
"""A row of the history, and its four metrics under TensorFlow 1.8.0, of one seed."""


def _measured() -> Measured:
    metrics = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
    rows = [line.split() for line in _MEASURED.split("\n")[1:-1]]
    return Measured(
        "TensorFlow 1.8.0, one seed",
        tuple(
            (RunValue(_SLOW, metric, _ROW_STEPS * int(row)), text)
            for i, metric in enumerate(metrics)
            for row, *texts in rows
            for text in [texts[i]]
        ),
    )


_ROUNDING = "float32 rounds 1 - decay, and the products"
_PARAMETERS: tuple[tuple[str, str, Fact], ...] = (
    (
        "inputs",
        "The inputs may be those of a dense or of a convolutional layer; the output has their shape.",
        Fact("inputs: shapes that the output keeps, of [4, 3] and [4, 6, 6, 3]", 2.0),
    ),
    (
        "decay",
        "decay weighs the old value of a moving average; 1 - decay weighs the batch's.",
        Fact("decay 0.999: moving mean after one batch of mean 1", 0.001, 1e-9, _ROUNDING),
    ),
    (
        "decay",
        "A smaller decay follows the batches sooner.",
        Fact("decay 0.9: moving mean after one batch of mean 1", 0.1, 1e-7, _ROUNDING),
    ),
    ("center", "With center, beta is added.", Fact("center: what beta 5 adds", 5.0, 1e-6, _ROUNDING)),
    ("center", "Without center there is no beta.", Fact("center=False, scale=False: trained values", 0.0)),
    ("scale", "With scale, gamma multiplies.", Fact("scale: what gamma 3 multiplies by", 3.0, 1e-6, _ROUNDING)),
    ("scale", "Without scale, which is the default, gamma is not used.", Fact("scale=False: trained values", 1.0)),
    (
        "scale",
        "Before a linear layer the scale can be left out, because that layer can take it over.",
        Fact("scale=False before a linear layer: difference", 0.0, 1e-5, _ROUNDING),
    ),
    (
        "scale",
        "The same holds before a ReLU.",
        Fact("scale=False before a ReLU and a linear layer: difference", 0.0, 1e-5, _ROUNDING),
    ),
    (
        "epsilon",
        "epsilon keeps a division by zero away: a feature that never varies comes out as beta.",
        Fact("epsilon: output for a feature that never varies", 0.0),
    ),
    (
        "activation_fn",
        "activation_fn is applied to the output; by default nothing is.",
        Fact("activation_fn: difference from ReLU after BN", 0.0),
    ),
    (
        "param_initializers",
        "param_initializers set the start of beta, gamma, the moving mean and the moving variance.",
        Fact("param_initializers: initial values as given, of 4", 4.0),
    ),
    (
        "param_regularizers",
        "param_regularizers put a penalty on beta and gamma.",
        Fact("param_regularizers: penalty of gamma 2 and beta 3", 1.1, 1e-6, _ROUNDING),
    ),
    (
        "updates_collections",
        "The updates of the moving statistics must run with the train step; else nothing moves.",
        Fact("updates_collections: move of the statistics without the updates", 0.0),
    ),
    (
        "is_training",
        "Outside training mode nothing is accumulated.",
        Fact("is_training=False: move of the statistics", 0.0),
    ),
    (
        "is_training",
        "Outside training mode the moving statistics normalise.",
        Fact("is_training=False: output for 2, fresh statistics", 2 / 1.001**0.5, 1e-6, _ROUNDING),
    ),
    (
        "reuse",
        "With reuse, two calls share one set of variables.",
        Fact("reuse: difference of two calls with one set of variables", 0.0),
    ),
    ("trainable", "What is not trainable has no gradient.", Fact("trainable=False: largest gradient", 0.0)),
    ("trainable", "What is trainable has one.", Fact("trainable: largest gradient", 3.0)),
    (
        "batch_weights",
        "batch_weights weigh the rows in mean and variance.",
        Fact("batch_weights 3 and 1: mean of 0 and 2", 0.5, 1e-6, _ROUNDING),
    ),
    (
        "fused",
        "By default the layer is the fused one, which moves by the sample variance.",
        Fact("fused: variance of 0 and 2 that the moving variance takes", 2.0, 1e-3, "float32 takes 0.999 from 1.001"),
    ),
    (
        "data_format",
        "data_format says which axis the channels are on.",
        Fact("data_format: difference of channels first and last", 0.0),
    ),
    (
        "zero_debias_moving_mean",
        "zero_debias_moving_mean takes the start at 0 out of the moving mean.",
        Fact(
            "zero_debias_moving_mean: moving mean after one batch of mean 1",
            1.0,
            2e-5,
            "float32 takes 0.999 from 1 in the divisor, as TensorFlow does",
        ),
    ),
    (
        "renorm",
        "renorm corrects a batch's statistics by those of the batches before; the first batch has none before it.",
        Fact("renorm: difference from plain BN in the first step", 0.0, 1e-6, _ROUNDING),
    ),
    (
        "renorm_clipping",
        "renorm_clipping bounds the correction.",
        Fact("renorm_clipping to r = 1 and d = 0: difference from plain BN", 0.0, 1e-6, _ROUNDING),
    ),
    (
        "renorm_decay",
        "renorm_decay is the decay of the statistics that renorm corrects by.",
        Fact("renorm_decay 0.9: renorm mean after one batch of mean 1", 0.1, 1e-7, _ROUNDING),
    ),
    (
        "adjustment",
        "adjustment scales and shifts the normalised values while training.",
        Fact("adjustment 2 and 3: difference from 2 · x̂ + 3", 0.0, 1e-6, _ROUNDING),
    ),
)
"""(parameter, what it does, how that is checked)."""

_NAMES = "It names or shares TensorFlow's variables and tensors. A pure function has no such names: nothing can be computed."

_DEFAULTS = {"decay": "0.999", "epsilon": "0.001", "renorm_decay": "0.99"}


def _parameter_claims() -> tuple[Claim, ...]:
    shown = [
        Claim(
            id=f"001/parameter/{number}-{name}",
            source=_ARTICLE,
            place=f"the parameter {name}",
            says=says,
            check=check,
            conditions="no experiment",
            assumed="Where the article only lists the parameter, its effect is that of TensorFlow 1.8.0.",
        )
        for number, (name, says, check) in enumerate(_PARAMETERS, start=1)
    ]
    unnamed = [
        Claim(
            f"001/parameter/{name}", _ARTICLE, f"the parameter {name}", f"{name} is a parameter of the layer.", Open(_NAMES)
        )
        for name in ("scope", "variables_collections", "outputs_collections")
    ]
    defaults = [
        Claim(
            id=f"001/default/{name}",
            source=_ARTICLE,
            place="the signature of the function",
            says=f"By default {name} is {text}.",
            check=ExactValue(f"default of {name}"),
            stated=StatedNumber(text),
        )
        for name, text in _DEFAULTS.items()
    ]
    return (*shown, *unnamed, *defaults)


_PLACE_DECAY = "the explanation of the parameter decay"
_PLACE_CODE = "the code of the example"
_SHORT = ("num_steps=200", "record_every=50")


def _quantities() -> Quantities:
    from bnlab.articles.article_001.quantities import quantities

    return quantities()


ARTICLE = Article(
    SOURCE,
    studies=(
        Study(
            id="article-001",
            source=_ARTICLE,
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
                    source=_ARTICLE,
                    place=_PLACE_DECAY,
                    says="Where training goes well and validation does not, a smaller decay (0.9) helps.",
                    check=BetterThan(_FAST, _SLOW, "test_loss", step=500),
                    conditions="advice, without an experiment",
                    assumed=(
                        "After the first 500 steps the training loss is low and the test loss is not, so we look there. "
                        f"{_FEW}"
                    ),
                ),
                Claim(
                    id="001/zero-debias",
                    source=_ARTICLE,
                    place=_PLACE_DECAY,
                    says="For stability, zero_debias_moving_mean helps.",
                    check=BetterThan(_DEBIASED, _SLOW, "test_loss", step=500),
                    conditions="advice, without an experiment",
                    assumed=(
                        "Stability is not defined. We take the test loss after 500 steps, when the averages still hold "
                        f"most of their initial values. {_FEW}"
                    ),
                ),
            ),
            measured=_measured(),
            few_seeds=_FEW,
            quick_steps=0,
        ),
        Study(
            id="article-001-warm-up",
            source=_ARTICLE,
            title="The moving averages after 200 steps",
            arms=(StudyArm("mnist_contrib_bn", _SLOW, _SHORT), StudyArm("mnist_contrib_bn_decay09", _FAST, _SHORT)),
            quick_steps=0,
            metrics=("test_accuracy",),
            at=(200,),
            measured=Measured(
                "TensorFlow 1.8.0, one seed",
                (
                    (RunValue(_SLOW, "test_accuracy", 200), "0.759"),
                    (RunValue(_FAST, "test_accuracy", 200), "0.858"),
                ),
            ),
        ),
        Study(
            id="article-001-parameters",
            source=_ARTICLE,
            title="What each parameter of tf.contrib's batch norm does",
            claims=(
                *_parameter_claims(),
                Claim(
                    "001/history/rows",
                    _ARTICLE,
                    _PLACE_CODE,
                    "The history has 30 rows.",
                    ExactValue("rows of the history"),
                    StatedNumber("30"),
                    "15,000 steps",
                ),
                Claim(
                    "001/history/steps",
                    _ARTICLE,
                    _PLACE_CODE,
                    'One "epoch" is 500 steps, which is not a pass over the training set.',
                    ExactValue("steps between two rows"),
                    StatedNumber("500"),
                    "15,000 steps",
                ),
                Claim(
                    "001/faster-learning",
                    _ARTICLE,
                    "the description of the function",
                    "BN makes learning faster, because it lowers the internal covariate shift.",
                    Open("The article trains no network without BN, and neither the shift nor faster learning is defined."),
                ),
            ),
        ),
    ),
    quantities=_quantities,
)
