"""What a study refuses, and its arms."""

import pytest

from bnlab.claims import BetterThan, Claim, RunValue
from bnlab.studies import Measured, Study, StudyArm

ARMS = (StudyArm("regression", "none"), StudyArm("regression_bn", "BN", ("model.norm.momentum=0.9",)))


def claim(arm: str, id: str = "one") -> Claim:
    return Claim(id, "article 000", "nowhere", "It is so.", BetterThan(arm, "none", "test_loss"))


def test_an_arm_is_a_config_with_its_changes():
    config = ARMS[1].load(seeds="0:3")
    assert config.name == "regression_bn"
    assert config.model.norm is not None
    assert config.model.norm.momentum == 0.9
    assert config.seeds.pairs == [(0, 0), (1, 1), (2, 2)]


def test_the_first_arm_is_the_baseline():
    assert Study("s", "article 000", "A test", ARMS).baseline == ARMS[0]
    assert Study("s", "article 000", "A test").baseline is None


def test_what_it_refuses():
    with pytest.raises(ValueError, match=r"^arms: study s has two of one name$"):
        Study("s", "article 000", "A test", (ARMS[0], StudyArm("regression_bn", "none")))
    with pytest.raises(ValueError, match=r"^claims: study s has two of one name$"):
        Study("s", "article 000", "A test", ARMS, claims=(claim("BN"), claim("BN")))
    measured = Measured("TensorFlow", ((RunValue("LN", "test_loss", 1), "0.5"),))
    with pytest.raises(ValueError, match=r"^measured: 0.5 is about 'LN', and study s has no such arm$"):
        Study("s", "article 000", "A test", ARMS, measured=measured)
    with pytest.raises(ValueError, match=r"^claims: one is about 'LN', and study s has no such arm$"):
        Study("s", "article 000", "A test", ARMS, claims=(claim("LN"),))
