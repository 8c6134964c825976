"""The articles' data against the configs that it is about, and article 004's numbers against our layer."""

import pytest

from bnlab.articles import ARTICLES
from bnlab.articles.article_004 import CLAIMS, __main__, sequence
from bnlab.claims import ExactEvidence, RunValue
from bnlab.config import load_config
from bnlab.nn import BatchNorm
from bnlab.sources import STUDIES, claims_of
from bnlab.statistics import Verdict


def test_names():
    assert list(ARTICLES) == ["000", "001", "002", "003", "004"]
    assert {f"article-{id}" for id in ARTICLES} <= set(STUDIES)


@pytest.mark.parametrize("id", ARTICLES)
def test_the_configs_are_of_the_article(id: str):
    article = ARTICLES[id]
    assert article.source.name == f"article {id}"
    arms = [arm for study in article.studies for arm in study.arms if not arm.overrides]  # a changed config is of no article
    assert {arm.load().article for arm in arms} <= {id}


class TestArticle003:
    def test_every_stated_number_is_a_claim(self):
        checks = [claim.check for claim in STUDIES["article-003"].claims if isinstance(claim.check, RunValue)]
        assert len(checks) == 84
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
