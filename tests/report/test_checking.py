"""From sources to verdicts: what is trained, what is taken from runs, and what happens where something is missing."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnlab.claims import BetterThan, Bounded, Check, Claim, ExactValue, Fact, FasterThan, Judged, Open, RunValue, StatedNumber
from bnlab.errors import UserError
from bnlab.experiment import OnSteps
from bnlab.report import Reproduction, reproduce
from bnlab.report.checking import judge_curves
from bnlab.statistics import Verdict
from bnlab.studies import Article, Measured, Source, Study, StudyArm

SHORT = ("num_steps=40", "record_every=10")
ARMS = (StudyArm("regression", "none", SHORT), StudyArm("regression", "slow", (*SHORT, "optimizer.learning_rate=1e-6")))
LAST = "test loss after the last step"


def claim(id: str, check: Check, stated: str | None = None) -> Claim:
    return Claim(id, "article 000", "nowhere", "It is so.", check, StatedNumber(stated) if stated else None)


def raise_error() -> float:
    raise RuntimeError("planted")


CLAIMS = (
    claim("run", RunValue("none", "test_loss", 40), "1e9"),
    claim("better", BetterThan("none", "slow", "test_loss")),
    claim("faster", FasterThan("slow", "none", "test_loss", 1e-9)),
    claim("bound", Bounded("none", LAST, 1e9)),
    claim("exact", ExactValue("two"), "2"),
    claim("fact", Fact("two", 3.0)),
    claim("open", Open("No level is stated.")),
    claim("error", Fact("error", 0.0)),
    claim("nothing", Fact("no such quantity", 0.0)),
)


def make_sources(study: Study, **more: Any) -> dict[str, Article]:
    article = Article(
        Source("000", "article 000", "A test", "none", "It tests."),
        (study,),
        lambda: {"two": lambda: 2.0, "error": raise_error},
        lambda: {LAST: lambda pool: pool.curves["test_loss"][:, -1]},
    )
    return {"000": article, **more}


STUDY = Study("article-test", "article 000", "A test", ARMS, claims=CLAIMS)
SOURCES = make_sources(STUDY)


def of(found: Reproduction) -> dict[str, Judged]:
    return {one.claim.id: one for one in found.judged}


@pytest.mark.usefixtures("folder")
class TestReproduce:
    def test_every_kind_of_check(self):
        judged = of(reproduce(seeds=6, known=SOURCES))
        assert {id: one.verdict for id, one in judged.items()} == {
            "run": Verdict.UNDERPOWERED,  # six seeds may not contradict
            "better": Verdict.REPRODUCED,
            "faster": Verdict.UNDERPOWERED,  # neither arm gets there
            "bound": Verdict.REPRODUCED,
            "exact": Verdict.REPRODUCED,
            "fact": Verdict.CONTRADICTED,
            "open": Verdict.UNDERSPECIFIED,
            "error": Verdict.NOT_RUN,
            "nothing": Verdict.NOT_RUN,
        }
        assert judged["open"].why == "No level is stated."

    def test_a_check_that_raises_takes_no_other_down(self):
        found = reproduce(seeds=1, known=SOURCES)
        judged = of(found)
        assert (judged["error"].raised, judged["error"].why) == (True, "the check ended with RuntimeError: planted")
        assert judged["nothing"].why == "the check ended with KeyError: 'no such quantity'"
        assert [one.claim.id for one in found.unchecked] == ["error", "nothing"]
        assert not found.every_check_ran
        assert [one.claim.id for one in found.contradicted] == ["fact"]

    def test_only_new_seeds_are_trained(self):
        trained = [reproduce(seeds=seeds, known=SOURCES).sources[0].studies[0].trained for seeds in (2, 2, 5)]
        assert trained == [4, 0, 6]

    def test_what_each_seed_says(self):
        (study,) = reproduce(seeds=3, known=SOURCES).sources[0].studies
        none, slow = (study.pools[label].curves["test_loss"] for label in ("none", "slow"))
        assert set(study.seeds) == {"run", "better", "faster", "bound"}
        assert {seeds.pairs for seeds in study.seeds.values()} == {((0, 0), (1, 1), (2, 2))}
        np.testing.assert_array_equal(study.seeds["run"].values, none[:, -1])
        np.testing.assert_array_equal(study.seeds["bound"].values, none[:, -1])
        means = [(curves[:, 1:] + curves[:, :-1]).mean(axis=1) / 2 for curves in (none, slow)]
        np.testing.assert_allclose(study.seeds["better"].values, means[0] - means[1], rtol=1e-6)
        assert np.isnan(study.seeds["faster"].values).all()  # neither arm gets there

    def test_the_sources_own_system_stands_beside_ours(self):
        checks = (RunValue("none", "test_loss", 40), RunValue("slow", "test_loss", 41), ExactValue("two"), ExactValue("six"))
        measured = Measured("Theano", tuple((check, "2") for check in checks))
        study = Study("article-test", "article 000", "A test", ARMS, claims=CLAIMS, measured=measured)
        (checked,) = reproduce(seeds=2, known=make_sources(study)).sources[0].studies
        run, no_record, two, no_claim = checked.beside
        np.testing.assert_array_equal(run.ours, checked.pools["none"].curves["test_loss"][:, -1])
        assert [one.claim.printed if one.claim else "" for one in checked.beside] == ["1e9", "", "2", ""]
        assert (two.ours.tolist(), no_record.ours.tolist(), no_claim.ours.tolist()) == ([2.0], [], [])

    def test_seeds_are_paired(self):
        (study,) = reproduce(seeds=3, known=SOURCES).sources[0].studies
        assert [pool.config.seeds.pairs for pool in study.pools.values()] == [[(0, 0), (1, 1), (2, 2)]] * 2
        assert study.command == "bnlab compare article-test --seeds 0:3"

    def test_few_seeds_unless_full(self):
        study = Study("article-test", "article 000", "A test", ARMS, seeds="0:2", few_seeds="It takes long.")
        for full, expected in ((False, 2), (True, 3)):
            found = reproduce(seeds=3, full=full, known=make_sources(study))
            assert len(found.sources[0].studies[0].pools["slow"].config.seeds.pairs) == expected

    def test_interrupted_it_goes_on(self):
        """Ctrl-C after some steps; the same call then ends with the numbers of one that was never interrupted."""

        @contextmanager
        def interrupted(what: str) -> Iterator[OnSteps]:
            def on_steps(done: int, total: int) -> None:
                if done > total / 2:
                    raise KeyboardInterrupt

            yield on_steps

        with pytest.raises(KeyboardInterrupt):
            reproduce(seeds=4, known=SOURCES, watch=interrupted)
        kept = list(Path("runs").rglob("checkpoint-*.ckpt")) + list(Path("runs").rglob("summary.json"))
        assert kept
        resumed = reproduce(seeds=4, known=SOURCES)
        for path in sorted(Path("runs").iterdir()):
            path.rename(f"old-{path.name}")
        assert of(resumed)["better"] == of(reproduce(seeds=4, known=SOURCES))["better"]

    def test_refused(self):
        with pytest.raises(UserError, match=r"^00: expected one of 000 \(did you mean 000\?\)$"):
            reproduce(["00"], known=SOURCES)
        with pytest.raises(UserError, match=r"^seeds: got 0, expected 1 or more$"):
            reproduce(seeds=0, known=SOURCES)

    def test_what_was_asked_for_is_kept(self):
        found = reproduce(["000", "000"], seeds=1, command=("bnlab", "reproduce", "000"), known=SOURCES)
        assert (len(found.sources), found.seeds, found.quick) == (1, 1, False)
        assert found.command == ("bnlab", "reproduce", "000")
        assert found.environment["packages"]["jax"]


@pytest.mark.usefixtures("folder")
class TestQuick:
    def test_its_seeds_and_its_words(self):
        found = reproduce(seeds=20, quick=True, known=SOURCES)
        assert (found.seeds, found.quick) == (6, True)
        judged = of(found)
        assert judged["better"].why == "quick: 6 seeds of 40 steps"
        assert judged["exact"].why == "quick: nothing was left out"
        assert judged["open"].why == "No level is stated; quick: nothing was left out"
        assert all("quick" in one.why for one in judged.values())
        assert [one.claim.id for one in found.unchecked] == ["error", "nothing"]

    def test_what_is_cut_short_is_not_judged(self):
        early = claim("early", RunValue("none", "test_loss", 20), "1e9")
        study = Study("article-test", "article 000", "A test", ARMS, claims=(early, *CLAIMS[:7]), quick_steps=20)
        judged = of(reproduce(seeds=2, quick=True, known=make_sources(study)))
        short = "quick: trained for 20 steps only, which is too short for this claim"
        not_run = {id for id, one in judged.items() if one.verdict is Verdict.NOT_RUN}
        assert not_run == {"run", "better", "faster", "bound"}
        assert {judged[id].why for id in not_run} == {short}
        assert judged["early"].why == "quick: 2 seeds of 20 steps"

    def test_a_study_that_is_too_long(self):
        study = Study("article-test", "article 000", "A test", ARMS, claims=CLAIMS[:1], quick_steps=0)
        found = reproduce(quick=True, known=make_sources(study))
        assert found.sources[0].studies[0].trained == 0
        assert found.judged[0].why == "quick: this study is too long for a quick reproduction"
        assert found.every_check_ran

    def test_a_paper_takes_part_where_it_is_named(self):
        study = Study("test-2020", "article 000", "A test", ARMS, claims=CLAIMS[1:2], quick_steps=20)
        known = {"hoffer-2018": Article(Source("hoffer-2018", "Hoffer et al. 2018", "A test", "none", "It tests."), (study,))}
        unnamed, named = (reproduce(names, quick=True, known=known) for names in ((), ("hoffer-2018",)))
        assert unnamed.sources == ()
        assert named.sources[0].studies[0].trained == 12
        assert named.judged[0].why == "quick: trained for 20 steps only, which is too short for this claim"
        assert reproduce(seeds=1, known=known).sources[0].studies[0].trained == 2  # without --quick no name is needed


@pytest.fixture
def no_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BNLAB_DATA_DIR", str(tmp_path / "nothing"))
    monkeypatch.setenv("BNLAB_CACHE_DIR", str(tmp_path / "cache"))


@pytest.mark.usefixtures("folder", "no_mnist")
class TestWithoutMnist:
    mnist = Study(
        "article-mnist",
        "article 000",
        "A test",
        (StudyArm("mnist", "none", SHORT), StudyArm("mnist_bn", "BN", SHORT)),
        claims=(claim("on mnist", BetterThan("BN", "none", "test_loss")),),
    )

    def sources(self) -> Mapping[str, Article]:
        return {
            "000": SOURCES["000"],
            "003": Article(Source("003", "article 003", "A test", "none", "It tests."), (self.mnist,)),
        }

    def test_its_studies_are_not_run_and_the_others_are(self):
        found = reproduce(seeds=6, known=self.sources())
        judged = of(found)
        assert judged["on mnist"].verdict is Verdict.NOT_RUN
        assert judged["on mnist"].why.startswith("mnist: train-images-idx3-ubyte.gz is missing and could not be fetched\n")
        assert judged["on mnist"].why.endswith("or set data.name to digits, which needs no network")
        assert judged["better"].verdict is Verdict.REPRODUCED
        assert not judged["on mnist"].raised
        assert found.sources[1].studies[0].why_not == judged["on mnist"].why

    def test_quick_fetches_nothing(self, monkeypatch: pytest.MonkeyPatch):
        fetched: list[str] = []
        monkeypatch.setattr("bnlab.data.idx_sets.download", lambda url, **_: fetched.append(url))
        found = reproduce(["003"], quick=True, known=self.sources())
        assert found.judged[0].why == (
            "mnist: train-images-idx3-ubyte.gz is missing, and a quick reproduction fetches nothing; "
            "run bnlab data fetch mnist"
        )
        assert not fetched


@pytest.mark.usefixtures("folder")
class TestCurves:
    def curves(self, shift: Callable[[np.ndarray], np.ndarray]) -> Any:
        """Judge four stated values: our seeds' means plus `shift` of their standard deviations."""
        (study,) = reproduce(seeds=20, known=SOURCES).sources[0].studies
        values = study.pools["none"].curves["test_loss"]
        stated = values.mean(axis=0) + shift(values.std(axis=0, ddof=1))
        steps = study.pools["none"].step.tolist()
        claims = tuple(
            claim(f"at {step}", RunValue("none", "test_loss", step), f"{value:.6f}")
            for step, value in zip(steps, stated.tolist(), strict=True)
        )
        return judge_curves(Study("article-test", "article 000", "A test", ARMS, claims=claims), study.pools)

    def test_a_run_among_ours(self):
        (curve,) = self.curves(lambda std: 0.0 * std)
        assert (curve.arm, curve.metrics, curve.values, curve.expected) == ("none", ("test_loss",), 4, 0.2)
        assert (curve.outside, curve.share, curve.verdict) == (0, 1.0, Verdict.REPRODUCED)
        assert curve.ours.shape == (20,)

    def test_a_run_beyond_ours(self):
        (curve,) = self.curves(lambda std: 9.0 * std)
        assert curve.distance == pytest.approx(9 / np.sqrt(1 + 1 / 20), rel=1e-4)
        assert (curve.outside, curve.share, curve.verdict) == (4, 0.0, Verdict.UNUSUAL_DRAW)
