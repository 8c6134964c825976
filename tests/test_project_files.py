"""CITATION.cff agrees with the package, and the workflows are what GitHub and PyPI can take."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import bnlab

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOWS = {path.stem: path for path in (ROOT / ".github" / "workflows").glob("*.yml")}


def read_workflow(name: str) -> dict[str, Any]:
    return yaml.load(WORKFLOWS[name].read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # `on` stays a word


def test_citation_is_that_of_the_package():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    # What the Citation File Format 1.2.0 requires.
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["cff-version"] == "1.2.0"
    assert all("name" in author or "family-names" in author for author in citation["authors"])
    assert citation["version"] == bnlab.__version__
    assert (citation["title"], citation["license"]) == (PROJECT["name"], PROJECT["license"])
    assert (citation["abstract"], citation["keywords"]) == (PROJECT["description"], PROJECT["keywords"])
    assert citation["authors"] == PROJECT["authors"]


@pytest.mark.parametrize("name", sorted(WORKFLOWS))
def test_workflow(name: str):
    workflow = read_workflow(name)
    assert workflow["name"] == name
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["runs-on"] == "ubuntu-24.04"
        assert int(job["timeout-minutes"]) <= 60
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+(\.\d+\.\d+)?", step.get("uses", "a/b@v1")), step
            if script := re.match(r"scripts/\w+", step.get("run", "")):
                assert (ROOT / script[0]).is_file()


def test_every_supported_python_is_tested():
    versions = read_workflow("test")["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert versions == ["3.11", "3.12", "3.13"]
    assert PROJECT["requires-python"] == f">={versions[0]}"


def test_a_release_needs_the_owner_and_no_secret():
    release = read_workflow("release")
    assert release["on"] == {"push": {"tags": ["v*"]}}
    build, publish = release["jobs"]["build"], release["jobs"]["publish"]
    assert build["if"] == "vars.PUBLISH_TO_PYPI == 'yes'"
    assert (publish["needs"], publish["environment"]["name"]) == ("build", "pypi")
    assert publish["permissions"] == {"id-token": "write"}
    assert all("secrets." not in path.read_text(encoding="utf-8") for path in WORKFLOWS.values())
