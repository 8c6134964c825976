"""The articles' data against the configs that it is about, and article 004's numbers against our layer."""

import pytest

from bnlab.articles import STUDIES, article_003, claims_of
from bnlab.articles.article_004 import CLAIMS, __main__, sequence
from bnlab.claims import BetterThan, ExactEvidence, FasterThan, RunValue
from bnlab.config import load_config, shipped_configs
from bnlab.metrics import find_metric
from bnlab.nn import BatchNorm
from bnlab.statistics import Verdict

ALL = [(study, claim) for study in STUDIES.values() for claim in study.claims]


def test_names():
    assert list(STUDIES) == ["article-000", "article-001", "article-002", "article-003", "article-004"]
    assert not set(STUDIES) & set(shipped_configs())
    ids = [claim.id for _, claim in ALL]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_fits_its_configs(name: str):
    study = STUDIES[name]
    configs = {arm.label: arm.load(study.seeds) for arm in study.arms}
    assert {config.article for config in configs.values()} <= {study.source.removeprefix("article ")}
    for config in configs.values():
        assert set(study.at) <= set(config.record_steps)
        for metric in (*study.metrics, *study.levels):
            find_metric(metric, config)
    for claim in study.claims:
        for label in claim.check.arms:
            if isinstance(claim.check, RunValue | BetterThan | FasterThan):
                find_metric(claim.check.metric, configs[label])
            if isinstance(claim.check, RunValue | BetterThan) and claim.check.step is not None:
                assert claim.check.step in configs[label].record_steps


class TestArticle003:
    def test_every_stated_number_is_a_claim(self):
        claims = article_003.STUDY.claims
        assert len(claims) == 84
        checks = [claim.check for claim in claims if isinstance(claim.check, RunValue)]
        assert len({(check.arm, check.metric, check.step) for check in checks}) == 84
        assert {check.step for check in checks} == {1718 * epoch for epoch in range(1, 11)}

    def printed(self, config: str) -> dict[tuple[str, int], str]:
        claims = claims_of(load_config(config, seeds="0:10"))
        return {(c.check.metric, c.check.step): c.printed for c in claims if isinstance(c.check, RunValue)}

    def test_numbers_read_from_its_table(self):
        """Cells of ARTICLES.md, from each column, from the first, a middle and the last row."""
        none, bn = self.printed("mnist"), self.printed("mnist_bn")
        assert (len(none), len(bn)) == (42, 42)
        assert (bn["train_loss", 1718], bn["train_accuracy", 1718]) == ("0.15541", "95.31%")
        assert (none["train_loss", 1718], none["train_accuracy", 1718]) == ("0.20668", "93.89%")
        assert (bn["valid_loss", 10308], bn["valid_accuracy", 10308]) == ("0.09065", "97.12%")
        assert (none["valid_loss", 10308], none["valid_accuracy", 10308]) == ("0.16717", "95.34%")
        assert (bn["train_loss", 17180], bn["valid_accuracy", 17180]) == ("0.05247", "97.20%")
        assert (none["train_accuracy", 17180], none["valid_loss", 17180]) == ("95.51%", "0.23571")
        assert (bn["test_loss", 17180], bn["test_accuracy", 17180]) == ("0.105519876", "0.9713")
        assert (none["test_loss", 17180], none["test_accuracy", 17180]) == ("0.23670065", "0.9449")


def test_claims_are_of_the_shipped_computation_alone():
    assert len(claims_of(load_config("mnist", overrides=["name=renamed", "description=another"]))) == 42
    assert claims_of(load_config("mnist", overrides=["num_steps=1718"])) == ()
    assert claims_of(load_config("regression")) == ()


class TestArticle004:
    def test_every_number_holds(self):
        judged = __main__.check_all()
        assert len(judged) == 34
        assert {quantity for quantity, one in judged.items() if one.verdict is not Verdict.REPRODUCED} == set()

    def test_what_is_measured_is_what_is_stated(self):
        assert list(sequence.measure()) == list(CLAIMS)

    def test_a_wrong_layer_is_found(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(sequence, "LAYER", BatchNorm(formula="tensorflow", momentum=0.9))
        judged = __main__.check_all()
        assert judged["one training call: moving_variance"].verdict is Verdict.CONTRADICTED
        assert judged["one training call: moving_variance"].evidence == ExactEvidence(pytest.approx(0.9), "0.9", 0.0)
        assert judged["fresh: moving_mean"].verdict is Verdict.REPRODUCED

    def test_the_tolerance_has_its_reason(self):
        tolerant = {name: claim.check for name, claim in CLAIMS.items() if getattr(claim.check, "tolerance", 0)}
        assert list(tolerant) == ["then training=False: output", "then trainable=False, training=True: output"]
        assert all(getattr(check, "reason", "") for check in tolerant.values())

    def test_the_table(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
        with pytest.raises(SystemExit) as ended:
            __main__.main()
        assert not ended.value.code
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 35
        assert [line.split() for line in (lines[0], lines[10])] == [
            ["article", "004", "stated", "ours"],
            ["1,000", "more:", "moving_variance", "4.273953e-05", "4.273953e-05", "equal"],
        ]
        monkeypatch.setattr(sequence, "LAYER", BatchNorm(formula="tensorflow", epsilon=1.0))
        with pytest.raises(SystemExit) as ended:
            __main__.main()
        assert ended.value.code
        assert "DIFFERS" in capsys.readouterr().out
