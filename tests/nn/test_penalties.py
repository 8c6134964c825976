"""The L2 penalty, with article 002's own check."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bnlab.nn import l2_penalty


def test_article_002s_check():
    ones = [jnp.ones((784, 10))]
    # rtol: the float32 nearest to 0.01 · 7840 / 2 is off by 4e-8
    assert float(l2_penalty(ones, 0.01)) == pytest.approx(39.2, rel=1e-6)
    assert float(l2_penalty(ones, 0.01, halved=False)) == pytest.approx(78.4, rel=1e-6)


def test_all_kernels_count():
    kernels = [jnp.array([[1.0, -2.0]]), jnp.array([[3.0], [0.0]])]  # 1 + 4 and 9 + 0
    assert l2_penalty(kernels, 0.5) == 3.5
    assert l2_penalty(kernels, 0.5, halved=False) == 7.0
    assert l2_penalty([], 0.5) == 0.0


def test_gradient():
    kernel = jnp.array([[1.0, -2.0], [0.5, 4.0]])
    halved = jax.grad(lambda kernel: l2_penalty([kernel], 0.25))(kernel)
    np.testing.assert_array_equal(halved, 0.25 * kernel)
    whole = jax.grad(lambda kernel: l2_penalty([kernel], 0.25, halved=False))(kernel)
    np.testing.assert_array_equal(whole, 0.5 * kernel)
