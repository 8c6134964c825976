"""What the arms share, and what else a reader should know of them, in sentences."""

from collections.abc import Sequence

from bnlab.compare.arms import Arm
from bnlab.compare.recorded import differing_conditions, failures
from bnlab.config import Config
from bnlab.runs import same_computation
from bnlab.statistics import MIN_PAIRS


def pairing(configs: Sequence[Config]) -> list[str]:
    """Return in sentences what seed s of every arm shares, and what it does not."""
    first = configs[0]
    sentences: list[str] = []
    if all((c.batch_size, c.batches) == (first.batch_size, first.batches) for c in configs):
        sentences.append("Seed s has the same batches in every arm.")
    else:
        kinds = dict.fromkeys(f"{c.batch_size} ({c.batches})" for c in configs)
        sentences.append(
            f"The batches differ between arms (batch_size {' against '.join(kinds)}): seeds are paired by number alone."
        )
    if any(c.model.kernel_init != first.model.kernel_init for c in configs):
        sentences.append("The first weights differ between arms (model.kernel_init).")
    elif all((c.model.hidden, c.model.output_layer) == (first.model.hidden, first.model.output_layer) for c in configs):
        sentences.append("Seed s has the same first weights in every arm.")
    else:
        sentences.append("Seed s has the same first weights in those layers that have one shape in every arm.")
    return sentences


def notes(arms: Sequence[Arm]) -> list[str]:
    """Return in sentences what else a reader should know."""
    sentences: list[str] = []
    seeds = len(arms[0].config.seeds.pairs)
    for arm in arms:
        if failed := failures(arm):
            first = ", ".join(f"{one.seed} at step {one.step:,}" for one in failed[:10])
            more = ", …" if len(failed) > 10 else ""
            sentences.append(f"{arm.label}: the loss of {len(failed)} of {seeds} seeds was no longer finite: {first}{more}.")
    for i, arm in enumerate(arms):
        sentences += [
            f"{other.label} and {arm.label} compute the same: what differs between them is not their configs."
            for other in arms[:i]
            if same_computation(other.config, arm.config)
        ]
    if seeds < MIN_PAIRS:
        count = "1 seed is" if seeds == 1 else f"{seeds} seeds are"
        sentences.append(f"{count} too few for a verdict: {MIN_PAIRS} are needed, such as seeds 0:{MIN_PAIRS}.")
    norms = [norm for arm in arms if (norm := arm.config.model.batch_norm)]
    ways = {(norm.evaluate_with, norm.update_moving and norm.evaluate_with != "precise") for norm in norms}
    if len(ways) > 1:
        precise = "precise statistics of training rows, " * any(norm.evaluate_with == "precise" for norm in norms)
        sentences.append(
            "The arms with batch norm do not evaluate alike: some use the moving averages, others the statistics of the rows "
            f"that they are given, {precise}or averages that never move."
        )
    if conditions := differing_conditions(arms):
        sentences.append(
            "The runs were made under different conditions, which alone can move numbers: "
            + "; ".join(f"{label}: {text}" for label, text in conditions.items())
            + "."
        )
    return sentences
