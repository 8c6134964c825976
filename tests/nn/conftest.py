"""Keras on JAX, for the tests of the layers."""

import pytest

from tests.nn.systems import skip_unless


@pytest.fixture(scope="module")
def keras():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "jax")
        keras = skip_unless("keras")
        if keras.backend.backend() != "jax":
            pytest.skip(f"Keras runs on {keras.backend.backend()} here, and on JAX in this test")
        yield keras
