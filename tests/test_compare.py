"""Comparisons of made-up runs, whose numbers can be worked by hand; one trained for real is marked slow."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from bnlab import experiment
from bnlab.claims import Claim, RunValue, StatedNumber, judge_run
from bnlab.compare import Arm, Comparison, wording
from bnlab.compare.effects import Reason, difference, ratio
from bnlab.compare.labels import make_labels
from bnlab.compare.request import default_levels, default_steps
from bnlab.config import Config, load_config
from bnlab.environment import numerics
from bnlab.errors import UserError
from bnlab.metrics import Direction, Kind, Metric, Split, register
from bnlab.runs import RunWriter, gather, json_bytes, read_run
from bnlab.statistics import StatedValue, Summary, Verdict
from bnlab.studies import Study, StudyArm

compare, runs = import_module("bnlab.compare"), import_module("bnlab.runs")  # bnlab.compare is a function

SHORT = ("num_steps=4", "record_every=1")
LOSS = Metric("test_loss", Split.TEST, "loss", "nats", Direction.LOWER, "test loss")
ACCURACY = Metric("test_accuracy", Split.TEST, "accuracy", "%", Direction.HIGHER, "test accuracy")
NORM = Metric("weight_norm", None, "weight_norm", "", Direction.NEITHER, "norm of the weights")
CLAIMS = {
    "regression": [
        Claim(
            id="test/loss",
            source="article 000",
            place="nowhere",
            says="The test loss after step 4 is this.",
            check=RunValue("regression", "test_loss", 4),
            stated=StatedNumber("3.04"),
        )
    ]
}
ENVIRONMENT = {"packages": {"bnlab": "0.1.0", "jax": "0.10.2"}, "device": "cpu: cpu", "numerics": numerics()}


def write_run(config: Config, curves: dict[str, np.ndarray], path: Path | None = None, environment=ENVIRONMENT) -> Path:
    """Write a finished run with these curves, each [seeds, records], where a comparison looks for it."""
    seeds, records = next(iter(curves.values())).shape if curves else (len(config.seeds.pairs), 0)
    path = path or runs.run_folder(config, None)
    failed = [
        {"seed": init, "data_seed": data, "step": 1}
        for seed, (init, data) in enumerate(config.seeds.pairs)
        if any(not np.isfinite(values[seed]).all() for values in curves.values())
    ]
    with RunWriter(path, config) as writer:
        arrays = {name: values.astype(np.float32) for name, values in curves.items()}
        params = {"dense0/bias": np.zeros((seeds, 1))}
        writer.finish(np.arange(1, records + 1), arrays, params, {}, json_bytes(environment), {"failed": failed})
    return path


def regression(name: str, *overrides: str, seeds: str = "0:8") -> Config:
    return load_config(name, overrides=[*SHORT, *overrides], seeds=seeds)


def losses(end: float, seeds: int = 8, spread: float = 0.01) -> np.ndarray:
    """Return curves that fall to `end`, apart from each other by `spread`."""
    return np.linspace(9, end, 4)[None] + spread * np.arange(seeds)[:, None]


@pytest.fixture
def two_arms(folder: Path) -> list[Arm]:
    """None ends at 3.00 … 3.07, BN at 2.0 … 2.14."""
    write_run(regression("regression"), {"train_loss": losses(3), "test_loss": losses(3)})
    write_run(regression("regression_bn"), {"train_loss": losses(2), "test_loss": losses(2, spread=0.02)})
    return compare.find_arms(["regression", "regression_bn"], overrides=SHORT, seeds="0:8")


def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def complete(*_: object, **__: object) -> list[runs.Pool]:
        raise AssertionError("something was trained")

    monkeypatch.setattr(experiment, "complete", complete)


def folder_of(arm: Arm) -> Path:
    (run,) = arm.runs
    return run.path


def complaint(call: Callable[[], object]) -> str:
    with pytest.raises(UserError) as caught:
        call()
    return str(caught.value)


class TestFindArms:
    def test_finished_runs_are_used_again(self, two_arms: list[Arm], monkeypatch: pytest.MonkeyPatch):
        no_training(monkeypatch)
        assert [arm.label for arm in two_arms] == ["regression", "regression_bn"]
        assert [(arm.missing, arm.trained) for arm in two_arms] == [(0, 0), (0, 0)]
        assert compare.train_missing(two_arms) == two_arms

    def test_default_seeds(self, folder: Path):
        arms = compare.find_arms(["regression", "regression_bn"])
        assert [(arm.pool, arm.missing) for arm in arms] == [(None, 16), (None, 16)]
        assert {tuple(arm.config.seeds.pairs) for arm in arms} == {tuple((s, s) for s in range(16))}

    def test_seeds_of_a_run_among_the_arms(self, two_arms: list[Arm]):
        arms = compare.find_arms([folder_of(two_arms[0]), "regression_bn"], overrides=SHORT)
        assert arms[1].missing == 0
        assert arms[1].config.seeds.pairs == [(s, s) for s in range(8)]

    def test_only_what_is_missing_is_trained(self, two_arms: list[Arm], monkeypatch: pytest.MonkeyPatch):
        asked = []

        def complete(plans, *, on_steps):
            asked.extend(plan.config.name for plan in plans)
            made = [read_run(write_run(plan.config, {"test_loss": losses(1)})) for plan in plans]
            return [gather(plan.config, [run])[0] for plan, run in zip(plans, made, strict=True)]

        monkeypatch.setattr(experiment, "complete", complete)
        names = ["regression", "regression_bn_no_update", "regression_bn"]
        found = compare.find_arms(names, overrides=SHORT, seeds="0:8")
        assert compare.seeds_at_hand(found[0]) == f"all 8 seeds in {folder_of(two_arms[0])}"
        assert compare.seeds_at_hand(found[1]) == "8 seeds to be trained"
        arms = compare.train_missing(found)
        assert asked == ["regression_bn_no_update"]
        assert [arm.config.name for arm in arms if arm.pool] == names
        assert [arm.trained for arm in arms] == [0, 8, 0]

    def test_seeds_of_other_software_are_not_used(self, folder: Path):
        for name in ("regression", "regression_bn"):
            write_run(regression(name), {"test_loss": losses(1)}, environment={**ENVIRONMENT, "numerics": {"jax": "0.1"}})
        arms = compare.find_arms(["regression", "regression_bn"], overrides=SHORT, seeds="0:8")
        assert compare.seeds_at_hand(arms[0]) == (
            "8 seeds to be trained; 8 of these are in runs made under other conditions, which are not used"
        )

    def test_vary(self, folder: Path):
        arms = compare.find_arms(["regression"], vary=["l2_penalty.scale=0,1e-4, 0.5"])
        assert [arm.label for arm in arms] == ["l2_penalty.scale=0", "l2_penalty.scale=0.0001", "l2_penalty.scale=0.5"]
        arms = compare.find_arms(["regression"], vary=["model.hidden=[3,4],[5]"])
        assert [arm.config.model.hidden for arm in arms] == [(3, 4), (5,)]


class TestRefusals:
    def test_data(self, folder: Path):
        assert complaint(lambda: compare.find_arms(["digits", "regression"])) == (
            "regression: data.name: got regression, expected digits as in digits: arms on different data cannot be compared"
        )

    def test_loss(self, folder: Path):
        plain = folder / "mean.yaml"
        text = load_config("regression").to_yaml().replace("half_sum_squares", "mean_squared_error")
        plain.write_text(text.replace("name: regression\n", "name: mean\n", 1))
        assert complaint(lambda: compare.find_arms(["regression", plain])) == (
            f"{plain}: loss: got mean_squared_error, expected half_sum_squares as in regression: "
            "losses of different kinds cannot be compared"
        )

    def test_record_steps(self, two_arms: list[Arm]):
        path = folder_of(two_arms[0])
        assert complaint(lambda: compare.find_arms([path, "regression_bn"])) == (
            f"regression_bn: record steps: got every 1 up to 2,000, expected every 1 up to 4 as in {path}: "
            "arms recorded at different steps cannot be compared"
        )

    def test_seeds(self, two_arms: list[Arm]):
        path = folder_of(two_arms[0])
        arms = compare.find_arms([path, "regression_bn"], overrides=SHORT, seeds="0,1,5")
        assert [arm.config.seeds.pairs for arm in arms] == [[(0, 0), (1, 1), (5, 5)]] * 2
        assert complaint(lambda: compare.find_arms([path, "regression_bn"], overrides=SHORT, seeds="0,9")) == (
            f"seeds: {path}: this run holds the seeds 0:8, expected 0, 9"
        )

    def test_seeds_that_differ_late(self, folder: Path):
        """Words name the first 20 seeds alone."""
        even = list(range(0, 44, 2))
        paths = [
            write_run(regression(name, seeds=",".join(map(str, seeds))), {"test_loss": losses(2, seeds=22)})
            for name, seeds in (("regression", even), ("regression_bn", [*even[:21], 43]))
        ]
        assert complaint(lambda: compare.find_arms(paths)) == (
            f"{paths[1]}: seeds: got 43 as seed 22, expected 42 as seed 22 as in {paths[0]}: "
            "arms of different seeds cannot be compared"
        )

    def test_metrics(self, two_arms: list[Arm], folder: Path):
        write_run(regression("regression_bn_no_update"), {"train_loss": losses(2)})
        arms = compare.find_arms(["regression", "regression_bn_no_update"], overrides=SHORT, seeds="0:8")
        assert complaint(lambda: compare.analyse(arms, metrics=["test_loss"])) == (
            "regression_bn_no_update: does not record test_loss, so that it cannot be compared (it has train_loss)"
        )

    def test_training_metrics_of_other_rows(self, two_arms: list[Arm]):
        split = ("evaluation.train_rows=split", "name=whole")
        write_run(regression("regression", *split), {"train_loss": losses(2), "test_loss": losses(2)})
        (path,) = Path("runs/whole").iterdir()
        arms = compare.find_arms([folder_of(two_arms[0]), path])
        assert [metric.name for metric in compare.analyse(arms).metrics] == ["test_loss"]
        assert complaint(lambda: compare.analyse(arms, metrics=["train_loss"])) == (
            "train_loss: is of the step's batch in some arms and of the whole training split in others "
            "(evaluation.train_rows), so that it cannot be compared"
        )

    def test_one_arm(self, folder: Path):
        assert complaint(lambda: compare.find_arms(["regression"])) == ("regression: one arm alone")

    def test_a_name_that_no_file_can_have(self, folder: Path):
        long = "a" * 300
        assert complaint(lambda: compare.find_arms(["regression", long])) == f"{long}: cannot be read: File name too long"

    def test_no_arm(self, folder: Path):
        assert complaint(lambda: compare.find_arms([])) == "got no arm, expected two or more"

    def test_the_same_arm_twice(self, two_arms: list[Arm]):
        assert complaint(lambda: compare.find_arms(["regression"] * 2)) == (
            "regression: computes the same as regression; there is nothing to compare"
        )
        path = folder_of(two_arms[0])
        assert complaint(lambda: compare.find_arms([path, f"{path}/."])) == (
            f"{path}/.: is the same run as {path}; there is nothing to compare"
        )

    def test_an_unfinished_run(self, two_arms: list[Arm]):
        path = folder_of(two_arms[1])
        (path / "summary.json").unlink()
        assert complaint(lambda: compare.find_arms([folder_of(two_arms[0]), path])) == f"{path}: this run is not finished"

    def test_an_altered_run(self, two_arms: list[Arm]):
        path = folder_of(two_arms[1])
        curves = path / "curves.npz"
        curves.write_bytes(curves.read_bytes()[:-1] + b"x")
        altered = f"{curves}: was altered or damaged after the run: its SHA-256 is not summary.json's"
        assert complaint(lambda: compare.find_arms([folder_of(two_arms[0]), path])) == altered
        arms = compare.find_arms(["regression", "regression_bn"], overrides=SHORT, seeds="0:8")
        assert [arm.missing for arm in arms] == [0, 8]

    def test_no_run(self, two_arms: list[Arm], folder: Path):
        assert complaint(lambda: compare.find_arms([folder_of(two_arms[0]), folder])) == (
            f"{folder}: holds no run (there is no config.yaml)"
        )

    def test_changes_of_runs(self, two_arms: list[Arm]):
        paths = [folder_of(arm) for arm in two_arms]
        assert complaint(lambda: compare.find_arms(paths, overrides=SHORT)) == (
            "overrides: changes configs, and all arms are finished runs"
        )
        assert complaint(lambda: compare.find_arms(paths, vary=["batch_size=1,2"])) == (
            "vary: changes configs, and all arms are finished runs"
        )

    @pytest.mark.parametrize("vary", ["batch_size", "=1,2", "batch_size=", "batch_size=1,,2"])
    def test_bad_vary(self, vary: str, folder: Path):
        assert complaint(lambda: compare.find_arms(["regression"], vary=[vary])) == (
            f"vary: got '{vary}', expected key=value,value,… such as l2_penalty.scale=0,1e-4,1e-3"
        )

    def test_requests(self, folder: Path):
        arms = compare.find_arms(["regression", "regression_bn"], overrides=SHORT)
        assert complaint(lambda: compare.make_request(arms, metrics=["test_los"])) == (
            "metrics: got 'test_los', expected one of train_loss, test_loss (did you mean test_loss?)"
        )
        assert complaint(lambda: compare.make_request(arms, at=[2, 7])) == (
            "at: got 7, expected a recorded step (nearest: 3, 4)"
        )
        assert complaint(lambda: compare.make_request(arms, thresholds={"x": [1.0]})) == (
            "thresholds: got 'x', expected one of train_loss, test_loss"
        )

    def test_a_metric_that_one_arm_will_not_record(self, folder: Path):
        arms = compare.find_arms(["regression"], overrides=SHORT, vary=["l2_penalty.scale=0,0.1"])
        assert complaint(lambda: compare.make_request(arms, metrics=["penalty"])) == (
            "l2_penalty.scale=0: does not record penalty, so that it cannot be compared (it has train_loss, test_loss)"
        )

    def test_a_level_of_a_metric_without_a_better_side(self, two_arms: list[Arm]):
        for name in ("regression", "regression_bn"):
            write_run(regression(name, "batch_size=7"), {"test_loss": losses(3), "sharpness": losses(3)})
        arms = compare.find_arms(["regression", "regression_bn"], overrides=[*SHORT, "batch_size=7"], seeds="0:8")
        request = {"metrics": ["sharpness"], "thresholds": {"sharpness": [1.0]}}
        assert complaint(lambda: compare.make_request(arms, **request)) == (
            "thresholds: neither side of sharpness is better, so that no level of it can be reached"
        )

    def test_threshold_of_a_metric_that_is_not_compared(self, two_arms: list[Arm]):
        assert complaint(lambda: compare.analyse(two_arms, thresholds={"train_loss": [1.0]})) == (
            "thresholds: train_loss is not compared"
        )


class TestSettingsOfSeveralArms:
    """A setting for all arms never turns one into another."""

    def test_vary_twice_makes_the_product(self, folder: Path):
        arms = compare.find_arms(["regression"], vary=["batch_size=5,10", "optimizer.learning_rate=0.1,0.2"])
        assert [(arm.config.batch_size, arm.config.optimizer.learning_rate) for arm in arms] == [
            (5, 0.1),
            (5, 0.2),
            (10, 0.1),
            (10, 0.2),
        ]
        assert arms[1].label == "optimizer.learning_rate=0.2, batch_size=5"

    def test_a_field_varied_twice(self, folder: Path):
        assert complaint(lambda: compare.find_arms(["regression"], vary=["batch_size=5", "batch_size=10"])) == (
            "vary: batch_size: is varied twice"
        )

    def test_a_section_that_one_arm_lacks_is_not_made(self, folder: Path):
        assert complaint(lambda: compare.find_arms(ARMS, overrides=["model.norm.momentum=0.9"])) == (
            "overrides: model.norm.momentum=0.9: regression has no model.norm, and regression_bn has one"
        )
        assert complaint(lambda: compare.find_arms(DECAY, overrides=["l2_penalty.scale=0.01"])) == (
            "overrides: l2_penalty.scale=0.01: mnist_no_decay has no l2_penalty, and mnist_decay has one"
        )
        assert complaint(lambda: compare.find_arms(ARMS, vary=["model.norm.momentum=0.9,0.99"])) == (
            "vary: model.norm.momentum=0.9,0.99: regression has no model.norm, and regression_bn has one"
        )

    def test_the_advice_can_be_followed(self, folder: Path):
        with pytest.raises(UserError) as caught:
            compare.find_arms(DECAY, overrides=["l2_penalty.scale=0.01"])
        assert caught.value.advice == "give it to those that have one: --set mnist_decay:l2_penalty.scale=0.01"
        arms = compare.find_arms(DECAY, overrides=["mnist_decay:l2_penalty.scale=0.01"])
        assert [arm.config.l2_penalty and arm.config.l2_penalty.scale for arm in arms] == [0.01, None]

    def test_a_section_that_all_lack_is_made_in_all(self, folder: Path):
        arms = compare.find_arms(ARMS, overrides=["l2_penalty.scale=0.01"])
        assert [arm.config.l2_penalty and arm.config.l2_penalty.scale for arm in arms] == [0.01, 0.01]

    def test_one_arm_varies(self, folder: Path):
        arms = compare.find_arms(ARMS, vary=["regression_bn:model.norm.momentum=0.9,0.5"])
        assert [arm.config.model.norm and arm.config.model.norm.momentum for arm in arms] == [None, 0.9, 0.5]
        assert [arm.label for arm in arms] == [
            "regression",
            "regression_bn, model.norm.momentum=0.9",
            "regression_bn, model.norm.momentum=0.5",
        ]

    def test_the_section_may_be_made_in_one_arm_first(self, folder: Path):
        settings = ["regression:model.norm.kind=batch", "model.norm.epsilon=0.1", "regression:model.norm.momentum=0.5"]
        arms = compare.find_arms(ARMS, overrides=settings)
        norms = [arm.config.model.norm for arm in arms]
        assert [(norm.epsilon, norm.momentum) for norm in norms if norm] == [(0.1, 0.5), (0.1, 0.99)]

    def test_no_arm_of_that_name(self, folder: Path):
        assert complaint(lambda: compare.find_arms(ARMS, overrides=["regresion_bn:batch_size=3"])) == (
            "overrides: got 'regresion_bn:batch_size=3', expected one of regression, regression_bn before the colon "
            "(did you mean regression_bn?)"
        )

    def test_arms_that_settings_made_the_same(self, folder: Path):
        assert complaint(lambda: compare.find_arms(ARMS, overrides=["model.norm=null"])) == (
            "regression_bn: computes the same as regression with these settings; there is nothing to compare"
        )

    def test_an_arm_of_a_study_by_its_label(self, folder: Path):
        arms = compare.find_arms(TestStudy.STUDY.arms, overrides=["BN:model.norm.epsilon=0.5"])
        assert [(arm.label, arm.config.model.norm and arm.config.model.norm.epsilon) for arm in arms] == [
            ("none", None),
            ("BN", 0.5),
        ]


ARMS = ["regression", "regression_bn"]
DECAY = ["mnist_decay", "mnist_no_decay"]


class TestLabels:
    def test_names(self):
        configs = [regression("regression"), regression("regression_bn")]
        assert make_labels(configs, ["a", "b"]) == ["regression", "regression_bn"]

    def test_fields_where_names_agree(self):
        configs = [regression("regression", f"batch_size={n}", "optimizer.learning_rate=0.1") for n in (5, 10)]
        assert make_labels(configs, ["a", "b"]) == ["batch_size=5", "batch_size=10"]
        assert make_labels([*configs, regression("regression_bn")], ["a", "b", "c"]) == [
            "regression, batch_size=5",
            "regression, batch_size=10",
            "regression_bn",
        ]

    def test_a_section_that_one_lacks(self):
        configs = [regression("regression_bn"), regression("regression_bn", "model.norm=null")]
        assert make_labels(configs, ["a", "b"]) == ["model.norm=batch", "model.norm=none"]

    def test_folders_where_nothing_differs(self):
        configs = [regression("regression")] * 3
        assert make_labels(configs, ["a", "b", "c"]) == ["regression a", "regression b", "regression c"]
        assert make_labels(configs, ["a", "a", "c"]) == ["1: regression a a", "2: regression a a", "3: regression c"]


class TestAnalyse:
    def test_numbers(self, two_arms: list[Arm]):
        comparison = compare.analyse(two_arms, at=[1, 4], thresholds={"test_loss": [5.1]})
        none, bn = comparison.of("test_loss", "final")
        # None: 3 + 0.01 s, BN: 2 + 0.02 s for s = 0 … 7; means 3.035 and 2.07, difference -1 + 0.01 s, mean -0.965
        assert none.summary.mean == pytest.approx(3.035)
        assert none.effect is None
        assert bn.summary.mean == pytest.approx(2.07)
        assert bn.effect is not None
        assert bn.effect.value == pytest.approx(-0.965)
        assert bn.effect.low is not None
        assert bn.effect.high is not None
        # mean ± t · s / sqrt(n) is 0.965 ± 2.365 · 0.02449 / 2.828 = 0.965 ± 0.0205, and the bootstrap's is near it
        assert bn.effect.low == pytest.approx(-0.9855, abs=0.003)
        assert bn.effect.high == pytest.approx(-0.9445, abs=0.003)
        assert (bn.effect.ahead, bn.effect.behind, bn.effect.ties, bn.effect.share) == (8, 0, 0, 1.0)
        assert bn.effect.better == "regression_bn"

        first, last = (row for row in comparison.of("test_loss", "step") if row.arm == "regression_bn")
        assert first.effect is not None
        # at step 1 all start at 9 + spread · s: the difference is 0.01 s, and in seed 0 the two are tied
        assert (first.effect.ahead, first.effect.behind, first.effect.ties) == (0, 7, 1)
        assert first.effect.value == pytest.approx(0.035, rel=1e-5)  # float32's 9.07
        assert first.effect.better == "regression"
        assert last.effect == bn.effect

        area = [row.summary.mean for row in comparison.of("test_loss", "area")]
        # straight lines: the mean of the ends
        assert area == pytest.approx([6.035, 5.57])

        reach = list(comparison.of("test_loss", "reach"))
        # None: 9, 7, 5, 3 and BN: 9, 6⅔, 4⅓, 2 at steps 1 … 4, so both are at 5.1 at step 3
        assert [row.summary.median for row in reach] == [3.0, 3.0]
        effect = reach[1].effect
        assert effect is not None
        assert (effect.value, effect.pairs, effect.ties, effect.better) == (1.0, 8, 8, None)
        assert effect.reason is Reason.UNDECIDED

    def test_findings_say_the_answer_first(self, two_arms: list[Arm]):
        comparison = compare.analyse(two_arms, thresholds={"test_loss": [5.1]})
        assert compare.findings(comparison) == [
            "Final test loss: **regression_bn** is better than **regression**, 2.070 ± 0.049 against 3.035 ± 0.024. "
            "Difference −0.965 [−0.985, −0.945]; ahead in 8 of 8 seeds (68–100 %).",
            "Test loss ≤ 5.1: undecided between regression_bn and regression, 1.0 [1.0, 1.0] times the steps; "
            "ahead in 0 of 8 seeds, 8 tied (0–32 %).",
        ]

    def test_below_six_seeds(self, folder: Path):
        for name, end in (("regression", 3.0), ("regression_bn", 2.0)):
            write_run(regression(name, seeds="0:5"), {"test_loss": losses(end, seeds=5)})
        arms = compare.find_arms(["regression", "regression_bn"], overrides=SHORT, seeds="0:5")
        comparison = compare.analyse(arms)
        assert all(row.effect.better is None for row in comparison.rows if row.effect)
        effect = list(comparison.of("test_loss", "final"))[1].effect
        assert effect is not None
        assert effect.value == pytest.approx(-1)
        assert effect.reason is Reason.TOO_FEW_PAIRS
        so_far = "so far, without a verdict (5 of the 6 paired seeds that it needs)"
        assert compare.findings(comparison)[0] == (
            f"Final test loss: regression_bn is better than regression {so_far}, 2.020 ± 0.016 against 3.020 ± 0.016. "
            "Difference −1.0 [−1.0, −1.0]; ahead in 5 of 5 seeds (57–100 %)."
        )
        # both are at 5.3 at step 3; at 3.1 at step 4
        assert compare.findings(comparison)[1] == (
            f"Test loss ≤ 5.3: regression_bn and regression are alike {so_far}, 1.0 [1.0, 1.0] times the steps; "
            "ahead in 0 of 5 seeds, 5 tied (0–43 %)."
        )
        assert comparison.notes == ["5 seeds are too few for a verdict: 6 are needed, such as seeds 0:6."]

    def test_a_seed_that_failed_is_counted_and_not_averaged(self, two_arms: list[Arm]):
        curves = losses(2)
        curves[3, 1:] = np.nan
        write_run(regression("regression_bn_no_update"), {"train_loss": curves, "test_loss": curves})
        arms = compare.find_arms(["regression", "regression_bn_no_update"], overrides=SHORT, seeds="0:8")
        comparison = compare.analyse(arms)
        row = list(comparison.of("test_loss", "final"))[1]
        effect = row.effect
        assert effect is not None
        assert (row.summary.n, row.summary.failed) == (7, 1)
        assert row.summary.mean == pytest.approx(2 + 0.01 * (28 - 3) / 7)
        assert (effect.pairs, effect.only_baseline, effect.only_arm, effect.neither) == (7, 1, 0, 0)
        assert (effect.ahead, effect.behind) == (7, 1)
        # better over the seven pairs, but it fails where the baseline does not
        assert effect.better is None
        assert effect.reason is Reason.FAILS_MORE
        assert compare.findings(comparison)[0].startswith(
            "Final test loss: regression_bn_no_update and regression: no verdict: the arm that looks better has no value in "
            "more seeds (this arm alone: 1, the baseline alone: 0), 2.036 ± 0.026 against 3.035 ± 0.024. "
            "Difference −1.0 [−1.0, −1.0]"
        )
        assert comparison.notes == [
            "regression_bn_no_update: the loss of 1 of 8 seeds was no longer finite: seed 3 at step 1."
        ]

    def test_an_arm_that_failed_in_every_seed(self, two_arms: list[Arm]):
        write_run(regression("regression_bn_no_update"), {})
        arms = compare.find_arms(["regression", "regression_bn_no_update"], overrides=SHORT, seeds="0:8")
        comparison = compare.analyse(arms)
        row = list(comparison.of("test_loss", "final"))[1]
        assert (row.summary.n, row.summary.failed, row.summary.mean) == (0, 8, None)
        assert row.effect is not None
        assert (row.effect.value, row.effect.behind, row.effect.better) == (None, 8, None)
        compare.write(comparison, Path("out"))
        assert json.loads(Path("out/comparison.json").read_text())

    def test_runs_that_end_early_are_filled(self, two_arms: list[Arm]):
        """A run whose seeds all fail ends with its last record; the steps of the comparison go on."""
        write_run(regression("regression_bn_no_update"), {"test_loss": losses(2)[:, :2]})
        arms = compare.find_arms(["regression_bn_no_update", "regression"], overrides=SHORT, seeds="0:8")
        curves = compare.analyse(arms).curves["test_loss"]["regression_bn_no_update"]
        assert curves.shape == (8, 4)
        assert np.isfinite(curves).all(axis=0).tolist() == [True, True, False, False]

    def test_pairing(self, two_arms: list[Arm]):
        assert compare.analyse(two_arms).paired == [
            "Seed s has the same batches in every arm.",
            "Seed s has the same first weights in every arm.",
        ]
        changed = ("batch_size=10", "model.hidden=[3]", "name=small")
        path = write_run(regression("regression", *changed), {"test_loss": losses(2)})
        assert compare.analyse(compare.find_arms([folder_of(two_arms[0]), path])).paired == [
            "The batches differ between arms (batch_size 20 (resampled) against 10 (resampled)): "
            "seeds are paired by number alone.",
            "Seed s has the same first weights in those layers that have one shape in every arm.",
        ]
        other = regression("regression", "model.kernel_init.name=he_normal", "name=he")
        path = write_run(other, {"test_loss": losses(2)})
        assert compare.analyse(compare.find_arms([folder_of(two_arms[0]), path])).paired == [
            "Seed s has the same batches in every arm.",
            "The first weights differ between arms (model.kernel_init).",
        ]

    def test_other_software_is_noted(self, two_arms: list[Arm]):
        other = {"packages": {"bnlab": "0.1.0", "jax": "0.11.0"}, "device": "cpu: cpu"}
        path = write_run(regression("regression", "name=other"), {"test_loss": losses(2)}, environment=other)
        assert compare.analyse(compare.find_arms([folder_of(two_arms[0]), path])).notes[-1:] == [
            "The runs were made under different conditions, which alone can move numbers: "
            "regression: conditions recorded, jax 0.10.2; other: conditions not recorded, jax 0.11.0."
        ]

    def test_runs_of_one_computation_are_said_to_be(self, two_arms: list[Arm]):
        again = write_run(regression("regression", "name=again"), {"test_loss": losses(3)})
        assert compare.analyse(compare.find_arms([folder_of(two_arms[0]), again])).notes == [
            "regression and again compute the same: what differs between them is not their configs."
        ]

    def test_only_the_conditions_that_differ_are_named(self, two_arms: list[Arm]):
        other = {**ENVIRONMENT, "numerics": {**numerics(), "threads": "16", "code": "another"}}
        path = write_run(regression("regression", "name=other"), {"test_loss": losses(2)}, environment=other)
        here = numerics()
        assert compare.analyse(compare.find_arms([folder_of(two_arms[0]), path])).notes[-1:] == [
            "The runs were made under different conditions, which alone can move numbers: "
            f"regression: code {here['code']}, threads {here['threads']}; other: code another, threads 16."
        ]

    def test_stated_values(self, two_arms: list[Arm]):
        comparison = compare.analyse(two_arms, at=[1, 4], claims=CLAIMS)
        none, bn = comparison.of("test_loss", "final")
        assert none.judged is not None
        assert (none.judged.claim.id, none.judged.verdict) == ("test/loss", Verdict.REPRODUCED)
        assert isinstance(none.judged.evidence, StatedValue)
        assert (none.judged.evidence.stated, none.judged.evidence.n) == (3.04, 8)
        assert bn.judged is None
        # the value of the last step is the final value; nothing is stated of step 1
        assert [row.judged is not None for row in comparison.of("test_loss", "step")] == [False, False, True, False]
        # mean 3.035, s = 0.0244949, t[7] = 2.364624, sqrt(1 + 1/8): half is 0.061435, and half a digit makes 0.066435
        assert compare.findings(comparison)[1] == (
            "Article 000 states a final test loss of 3.04 for its one run of regression: **reproduced**. "
            "By our 8 seeds, 95 % of single runs end in [2.969, 3.101]."
        )

    def test_levels_close_together_are_two(self, two_arms: list[Arm]):
        comparison = compare.analyse(two_arms, thresholds={"test_loss": [2.5, 2.5000001]})
        reach = compare.document(comparison, [])["metrics"]["test_loss"]["reach"]
        assert {level: list(arms) for level, arms in reach.items()} == {
            "2.5": ["regression", "regression_bn"],
            "2.5000001": ["regression", "regression_bn"],
        }

    def test_an_arm_that_never_reaches_a_level(self, two_arms: list[Arm]):
        """BN goes below 2.5 in all eight seeds, the other arm in none: 2 · 0.5⁸ = 0.0078."""
        comparison = compare.analyse(two_arms, thresholds={"test_loss": [2.5]})
        row = list(comparison.of("test_loss", "reach"))[1]
        assert row.effect is not None
        assert (row.effect.value, row.effect.pairs, row.effect.only_arm) == (None, 0, 8)
        assert (row.effect.better, row.effect.reason) == ("regression_bn", Reason.SHARE)
        assert row.effect.p_value == pytest.approx(2 / 256)
        assert compare.findings(comparison)[-1] == (
            "Test loss ≤ 2.5: **regression_bn** reaches it in more seeds, regression_bn in 8 of 8 seeds and regression in 0 "
            "of 8 seeds (McNemar's exact test, p = 0.0078)."
        )
        table = next(table for table in compare.tables(comparison) if table.title == "Steps to reach a level")
        assert table.rows[1][-1] == "regression_bn: reaches it in more seeds (p = 0.0078)"
        assert table.won == {(1, 7)}

    def test_a_curve_that_the_table_of_metrics_does_not_know(self, folder: Path):
        for name, end in (("regression", 3), ("regression_bn", 2)):
            write_run(regression(name), {"sharpness": losses(end)})
        arms = compare.find_arms(["regression", "regression_bn"], overrides=SHORT, seeds="0:8")
        comparison = compare.analyse(arms)
        assert comparison.metrics == [Metric("sharpness", None, "sharpness", "", Direction.NEITHER, "sharpness")]
        assert {row.measure for row in comparison.rows} == {"final", "area", "step"}
        assert compare.findings(comparison)[0] == (
            "Final sharpness: **regression_bn** is lower than **regression**, 2.035 ± 0.024 against 3.035 ± 0.024. "
            "Difference −1.0 [−1.0, −1.0]; lower in 8 of 8 seeds (68–100 %)."
        )
        compare.write(comparison, Path("out"))
        assert not list(Path("out").glob("*difference*"))

    def test_a_metric_that_only_some_runs_of_an_arm_have_is_not_compared(self, folder: Path):
        """A missing curve is not a failed seed."""
        for name in ("regression", "regression_bn"):
            write_run(regression(name, seeds="0:4"), {"test_loss": losses(3, 4), "train_loss": losses(3, 4)})
            write_run(regression(name, seeds="4,5,6,7"), {"test_loss": losses(3, 4)})
        arms = compare.find_arms(["regression", "regression_bn"], overrides=SHORT, seeds="0:8")
        assert [len(arm.runs) for arm in arms] == [2, 2]
        assert complaint(lambda: compare.make_request(arms, metrics=["train_loss"])) == (
            "metrics: got 'train_loss', expected one of test_loss (did you mean test_loss?)"
        )

    def test_a_new_kind_of_metric_is_one_entry(self, folder: Path):
        norm = Kind("weight_norm", "norm of the weights", "", Direction.LOWER, False, lambda c: True, lambda m: m)
        for name, end in (("regression", 3), ("regression_bn", 2)):
            write_run(regression(name), {"test_loss": losses(end), "weight_norm": losses(end)})
        with register(norm):
            arms = compare.find_arms(["regression", "regression_bn"], overrides=SHORT, seeds="0:8")
            comparison = compare.analyse(arms, metrics=["weight_norm"])
            compare.write(comparison, Path("out"))
        assert [row.effect.better for row in comparison.of("weight_norm", "final") if row.effect] == ["regression_bn"]
        document = json.loads(Path("out/comparison.json").read_text(encoding="utf-8"))
        assert document["metrics"]["weight_norm"]["words"] == "norm of the weights"
        assert "weight_norm,final" in Path("out/comparison.csv").read_text(encoding="utf-8")
        assert "| norm of the weights | regression_bn |" in Path("out/comparison.md").read_text(encoding="utf-8")
        assert {path.name for path in Path("out").glob("*.png")} == {
            "weight_norm.png",
            "weight_norm_difference.png",
            "weight_norm_final.png",
        }


class TestStudy:
    STUDY = Study(
        id="article-test",
        source="article 000",
        title="A test",
        arms=(StudyArm("regression", "none"), StudyArm("regression_bn", "BN", ("model.norm.momentum=0.9",))),
        seeds="0:7",
        metrics=("train_loss",),
        at=(2, 4, 5000),
        levels={"train_loss": (5.0,), "test_loss": (1.0,)},
    )

    def expand(self, *sources: str):
        studies = {self.STUDY.id: self.STUDY, "article-other": Study("article-other", "article 000", "Another")}
        return compare.expand_study(sources, studies)

    def test_its_arms_and_what_it_looks_at(self, folder: Path):
        sources, study = self.expand("article-test", "regression_bn_no_update")
        assert sources == [*self.STUDY.arms, "regression_bn_no_update"]
        arms = compare.find_arms(sources, overrides=SHORT, default_seeds=self.STUDY.seeds)
        assert [arm.label for arm in arms] == ["none", "BN", "regression_bn_no_update"]
        assert [arm.config.model.norm and arm.config.model.norm.momentum for arm in arms] == [None, 0.9, 0.99]
        assert arms[0].config.seeds.pairs == [(seed, seed) for seed in range(7)]
        request = compare.make_request(arms, study=study)
        assert [metric.name for metric in request.metrics] == ["train_loss"]
        assert request.at == [2, 4]
        assert request.levels == {"train_loss": (5.0,)}

    def test_options_replace_what_they_name(self, folder: Path):
        sources, study = self.expand("article-test")
        arms = compare.find_arms(sources, overrides=SHORT, default_seeds=self.STUDY.seeds)
        request = compare.make_request(arms, metrics=["test_loss"], at=[3], thresholds={"test_loss": [2.0]}, study=study)
        assert [metric.name for metric in request.metrics] == ["test_loss"]
        assert (request.at, request.levels) == ([3], {"test_loss": [2.0]})
        assert compare.make_request(arms, metrics=["test_loss"], study=study).levels == {"test_loss": (1.0,)}

    def test_sources_without_a_study_stay_as_they_are(self, folder: Path):
        assert self.expand("regression", "./article-test") == (["regression", "./article-test"], None)

    def test_a_name_that_means_two_things(self, folder: Path):
        Path("article-test").mkdir()
        assert complaint(lambda: self.expand("article-test")) == (
            "article-test: is a study, and a file or folder here has the same name"
        )

    def test_two_studies(self, folder: Path):
        assert complaint(lambda: self.expand("article-test", "article-other")) == (
            "article-other: is a second study beside article-test; compare one at a time"
        )

    def test_nothing_to_train(self, folder: Path):
        assert complaint(lambda: self.expand("article-other")) == (
            "article-other: this study trains nothing, so that it has no arms to compare"
        )


def test_higher_is_better():
    """Accuracy: b is 0.1 to 0.17 above a, so b wins; once b fails more often, nobody does; once a does, b may."""
    a, b = np.full(8, 0.8), 0.9 + 0.01 * np.arange(8)
    effect = difference(a, b, ACCURACY, "a", "b")
    assert effect.value == pytest.approx(0.135)
    assert effect.low is not None
    assert effect.high is not None
    assert 0.1 < effect.low < effect.value < effect.high < 0.17  # pyright: ignore[reportOperatorIssue]
    assert (effect.ahead, effect.better, effect.reason) == (8, "b", Reason.INTERVAL)
    fails = np.arange(8) == 0
    assert difference(a, np.where(fails, np.nan, b), ACCURACY, "a", "b").better is None
    assert difference(np.where(fails, np.nan, a), b, ACCURACY, "a", "b").better == "b"
    assert difference(a, b, LOSS, "a", "b").better == "a"


def test_neither_is_better():
    """The interval excludes 0, and still no arm is better: the words say where the arm lies."""
    a, b = np.full(8, 0.8), 0.9 + 0.01 * np.arange(8)
    there, back = difference(a, b, NORM, "a", "b"), difference(b, a, NORM, "b", "a")
    assert (there.better, there.reason, back.better) == (None, Reason.INTERVAL, None)
    assert (wording.answer(there), wording.answer(back)) == ("higher", "lower")


def test_a_stated_fraction_is_shown_as_percent_too():
    values = np.full(20, 0.95)
    for text, shown in (("0.9449", "0.9449 (94.49 %)"), ("95.31%", "95.31%")):
        claim = Claim("x", "article 003", "nowhere", "It is so.", RunValue("a", "test_accuracy", 1), StatedNumber(text))
        assert wording.stated_value(judge_run(claim, values), ACCURACY) == shown
    claim = Claim("x", "article 003", "nowhere", "It is so.", RunValue("a", "test_loss", 1), StatedNumber("0.2367"))
    assert wording.stated_value(judge_run(claim, values), LOSS) == "0.2367"


def test_every_reason_has_its_words():
    """The words of each answer, on numbers in which the reason is plain."""
    ten, twenty = np.full(8, 10.0), 20.0 + np.arange(8)
    few = np.where(np.arange(8) < 1, 10.0, np.nan)
    most = np.where(np.arange(8) < 5, 10.0, np.nan)
    fails = np.where(np.arange(8) < 7, 5.0 + np.arange(8), np.nan)
    answers = {
        ratio(ten, twenty, "a", "b").reason: wording.answer(ratio(ten, twenty, "a", "b")),
        ratio(ten, few, "a", "b").reason: wording.answer(ratio(ten, few, "a", "b")),
        ratio(ten, ten, "a", "b").reason: wording.answer(ratio(ten, ten, "a", "b")),
        ratio(ten, fails, "a", "b").reason: wording.answer(ratio(ten, fails, "a", "b")),
        ratio(ten[:1], ten[:1], "a", "b").reason: wording.answer(ratio(ten[:1], ten[:1], "a", "b")),
        ratio(np.tile(ten, 2), np.tile(most, 2), "a", "b").reason: wording.answer(
            ratio(np.tile(ten, 2), np.tile(most, 2), "a", "b")
        ),
    }
    assert answers == {
        Reason.INTERVAL: "a",
        # a alone reaches it in seven seeds: 2 · 0.5⁷ = 0.015625
        Reason.SHARE: "a: reaches it in more seeds (p = 0.016)",
        Reason.UNDECIDED: "undecided: the interval holds 1",
        Reason.FAILS_MORE: "no verdict: the arm that looks better never gets there in more seeds "
        "(this arm alone: 1, the baseline alone: 0)",
        Reason.TOO_FEW_PAIRS: "no verdict: 1 paired seed, 6 are needed",
        Reason.TOO_MANY_MISSING: "no verdict: 6 of 16 seeds have no pair",
    }
    assert set(answers) == set(Reason)


def test_default_levels():
    # medians 16, 4, 2 and 25, 3, 2.51: late, the worse of 2 and 2.51, up to two digits: 2.6; early sqrt(16 · 2.51) = 6.34
    curves = [np.array([[16.0, 4, 2]]), np.array([[25.0, 3, 2.51]])]
    assert default_levels(curves, LOSS) == [6.4, 2.6]
    # errors 0.2, 0.05 and 0.3, 0.1: late 0.1, early sqrt(0.2 · 0.1) = 0.1414
    assert default_levels([np.array([[0.8, 0.95]]), np.array([[0.7, 0.9]])], ACCURACY) == [0.85, 0.9]
    # an arm that starts at the level leaves no early one
    assert default_levels([np.array([[1.0, 0.5]]), np.array([[2.0, 1.5]])], LOSS) == [1.5]
    assert default_levels([np.full((2, 3), np.nan)], LOSS) == []
    assert default_levels(curves, NORM) == []


def test_default_steps():
    assert default_steps(np.arange(1, 2001)) == [100, 500, 2000]
    assert default_steps(np.arange(1, 11) * 1718) == [1718, 3436, 17180]
    assert default_steps(np.array([7])) == [7]


class TestFolder:
    @pytest.fixture
    def comparison(self, two_arms: list[Arm]) -> Comparison:
        return compare.analyse(two_arms, claims=CLAIMS)

    def test_files(self, comparison: Comparison):
        compare.write(comparison, Path("out"))
        names = ["test_loss", "test_loss_difference", "test_loss_final"]
        assert sorted(path.name for path in Path("out").iterdir()) == sorted(
            [f"comparison.{kind}" for kind in ("csv", "json", "md")]
            + [f"{name}.{kind}" for name in names for kind in ("png", "svg")]
        )
        assert Path("out/test_loss.png").read_bytes()[:4] == b"\x89PNG"
        assert b"<svg" in Path("out/test_loss.svg").read_bytes()

    def test_a_comparison_is_not_written_over(self, comparison: Comparison, two_arms: list[Arm]):
        compare.write(comparison, Path("out"))
        before = {path: path.read_bytes() for path in Path("out").iterdir()}
        expected = "out: holds a comparison already"
        assert complaint(lambda: compare.write(comparison, Path("out"))) == expected
        assert complaint(lambda: runs.comparison_folder(["a"], Path("out"))) == expected
        assert {path: path.read_bytes() for path in Path("out").iterdir()} == before
        run = folder_of(two_arms[0])
        assert complaint(lambda: runs.comparison_folder(["a"], run)).startswith(f"{run}: holds a run (config.yaml")

    def test_json_is_strict(self, comparison: Comparison):
        compare.write(comparison, Path("out"), ["bnlab", "compare", "…"])

        def refuse(constant: str) -> None:
            raise AssertionError(constant)

        document = json.loads(Path("out/comparison.json").read_text(encoding="utf-8"), parse_constant=refuse)
        assert document["command"] == ["bnlab", "compare", "…"]
        assert document["baseline"] == "regression"
        assert document["seeds"] == document["data_seeds"] == list(range(8))
        assert [arm["label"] for arm in document["arms"]] == ["regression", "regression_bn"]
        final = document["metrics"]["test_loss"]["final"]
        assert final["regression"]["mean"] == pytest.approx(3.035)
        stated = final["regression"]["stated"]
        assert {key: stated[key] for key in ("claim", "source", "text", "stated", "last_digit_unit", "n", "verdict")} == {
            "claim": "test/loss",
            "source": "article 000",
            "text": "3.04",
            "stated": 3.04,
            "last_digit_unit": 0.01,
            "n": 8,
            "verdict": "reproduced",
        }
        assert document["metrics"]["test_loss"]["direction"] == "lower is better"
        assert final["regression_bn"]["against_baseline"]["reason"] == "interval"
        assert final["regression_bn"]["against_baseline"]["better"] == "regression_bn"
        assert list(document["metrics"]["test_loss"]["step"]) == ["1", "4"]
        assert list(document["metrics"]["test_loss"]["reach"]) == ["5.3", "3.1"]

    def test_csv_is_tidy(self, comparison: Comparison):
        compare.write(comparison, Path("out"))
        rows = list(csv.DictReader(io.StringIO(Path("out/comparison.csv").read_text(encoding="utf-8"))))
        assert [(row["measure"], row["at"], row["arm"]) for row in rows] == [
            (measure, at, arm)
            for measure, at in (
                ("final", ""),
                ("area", ""),
                ("step", "1"),
                ("step", "4"),
                ("reach", "5.3"),
                ("reach", "3.1"),
            )
            for arm in ("regression", "regression_bn")
        ]
        assert float(rows[1]["effect_value"]) == pytest.approx(-0.965)
        assert rows[0]["effect_value"] == rows[0]["better"] == ""
        assert rows[1]["better"] == "regression_bn"

    def test_markdown(self, comparison: Comparison, two_arms: list[Arm]):
        compare.write(comparison, Path("out"), ["bnlab", "compare", "regression", "regression_bn"])
        text = Path("out/comparison.md").read_text(encoding="utf-8")
        assert text.startswith(
            "# regression_bn against regression\n\nMade by `bnlab compare regression regression_bn` (bnlab "
        )
        assert (
            "| regression (baseline) | Cos-perturbed polynomial regression, one hidden layer of 10 ReLUs. "
            "Changed: num_steps=4 | " in text
        )
        assert f"`{folder_of(two_arms[0])}` | 0 of 8 |" in text
        row = "| test loss | regression_bn | 8 | 2.070 ± 0.049 | −0.965 [−0.985, −0.945] | 8 of 8 (68–100 %) | "
        assert f"{row}**regression_bn** |" in text
        assert (
            "- Article 000 states a final test loss of 3.04 for its one run of regression: **reproduced**. By our 8" in text
        )
        places = [text.index(f"## {title}") for title in ("What came out", "Figures", "Arms", "Final values", "How to read")]
        assert places == sorted(places)
        assert compare.first_figure(comparison) == "test_loss.png"
        for name in ("test_loss", "test_loss_difference", "test_loss_final"):
            assert f"![{name}]({name}.png)" in text
            assert Path(f"out/{name}.png").exists()

    def test_decay_study(self, folder: Path):
        for scale in ("0", "0.1", "0.01"):
            curves = {name: losses(3 - float(scale)) for name in ("train_loss", "test_loss")}
            write_run(regression("regression", f"l2_penalty.scale={scale}"), curves)
        vary = "l2_penalty.scale=0,0.1,0.01"
        arms = compare.find_arms(["regression"], overrides=SHORT, seeds="0:8", vary=[vary])
        comparison = compare.analyse(arms)
        compare.write(comparison, Path("out"))
        assert compare.first_figure(comparison) == "decay.png"
        assert {path.name for path in Path("out").glob("*.png")} == {
            "decay.png",
            "test_loss.png",
            "test_loss_final.png",
            "test_loss_difference.png",
        }


@pytest.mark.slow
def test_regression_with_100_seeds(folder: Path):
    """The article's "BN falls faster": behind in most seeds at step 100, not ahead at 500, ahead at 2,000."""
    arms = compare.find_arms(["regression", "regression_bn", "regression_bn_batch_stats"], seeds="0:100")
    comparison = compare.analyse(compare.train_missing(arms), at=[100, 500, 2000])
    effects = {(row.arm, row.at): row.effect for row in comparison.of("test_loss", "step") if row.effect}
    assert {key: effect.better for key, effect in effects.items()} == {
        ("regression_bn", 100): None,
        ("regression_bn", 500): None,
        ("regression_bn", 2000): "regression_bn",
        ("regression_bn_batch_stats", 100): None,
        ("regression_bn_batch_stats", 500): "regression_bn_batch_stats",
        ("regression_bn_batch_stats", 2000): "regression_bn_batch_stats",
    }
    # at step 100 both are behind in more seeds than chance would have
    assert effects["regression_bn", 100].share_high < 0.4  # pyright: ignore[reportOptionalOperand]
    assert effects["regression_bn_batch_stats", 100].share_high < 0.45  # pyright: ignore[reportOptionalOperand]


@pytest.mark.parametrize(
    ("value", "low", "high", "shown"),
    [
        (-0.019, -0.025, -0.013, "−0.0190 [−0.0250, −0.0130]"),
        (1.2e-9, -0.8e-9, 3.1e-9, "+1.2e−9 [−0.8e−9, +3.1e−9]"),
        (-2.3e-6, -9e-6, 1e-6, "−2.3e−6 [−9.0e−6, +1.0e−6]"),
        (0.0, 0.0, 0.0, "0 [0, 0]"),
        (3e-5, 0.0, 9e-5, "+3.0e−5 [0, +9.0e−5]"),
        (1e-5, -0.03, 0.02, "0.000 [−0.030, +0.020]"),  # rounds to 0, which has no sign
    ],
)
def test_small_differences_have_digits_that_say_something(value, low, high, shown):
    effect = difference(np.zeros(10), np.arange(10.0), LOSS, "a", "b")
    effect = replace(effect, value=value, low=low, high=high)
    assert wording.interval(effect, wording.scale_of(LOSS)) == shown


def test_a_mean_with_a_small_spread():
    assert wording.mean_std(Summary(3, 0, 1.5e-6, 2e-7, 0.0, 0.0, 0.0), LOSS) == "1.50e−6 ± 0.20e−6"
