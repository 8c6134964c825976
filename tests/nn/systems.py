"""Other systems, which the tests of the layers are compared with where they are installed."""

import warnings

import pytest


def skip_unless(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name, reason=f"{name} is not installed: no parity with it is checked")
