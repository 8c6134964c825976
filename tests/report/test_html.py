"""report.html as text: whole, harmless, accessible. test_browser.py opens it."""

import itertools
import random
import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

from bnlab.report import figures
from bnlab.report.document import Document, make_document
from bnlab.report.figures import Pair, Picture
from bnlab.report.html import to_html
from bnlab.report.markdown import to_markdown
from bnlab.report.model import CheckedStudy
from bnlab.report.text import clean
from tests.report.made_up import make

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """The elements of a page, its text, and whether each end tag closes what is open."""

    def __init__(self, page: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.unbalanced: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        self.unbalanced += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def shapes(self) -> set[tuple[str, frozenset[str]]]:
        """Every kind of element there is, with the names of its attributes."""
        return {(tag, frozenset(attributes)) for tag, attributes in self.elements}


@pytest.fixture(scope="module")
def page(report: Path) -> Page:
    return Page((report / "report.html").read_text())


class TestPage:
    def test_is_balanced(self, page: Page):
        assert page.unbalanced == []

    def test_asks_nothing_of_any_server(self, page: Page):
        addresses = [
            value for _, names in page.elements for key in ("src", "href", "action", "data") if (value := names.get(key))
        ]
        assert [value for value in addresses if not value.startswith(("#", "data:"))] == []
        style = files("bnlab.report").joinpath("templates", "report.css").read_text()
        assert not re.search(r"url\(|@import", style)
        (policy,) = [m["content"] for m in page.of("meta") if m.get("http-equiv") == "Content-Security-Policy"]
        assert re.fullmatch(
            r"default-src 'none'; img-src data:; style-src 'sha256-\S{44}'; script-src 'sha256-\S{44}'", policy or ""
        )

    def test_every_link_has_its_place(self, page: Page):
        places = [names["id"] for _, names in page.elements if "id" in names]
        assert len(set(places)) == len(places)
        links = {names["href"] for names in page.of("a")}
        assert len(links) == 14  # the skip link, two sources, eleven claims
        assert links <= {f"#{place}" for place in places}

    def test_every_picture_has_words(self, page: Page):
        assert next(names["alt"] for names in page.of("img")) == (
            "Test loss over 4 steps, one seed; at the end: no BN: 3; BN: 2."
        )
        assert [names["alt"] for names in page.of("img")][3] == (
            "Test accuracy over 4 steps, 8 seeds; median at the end: no BN: 69.7 %; BN: 79.3 %."
        )
        assert len(page.of("img")) == 4
        assert all(names["role"] == "img" and names["aria-label"] for names in page.of("svg"))
        assert len(page.of("svg")) == 9  # four numbers, two orders, one curve, two values of TensorFlow

    def test_headings_go_down_one_by_one(self, page: Page):
        levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels))

    def test_tables_say_what_their_cells_are(self, page: Page):
        assert {names.get("scope") for names in page.of("th")} == {"col", "row", "rowgroup"}

    def test_figures_stand_once(self, page: Page):
        sources = [names["src"] for names in page.of("img")]
        assert len(set(sources)) == len(sources)

    def test_is_small(self, report: Path):
        assert (report / "report.html").stat().st_size < 500_000

    def test_verdicts_have_a_word_and_a_symbol(self, page: Page):
        text = " ".join("".join(page.words).split())
        for verdict in (
            "✓ reproduced",
            "≈ unusual draw",
            "✗ contradicted",
            "… underpowered",
            "? underspecified",
            "– not run",
        ):
            assert verdict in text


def test_a_quick_report_says_so_in_every_verdict(tmp_path: Path, without_figures: None):
    page = Page(to_html(make_document(make(tmp_path, quick=True))).decode())
    text = " ".join("".join(page.words).split())
    badges = [names for names in page.of("span") if (names.get("class") or "").startswith("badge")]
    assert (
        len(badges) == 6 + 4 + 11 + 11 + 1 + 3
    )  # meanings, what did not come out, the table of all, the evidence, the curve, under two titles of figures
    assert text.count("(quick)") == len(badges) + 1  # and the title of the window
    assert "This is a quick report." in text


# --- Texts of any kind --------------------------------------------------------------------------------------

FRAGMENTS = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</style>", "</script>", "-->", "<!--", "]]>", '"', "'",
    "`", "&amp;", "&#60;b&#62;", "{{ 7 * 7 }}", "{% raw %}", "${x}", "null", "None", "undefined", "NaN", "", " ", "\x00",
    "\x1b[31m", "\ud800", "\ufffe", "\u202eabc", "\u200f", "שלום", "مرحبا", "批归一化", "👩🏽‍🔬", "|", "| --- |", "# x",
    "[a](javascript:alert(1))", "![a](http://example.com/a.png)", "http://example.com/", "**b**", "~~~", "\n\n", "\r\n",
    "\t", "../../etc/passwd", "$x^2$", "$\\frac$", "x" * 10_000, "<" * 500, "a&b", "<svg/onload=alert(1)>",
    "javascript:alert(1)", "<details open>", "</td></tr></table>",
)  # fmt: skip


def mutated(count: int) -> list[str]:
    """Return so many different texts, each of up to four fragments."""
    draw = random.Random(0)
    texts = dict.fromkeys(FRAGMENTS)
    while len(texts) < count:
        texts["".join(draw.choices(FRAGMENTS, k=draw.randint(1, 4)))] = None
    return list(texts)[:count]


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures that take no time: one pixel, with words of the study."""

    def draw(study: CheckedStudy) -> list[Pair]:
        words = "".join(study.pools)
        pictures = [Picture("a.png", words, words, metric.name.encode()) for metric in study.metrics]
        return [Pair(words, metric.name, one, one) for metric, one in zip(study.metrics, pictures, strict=True)]

    monkeypatch.setattr(figures, "draw", draw)


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[list[str], Document]]:
    """Documents whose texts are the mutated ones, with the texts that are in each."""
    texts, made = iter(mutated(200)), []
    with pytest.MonkeyPatch.context() as patch:
        without_figures.__wrapped__(patch)  # type: ignore[attr-defined]
        while True:
            used: list[str] = []

            def rename(text: str, used: list[str] = used) -> str:
                changed = next(texts, None)
                used.extend([] if changed is None else [changed])
                return text if changed is None else f"{changed}{text}"

            document = make_document(make(tmp_path_factory.mktemp("mutated"), rename=rename))
            if not used:
                return made
            made.append((used, document))


def test_two_hundred_texts_leave_the_page_whole(documents: list[tuple[list[str], Document]], page: Page):
    assert sum(len(texts) for texts, _ in documents) == 200
    for texts, document in documents:
        mutant = Page(to_html(document).decode())
        assert mutant.unbalanced == []
        assert mutant.shapes <= page.shapes | {("details", frozenset()), ("summary", frozenset())}
        assert len(mutant.of("script")) == len(mutant.of("style")) == 1
        assert not [name for _, names in mutant.elements for name in names if name.startswith("on")]
        assert not [names["href"] for names in mutant.of("a") if not (names["href"] or "").startswith("#")]
        shown = "".join(mutant.words) + "".join(str(value) for _, names in mutant.elements for value in names.values())
        shown = shown.replace("\r\n", "\n").lower()  # the name of a source begins with a capital letter
        lost = [text for text in texts if clean(text).replace("\r\n", "\n").lower() not in shown]
        assert lost == []


def test_two_hundred_texts_leave_the_markdown_harmless(documents: list[tuple[list[str], Document]]):
    for _, document in documents:
        lines = to_markdown(document, "figures").decode().splitlines()
        prose = "\n".join(line for line in lines if not line.startswith("    "))  # what is indented is code
        assert "<" not in prose
        assert not re.search(r"(?<!\\)\]\((?!#|figures/)", prose)  # a link to elsewhere
        assert "\x00" not in prose


# --- Colours ------------------------------------------------------------------------------------------------


def luminance(color: str) -> float:
    """Return the relative luminance of "#rrggbb" (WCAG 2.2)."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_worked_out_right():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_contrast(scheme: int):
    style = files("bnlab.report").joinpath("templates", "report.css").read_text()
    roots = re.findall(r":root \{([^}]*--text[^}]*)\}", style)
    assert len(roots) == 2
    colors: dict[str, str] = dict(re.findall(r"--([\w-]+): (#\w{6})", roots[scheme]))
    verdicts = [name.removesuffix("-back") for name in colors if name.endswith("-back")]
    assert len(verdicts) == 7  # and quick's own
    pairs = [(name, f"{name}-back") for name in verdicts]
    pairs += [(name, back) for name in ("text", "quiet", "link") for back in ("back", "card")]
    low = {pair: ratio for pair in pairs if (ratio := contrast(colors[pair[0]], colors[pair[1]])) < 4.5}
    assert low == {}
    assert min(contrast(colors[name], colors["card"]) for name in ("dot", "mark")) >= 3  # marks, not text
    outside = style.replace(roots[0], "").replace(roots[1], "")
    assert set(re.findall(r"#[0-9a-f]{6}\b", outside)) == {"#ffffff"}  # cards under figures, and paper
