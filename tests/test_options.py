"""The closed lists of choices: all code that takes a choice knows every choice of its list. Also the check of ranges."""

import re
from dataclasses import dataclass
from typing import Annotated, get_args

import jax.numpy as jnp
import pytest
from annotated_types import Ge, MultipleOf, doc

from bnlab import data, options
from bnlab.config import LOSS_UNITS
from bnlab.data.batches import batches
from bnlab.nn import activation, losses
from bnlab.optimizers import make_optimizer


def test_every_choice_is_known_where_it_is_taken():
    assert {*data._MADE, *data._IDX, *data._OWN} == set(options.DATA_SETS) == set(get_args(options.DataName))
    assert set(data._OWN) == {name for name, facts in options.DATA_SETS.items() if facts is None}
    for name in get_args(options.Activation):
        assert activation(name)(jnp.zeros(2)).shape == (2,)
    assert set(LOSS_UNITS) == set(get_args(options.Loss))
    for name in get_args(options.Loss):
        assert callable(getattr(losses, name))
    for name in get_args(options.OptimizerName):
        assert make_optimizer(name, 0.1)
    for kind in get_args(options.BatchOrder):
        assert batches(kind, 5, 2, seed=0, start=0, count=1).shape == (1, 2)


def test_options_by_hand():
    layer = options.BatchNorm(momentum=0, epsilon=1.2e-38, virtual_batch_size=1, axis=1)
    assert (layer.momentum, layer.epsilon, layer.virtual_batch_size, layer.axis) == (0, 1.2e-38, 1, 1)
    assert options.BatchNorm(momentum=1.0).momentum == 1  # the moving values then never move
    assert hash(layer) == hash(options.BatchNorm(momentum=0, epsilon=1.2e-38, virtual_batch_size=1, axis=1))


def test_the_error_names_option_and_problem():
    with pytest.raises(options.OptionError) as refused:
        options.BatchNorm(gamma_l2=3.1e38)
    assert (refused.value.option, refused.value.problem) == ("gamma_l2", "got 3.1e+38, expected less than or equal to 3e+38")
    assert str(refused.value) == "gamma_l2: got 3.1e+38, expected less than or equal to 3e+38"
    assert isinstance(refused.value, ValueError)


def test_a_limit_that_nothing_checks_is_no_silent_one():
    @dataclass(frozen=True)
    class Odd:
        a: Annotated[int, Ge(0), doc("A number.")] = 3
        b: Annotated[int, MultipleOf(2)] = 3

    message = "b: MultipleOf(multiple_of=2) is a limit that is not checked here"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        options._check_fields(Odd(), Odd)
