"""docs/config.md is what the schema says."""

import importlib.util
from pathlib import Path

from bnlab.config import describe_fields

ROOT = Path(__file__).resolve().parent.parent


def test_the_page_is_made_from_the_schema():
    spec = importlib.util.spec_from_file_location("make_config_page", ROOT / "scripts" / "make_config_page.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    page = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    assert page == script.make_page(), "run scripts/make_config_page.py"
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) == len(describe_fields())  # no field is left out, or stands there twice
