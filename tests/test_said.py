"""What the pages say of two arms is what the same command says over seeds that it has never seen.

A sentence of `bnlab compare` says of two arms that one is better, worse, faster or slower, or that it is undecided. Another
build, or another draw of seeds, must not change that: where it does, the result needs more seeds. The sentences without a
verdict ("so far", "no verdict") claim nothing.
"""

import json
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.test_results import ROOT, script

SENTENCE = re.compile(
    r"^(?:- )?(?P<subject>[^:\n]+): (?:undecided between (?P<one>.+) and (?P<other>.+?)"
    r"|\*\*(?P<arm>.+?)\*\* is (?P<side>better|worse|faster|slower|lower|higher) than \*\*(?P<than>.+?)\*\*), ",
    re.MULTILINE,
)
SHOWN = {
    name: block
    for name, blocks in script.find_results(ROOT).items()
    for block in blocks
    if block.command.startswith("bnlab compare ") and block.section == script.FINDINGS and SENTENCE.search(block.inside)
}
"""{name: a block} of the comparisons that say something of two arms."""


class Saying(NamedTuple):
    """What two arms are compared in: the final value of a metric, or the steps to a level of it."""

    subject: str
    arm: str
    baseline: str


def sayings(text: str) -> dict[Saying, str]:
    """Return {saying: "better", …, or "undecided"} for each sentence of a comparison's findings."""
    return {
        Saying(match["subject"], match["arm"] or match["one"], match["than"] or match["other"]): match["side"] or "undecided"
        for match in SENTENCE.finditer(text)
    }


def untrue(said: dict[Saying, str], found: dict[Saying, str]) -> list[str]:
    """Return a line for each saying that was not found again."""
    return [
        f"{key.subject}: {key.arm} against {key.baseline}: said {side}, found {found.get(key, 'no verdict')}"
        for key, side in said.items()
        if found.get(key) != side
    ]


def on_other_seeds(command: str, said: Iterable[Saying], seeds: int) -> list[str]:
    """Return the arguments of the same command over the seeds from 1,000 on, at the levels that are spoken of."""
    _, *arguments = shlex.split(command)
    if "--seeds" in arguments:
        at = arguments.index("--seeds")
        del arguments[at : at + 2]
    levels = dict.fromkeys(match[1] for one in said if (match := re.fullmatch(r"Test loss ≤ (\S+)", one.subject)))
    chosen = [part for level in levels for part in ("--threshold", f"test_loss={level}")]
    return [*arguments, "--seeds", f"1000:{1000 + seeds}", *chosen, "--json", "--quiet"]


def findings_of(bnlab, arguments: list[str]) -> dict[Saying, str]:
    answer = bnlab(*arguments)
    assert answer.code == 0, answer.err
    return sayings("\n".join(json.loads(answer.out)["findings"]))


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOWN)
def test_what_a_page_says_is_true_of_other_seeds(name: str, bnlab, folder: Path, request: pytest.FixtureRequest):
    block = SHOWN[name]
    if "mnist" in block.command or "article-00" in block.command:
        request.getfixturevalue("real_mnist")
    said = sayings(block.inside)
    seeds = max(int(number) for number in re.findall(r" of (\d+) seeds", block.inside))
    assert untrue(said, findings_of(bnlab, on_other_seeds(block.command, said, seeds))) == []


def test_an_untrue_sentence_is_found(bnlab, folder: Path):
    """The steps to a loss of the regression, which 20 seeds settle; the sentence on the final loss needs more of them."""
    block = SHOWN["article-000"]
    said = {one: side for one, side in sayings(block.inside).items() if one.subject.startswith("Test loss ≤ 2.3")}
    assert set(said.values()) == {"faster"}
    found = findings_of(bnlab, on_other_seeds(block.command, said, 20))
    assert untrue(said, found) == []
    planted = {one: "slower" if one.arm == "regression_bn" else side for one, side in said.items()}
    assert untrue(planted, found) == ["Test loss ≤ 2.3: regression_bn against regression: said slower, found faster"]
    missing = {Saying("Test loss ≤ 1", "regression_bn", "regression"): "undecided"}
    assert untrue(missing, found) == ["Test loss ≤ 1: regression_bn against regression: said undecided, found no verdict"]


def test_sentences_are_read():
    text = """
- Final test loss: **a_bn** is better than **a**, 0.1 ± 0.2 against 0.3 ± 0.1. Difference −0.2 [−0.3, −0.1].
- Final test accuracy: undecided between decay 0.9 and a b and decay 0.999, 97.283 ± 0.071 % against 97 ± 1 %.
- Article 003 states a final test loss of 0.23670065 for its one run of mnist: **reproduced**. By our 20 seeds, 95 % do.
- Test loss ≤ 0.089: decay 0.9 is faster than decay 0.999 so far, without a verdict (5 of the 6), 0.9 times the steps.
- Test loss ≤ 0.15: a_bn and a: no verdict: 8 of 24 seeds have no pair, 0.501 [0.465, 0.541] times the steps.
- Test loss ≤ 0.31: **a_bn** is faster than **a**, 0.472 [0.428, 0.519] times the steps; ahead in 24 of 24 seeds.
"""
    said = sayings(text)
    assert said == {
        ("Final test loss", "a_bn", "a"): "better",
        ("Final test accuracy", "decay 0.9 and a b", "decay 0.999"): "undecided",
        ("Test loss ≤ 0.31", "a_bn", "a"): "faster",
    }
    command = 'bnlab compare a a_bn --seeds 0:24 --set "probes=[x, y]"'
    assert on_other_seeds(command, said, 24) == [
        *("compare", "a", "a_bn", "--set", "probes=[x, y]", "--seeds", "1000:1024"),
        *("--threshold", "test_loss=0.31", "--json", "--quiet"),
    ]
    assert set(SHOWN) >= {"article-000", "article-001", "article-002", "article-003", "digits", "digits-ten-epochs"}
