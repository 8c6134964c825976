"""The first difference between two runs, and the result of each condition of a seed-check."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from bnlab import experiment
from bnlab.config import Config, load_config
from bnlab.errors import RunFailed, UserError
from bnlab.runs import RunWriter, printed
from bnlab.seed_check import conditions
from bnlab.seed_check.conditions import SeedCheck, seed_check
from bnlab.seed_check.trace import Difference, Trace, first_difference, take_trace, ulps, worst_losses

SHORT = load_config("regression_bn", overrides=["num_steps=60", "record_every=6"])


# Traces.


@pytest.mark.parametrize(
    ("a", "b", "apart"),
    [
        (1.0, 1.0, 0),
        (1.0, 1.0 + 2**-23, 1),
        (1.0, 1.0 - 2**-24, 1),
        (-1.0, -1.0 - 2**-22, 2),
        (0.0, -0.0, 1),
        (2**-149, -(2**-149), 3),  # from the smallest number above zero to the largest below it, with both zeros between
        (1.0, 2.0, 2**23),
        (float("inf"), 3.4028234663852886e38, 1),
    ],
)
def test_ulps_by_hand(a, b, apart):
    assert ulps(np.float32([a]), np.float32([b])).tolist() == [apart]
    assert ulps(np.float32([b]), np.float32([a])).tolist() == [apart]


def test_integers_are_apart_by_their_difference():
    assert ulps(np.int32([3, 2**31 - 1]), np.int32([5, -(2**31)])).tolist() == [2, 2**32 - 1]


def trace(**changes: tuple[int, float]) -> Trace:
    """Three steps with values 1, 2, 3 in each array, except for (place, value) in `changes`."""
    names = {"loss": "loss/batch", "kernel": "params/dense0/kernel", "nu": "optimizer/nu", "test": "metrics/test_loss"}
    series = {}
    for short, name in names.items():
        values = np.float32([1, 2, 3])
        if short in changes:
            place, value = changes[short]
            values[place] = value
        series[name] = (np.array([1, 2, 3]), values)
    return Trace(series)


def test_the_first_step_comes_before_the_order_of_arrays():
    other = trace(loss=(2, 3.5), kernel=(1, 2.0000002), nu=(1, 9), test=(2, 0))
    assert first_difference(trace(), other) == Difference(2, "params/dense0/kernel", 1)
    assert first_difference(trace(), trace()) is None


def test_only_common_steps_are_compared():
    every_other = {name: (steps[1::2], values[1::2]) for name, (steps, values) in trace(test=(0, 9)).series.items()}
    every_other["loss/batch"] = trace().series["loss/batch"]
    assert first_difference(trace(), Trace(every_other)) is None


def test_traces_that_cannot_be_compared():
    shorter = Trace({name: (steps[:2], values[:2]) for name, (steps, values) in trace().series.items()})
    with pytest.raises(ValueError, match=r"^the traces end at steps 3 and 2$"):
        first_difference(trace(), shorter)
    fewer = Trace({name: series for name, series in trace().series.items() if name != "optimizer/nu"})
    with pytest.raises(ValueError, match=r"^only one of two traces has \['optimizer/nu'\]$"):
        first_difference(trace(), fewer)


def test_not_a_number_is_like_itself():
    assert first_difference(trace(loss=(1, np.nan)), trace(loss=(1, np.nan))) is None
    assert worst_losses(trace(loss=(1, np.nan)), trace(), ["test_loss"]) == (np.inf, 0.0)


def test_worst_losses_by_hand():
    assert worst_losses(trace(loss=(1, 2.5), test=(0, 1.5)), trace(), ["test_loss"]) == (0.25, 0.5)


def test_digests_tell_at_which_record_two_runs_part():
    ours, theirs = trace().digests(), trace(kernel=(1, 2.5)).digests()
    assert [row["step"] for row in ours] == [1, 2, 3]
    assert [a == b for a, b in zip(ours, theirs, strict=True)] == [True, False, True]
    assert {name for name in ours[1] if ours[1][name] != theirs[1][name]} == {"params"}


def test_a_trace_is_written_and_read():
    assert first_difference(Trace.from_npz(trace().to_npz()), trace()) is None


def test_a_trace_sees_all_there_is(tmp_path):
    taken = take_trace(SHORT, tmp_path / "run")
    assert {kind: len(taken.of_kind(kind)) for kind in ("loss", "params", "moving", "optimizer", "metrics")} == {
        "loss": 2,
        "params": 6,
        "moving": 2,
        "optimizer": 4,
        "metrics": 2,
    }
    assert taken.series["loss/batch"][0].tolist() == list(range(1, 61))
    assert taken.series["params/bn0/gamma"][0].tolist() == list(range(6, 61, 6))
    assert taken.series["optimizer/b1_power"][0].tolist() == [18, 36, 54, 60]
    run = experiment.train(SHORT, out=tmp_path / "plain")
    assert taken.line == printed(run.summary["final"])
    np.testing.assert_array_equal(taken.series["params/bn0/gamma"][1][-1], run.params["bn0/gamma"][0])
    np.testing.assert_array_equal(taken.series["metrics/test_loss"][1], run.curves["test_loss"][0])


def test_a_trace_across_stops_really_resumes(tmp_path, monkeypatch):
    opened: list[int] = []
    load = RunWriter.load_checkpoint

    def watched(self, records):
        progress = load(self, records)
        opened.append(int(progress.next_segment[0]) if progress else 0)
        return progress

    monkeypatch.setattr(RunWriter, "load_checkpoint", watched)
    stopped = take_trace(SHORT, tmp_path / "run", stops=(20, 40))
    assert opened == [0, 2, 3]
    assert first_difference(stopped, take_trace(SHORT, tmp_path / "whole")) is None


def test_an_unseeded_generator_is_found(tmp_path, monkeypatch):
    """Article 002's mistake, in the code itself."""
    unseeded = np.random.default_rng()

    def shuffled(kind: str, rows: int, batch_size: int, seed: int, start: int, count: int) -> np.ndarray:
        return unseeded.integers(0, rows, (count, batch_size)).astype(np.int32)

    monkeypatch.setattr("bnlab.training.prepared.draw_batches", shuffled)
    found = first_difference(take_trace(SHORT, tmp_path / "a"), take_trace(SHORT, tmp_path / "b"))
    assert found is not None
    assert (found.step, found.array) == (1, "loss/batch")


# Conditions.


@pytest.fixture(scope="module")
def report() -> SeedCheck:
    """All conditions of forty steps of the regression."""
    return seed_check(load_config("regression_bn"), steps=40)


def test_every_condition_gives_what_it_must(report):
    assert report.passed, [outcome for outcome in report.outcomes if not outcome.ok]
    verdicts = [(outcome.must, outcome.verdict) for outcome in report.outcomes]
    assert verdicts.count(("bitwise", "bitwise")) == 12
    assert verdicts.count(("differ", "not")) == 4
    assert sum(must == "within tolerance" for must, _ in verdicts) == 2


def test_negative_controls_say_what_changed(report):
    notes = {outcome.name: outcome.note for outcome in report.outcomes if outcome.must == "differ"}
    assert notes == {
        "another init seed: other first weights only": "weights other, batches the same",
        "another data seed: other batches only": "weights the same, batches other",
        "article 002: only weights seeded, twice": "data seed from the system's entropy",
        "article 002: only batches seeded, twice": "init seed from the system's entropy",
    }


def test_a_report_is_strict_json(report):
    written = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert written["passed"] is True
    assert (written["steps"], written["steps_of_the_config"], written["record_every"]) == (40, 2000, 1)
    assert len(written["sha256_16_of_each_record"]) == 40
    assert set(written["environment"]) >= {"packages", "device", "cpu", "runtime", "precision", "xla_flags"}


EXPLODING = ["optimizer={name: sgd, learning_rate: 0.003}", "num_steps=30", "record_every=1"]


def test_a_seed_that_fails_is_checked_up_to_it(monkeypatch):
    config = load_config("regression", overrides=EXPLODING)
    with pytest.raises(UserError) as refused:
        seed_check(config)
    said = re.fullmatch(
        r"regression: the loss was not finite at step (\d), and what follows cannot be checked", str(refused.value)
    )
    assert said is not None
    steps = int(said[1]) - 1
    assert refused.value.advice == f"check the steps before it: --steps {steps}"
    monkeypatch.setattr(conditions._Check, "_process", lambda self, config, seed=0, **_: self._trace(config, seed=seed))
    assert seed_check(config, steps=steps).passed


def test_traces_of_seeds_that_failed_before_a_record(tmp_path):
    config = load_config("regression", overrides=[*EXPLODING, "record_every=30"])
    one, other = (take_trace(config.with_seeds([(seed, seed)]), tmp_path / str(seed)) for seed in (0, 1))
    found = first_difference(one, other)
    assert found is not None
    assert (found.step, found.array) == (1, "loss/batch")


def test_a_difference_that_is_not_finite_is_null_in_json():
    outcome = conditions.Outcome("a condition", "within tolerance", "not", False, losses=(np.inf, 0.5))
    assert outcome.to_json()["losses"] == [None, 0.5]


def test_a_study_that_draws_nothing(monkeypatch):
    config = load_config("bn_constant")
    monkeypatch.setattr(conditions._Check, "_process", lambda self, config, seed=0, **_: self._trace(config, seed=seed))
    drawless = {outcome.name: outcome for outcome in seed_check(config, steps=20).outcomes}
    outcome = drawless["another data seed: other batches only"]
    assert (outcome.verdict, outcome.ok, outcome.note) == ("nothing is drawn", True, "this study draws no batches")


def test_a_long_study_is_shortened_and_recorded_more_often():
    config = load_config("digits", overrides=["num_steps=50000", "record_every=5000"], seeds="3:9")
    short = conditions._shortened(config, conditions.MOST_STEPS)
    assert (short.num_steps, short.record_every) == (2000, 200)
    assert short.seeds.pairs == [(3, 3)]


def test_what_fits_no_memory_is_recorded_less_often(monkeypatch):
    monkeypatch.setattr(conditions, "TRACE_BYTES", 20 * 161 * 4)
    assert conditions._shortened(load_config("regression_bn"), 2000).record_every > 1


@pytest.mark.parametrize("steps", [0, -5])
def test_no_steps(steps):
    with pytest.raises(UserError, match=f"^steps: got {steps}, expected 1 or more$"):
        seed_check(SHORT, steps=steps)


def test_a_process_that_ends_by_itself(tmp_path, monkeypatch):
    check = conditions._Check(SHORT, SHORT, tmp_path)
    with pytest.raises(RunFailed, match=r"^a fresh process ended with exit code -?\d+: "):
        check._process(SHORT, env={"XLA_FLAGS": "--xla_no_such_flag=1"})


def test_a_process_gets_absolute_paths_and_the_users_own_flags(monkeypatch):
    ours = conditions.runtime.configure()["xla_flags_added"]
    given = {"BNLAB_DATA_DIR": "data", "XLA_FLAGS": " ".join(["--xla_dump_to=x", *ours]), "HOME": "here"}
    assert conditions._inherited(given) == {
        "BNLAB_DATA_DIR": str(Path("data").absolute()),
        "XLA_FLAGS": "--xla_dump_to=x",
        "HOME": "here",
    }


def test_gpu_flags_are_added_where_there_is_a_plugin(monkeypatch):
    runtime = conditions.runtime
    monkeypatch.setattr(runtime, "find_spec", lambda name: object() if name == "jax_cuda12_plugin" else None)
    monkeypatch.setattr(runtime, "_xla_has_started", lambda: False)
    monkeypatch.setenv("XLA_FLAGS", "--xla_gpu_deterministic_ops=false")
    assert "--xla_gpu_exclude_nondeterministic_ops=true" in runtime._add_flags()
    assert "--xla_gpu_deterministic_ops=true" not in runtime._add_flags()  # the user's own setting stays


def test_the_canary_says_what_it_saw(monkeypatch):
    assert conditions._canary().verdict == "bitwise"
    draws = iter(range(100))
    monkeypatch.setattr(conditions.jax, "jit", lambda function: lambda *_: (np.float32(next(draws)),))
    outcome = conditions._canary()
    assert (outcome.verdict, outcome.ok) == ("not", False)
    assert outcome.note.startswith("cpu; 16 result(s)")


def test_settings_of_a_config_are_kept():
    config: Config = load_config("digits_bn", overrides=["l2_penalty.scale=0.01"])
    assert conditions._changed(config, num_steps=2).model_copy(update={"num_steps": config.num_steps}) == config


def test_a_seed_has_the_same_bits_whatever_the_threads_of_the_machine(tmp_path):
    study = load_config("digits_bn", overrides=["num_steps=60", "record_every=20"])
    check = conditions._Check(study, study, tmp_path)
    two, five = (check._process(study, env={"NPROC": threads}) for threads in ("2", "5"))
    assert first_difference(two, five) is None
