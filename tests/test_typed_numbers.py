"""Numbers that bnlab measured stand only in results, which scripts/results.py writes.

The rule: a sentence of README, docs or a config's header holds a measured number if it has "±" between two numbers, a number
with a unit of time, memory or speed, or a decimal or a percentage beside a word of measuring (MEASURING). A cell of a table
holds one if it has the first or the second. Results and code do not count. Every such sentence is an error, except WAITING
and EXCEPTIONS, which say why.
"""

import re
from pathlib import Path

import pytest

from tests.test_results import CONFIGS, DEFINITIONS, PAGES, ROOT, script

NUMBER = r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?:e-?\d+)?"
AMOUNT = re.compile(rf"{NUMBER} ± {NUMBER}|{NUMBER} (?:s|ms|µs|min|seconds?|minutes?|hours?|[kKMG]i?B|GFLOP/s|GB/s)\b")
DECIMAL = re.compile(r"(?<![\w.,])(?:\d*\.\d+|\d+e-\d+|\d[\d.]* %)")
MEASURING = re.compile(
    r"\b(?:measured|takes?|took|peaks?|ends?|ended|gives?|gave|costs?|loss(?:es)?|accurac(?:y|ies)|ratios?)\b", re.IGNORECASE
)
CODE = re.compile(r"^```.*?^```$|^ {4,}.*?$|<!--.*?-->|`[^`\n]*`", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^ +(?:BNLAB_\S+ )?(?:bnlab|python) .*$", re.MULTILINE)
"""A command in a config's header, with the hint behind it."""
TABLE_ROW = re.compile(r"^\|.*$", re.MULTILINE)

WAITING = re.compile(r"about \d+ (?:s|minutes)\b")
"""How long to wait for the command beside it, in a config's header: a hint to one digit, not a result."""
EXCEPTIONS = {
    "A kernel of 784×10 ones and λ = 0.01 give a penalty of 39.2.": "what article 002 states",
    "The network with BN ends at a test loss of 0.1055 and an accuracy of 97.13 %": "what article 003 states",
    "The article states a test accuracy of 0.9449 and a test loss of 0.2367 for its one run.": "what article 003 states",
    "The article states a test accuracy of 0.9713 and a test loss of 0.1055 for its one run.": "what article 003 states",
    "a step on 0.12 takes longer than on 0.10.2": "versions of JAX",
    "If the loss varies by 0.1 from seed to seed, then a difference of 0.05": "an example",
    "Five epochs end with step 203, which completes the fifth (5 · 40.53 rounded up).": "worked by hand",
    "expect that test loss at the end.": "worked by hand: the power of article 000's cosine",
    "the moving averages still hold 61 % of their first values.": "worked by hand: 0.999 to the power of 500",
    "(arXiv 2105.07576)": "the number of a paper",
    "m = 0.9 forgets its start within a hundred batches.": "worked by hand: 0.9 to the power of 100",
    "a rate of 0.1 and a deviation of 0.1, which are our choice.": "a setting",
    "the loss of guessing, log 10 = 2.3:": "worked by hand",
    "One of them is 0.4 points of accuracy": "worked by hand: one of 250",
    "the interval of a ratio near 1 is about ±0.3, with ten about ±0.9.": "worked by hand: 1.96 · √(2 / seeds)",
    "A ratio from 0.5 to 1.5 counts as 1.": "a bound",
    "at which the training loss lies between 0.2 and 1.": "a bound",
}
"""{part of a sentence: why its number is not one that bnlab measured}."""


def sentences(path: Path) -> tuple[list[str], list[str]]:
    """Return the sentences of a page or of a config's header, and the rows of tables."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".yaml":
        header = "\n".join(line[1:] for line in text.splitlines() if line.startswith("#"))
        text = COMMAND.sub(r"\n\g<0>\n", WAITING.sub("", header))
    else:
        text = CODE.sub("", DEFINITIONS.sub("", script.BLOCK.sub("", text)))
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n|\n(?=#|- |\d\. )", TABLE_ROW.sub("", text)))
    return [one for part in paragraphs for one in re.split(r"(?<=[.;!?])\s+", part)], TABLE_ROW.findall(text)


def typed_numbers(path: Path) -> list[str]:
    """Return the sentences and rows that hold a measured number."""
    prose, rows = sentences(path)
    found = [one for one in prose if AMOUNT.search(one) or (DECIMAL.search(one) and MEASURING.search(one))]
    return found + [row for row in rows if AMOUNT.search(row)]


def excepted(sentence: str) -> list[str]:
    return [part for part in EXCEPTIONS if part in sentence]


TEXTS = [*PAGES, *CONFIGS, *sorted((ROOT / "configs" / "sweeps").glob("*.yaml"))]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_measured_number_is_typed(path: Path):
    assert [one for one in typed_numbers(path) if not excepted(one)] == []


def test_every_exception_is_needed():
    needed = {part for path in TEXTS for one in typed_numbers(path) for part in excepted(one)}
    assert set(EXCEPTIONS) - needed == set()


PLANTED = """# A page

The last accuracy is 0.978 ± 0.009
over 16 seeds. It took 38 seconds; memory peaks at 358 MB.
With momentum 0.9 it ends at
0.972. The test loss gave 2 %. One page in `0.978 ± 0.009` code takes 12 steps of 0.5 rows.

| pitfall | measured |
| --- | --- |
| one | 7.9 ± 3.7 |
| two | 0.99 |

<!-- result: one: bnlab train one -->
ends at 0.9 ± 0.1 after 2 s
<!-- end of result -->

The default momentum is 0.99, over 2,000 steps. A 95 % interval holds 0.
"""


def test_planted_numbers_are_found(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text(PLANTED, encoding="utf-8")
    assert typed_numbers(page) == [
        "The last accuracy is 0.978 ± 0.009 over 16 seeds.",
        "It took 38 seconds;",
        "memory peaks at 358 MB.",
        "With momentum 0.9 it ends at 0.972.",
        "The test loss gave 2 %.",
        "One page in code takes 12 steps of 0.5 rows.",
        "| one | 7.9 ± 3.7 |",
    ]
    config = tmp_path / "one.yaml"
    config.write_text(
        "# Article 003.\n#   bnlab train one     (about 2 s)\n# Measured, seeds 0-15: test\n# loss 281 ± 69.\nname: one\n"
        "momentum: 0.9  # loss 0.9\n",
        encoding="utf-8",
    )
    assert typed_numbers(config) == ["Measured, seeds 0-15: test loss 281 ± 69."]
