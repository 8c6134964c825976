from pathlib import Path

import pytest

from bnlab.report.document import Document, make_document
from bnlab.report.model import Reproduction
from tests.report.made_up import make


@pytest.fixture(scope="session")
def reproduction(tmp_path_factory: pytest.TempPathFactory) -> Reproduction:
    """The made-up reproduction."""
    return make(tmp_path_factory.mktemp("made-up"))


@pytest.fixture(scope="session")
def document(reproduction: Reproduction) -> Document:
    return make_document(reproduction)


@pytest.fixture(scope="session")
def report(reproduction: Reproduction, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of its report."""
    from bnlab.report.writing import write

    return write(reproduction, tmp_path_factory.mktemp("report")).parent
