"""Keskar et al. 2017, "On large-batch training for deep learning": the network F1 with small and with large batches."""

from bnlab.claims import Bounded, Claim, RunValue, StatedNumber
from bnlab.studies import Article, SeedQuantities, Source, Study, StudyArm

_PAPER = "Keskar et al. 2017"
_EPOCHS = 20
_FEW = "Six seeds: they take about half an hour of one core, and fewer pairs than six decide no order."
_MEAN = "The stated number is the mean of five starts, ± 0.07 points. It is judged as if it were one run's."

SOURCE = Source(
    id="keskar-2017",
    name=_PAPER,
    title="On large-batch training for deep learning: generalization gap and sharp minima",
    system="ICLR 2017, arXiv 1609.04836",
    did=(
        "It trains six networks with small and with large batches and compares the test accuracies, and how sharp the "
        "minima are. F1 is an MLP on MNIST: five hidden layers of 512 units with BN and ReLU, trained with Adam, with "
        "batches of 256 and of a tenth of the training set. Each has five starts."
    ),
    left_open=(
        "How many epochs F1 is trained, as far as we could verify.",
        "Which statistics BN takes at the test.",
    ),
    assumed=(
        f"{_EPOCHS} epochs: so many has the authors' public code, which holds their convolutional networks, and F1 not.",
        "Tests normalise by the statistics of the test rows, as BN does in that code (mode 2 of Keras 1).",
        "Adam at its defaults in Keras: rate 0.001, epsilon 1e-8.",
        _MEAN,
    ),
    departures=(
        "55,000 images are trained on, and not 60,000: 5,000 are for validation. The large batch is the paper's 6,000.",
        "A test takes the statistics of all 10,000 rows together. The paper's code takes those of each batch.",
        "How sharp the minima are is not measured.",
    ),
)


def _arm(batch_size: int) -> StudyArm:
    changed = (
        "model.hidden=[512,512,512,512,512]",
        "model.norm.evaluate_with=batch",
        "optimizer.learning_rate=0.001",
        "evaluation.train_rows=batch",
        f"batch_size={batch_size}",
        f"num_epochs={_EPOCHS}",
        "record_every=epoch",
    )
    return StudyArm("mnist_bn", f"F1 at batch {batch_size}", changed)


SMALL, LARGE = _arm(256), _arm(6000)
GAP = "final test accuracy − that of batch 6000, for the same seed"


def _claim(id: str, says: str, check: RunValue | Bounded, stated: str = "") -> Claim:
    return Claim(
        id=f"keskar-2017/{id}",
        source=_PAPER,
        place="the section of numerical results, and its table of accuracies: F1",
        says=says,
        check=check,
        stated=StatedNumber(stated) if stated else None,
        conditions=f"MNIST, five layers of 512 units, Adam, {_EPOCHS} epochs",
        assumed=f"{_MEAN} {_FEW}" if stated else _FEW,
    )


def _seed_quantities() -> SeedQuantities:
    from bnlab.papers.pairs import final_difference

    return {GAP: final_difference("test_accuracy", LARGE)}


def _study(arm: StudyArm, batch_size: int, *claims: Claim) -> Study:
    return Study(
        id=f"f1-at-batch-{batch_size}",
        source=_PAPER,
        title=f"The network F1 with batches of {batch_size:,}",
        arms=(arm,),
        seeds="0:6",
        quick_steps=1,
        metrics=("test_accuracy",),
        few_seeds=_FEW,
        claims=claims,
    )


PAPER = Article(
    SOURCE,
    studies=(
        _study(
            LARGE,
            6000,
            _claim(
                "large",
                "F1's test accuracy after training with batches of a tenth of the data.",
                RunValue(LARGE.label, "test_accuracy", 184),
                "97.81%",
            ),
        ),
        _study(
            SMALL,
            256,
            _claim(
                "small",
                "F1's test accuracy after training with batches of 256.",
                RunValue(SMALL.label, "test_accuracy", 4297),
                "98.03%",
            ),
            _claim(
                "gap",
                "The small batch generalises better than the large one.",
                Bounded(SMALL.label, GAP, 0.0, above=True),
            ),
        ),
    ),
    seed_quantities=_seed_quantities,
)
