"""The words of the report: numbers worked by hand from the made-up runs."""

import dataclasses

import numpy as np
import pytest

from bnlab.claims import Bounded, Claim, ExactValue, Fact, StatedNumber, judge_bound, judge_exact
from bnlab.config import load_config
from bnlab.metrics import describe, describe_unknown
from bnlab.report import evidence
from bnlab.report.document import ClaimPart, Document, duration, make_document
from bnlab.report.model import Reproduction
from bnlab.report.strips import WIDTH, in_letters, make_strip
from bnlab.report.text import clean, markdown, slug

NO_METRIC = describe_unknown("")


@pytest.fixture
def claims(document: Document) -> dict[str, ClaimPart]:
    return {claim.id: claim for source in document.sources for claim in source.claims}


class TestDocument:
    def test_top(self, document: Document):
        assert document.title == "bnlab report: 11 claims of 2 sources"
        assert document.summary == (
            "5 reproduced, 1 unusual draw, 1 contradicted, 2 underpowered, 1 underspecified, 1 not run."
        )
        assert document.time == "1 min 15 s"
        assert [count for _, _, count in document.badges] == [5, 1, 1, 2, 1, 1]
        assert [source.counts for source in document.sources] == [(3, 1, 0, 2, 1, 1), (2, 0, 1, 0, 0, 0)]
        assert document.claims == 11

    def test_study(self, document: Document):
        study = document.sources[0].studies[0]
        assert study.arms == (("no BN", "mnist", ""), ("BN", "mnist_bn", "batch_size=32"))
        assert study.seeds == "8 seeds (0:8)"
        assert study.time == "1 min 1 s; 16 seeds of all arms trained now"
        assert study.conditions == ("one run of four steps",)  # of four numbers, said once
        assert document.sources[1].studies[0].seeds == ""

    def test_what_is_said_stands_beside_its_figure(self, document: Document):
        loss, accuracy = document.sources[0].studies[0].drawn
        assert (loss.pair.title, accuracy.pair.title) == ("Test loss", "Test accuracy")
        assert [claim.id for claim in loss.said] == ["003/better", "003/faster", "003/images"]
        assert accuracy.said == ()

    def test_environment(self, document: Document):
        shown = {name: (value, long) for name, value, long in document.environment}
        assert shown["git, dirty"] == ("no", False)
        assert shown["command"] == ("bnlab reproduce", False)
        assert shown["cpu, features"] == ("avx2 " * 60, True)

    def test_anchors_are_different(self, reproduction: Reproduction):
        source = reproduction.sources[1]
        (study,) = source.studies
        same = [dataclasses.replace(one, claim=dataclasses.replace(one.claim, id="a/b")) for one in study.judged[:2]]
        twice = dataclasses.replace(source, studies=(dataclasses.replace(study, judged=tuple(same)),))
        document = make_document(dataclasses.replace(reproduction, sources=(twice, twice)))
        anchors = [claim.anchor for source in document.sources for claim in source.claims]
        assert anchors == ["claim-a-b", "claim-a-b-2", "claim-a-b-3", "claim-a-b-4"]
        assert [source.anchor for source in document.sources] == ["source-004", "source-004-2"]

    def test_nothing_at_all(self, reproduction: Reproduction):
        document = make_document(dataclasses.replace(reproduction, sources=()))
        assert document.summary == "No claim was checked."


class TestOurs:
    def test_stated_value(self, claims: dict[str, ClaimPart]):
        # 3.00 … 3.07: mean 3.035, std 0.01 · sqrt(42 / 7) = 0.0245
        # t[7] = 2.365; 2.365 · 0.0245 · sqrt(9 / 8) = 0.0614, and half of 0.01
        one = claims["003/loss"]
        assert one.ours == ("3.035 [2.969, 3.101]", "8 seeds", "mean over our seeds [95 % of single runs]")
        assert (one.stated, one.badge.word, one.badge.symbol) == ("3.04", "reproduced", "✓")
        assert one.checked == "test loss of no BN after step 4"
        assert one.per_seed[:2] == (("0", "3"), ("1", "3.01"))

    def test_percent(self, claims: dict[str, ClaimPart]):
        # 70.0 … 69.3: 0.614 as above, and half of 0.1
        assert claims["003/accuracy"].ours.value == "69.65 [68.99, 70.31] %"

    def test_difference_is_the_arm_minus_the_other(self, claims: dict[str, ClaimPart]):
        # 2.00 … 2.14 less 3.00 … 3.07: −1.00 … −0.93
        one = claims["003/better"]
        assert one.ours.value.startswith("−0.965 [−0.9")
        assert one.ours.n == "8 paired seeds"
        assert one.ours.note == "BN − no BN [95 % of means]; ahead in 8 of 8 seeds"
        assert one.per_seed[-1] == ("7", "-0.93")

    def test_steps_to_a_level(self, claims: dict[str, ClaimPart]):
        # 9, 6.67, 4.33, 2 and 9, 7, 5, 3: both are at 5.1 or below after the third record
        one = claims["003/faster"]
        assert one.ours.value == "1 [no spread]"
        assert one.ours.note == ("steps of BN / steps of no BN [95 %]; reached by BN in 8 of 8 seeds, by no BN in 8")

    def test_exact(self, claims: dict[str, ClaimPart]):
        assert claims["004/loss"].ours == ("39.2", "", "up to 0.05 apart is the same")
        assert claims["004/wrong"].badge.word == "contradicted"
        assert (claims["004/order"].checked, claims["004/order"].stated) == ("the place of gamma", "expected: 0")

    def test_bound(self):
        claim = Claim("x", "article 002", "", "It stays below 3.", Bounded("decay", "the rise", 3.0))
        judged = judge_bound(claim, np.arange(8.0) / 10)  # mean 0.35
        found = evidence.ours(judged, NO_METRIC)
        assert (found.value[:5], found.n) == ("0.35 ", "8 seeds")
        strip = evidence.strip(judged, NO_METRIC, None)  # the seeds' values are not known here
        assert strip is not None
        assert strip.bar is not None
        assert strip.dots == ()
        assert strip.bar[1] < (strip.mark or 0)  # the bound

    def test_why_nothing_is_settled(self, claims: dict[str, ClaimPart]):
        assert {id: claim.unsettled for id, claim in claims.items() if claim.unsettled} == {
            "003/faster": "the interval holds 1",
            "003/far": "outside the 99.9 % interval; against the source that counts from 20 seeds on",
        }
        claim = Claim("x", "article 002", "", "It stays below 0.3.", Bounded("decay", "the rise", 0.35))
        assert evidence.unsettled(judge_bound(claim, np.arange(8.0) / 10)) == "the interval holds 0.35"
        few = judge_bound(claim, np.array([0.1, 0.2]))
        assert evidence.unsettled(few) == "2 seeds with a value in both arms, 6 are needed"

    def test_without_evidence(self, claims: dict[str, ClaimPart]):
        assert claims["003/always"].found == "It names no network."
        assert claims["003/images"].per_seed == ()

    def test_few_seeds(self):
        assert evidence.with_interval(None, None, None, 1) == "none"
        assert evidence.with_interval(-0.25, None, None, 100, sign=True) == "−25"
        assert evidence.with_interval(2, 2, 2, 1) == "2 [no spread]"

    def test_what_only_rounding_leaves_has_one_digit(self):
        claim = Claim("x", "article 002", "", "It is this.", Fact("error", 0.0, 1e-6))
        assert evidence.ours(judge_exact(claim, 9.90598e-08), NO_METRIC).value == "1e−07"
        assert evidence.ours(judge_exact(claim, 0.0), NO_METRIC).value == "0"

    def test_many_decimals_become_powers_of_ten(self):
        assert evidence.with_interval(1.2e-9, 1.0e-9, 1.4e-9, 1) == "1.2e−09 [1.0e−09, 1.4e−09]"

    def test_unit(self):
        accuracy = describe("test_accuracy", load_config("mnist"))
        assert evidence.in_unit("0.9712 ± 0.0019", accuracy) == "97.12 ± 0.19 %"
        assert evidence.in_unit("95.31%", accuracy) == "95.31%"
        assert evidence.in_unit("0.9712", NO_METRIC) == "0.9712"

    def test_exact_without_a_tolerance(self):
        claim = Claim("x", "article 002", "", "It is this.", ExactValue("sum"), StatedNumber("0.5"))
        assert evidence.ours(judge_exact(claim, 0.5), NO_METRIC) == ("0.5", "", "")


class TestStrip:
    def test_places(self):
        # from −10 to 10; room of 0.04 · 20 at both ends: 21.6 over 224 units, from 8 on
        strip = make_strip(
            np.array([-10.0, 0, 10, np.nan]), alt="", show="{:g}".format, mark=0.0, bar=(-5, 5), line=(-99, 99)
        )
        assert strip is not None
        assert [x for x, _ in strip.dots] == [16.3, 120.0, 223.7]
        assert strip.mark == 120.0
        assert strip.bar == (68.15, 171.85)
        assert strip.line == (8.0, WIDTH - 8.0)  # cut
        assert (strip.left, strip.right) == ("-10.8", "10.8")

    def test_in_letters(self):
        # 240 units in 25 columns of 9.6: 16.3 is in column 1, 120 in 12, 223.7 in 23, the bar's ends in 7 and 17
        strip = make_strip(np.array([-10.0, -10, 0, 10]), alt="", show="{:g}".format, mark=10, bar=(-5, 5), others=(0.0,))
        assert strip is not None
        assert in_letters(strip) == "-10.8 ─●─────[────▲────]─────◆─ 10.8"

    def test_logarithmic(self):
        strip = make_strip(np.array([0.1, 10]), alt="", show="{:.3g}".format, mark=1.0, log=True)
        assert strip is not None
        assert strip.mark == pytest.approx(WIDTH / 2)

    def test_one_value(self):
        strip = make_strip(np.array([0.0]), alt="", show="{:g}".format)
        assert strip is not None
        assert (strip.left, strip.right, strip.dots[0][0]) == ("-0.5", "0.5", 120.0)

    def test_none(self):
        assert make_strip(np.array([np.nan]), alt="", show=str) is None

    def test_words(self, claims: dict[str, ClaimPart]):
        loss, difference = claims["003/loss"].strip, claims["003/better"].strip
        assert loss is not None
        assert loss.alt == (
            "Stated: 3.04. Ours: 3.035 [2.969, 3.101], 8 seeds. Below the stated value: 4; the same: 1; above it: 3."
        )
        assert difference is not None
        assert difference.alt.startswith("8 paired seeds: −0.965 [")
        assert difference.alt.endswith("The line is at 0.")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.123, "0.12 s"), (59.4, "59 s"), (61, "1 min 1 s"), (3600, "1 h 0 min"), (7500, "2 h 5 min")]
)
def test_duration(seconds: float, text: str):
    assert duration(seconds) == text


class TestText:
    def test_clean(self):
        assert clean("a\x00b\ud800c\nd") == "a\ufffdb\ufffdc\nd"

    def test_slug(self):
        assert [slug(text) for text in ("003/loss", "../../etc", "", "ابجد")] == ["003-loss", "etc", "x", "x"]

    def test_markdown(self):
        assert markdown("a|b <i>*c*\n# d") == r"a\|b &lt;i&gt;\*c\* # d"
        assert [markdown(text) for text in ("## a", "1. b", "- c", "2.5", "-3")] == [r"\## a", r"1\. b", r"\- c", "2.5", "-3"]
