"""Article 003, "BN lab on MNIST": 84 numbers of its one run, with batch norm and without, and what it says of BN."""

from collections.abc import Iterator

from bnlab.claims import BetterThan, Claim, ExactValue, Fact, Open, RunValue, StatedNumber
from bnlab.studies import Article, Measured, Quantities, Source, Study, StudyArm

_ARTICLE = "article 003"
NONE, BN = StudyArm("mnist", "no BN"), StudyArm("mnist_bn", "BN")
EPOCH_STEPS = 1718
_CONDITIONS = "one run of each arm, both on the same batches: Adam 0.01, batches of 32, 10 epochs of 1,718 steps"

_COLUMNS = ((BN, "train"), (NONE, "train"), (BN, "valid"), (NONE, "valid"))
_EPOCHS = """
0.15541 95.31%  0.20668 93.89%  0.17589 94.60%  0.21615 93.52%
0.10887 96.68%  0.16064 95.04%  0.12936 96.22%  0.17713 94.68%
0.10877 96.53%  0.16177 95.23%  0.13271 96.28%  0.17715 94.72%
0.07497 97.68%  0.15190 95.52%  0.10931 96.80%  0.18461 95.24%
0.07478 97.68%  0.14759 95.91%  0.10948 96.62%  0.17635 95.24%
0.05865 98.09%  0.12529 96.31%  0.09065 97.12%  0.16717 95.34%
0.05874 98.15%  0.15819 95.55%  0.09372 97.24%  0.19886 95.12%
0.04970 98.40%  0.11202 96.88%  0.09236 97.20%  0.17182 95.82%
0.04792 98.50%  0.12621 96.40%  0.09268 97.24%  0.18629 95.38%
0.05247 98.30%  0.16342 95.51%  0.10053 97.20%  0.23571 94.26%
"""
"""A line an epoch, from epoch 0; a loss and an accuracy for each of _COLUMNS."""

_TEST = ((BN, "0.105519876", "0.9713"), (NONE, "0.23670065", "0.9449"))


def _claim(arm: StudyArm, metric: str, step: int, stated: str, place: str, says: str, assumed: str = "") -> Claim:
    return Claim(
        id=f"003/{arm.config}/{metric}/{step}",
        source="article 003",
        place=place,
        says=says,
        check=RunValue(arm.label, metric, step),
        stated=StatedNumber(stated),
        conditions=_CONDITIONS,
        assumed=assumed,
    )


def _per_epoch() -> Iterator[Claim]:
    rows = {"train": "training", "valid": "validation"}
    averages = {"loss": "mean loss", "accuracy": "accuracy"}
    for epoch, line in enumerate(_EPOCHS.split("\n")[1:-1]):
        numbers = iter(line.split())
        for arm, split in _COLUMNS:
            for kind, words in averages.items():
                yield _claim(
                    arm,
                    f"{split}_{kind}",
                    EPOCH_STEPS * (epoch + 1),
                    next(numbers),
                    place=f"the log of the training, epoch {epoch}, {rows[split]}",
                    says=f"After epoch {epoch}, counted from 0, the {words} on the {rows[split]} images is this.",
                    assumed="The article averages over batches; we take all 55,000 images." if split == "train" else "",
                )


def _at_the_end() -> Iterator[Claim]:
    for arm, loss, accuracy in _TEST:
        for metric, stated in (("test_loss", loss), ("test_accuracy", accuracy)):
            words = metric.replace("_", " ")
            says = f"After training, the {words} is this."
            yield _claim(arm, metric, 10 * EPOCH_STEPS, stated, "the evaluation on the test images", says)


_MEASURED = Measured(
    "TensorFlow 1.8.0, five seeds",
    tuple(
        (RunValue(arm.label, metric, 10 * EPOCH_STEPS), text)
        for metric, arm, text in (
            ("test_loss", BN, "0.0970 ± 0.0063"),
            ("test_loss", NONE, "0.188 ± 0.012"),
            ("test_accuracy", BN, "0.9712 ± 0.0019"),
            ("test_accuracy", NONE, "0.954 ± 0.005"),
        )
    ),
)
_CODE = "the code of the training"

SOURCE = Source(
    id="003",
    name=_ARTICLE,
    title="Lab: a batch-normalization layer on MNIST",
    system="TensorFlow 1.x",
    did=(
        "It explains BN and trains two models side by side on the same batches of MNIST: 784 → [Dense 32 → (BN) → ReLU] ×2 → "
        "Dense 10, mean softmax cross-entropy, Adam 0.01, batches of 32, 10 epochs of 1,718 steps. After each epoch it "
        "prints loss and accuracy on the training and validation images in inference mode, at the end on the test images. "
        "Four figures show training and validation loss and accuracy, with BN and without."
    ),
    left_open=("The release of TensorFlow, and the seeds.", "How many runs there were; it shows one of each arm."),
    assumed=('"Always use batch normalization" is judged on the article\'s own net, and on batches of one row.',),
    departures=(
        "The article averages the training loss over batches of 32; bnlab takes all 55,000 images at once.",
        "The test images are evaluated after every epoch, not at the end alone.",
    ),
)


def _orders() -> Iterator[Claim]:
    """Yield what the article concludes from its numbers."""
    for metric, says in (
        ("test_loss", "With BN the loss is lower."),
        ("test_accuracy", "With BN the model is more accurate."),
    ):
        yield Claim(
            id=f"003/better/{metric}",
            source=_ARTICLE,
            place="the comparison of the performance",
            says=says,
            check=BetterThan(BN.label, NONE.label, metric, step=10 * EPOCH_STEPS),
            conditions=_CONDITIONS,
            assumed="We look at the test images after the last epoch.",
        )
    yield Claim(
        id="003/always/this-net",
        source=_ARTICLE,
        place="the conclusion",
        says="Always use batch normalization: here for the article's own net.",
        check=BetterThan(BN.label, NONE.label, "valid_loss"),
        conditions=_CONDITIONS,
        assumed="We take the mean of the validation loss over training.",
    )


def _data_claims() -> Iterator[Claim]:
    for quantity, text in (("training images", "55000"), ("pixels of an image", "784")):
        yield Claim(
            f"003/data/{quantity}",
            _ARTICLE,
            "the shape of the training images",
            f"The number of {quantity} is this.",
            ExactValue(quantity),
            StatedNumber(text),
        )
    yield Claim(
        "003/data/validation",
        _ARTICLE,
        _CODE,
        "The model is trained on the training images and evaluated on others, the validation images.",
        Fact("validation images that are also training images", 0.0),
    )
    yield Claim(
        "003/same-batches",
        _ARTICLE,
        _CODE,
        "Both models are trained on the same batches.",
        Fact("batches of the first epoch that differ between the arms", 0.0),
        assumed="Shown for seed 0.",
    )


_FORMULA = "the explanation of BN"
_NEGATIVE = "the motivation of BN"
_RULES = (
    Claim(
        "003/identity",
        _ARTICLE,
        _FORMULA,
        "A network can undo BN: with gamma = sqrt(variance + epsilon) and beta = mean it is the identity.",
        Fact("identity: largest |y - x|", 0.0, 4e-6, "x is up to 7, where float32 has steps of 5e-7; three operations round"),
        assumed="Mean and variance are those of the batch, with the population variance.",
    ),
    Claim(
        "003/gamma-beta-trained",
        _ARTICLE,
        _FORMULA,
        "gamma and beta are trained too.",
        Fact("trained arrays of BN", 2.0),
    ),
    Claim(
        "003/fixed-in-test",
        _ARTICLE,
        _FORMULA,
        "In a test the mean and the variance are fixed: no row's output depends on the rows beside it.",
        Fact("inference: what other rows change in a row's output", 0.0),
    ),
    Claim(
        "003/moving-in-training",
        _ARTICLE,
        _FORMULA,
        "The moving averages of mean and variance are computed during training.",
        Fact("training: moving statistics that move, of 2", 2.0),
    ),
    Claim(
        "003/dead-relu/output",
        _ARTICLE,
        _NEGATIVE,
        "A ReLU unit whose inputs are shifted below zero is not active.",
        Fact("inputs shifted below zero: largest output of the ReLU units", 0.0),
        assumed="The bias of a dense layer is -100, its inputs are between 0 and 1.",
    ),
    Claim(
        "003/dead-relu/gradient",
        _ARTICLE,
        _NEGATIVE,
        "The weights of such a unit get no gradient, so that it stays so.",
        Fact("inputs shifted below zero: largest gradient of the layer", 0.0),
        assumed="The article only says that no unit is active; the gradient is what follows.",
    ),
    Claim(
        "003/dead-relu/bn",
        _ARTICLE,
        _NEGATIVE,
        "BN before the ReLU takes the shift away.",
        Fact("inputs shifted below zero: units that BN keeps active, of 8", 8.0),
        assumed="The same layer, with BN in training mode.",
    ),
    Claim(
        "003/covariate-shift",
        _ARTICLE,
        _NEGATIVE,
        "The distribution of each layer's inputs changes during training, which makes training difficult.",
        Open("Neither the change nor the difficulty is measured or defined."),
    ),
)


_ONE_ROW = ("data.name=digits", "batch_size=1", "num_steps=1600", "record_every=40")
_ONE_NONE, _ONE_BN = (StudyArm(arm.config, f"{arm.label}, batches of one row", _ONE_ROW) for arm in (NONE, BN))


def _quantities() -> Quantities:
    from bnlab.articles.article_003.quantities import quantities

    return quantities()


ARTICLE = Article(
    SOURCE,
    studies=(
        Study(
            id="article-003",
            source=_ARTICLE,
            title="Batch norm in an MNIST MLP, on the same batches",
            arms=(NONE, BN),
            seeds="0:20",
            metrics=("test_loss", "valid_loss", "train_loss", "test_accuracy", "valid_accuracy", "train_accuracy"),
            at=(1 * EPOCH_STEPS, 5 * EPOCH_STEPS, 10 * EPOCH_STEPS),
            claims=(*_per_epoch(), *_at_the_end(), *_orders(), *_data_claims()),
            measured=_MEASURED,
            quick_steps=EPOCH_STEPS,
        ),
        Study(
            id="article-003-one-row",
            source=_ARTICLE,
            title="Batch norm on batches of one row",
            arms=(_ONE_NONE, _ONE_BN),
            metrics=("test_loss", "test_accuracy"),
            at=(400, 1600),
            claims=(
                Claim(
                    id="003/always/one-row",
                    source=_ARTICLE,
                    place="the conclusion",
                    says="Always use batch normalization: here for batches of one row.",
                    check=BetterThan(_ONE_BN.label, _ONE_NONE.label, "test_accuracy", step=1600),
                    assumed=(
                        '"Always" has no condition, so that any case may be tried. This one has the article\'s net and '
                        "optimizer on scikit-learn's digits. A batch of one row is its own mean, so that BN gives "
                        "beta for every row."
                    ),
                ),
            ),
        ),
        Study(id="article-003-rules", source=_ARTICLE, title="What BN can undo, and what it prevents", claims=_RULES),
    ),
    quantities=_quantities,
)
