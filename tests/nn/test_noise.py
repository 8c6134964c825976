"""The noise of "noisy" batch norm: its distribution, and what it depends on."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bnlab.models import MLP, apply_mlp, init_mlp
from bnlab.nn import BatchNorm, Noise, add_noise
from bnlab.options import OptionError

KEY = jax.random.key(0)


def scale_and_shift(noise: Noise, rows: int, features: int, key=KEY) -> tuple[np.ndarray, np.ndarray]:
    """Return s and m of every value: s · 1 + m − (s · 0 + m), and s · 0 + m."""
    shift = np.asarray(add_noise(jnp.zeros((rows, features)), noise, key))
    return np.asarray(add_noise(jnp.ones((rows, features)), noise, key)) - shift, shift


def test_the_scale_and_the_shift_of_a_feature():
    scale, shift = scale_and_shift(Noise(mean=0.5, stddev=1.25, mean_spread=0.0, stddev_spread=0.0), 3, 2000)
    # One draw for each feature: every row has the same.
    assert (np.ptp(shift, axis=0) == 0).all()
    assert np.ptp(scale, axis=0).max() < 1e-6
    # Uniform on ±0.5 and on [1, 1.25]: of 2,000 draws the extremes lie within 1 % of the ends.
    assert -0.5 <= shift.min() < -0.49 < 0.49 < shift.max() <= 0.5
    assert 0.999999 <= scale.min() < 1.0025 < 1.2475 < scale.max() <= 1.250001
    np.testing.assert_allclose(shift[0].std(), 1 / np.sqrt(12), rtol=0.05)
    np.testing.assert_allclose(scale[0].mean(), 1.125, atol=0.01)


def test_the_spread_within_a_feature():
    scale, shift = scale_and_shift(Noise(mean=0.0, stddev=1.0, mean_spread=0.1, stddev_spread=0.2), 20_000, 1)
    # m is uniform on ±0.1 with deviation 0.1/√3; s is normal around 1 with deviation 0.2 and not cut.
    assert -0.1 <= shift.min() < -0.0995 < 0.0995 < shift.max() <= 0.1
    np.testing.assert_allclose(shift.std(), 0.1 / np.sqrt(3), rtol=0.02)
    np.testing.assert_allclose([scale.mean(), scale.std()], [1, 0.2], atol=0.005)
    assert scale.max() > 1.6
    assert abs(np.corrcoef(scale[:, 0], shift[:, 0])[0, 1]) < 0.03


def test_no_noise_at_zero():
    x = jax.random.normal(jax.random.key(1), (5, 3))
    np.testing.assert_array_equal(add_noise(x, Noise(0.0, 1.0, 0.0, 0.0), KEY), x)


def test_the_gradient_is_the_scale():
    scale, _ = scale_and_shift(Noise(), 4, 3)
    gradient = jax.grad(lambda x: jnp.sum(add_noise(x, Noise(), KEY)))(jnp.ones((4, 3)))
    np.testing.assert_allclose(gradient, scale, rtol=1e-5)


def test_another_key_is_another_noise():
    one, again, other = (scale_and_shift(Noise(), 4, 3, jax.random.key(key)) for key in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (np.asarray(one) != np.asarray(other)).all()


@pytest.mark.parametrize("position", ["before_activation", "after_activation"])
def test_it_stands_after_the_norm_and_is_the_same_without_it(position):
    noise, x = Noise(position=position), jax.random.normal(jax.random.key(5), (8, 3))
    hidden, key = 4, jax.random.key(7)
    expected = scale_and_shift(noise, 8, hidden, jax.random.fold_in(key, 0))
    for norm in (None, BatchNorm()):
        model = MLP(3, (hidden,), None, activation="linear", norm=norm, position=position, noise=noise)
        params, state = init_mlp(model, jax.random.key(1))
        quiet, _ = apply_mlp(model, params, state, x, training=True)
        noisy, _ = apply_mlp(model, params, state, x, training=True, noise_key=key)
        np.testing.assert_allclose(noisy, expected[0] * quiet + expected[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mean": -1.0}, r"^mean: got -1\.0, expected greater than or equal to 0$"),
        ({"stddev": 0.5}, r"^stddev: got 0\.5, expected greater than or equal to 1$"),
        ({"position": "input"}, r"^position: got 'input', expected one of before_activation, after_activation$"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(OptionError, match=message):
        Noise(**arguments)
