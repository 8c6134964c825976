"""Article 002: weight decay with tf.layers on MNIST, and seeds (TensorFlow 1.6)."""

from bnlab.claims import BetterThan, Bounded, Claim, ExactValue, Fact, FasterThan, StatedNumber
from bnlab.studies import Article, Quantities, SeedQuantities, Source, Study, StudyArm

_WITHOUT, _WITH = "no decay", "decay"
_ARTICLE = "article 002"
_LEVEL = 0.072
RISE = "rise of the test loss from its least value to the last epoch, as a share of the least"
_RISE_BOUND = 0.1
_OPEN = (
    "The strength of the decay, the optimizer and the batch size are not stated; configs/mnist_decay.yaml says what we chose."
)
_FEW = "A run of 200 epochs takes 5 to 8 minutes of a core, so that the study has six seeds, the fewest that settle an order."
_FIGURE = "the figure of the loss over 200 epochs"
_RUN = "one run of 200 epochs"
_TEST = "the check of the regularizer"

SOURCE = Source(
    id="002",
    name=_ARTICLE,
    title="Regularization with tf.layers, weight decay on MNIST, and seeds",
    system="TensorFlow 1.6",
    did=(
        "It checks what tf.contrib.layers.l2_regularizer adds to the loss, on a kernel of 784 × 10 ones. It trains an MLP of "
        "three layers with 256 hidden units on MNIST for 200 epochs, with and without weight decay, and shows the losses in "
        "a figure. It tells why fixing TensorFlow's seed was not enough to repeat a run."
    ),
    left_open=("The strength of the decay.", "The optimizer.", "The batch size.", "The numbers in the figure.", "The seeds."),
    assumed=(
        "The penalty is ½ · 0.001 · Σ w², the optimizer is Adam with TensorFlow's defaults, and a batch has 100 images; "
        "configs/mnist_decay.yaml says why.",
        f"Converging is reaching a test loss of {_LEVEL}, which is near the least test loss without decay.",
        f"Overfitting is a test loss that ends more than {_RISE_BOUND:.0%} above its least value.",
        _FEW,
    ),
    departures=("The article's code is not in its text.",),
)


def _claim(id: str, place: str, says: str, check: BetterThan | Bounded | FasterThan, assumed: str) -> Claim:
    return Claim(f"002/{id}", _ARTICLE, place, says, check, conditions=_RUN, assumed=f"{_OPEN} {assumed} {_FEW}")


_OVERFITS = f"Overfitting is not defined. We take a test loss that ends more than {_RISE_BOUND:.0%} above its least value."

_DECAY_CLAIMS = (
    _claim(
        "converges-faster",
        _FIGURE,
        "With weight decay the training converges faster.",
        FasterThan(_WITH, _WITHOUT, "test_loss", _LEVEL),
        f"No level is stated either: {_LEVEL} is near the least test loss of the arm without decay.",
    ),
    _claim(
        "holds-overfitting-back",
        _FIGURE,
        "Over 200 epochs weight decay holds overfitting back.",
        BetterThan(_WITH, _WITHOUT, "test_loss", step=110_000),
        "We take a lower test loss after the last epoch.",
    ),
    _claim(
        "no-overfitting-with-decay",
        _FIGURE,
        "With weight decay there is no overfitting, although the training goes on to 200 epochs.",
        Bounded(_WITH, RISE, _RISE_BOUND),
        _OVERFITS,
    ),
    _claim(
        "overfitting-without-decay",
        _FIGURE,
        "Without weight decay there is overfitting near the end.",
        Bounded(_WITHOUT, RISE, _RISE_BOUND, above=True),
        _OVERFITS,
    ),
)

_SEEDS = "the section on seeds"
_BRIEF = "Shown after 100 steps on the digits, which need no network."

_RULE_CLAIMS = (
    Claim(
        id="002/penalty",
        source=_ARTICLE,
        place=_TEST,
        says="The regularizer gives this for a kernel of 784 × 10 ones and a scale of 0.01.",
        check=ExactValue("penalty of 784 × 10 ones, scale 0.01"),
        stated=StatedNumber("39.2"),
        conditions="scale 0.01",
    ),
    Claim(
        id="002/keras-penalty",
        source=_ARTICLE,
        place="the remark on Keras",
        says="Keras' l2 takes no half; for the same kernel it gives twice as much.",
        check=Fact("penalty not halved, over the halved one", 2.0),
    ),
    Claim(
        id="002/both-seeds",
        source=_ARTICLE,
        place=_SEEDS,
        says="With both generators seeded, a run repeats itself.",
        check=Fact("both seeds fixed: largest difference of weights", 0.0),
        assumed=_BRIEF,
    ),
    Claim(
        id="002/one-seed",
        source=_ARTICLE,
        place=_SEEDS,
        says="It is not enough to seed the generator of the weights alone, because another one shuffles the batches.",
        check=Fact("weights' seed fixed alone: runs of 5 that end like the first", 0.0),
        assumed=f"{_BRIEF} The other five runs have five other seeds of the batches.",
    ),
)


def _quantities() -> Quantities:
    from bnlab.articles.article_002.quantities import quantities

    return quantities()


def _seed_quantities() -> SeedQuantities:
    from bnlab.articles.article_002.quantities import SEED_QUANTITIES

    return SEED_QUANTITIES


ARTICLE = Article(
    SOURCE,
    studies=(
        Study(
            id="article-002",
            source=_ARTICLE,
            title="Weight decay against overfitting",
            arms=(StudyArm("mnist_no_decay", _WITHOUT), StudyArm("mnist_decay", _WITH)),
            seeds="0:6",
            metrics=("test_loss", "test_accuracy"),
            at=(11_000, 110_000),
            levels={"test_loss": (_LEVEL,)},
            claims=_DECAY_CLAIMS,
            few_seeds=_FEW,
            quick_steps=0,
        ),
        Study(id="article-002-rules", source=_ARTICLE, title="The penalty, and the two seeds", claims=_RULE_CLAIMS),
    ),
    quantities=_quantities,
    seed_quantities=_seed_quantities,
)
