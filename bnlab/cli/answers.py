"""What `--json` prints: one document for each command that answers. docs/json.md describes the fields.

A document is built from its model, so that what is printed fits the schema. What is not finite is null.
"""

from typing import Any, Literal, Self

import typer
from pydantic import BaseModel

from bnlab.data import FileStatus
from bnlab.runs import Entry
from bnlab.studies import Study


class Answer(BaseModel, extra="forbid"):
    """A document, or a part of one: no other fields than these."""


class ErrorBody(Answer):
    """Why there is no answer."""

    message: str
    exit_code: int


class ErrorAnswer(Answer):
    """What every command prints where it has no answer."""

    error: ErrorBody

    @classmethod
    def of(cls, message: str, code: int) -> Self:
        """Return the document of a message and its exit code."""
        return cls(error=ErrorBody(message=message, exit_code=code))


class Final(Answer):
    """The last record of one metric over the seeds of a run."""

    mean: float | None
    std: float | None
    min: float | None
    max: float | None
    per_seed: list[float | None]


class RunItem(Answer):
    """One run folder."""

    path: str
    name: str
    description: str
    state: Literal["finished", "unfinished", "being written", "damaged"]
    seeds: list[int]
    data_seeds: list[int]
    modified: float
    size: int
    final: dict[str, Final]
    failed: int
    problem: str

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Return the item of an entry."""
        pairs = entry.config.seeds.pairs if entry.config else []
        return cls(
            path=str(entry.path),
            name=entry.name,
            description=entry.config.description if entry.config else "",
            state=entry.state.value,
            seeds=[init for init, _ in pairs],
            data_seeds=[data for _, data in pairs],
            modified=entry.modified,
            size=entry.size,
            final={name: Final(**values) for name, values in entry.final.items()},
            failed=entry.failed,
            problem=entry.problem,
        )


class RunsAnswer(Answer):
    """`bnlab runs --json` and `bnlab runs show --json`."""

    runs: list[RunItem]


class ConfigItem(Answer):
    """One shipped config."""

    name: str
    path: str
    article: str | None
    variant: str
    description: str


class StudyItem(Answer):
    """One study; its first arm is the baseline."""

    name: str
    source: str
    title: str
    arms: list[str]
    seeds: str
    claims: int

    @classmethod
    def of(cls, study: Study) -> Self:
        """Return the item of a study."""
        arms = [arm.label for arm in study.arms]
        return cls(
            name=study.id, source=study.source, title=study.title, arms=arms, seeds=study.seeds, claims=len(study.claims)
        )


class SweepItem(Answer):
    """One shipped sweep."""

    name: str
    path: str
    description: str


class ConfigsAnswer(Answer):
    """`bnlab configs --json`."""

    configs: list[ConfigItem]
    studies: list[StudyItem]
    sweeps: list[SweepItem]


class FieldItem(Answer):
    """One field of a config; a required one has no default."""

    key: str
    type: str
    required: bool
    default: str | None
    description: str


class FieldsAnswer(Answer):
    """`bnlab configs --fields --json`."""

    fields: list[FieldItem]


class DataItem(Answer):
    """One file of a data set; a data set without files has one item."""

    data_set: str
    file: str
    state: Literal["whole", "damaged", "missing", "made", "in scikit-learn"]
    path: str | None
    remark: str

    @classmethod
    def of(cls, status: FileStatus) -> Self:
        """Return the item of a file."""
        path = None if status.path is None else str(status.path)
        return cls(data_set=status.dataset, file=status.file, state=status.state, path=path, remark=status.reason)


class DataAnswer(Answer):
    """`bnlab data status --json`."""

    damaged: bool
    files: list[DataItem]


class FirstDifference(Answer):
    """The first array that differs, and by how many units in the last place; null where it has no such distance."""

    step: int
    array: str
    ulp: int | None


class Condition(Answer):
    """What one condition of seed-check gave."""

    name: str
    must: Literal["bitwise", "within tolerance", "differ"]
    verdict: Literal["bitwise", "within tolerance", "not", "nothing is drawn"]
    ok: bool
    first: FirstDifference | None
    losses: tuple[float | None, float | None] | None
    digits: bool | None
    conclusion: bool | None
    note: str
    seconds: float


class SeedCheckAnswer(Answer):
    """`bnlab seed-check --json`: seed_check.json, and its path."""

    path: str
    name: str
    passed: bool
    steps: int
    steps_of_the_config: int
    record_every: int
    seeds: dict[str, int | list[int]]
    prints: str
    short_steps: int
    short_rtol: dict[str, float]
    conditions: list[Condition]
    environment: dict[str, Any]
    sha256_16_of_each_record: list[dict[str, Any]]


class AgainstBaseline(Answer):
    """The effect of an arm against the baseline, as `bnlab.compare.effects.Effect` defines it."""

    kind: Literal["difference", "ratio"]
    value: float | None
    low: float | None
    high: float | None
    pairs: int
    only_arm: int
    only_baseline: int
    neither: int
    at_start: int
    ahead: int
    behind: int
    ties: int
    both_failed: int
    share: float | None
    share_low: float | None
    share_high: float | None
    better: str | None
    reason: Literal["interval", "share", "undecided", "fails more", "too few pairs", "too many missing"]
    p_value: float | None


class Spread(Answer):
    """Values over seeds: their number, mean, standard deviation, extremes and median."""

    n: int
    failed: int
    mean: float | None
    std: float | None
    min: float | None
    median: float | None
    max: float | None


class Numbers(Spread):
    """One measure of one metric for one arm; the baseline has no `against_baseline`."""

    against_baseline: AgainstBaseline | None = None
    stated: dict[str, Any] | None = None


class MetricItem(Answer):
    """One metric: what it is, as `bnlab.metrics.Metric` says it."""

    name: str
    split: Literal["train", "valid", "test"] | None
    kind: str
    unit: str
    direction: Literal["lower is better", "higher is better", "neither is better"]
    words: str


class ComparedMetric(MetricItem):
    """A metric, and {arm: numbers} of each measure; of `step` and `reach` for each step or level."""

    final: dict[str, Numbers] = {}
    area: dict[str, Numbers] = {}
    step: dict[str, dict[str, Numbers]] = {}
    reach: dict[str, dict[str, Numbers]] = {}


class ArmRun(Answer):
    """A run that an arm's seeds lie in, and the SHA-256 of two of its files."""

    path: str
    sha256: dict[str, str]


class ArmItem(Answer):
    """One arm, and where its numbers come from."""

    label: str
    config: str
    identity: str
    runs: list[ArmRun]
    seeds_trained: int


class CompareAnswer(Answer):
    """`bnlab compare --json`: comparison.json, its folder, what came out, and the figure to open first."""

    folder: str
    findings: list[str]
    first_figure: str
    bnlab: str
    command: list[str]
    study: str | None
    baseline: str
    arms: list[ArmItem]
    seeds: list[int]
    data_seeds: list[int]
    confidence: float
    min_pairs: int
    max_missing: float
    paired: list[str]
    notes: list[str]
    metrics: dict[str, ComparedMetric]


class SweepAxis(Answer):
    """One axis of a sweep: its values as labels, and what each of them sets."""

    name: str
    spacing: Literal["linear", "log", "none"]
    labels: list[str]
    settings: list[dict[str, Any]]


class AgainstArm(Answer):
    """The difference of a point from the baseline's point at the same place."""

    value: float | None
    low: float | None
    high: float | None
    pairs: int
    ahead: int
    behind: int
    ties: int
    better: str | None
    settled: Literal["a better", "b better", "undecided", "fails more", "too few pairs", "too many missing"]


class FinalValues(Spread):
    """The final values of one metric at one point; the baseline has no `against_baseline`."""

    per_seed: list[float | None]
    against_baseline: AgainstArm | None


class FailedSeed(Answer):
    """A seed whose loss was no longer finite."""

    seed: int
    step: int


class SweepPoint(Answer):
    """One point of a sweep, and where its numbers come from."""

    label: str
    arm: str
    place: list[int]
    identity: str
    runs: list[str]
    failed: list[FailedSeed]
    final: dict[str, FinalValues]


class BestPoint(Answer):
    """The best point of an arm."""

    arm: str
    point: str
    number: int
    among: int
    chosen: Spread
    reported: Spread
    rivals: list[str] | None


class SweepAnswer(Answer):
    """`bnlab sweep --json`: sweep.json, its folder, and the figures in it."""

    folder: str
    figures: list[str]
    format: Literal["bnlab sweep 1"]
    bnlab: str
    command: list[str]
    name: str
    description: str
    file: str
    arms: list[str]
    baseline: str
    axes: list[SweepAxis]
    seeds: list[int]
    confidence: float
    min_pairs: int
    max_missing: float
    metrics: list[MetricItem]
    selection: str | None
    points: list[SweepPoint]
    best: list[BestPoint]
    findings: list[str]
    notes: list[str]


class PlannedPoint(Answer):
    """One point of a sweep that is not run, and its seeds that no finished run holds."""

    label: str
    arm: str
    missing: list[int]


class SweepCost(Answer):
    """What the missing seeds of a sweep will cost, by finished runs of the same shapes, or else by a probe."""

    seeds: int
    seconds: float
    peak_mb: float | None
    probed: int
    from_runs: int
    shapes: int


class SweepPlanAnswer(Answer):
    """`bnlab sweep --dry-run --json`."""

    name: str
    seeds: list[int]
    points: list[PlannedPoint]
    cost: SweepCost | None


DOCUMENTS = (
    ErrorAnswer,
    RunsAnswer,
    ConfigsAnswer,
    FieldsAnswer,
    DataAnswer,
    SeedCheckAnswer,
    CompareAnswer,
    SweepAnswer,
    SweepPlanAnswer,
)


def print_answer(answer: Answer) -> None:
    """Print the document on standard output."""
    typer.echo(answer.model_dump_json(indent=2))
