"""The documentation site: it builds without a warning, no link is dead, and no page asks another host for anything."""

import html
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import pytest

from bnlab.sources import STUDIES

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def load(name: str) -> ModuleType:
    """Return a module of docs/site, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / "site" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


docstrings, endings = load("docstrings"), load("endings")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; a warning, such as an unknown link or a page without a place, is an error."""
    pytest.importorskip("furo", reason="the group docs is not installed: the site was not built")
    folder = tmp_path_factory.mktemp("site")
    options = (
        "--fail-on-warning",
        "--keep-going",
        "--quiet",
        "--conf-dir",
        "docs/site",
        "--doctree-dir",
        str(folder / "trees"),
    )
    command = [sys.executable, "-m", "sphinx", *options, ".", str(folder / "html")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert (ended.returncode, ended.stderr) == (0, "")
    return folder / "html"


class Page(HTMLParser):
    """What a page links to (a), what it loads (link, script, img), and the names of its places."""

    def __init__(self, path: Path):
        super().__init__()
        self.path = path
        self.links: list[str] = []
        self.loads: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value is not None}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        self.loads += [given[name] for name in ("src", "href") if name in given and tag != "a"]


def dead_links(folder: Path) -> list[str]:
    """Return the links and the loaded files of all pages that are not there."""
    pages = {path: Page(path) for path in sorted(folder.rglob("*.html"))}
    dead: list[str] = []
    for path, page in pages.items():
        for link in page.links + page.loads:
            place, _, name = link.partition("#")
            if re.match(r"[a-z]+:|//", place):
                continue
            target = (path.parent / unquote(place.partition("?")[0])).resolve() if place else path
            there = target.exists() and (not name or target not in pages or unquote(name) in pages[target].places)
            if not there:
                dead.append(f"{path.relative_to(folder)}: {link}")
    return dead


def requests(folder: Path) -> list[str]:
    """Return what pages and style sheets would load from another host."""
    loads = [load for path in folder.rglob("*.html") for load in Page(path).loads]
    styles = [path.read_text(encoding="utf-8") for path in folder.rglob("*.css")]
    loads += [url for style in styles for url in re.findall(r"""(?:url\(|@import )\s*["']?([^"')\s;]+)""", style)]
    return [load for load in loads if re.match(r"(?:https?:)?//", load)]


def test_no_link_is_dead(site: Path):
    assert dead_links(site) == []


def test_nothing_is_asked_of_another_host(site: Path):
    assert requests(site) == []


def test_dead_links_and_requests_are_found(tmp_path: Path):
    (tmp_path / "a.html").write_text(
        '<h1 id="one"></h1><a href="#one"></a><a href="#two"></a><a href="b.html"></a><a href="c/"></a><img src="d.png">'
        '<a href="https://example.org/"></a><script src="//example.org/e.js"></script>',
        encoding="utf-8",
    )
    (tmp_path / "s.css").write_text("@import 'https://example.org/f.css'; p {background: url(data:x)}", encoding="utf-8")
    assert dead_links(tmp_path) == ["a.html: #two", "a.html: b.html", "a.html: c/", "a.html: d.png"]
    assert requests(tmp_path) == ["//example.org/e.js", "https://example.org/f.css"]


def test_the_start_page_is_the_readme(site: Path):
    assert (site / "index.html").read_bytes() == (site / "README.html").read_bytes()


def test_every_claim_is_there(site: Path):
    page = (site / "docs" / "site" / "claims.html").read_text(encoding="utf-8")
    claims = [claim for study in STUDIES.values() for claim in study.claims]
    assert len(re.findall(r'<tr class="row-(?:even|odd)">\s*<td>', page)) == len(claims) > 200


def test_every_public_name_is_there(site: Path):
    import bnlab

    page = (site / "docs" / "site" / "api.html").read_text(encoding="utf-8")
    shown = set(re.findall(r'id="(bnlab\.[\w.]+)"', page))
    assert {f"bnlab.{name}" for name in bnlab.__all__} <= shown
    assert {"bnlab.nn.batch_norm", "bnlab.statistics.paired_difference", "bnlab.optimizers.make_optimizer"} - shown == set()


MEASURE = """
const pages = PAGES, seen = [], frame = document.querySelector("iframe");
const next = () => pages.length ? frame.src = pages[0] : document.title = JSON.stringify(seen);
frame.addEventListener("load", () => {
  const page = frame.contentDocument, root = page.documentElement;
  if (!pages.length || !frame.src) return;
  seen.push({
    page: pages.shift().split("/html/")[1], width: root.clientWidth, needed: root.scrollWidth,
    pictures: [...page.images].filter((image) => !image.naturalWidth).map((image) => image.src),
    requests: frame.contentWindow.performance.getEntriesByType("resource").map((one) => one.name)
      .filter((name) => !name.startsWith("file:") && !name.startsWith("data:")),
  });
  next();
});
next();
"""


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: the site was not opened in a browser")
@pytest.mark.parametrize("width", [400, 1400])
def test_in_a_browser(site: Path, tmp_path: Path, width: int):
    pages = sorted(path.as_uri() for path in site.rglob("*.html"))
    outer = tmp_path / "outer.html"
    outer.write_text(
        f'<!DOCTYPE html><title></title><iframe style="border:0;width:{width}px;height:900px"></iframe>'
        f"<script>{MEASURE.replace('PAGES', json.dumps(pages))}</script>",
        encoding="utf-8",
    )
    options = (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--allow-file-access-from-files",
        "--disable-background-networking",
    )
    more = (f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={max(width, 500)},1000", "--virtual-time-budget=60000")
    command = [str(CHROMIUM), *options, *more, "--dump-dom", outer.as_uri()]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    title = re.search(r"<title>(.+?)</title>", ended.stdout, re.DOTALL)
    assert title
    seen = json.loads(html.unescape(title[1]))
    assert len(seen) == len(pages) > 20
    assert [one for one in seen if one["needed"] > one["width"] or one["pictures"] or one["requests"]] == []


# --- Docstrings ---------------------------------------------------------------------------------------------


def to_rst(text: str) -> str:
    return "\n".join(docstrings.to_rst(text.splitlines()))


def test_text_is_escaped_and_code_is_kept():
    assert to_rst("Where |mean| is *old*, renorm_x of `a_b`s: 2 * 3 * 4.") == (
        r"Where \|mean\| is \ *old*\ , renorm\_x of \ ``a_b``\ s\: 2 \* 3 \* 4." + "\n"
    )


def test_formulas_and_tables_keep_their_lines():
    assert to_rst("First:\n    y = |x|\n\na   the first\nb   the second") == (
        "::\n\n    First:\n        y = |x|\n\n::\n\n    a   the first\n    b   the second\n"
    )


def test_lists():
    assert to_rst("Either\n- one, which\n  is long\n- `two`") == "Either\n\n- one, which is long\n- \\ ``two``\\ \n"


def test_sections():
    assert to_rst("Raises:\n    ValueError: where\n        it is bad.\n    OSError: else.") == (
        "**Raises**\n\n- ValueError\\: where it is bad.\n- OSError\\: else.\n"
    )


# --- What is made from the package --------------------------------------------------------------------------


def test_navigation_follows_the_table_of_contents(tmp_path: Path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "README.md").write_text(
        "# All\n\n## One\n\n| page | what |\n| --- | --- |\n| [A](a.md): it | [claims](b.md) |\n", encoding="utf-8"
    )
    tree = endings.navigation(tmp_path)
    assert "```{toctree}\n:hidden:\n:caption: One\n\nA <docs/a>\n↳ claims <docs/b>\n```\n" in tree
    assert ":caption: Start\n\nStart here <self>\nAll pages <docs/README>\n" in tree
