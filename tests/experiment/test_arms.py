"""Arms take the seeds that finished runs hold, and train the others; nothing stale or foreign is mixed in."""

import json
import shutil
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
from annotated_types import doc

from bnlab import environment, experiment
from bnlab.config import Config, load_config
from bnlab.experiment import arms as arms_module
from bnlab.experiment import complete, plan_arms, running
from bnlab.runs import Pool, Progress, RunWriter, read_run, run_folder
from bnlab.runs.arrays import json_bytes, sum_of

SHORT = ("num_steps=12", "record_every=4")


def config(seeds: str, *overrides: str) -> Config:
    return load_config("regression_bn", overrides=[*SHORT, *overrides], seeds=seeds)


def assert_bits(one: Pool, other: Pool) -> None:
    assert one.config.seeds.pairs == other.config.seeds.pairs
    np.testing.assert_array_equal(one.step, other.step)
    assert list(one.curves) == list(other.curves)
    for name, values in one.curves.items():
        np.testing.assert_array_equal(values, other.curves[name], err_msg=name)
    for name, values in one.params.items():
        np.testing.assert_array_equal(values, other.params[name], err_msg=name)


def missing(wanted: Config) -> list[int]:
    (plan,) = plan_arms([wanted])
    return [init for init, _ in plan.missing]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """Seeds 0 to 7, trained together in another folder."""
    run = experiment.train(config("0:8"), out=tmp_path_factory.mktemp("fresh") / "run")
    return Pool(run.config, (run,), tuple((0, row) for row in range(8)))


@pytest.fixture
def half(folder: Path) -> Path:
    """A finished run of seeds 0 to 3 in runs/."""
    return experiment.train(config("0:4")).path


def rewrite(path: Path, name: str, change: dict[str, object]) -> None:
    """Change a JSON file of a finished run, and its checksums."""
    import hashlib

    content = json.loads((path / name).read_bytes())
    content.update(change)
    (path / name).write_bytes(json_bytes(content))
    summary = content if name == "summary.json" else json.loads((path / "summary.json").read_bytes())
    summary["sha256"].pop("summary.json", None)
    if name != "summary.json":
        summary["sha256"][name] = hashlib.sha256((path / name).read_bytes()).hexdigest()
    summary["sha256"]["summary.json"] = sum_of(summary)
    (path / "summary.json").write_bytes(json_bytes(summary))


class TestSeedsAreTakenFromRuns:
    def test_only_the_missing_ones_are_trained(self, half, fresh):
        (plan,) = plan_arms([config("0:8")])
        assert plan.missing == ((4, 4), (5, 5), (6, 6), (7, 7))
        (pool,) = complete([plan])
        assert [run.pairs for run in pool.runs] == [[(s, s) for s in range(4)], [(s, s) for s in range(4, 8)]]
        assert_bits(pool, fresh)

    def test_nothing_is_trained_twice(self, half, fresh, monkeypatch):
        complete(plan_arms([config("0:8")]))
        monkeypatch.setattr(arms_module, "run_all", None)
        (pool,) = complete(plan_arms([config("0:8")]))
        assert_bits(pool, fresh)
        (pool,) = complete(plan_arms([config("6,1,3")]))  # a part, in another order, from two runs
        assert pool.config.seeds.pairs == [(6, 6), (1, 1), (3, 3)]
        np.testing.assert_array_equal(pool.curves["test_loss"], fresh.curves["test_loss"][[6, 1, 3]])

    def test_whatever_the_run_was_called(self, half):
        renamed = config("0:8", "name=another", "description=x", "optimizer.b1=0.9")
        assert missing(renamed) == [4, 5, 6, 7]

    def test_wherever_it_was_moved_to(self, half):
        Path("runs/group").mkdir()
        half.rename(Path("runs/group") / half.name)
        assert missing(config("0:8")) == [4, 5, 6, 7]
        Path("runs/group").rename("runs/deep")
        Path("runs/mine").mkdir()
        (Path("runs/deep") / half.name).rename("runs/mine/first")  # no hash in its name
        assert missing(config("0:8")) == [4, 5, 6, 7]

    def test_init_and_data_seeds_are_two(self, half):
        assert missing(config("0:4").with_seeds([(0, 1), (1, 1)])) == [0]

    def test_after_a_field_with_a_default_was_added(self, half, monkeypatch):
        class Later(Config, frozen=True):
            warm_up: Annotated[int, doc("A later field.")] = 0

        from bnlab.config import loading

        monkeypatch.setattr(loading, "Config", Later)
        later = config("0:8")
        assert isinstance(later, Later)
        assert missing(later) == [4, 5, 6, 7]
        assert missing(config("0:4", "warm_up=3")) == [0, 1, 2, 3]


class TestNothingElseIsTaken:
    def test_a_folder_whose_name_says_another_computation(self, half):
        """A planted collision: the folder has our hash and holds another computation."""
        other = experiment.train(config("0:4", "optimizer.learning_rate=0.5")).path
        planted = half.parent / f"20990101-000000-{half.name[-12:]}"
        other.rename(planted)
        shutil.rmtree(half)
        assert missing(config("0:4")) == [0, 1, 2, 3]

    @pytest.mark.parametrize("what", ["jaxlib", "code", "device", "threads", "XLA_FLAGS"])
    def test_a_run_of_other_numerics(self, half, what):
        numerics = {**environment.numerics(), what: "another"}
        rewrite(half, "environment.json", {"numerics": numerics})
        (plan,) = plan_arms([config("0:8")])
        assert len(plan.missing) == 8
        assert plan.foreign == 4
        read_run(half)  # and is still readable

    def test_a_run_that_does_not_say_its_numerics(self, half):
        rewrite(half, "environment.json", {"numerics": None})
        (plan,) = plan_arms([config("0:4")])
        assert (len(plan.missing), plan.foreign) == (4, 4)

    def test_a_run_of_an_older_version_of_bnlab(self, half):
        """Its folder's name has 8 digits, its summary no identity, and its failures and rows name one seed."""
        old = half.parent / "20260101-000000-c0b2f02b"
        half.rename(old)
        summary = json.loads((old / "summary.json").read_bytes())
        del summary["identity"]
        (old / "summary.json").write_bytes(json_bytes(summary))
        rewrite(old, "summary.json", {})
        assert missing(config("0:4")) == [0, 1, 2, 3]
        assert read_run(old).curves["test_loss"].shape == (4, 3)

    def test_a_damaged_run_is_named_and_not_used(self, half, caplog):
        curves = half / "curves.npz"
        curves.write_bytes(curves.read_bytes()[:-1] + b"x")
        assert missing(config("0:4")) == [0, 1, 2, 3]
        assert [record.getMessage() for record in caplog.records] == [
            f"{curves}: was altered or damaged after the run: its SHA-256 is not summary.json's; it is not used"
        ]

    def test_code_that_was_changed_since(self, half, monkeypatch):
        """A formula that changes never meets old numbers: its digest is part of the numerics."""
        before = environment.code_digest()
        environment.code_digest.cache_clear()
        environment.numerics.cache_clear()
        monkeypatch.setattr(
            environment, "compile", lambda source, *a, **k: compile(source + b"\nx = 1", *a, **k), raising=False
        )
        try:
            assert environment.code_digest() != before
            assert missing(config("0:4")) == [0, 1, 2, 3]
        finally:
            environment.code_digest.cache_clear()
            environment.numerics.cache_clear()


def test_the_digest_does_not_see_comments_and_docstrings(monkeypatch):
    before = environment.code_digest()
    environment.code_digest.cache_clear()

    def reworded(source: bytes, *arguments: str, optimize: int):
        changed = source.replace(b'"""Return', b'"""\n\n    Give back') + b"\n# a comment\n"
        assert changed != source
        return compile(changed, *arguments, optimize=optimize)

    monkeypatch.setattr(environment, "compile", reworded, raising=False)
    try:
        assert environment.code_digest() == before
    finally:
        environment.code_digest.cache_clear()


class TestUnfinishedRuns:
    def begin(self, wanted: Config, origin: dict[str, str] | None = None) -> Path:
        """Leave a run that was killed after its first checkpoint."""
        path = run_folder(wanted, None)
        with RunWriter(path, wanted) as writer:
            writer.trained_under(origin or environment.numerics())
            writer.checkpoint(Progress(len(wanted.seeds.pairs), 3))
        return path

    def plans_of(self, wanted: Config, monkeypatch) -> list[tuple[list[int], Path]]:
        seen = []
        monkeypatch.setattr(arms_module, "run_all", lambda work, **_: seen.extend(work) or [])
        with pytest.raises(ValueError, match="zip"):
            complete(plan_arms([wanted]))
        return [([init for init, _ in config.seeds.pairs], path) for config, path in seen]

    def test_one_of_missing_seeds_is_resumed(self, half, monkeypatch):
        begun = self.begin(config("4,5", "name=elsewhere"))
        (first, path), (rest, new) = self.plans_of(config("0:8"), monkeypatch)
        assert (first, path) == ([4, 5], begun)
        assert rest == [6, 7]
        assert not new.exists()

    def test_one_that_has_other_seeds_too_is_left_alone(self, half, monkeypatch):
        self.begin(config("4:9"))
        ((seeds, path),) = self.plans_of(config("0:8"), monkeypatch)
        assert seeds == [4, 5, 6, 7]
        assert not path.exists()

    def test_one_of_other_numerics_is_left_alone(self, half, monkeypatch):
        self.begin(config("4,5"), {**environment.numerics(), "jaxlib": "9.9.9"})
        ((seeds, _),) = self.plans_of(config("0:8"), monkeypatch)
        assert seeds == [4, 5, 6, 7]

    def test_one_that_is_being_written_is_left_alone(self, half, monkeypatch):
        begun = config("4,5")
        with RunWriter(run_folder(begun, None), begun):
            ((seeds, _),) = self.plans_of(config("0:8"), monkeypatch)
        assert seeds == [4, 5, 6, 7]

    def test_it_is_finished_with_the_bits_of_one_that_was_not_broken_off(self, half, fresh):
        class Stop(Exception):
            pass

        wanted = config("4,5")
        path = run_folder(wanted, None)

        def stop(*_: object) -> None:
            raise Stop

        with pytest.raises(Stop):
            running.run_all([(wanted, path)], on_chunk=stop)
        assert list(path.glob("*.ckpt"))
        (pool,) = complete(plan_arms([config("0:8")]))
        assert path in [run.path for run in pool.runs]
        assert_bits(pool, fresh)


def test_failures_name_both_seeds_of_the_seeds_that_were_asked_for(folder):
    explodes = "optimizer={name: sgd, learning_rate: 1e30}"
    (pool,) = complete(plan_arms([config("0:3", explodes).with_seeds([(0, 3), (1, 4), (2, 5)])]))
    (part,) = complete(plan_arms([config("0:3", explodes).with_seeds([(2, 5), (0, 3)])]))
    assert [(f.init, f.data) for f in pool.failed] == [(0, 3), (1, 4), (2, 5)]
    assert [(f.init, f.data) for f in part.failed] == [(2, 5), (0, 3)]
    assert len(part.runs) == 1
