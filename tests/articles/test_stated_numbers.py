"""Every number that ARTICLES.md states of an article is a claim; the others are listed with the reason why they are none."""

import os
import re
from decimal import Decimal
from pathlib import Path

import pytest

from bnlab.articles import ARTICLES
from bnlab.claims import RunValue, StatedNumber

NUMBER = re.compile(r"(?<![\w.\-])\.?\d+(?:,\d{3})*(?:\.\d+)*(?:e-?\d+)?%?")

NO_CLAIM = {
    "000": {
        "the target, its points and the model": "3 2 1 20 300 10 6 0",
        "the training and what is looked at": "2,000 100 500 2000",
        "measured under TensorFlow, not stated": "10.1 3.90 2.21 8.5 3.10 12.1 3.06 2.18 3.3 2.37 2.25 13.5 2.74 2.16 14.5 "
        "2.72 2.26 12.0 2.75 2.15 15.6 2.94 2.19",
        "where smooth fits end, by our runs": "2.2",
    },
    "001": {
        "the model, the data and the training": "784 100 10 2 0.01 15,000 55,000 200 1 3 5 20",
        "advice, which is a claim on an order": "0.9",
        "measured under TensorFlow, not stated": "0.398 .8990 1.192 .8627 0.284 .9241 0.733 .9125 0.232 .9370 0.453 .9322 "
        "0.177 .9520 0.232 .9486 0.115 .9696 0.139 .9606 0.065 .9836 0.099 .9707 0.041 .9908 0.087 .9740 0.759 0.858",
    },
    "002": {
        "the kernel, the model and the training": "784 10 0.01 256 200",
        "what Keras' own penalty comes to; the article only says that it is not halved": "78.4",
    },
    "003": {
        "the model and the training": "32 10 2 0.01 1,718",
        "the number of each epoch": "0 1 2 3 4 5 6 7 8 9",
        "what ARTICLES.md says of bnlab's seeds": "84 40 60 20 95 99.9",
        "rounded from a stated number": "0.2367",
        "measured under TensorFlow, not stated": "0.0970 0.0063 0.188 0.012 0.9712 0.0019 0.954 0.005",
    },
    "004": {
        "the layer, its input and the number of calls": "1e-3 100.0 1,000 1.001",
        "measured on another CPU, or exact": "0.1323242 0.1322",
    },
}
"""{article: {why it is no claim: numbers}}."""


def value_of(text: str) -> Decimal | None:
    """Return the number that the text stands for; None for a version such as 1.4.1."""
    return None if text.count(".") > 1 else StatedNumber(text.replace(",", ""))._decimal


def find_sections() -> dict[str, str]:
    shared = [Path(__file__).resolve().parents[2].parent / "shared", Path(os.environ.get("BNLAB_DATA_DIR", "."), "..")]
    for folder in shared:
        if (folder / "ARTICLES.md").is_file():
            parts = re.split(r"^## ", (folder / "ARTICLES.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
            return {part[:3]: part for part in parts if part[:3] in ARTICLES}
    pytest.skip("../shared/ARTICLES.md is not here")


def strip_versions(section: str) -> str:
    """Return the section without its heading's number, the letter-bound names, and the releases of TensorFlow."""
    return re.sub(r"TensorFlow \d[\d.x]*|\(\d\.\d\.\d|article \d{3}|x[⁰⁵]", "", section[3:])


@pytest.mark.parametrize("id", ARTICLES)
def test_every_number_is_a_claim_or_has_a_reason(id: str):
    found = {value_of(text) for text in NUMBER.findall(strip_versions(find_sections()[id]))} - {None}
    claims = [claim for study in ARTICLES[id].studies for claim in study.claims]
    stated = {claim.stated._decimal for claim in claims if claim.stated}
    excused = {value_of(text) for numbers in NO_CLAIM[id].values() for text in numbers.split()}
    assert found - stated - excused == set()
    assert excused - found == set()


def test_the_cells_of_article_003():
    """The table of ARTICLES.md, cell by cell, is what the claims state."""
    rows = re.findall(r"^\| (\d) \| (.*) \|$", find_sections()["003"], flags=re.MULTILINE)
    study = ARTICLES["003"].studies[0]
    stated = {(c.check.arm, c.check.metric, c.check.step): c.printed for c in study.claims if isinstance(c.check, RunValue)}
    columns = (("BN", "train"), ("no BN", "train"), ("BN", "valid"), ("no BN", "valid"))
    seen = 0
    for epoch, cells in rows:
        for (arm, split), cell in zip(columns, cells.split(" | "), strict=True):
            loss, accuracy = re.fullmatch(r"([\d.]+) \(([\d.]+%)\)", cell).groups()  # pyright: ignore[reportOptionalMemberAccess]
            step = 1718 * (int(epoch) + 1)
            assert (stated[arm, f"{split}_loss", step], stated[arm, f"{split}_accuracy", step]) == (loss, accuracy)
            seen += 1
    assert seen == 40
