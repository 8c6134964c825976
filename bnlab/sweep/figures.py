"""The figures of a sweep."""

from bnlab.sweep.analysis import Findings


def draw(findings: Findings) -> dict[str, bytes]:
    """Return {path in the sweep's folder: PNG or SVG}."""
    del findings
    return {}
