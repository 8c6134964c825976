"""report.html in headless Chromium. Where that is not installed, these tests are skipped."""

import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bnlab.report import html as html_module
from bnlab.report.document import Document

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: the report was not opened in a browser")

QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--enable-logging=stderr",
)  # fmt: skip


class Answer(NamedTuple):
    """What Chromium wrote: the page as it stands after loading, and what its console said."""

    page: str
    console: list[str]


Browse = Callable[..., Answer]


@pytest.fixture
def browse(tmp_path: Path) -> Browse:
    """browse(page, *options) opens a file in a new profile."""

    def call(page: Path, *options: str) -> Answer:
        command = [str(CHROMIUM), *QUIET, f"--user-data-dir={tmp_path / 'profile'}", *options, page.as_uri()]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert ended.returncode == 0, ended.stderr
        return Answer(ended.stdout, re.findall(r".*CONSOLE.*", ended.stderr))

    return call


MEASURE = """
const frame = document.querySelector("iframe");
frame.addEventListener("load", () => {
  const page = frame.contentDocument, root = page.documentElement;
  const select = page.querySelectorAll("#filters select");
  const shown = () => page.querySelectorAll("#all-claims tr[data-verdict]:not([hidden])").length;
  const all = shown();
  if (select.length) {
    select[1].value = "reproduced";
    select[1].dispatchEvent(new Event("change", {bubbles: true}));
  }
  const styled = page.querySelector(".badge");
  document.title = JSON.stringify({
    width: root.clientWidth, needed: root.scrollWidth, all, reproduced: shown(),
    pictures: [...page.images].map((image) => image.naturalWidth),
    requests: frame.contentWindow.performance.getEntriesByType("resource").map((one) => one.name)
      .filter((name) => !name.startsWith("data:")),
    back: frame.contentWindow.getComputedStyle(page.body).backgroundColor,
    badge: frame.contentWindow.getComputedStyle(styled).color,
    filter: !page.getElementById("filters").hidden,
    clipped: [...page.querySelectorAll("th, td, p, h1, h2, h3, h4, pre, summary")]
      .filter((one) => one.clientWidth > 1 && one.scrollWidth > one.clientWidth + 1)
      .map((one) => one.textContent.slice(0, 40)),
  });
});
frame.srcdoc = PAGE;
"""


@pytest.fixture
def measure(browse: Browse, report: Path, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """measure(width) shows the report in a frame of this width, filters by "reproduced" and says what is seen."""

    def call(width: int, *options: str, sandbox: str = "allow-same-origin allow-scripts") -> dict[str, Any]:
        # "<" stands as \\u003c in the script, so that no tag of the report ends it
        page = json.dumps((report / "report.html").read_text()).replace("<", "\\u003c")
        outer = tmp_path / "outer.html"
        outer.write_text(
            '<!DOCTYPE html><meta charset="utf-8"><title></title>'
            f'<iframe sandbox="{sandbox}" style="border:0;width:{width}px;height:900px"></iframe>'
            f"<script>{MEASURE.replace('PAGE', page)}</script>"
        )
        answer = browse(outer, "--dump-dom", "--virtual-time-budget=5000", f"--window-size={max(width, 500)},1000", *options)
        title = re.search(r"<title>(.*?)</title>", answer.page, re.DOTALL)
        assert title
        return {**json.loads(html.unescape(title[1])), "console": answer.console}

    return call


@pytest.mark.parametrize("width", [400, 768, 1400])
def test_no_scrolling_sideways(measure: Callable[..., dict[str, Any]], width: int):
    seen = measure(width)
    assert seen["needed"] <= seen["width"] <= width
    assert seen["clipped"] == []


def test_filter_and_pictures(measure: Callable[..., dict[str, Any]]):
    seen = measure(1400)
    assert (seen["all"], seen["reproduced"]) == (11, 5)
    assert len(seen["pictures"]) == 4
    assert min(seen["pictures"]) > 500  # all of them were read
    assert seen["requests"] == []


def test_both_schemes(measure: Callable[..., dict[str, Any]]):
    light, dark = measure(1400), measure(1400, "--blink-settings=preferredColorScheme=0")
    assert (light["back"], dark["back"]) == ("rgb(251, 251, 248)", "rgb(20, 23, 26)")
    assert (light["badge"], dark["badge"]) == ("rgb(10, 95, 49)", "rgb(147, 227, 178)")


def test_with_javascript(browse: Browse, report: Path):
    answer = browse(report / "report.html", "--dump-dom")
    assert answer.console == []
    assert "11 claims shown" in answer.page
    assert '<fieldset id="filters" class="filters" aria-label="Filter the claims">' in answer.page


def test_without_javascript(measure: Callable[..., dict[str, Any]]):
    seen = measure(400, sandbox="allow-same-origin")
    assert len(seen["console"]) == 1
    assert "Blocked script execution" in seen["console"][0]  # the browser's own words; nothing else is said
    assert not seen["filter"]
    assert (seen["all"], seen["clipped"]) == (11, [])
    assert seen["needed"] <= seen["width"]


def test_what_is_planted_is_not_run_and_is_seen_in_the_console(browse: Browse, report: Path, tmp_path: Path):
    planted = tmp_path / "planted.html"
    page = (report / "report.html").read_text()
    planted.write_text(page.replace("</main>", "<script>document.title = 'planted'</script></main>"))
    answer = browse(planted, "--dump-dom")
    assert "<title>planted" not in answer.page
    assert len(answer.console) == 1
    assert "Content Security Policy" in answer.console[0]


def pages_of_figures(paper: bytes) -> list[set[int]]:
    """Return for each page of a PDF by Chromium the numbers of the pictures that it draws."""
    objects = {int(number): body for number, body in re.findall(rb"(\d+) 0 obj\s*(.*?)endobj", paper, re.DOTALL)}
    pictures = {number for number, body in objects.items() if re.match(rb"<<[^>]*/Subtype\s*/Image", body)}
    pages: list[set[int]] = []
    for body in objects.values():
        if re.search(rb"/Type\s*/Page\b", body):
            drawn = re.search(rb"/XObject\s*<<(.*?)>>", body, re.DOTALL)
            pages.append({int(number) for number in re.findall(rb"(\d+) 0 R", drawn[1])} & pictures if drawn else set())
    return pages


def print_to_pdf(browse: Browse, page: Path) -> list[set[int]]:
    paper = page.with_suffix(".pdf")
    browse(page, f"--print-to-pdf={paper}", "--no-pdf-header-footer")
    return pages_of_figures(paper.read_bytes())


def test_printed_no_figure_is_cut(browse: Browse, report: Path, tmp_path: Path):
    """A figure that is cut is drawn on two pages."""
    printed = tmp_path / "report.html"
    printed.write_bytes((report / "report.html").read_bytes())
    pages = print_to_pdf(browse, printed)
    assert 4 <= len(pages) <= 12  # the verdicts, two sources, how it was made
    drawn = [picture for page in pages for picture in page]
    assert (len(drawn), len(set(drawn))) == (4, 4)


def test_a_figure_that_is_cut_is_found(browse: Browse, document: Document, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    own = html_module._own
    cut = "@media print { figure img { max-height: none; height: 40cm; object-fit: fill } }"
    monkeypatch.setattr(html_module, "_own", lambda name: own(name) + (cut if name.endswith(".css") else ""))
    page = tmp_path / "cut.html"
    page.write_bytes(html_module.to_html(document))
    drawn = [picture for page in print_to_pdf(browse, page) for picture in page]
    assert len(set(drawn)) == 4
    assert len(drawn) > 4


def test_without_styles_everything_is_there(browse: Browse, report: Path, tmp_path: Path):
    """Nothing but the styles hides anything, and the pictures have a size of their own."""
    plain = tmp_path / "plain.html"
    page = (report / "report.html").read_text()
    shown = "<script>document.title = JSON.stringify({text: document.body.innerText, sizes: SIZES})</script>"
    sizes = "[...document.querySelectorAll('img, svg')].map((one) => one.getBoundingClientRect().width)"
    plain.write_text(
        re.sub(r"<style>.*?</style>|<meta http-equiv=.*?>", "", page, flags=re.DOTALL)
        .replace("<details>", "<details open>")
        .replace("</body>", shown.replace("SIZES", sizes) + "</body>")
    )
    title = re.search(r"<title>(.*?)</title>", browse(plain, "--dump-dom").page, re.DOTALL)
    assert title
    seen = json.loads(html.unescape(title[1]))
    for text in ("What did not come out as the source says", "BN learns faster.", "✗ contradicted", "3.035 [2.969, 3.101]"):
        assert text in seen["text"]
    # the summary, the head of a table, the filter, the meanings, under a figure, all claims, their evidence
    assert seen["text"].count("reproduced") == 1 + 1 + 1 + 1 + 1 + 5 + 5
    assert [size for size in seen["sizes"] if size < 200] == []
    assert len(seen["sizes"]) == 4 + 9
