"""What makes two configs one computation, and what does not."""

import json
import re
from typing import Annotated

import pytest
from annotated_types import doc

from bnlab.config import Config, load_config
from bnlab.runs import computation, identity, same_computation


def changed(*overrides: str, base: str = "regression_bn", seeds: str | None = None) -> Config:
    return load_config(base, overrides=overrides, seeds=seeds)


def test_the_hash_has_128_bits():
    assert re.fullmatch("[0-9a-f]{32}", identity(changed()))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([], ["name=other", "description=another text", "variant=x", "article='003'"]),
        ([], ["seeds={init: 5, data: [3, 4]}"]),
        ([], ["l2_penalty={scale: 0}"]),
        ([], ["l2_penalty={scale: 0, halved: false}"]),
        (["l2_penalty={scale: 0.2}"], ["l2_penalty={scale: 0.1, halved: false}"]),
        ([], ["model.norm.momentum=0.99", "model.norm.renorm=false", "optimizer.b1=0.9"]),
        (["optimizer.learning_rate=1"], ["optimizer.learning_rate=1.0"]),
        (["optimizer.learning_rate=0.001"], ["optimizer.learning_rate=1e-3"]),
        ([], ["model.norm.renorm_momentum=0.5"]),  # without renorm
        (["model.norm.renorm=true"], ["model.norm.renorm=tensorflow1", "model.norm.renorm_clipping={}"]),
        ([], ["model.norm.frozen=tensorflow1"]),  # of a layer that trains
        (["model.norm.scale=false"], ["model.norm.scale=false", "model.norm.gamma_init=5"]),
        (["model.norm.center=false"], ["model.norm.center=false", "model.norm.beta_init=5"]),
        (["model.norm.gamma_l2=0.2"], ["model.norm.gamma_l2=0.1", "model.norm.l2_halved=false"]),
        ([], ["model.norm.l2_halved=false"]),
        ([], ["optimizer.momentum=0.5", "optimizer.nesterov=true"]),  # of Adam
        (["optimizer={name: sgd}"], ["optimizer={name: sgd, b1: 0.5, epsilon: 0.1, nesterov: true}"]),
        ([], ["evaluation.train_statistics=moving"]),  # as model.norm.evaluate_with says
        ([], ["model.kernel_init={name: glorot_uniform}"]),
        ([], ["optimizer.schedule={name: constant}"]),
        ([], ["optimizer.schedule.warmup_from=0.5"]),  # without a warm-up
        (["optimizer.schedule.name=cosine"], ["optimizer.schedule={name: cosine, decay_steps: 2000}"]),
        ([], ["model.norm.precise_rows=100"]),  # without precise statistics
        (["record_every=2000"], ["record_every=9999"]),  # the last step alone
        ([], ["probes.rows=7", "probes.kernel_norm=false"]),  # rows of no probe
        (["probes=[kernel_norm]"], ["probes={kernel_norm: true, rows: 7}"]),
        (["probes=[input_quantiles]"], ["probes.input_quantiles={layer: 0, unit: 0}"]),  # the last hidden layer
    ],
)
def test_the_same_computation(one, other):
    assert same_computation(changed(*one), changed(*other))
    assert identity(changed(*one)) == identity(changed(*other))


DIFFERENT = [
    ["data.name=constant", "model.hidden=[]", "model.norm.position=input", "model.output_layer=false"],
    ["model.hidden=[11]"],
    ["model.activation=tanh"],
    ["model.kernel_init.name=he_normal"],
    ["model.kernel_init={name: normal, stddev: 0.01}"],
    ["model.kernel_init={name: normal, stddev: 0.1}"],
    ["model.noise={position: after_activation}"],
    ["model.noise={position: after_activation, mean: 1}"],
    ["model.norm={kind: layer}"],
    ["model.norm={kind: layer, epsilon: 0.01}"],
    ["model.norm.evaluate_with=precise"],
    ["model.norm.evaluate_with=precise", "model.norm.precise_rows=100"],
    ["model.norm=null"],
    ["model.norm.position=before_activation"],
    ["model.norm.momentum=0.98"],
    ["model.norm.trainable=false"],
    ["model.norm.trainable=false", "model.norm.frozen=tensorflow1"],
    ["model.norm.gamma_init=2"],
    ["model.norm.beta_init=-0.0"],  # another bit than 0.0
    ["model.norm.adjustment={}"],  # a scale of 1 and a bias of 0 are computed with all the same
    ["model.norm.renorm=keras3"],
    ["loss=mean_squared_error"],
    ["l2_penalty={scale: 0.1}"],
    ["optimizer.name=adam"],
    ["optimizer.weight_decay=0.1"],
    ["optimizer.learning_rate=0.0010000000000000002"],
    ["optimizer.schedule.warmup_steps=5"],
    ["optimizer.schedule.name=cosine"],
    ["optimizer.schedule={name: piecewise, boundaries: [5], factors: [0.1]}"],
    ["optimizer.schedule={name: piecewise, boundaries: [6], factors: [0.1]}"],
    ["optimizer.clip={name: value, threshold: 1}"],
    ["optimizer.clip={name: global_norm, threshold: 1}"],
    ["batch_size=10"],
    ["num_steps=1999"],
    ["record_every=2"],
    ["batches=epoch"],
    ["evaluation.train_rows=split"],
    ["probes=[kernel_norm]"],
    ["probes=[dead_units]"],
    ["probes={dead_units: true, rows: 7}"],
    ["probes=[input_quantiles]"],
    ["probes.input_quantiles.unit=1"],
    ["probes=[loss_along_gradient]"],
    ["probes.loss_along_gradient.multiples=[1]"],
]


def test_different_computations():
    configs = [changed(), *(changed(*overrides) for overrides in DIFFERENT)]
    assert len({identity(config) for config in configs}) == len(configs)
    assert not any(same_computation(configs[0], config) for config in configs[1:])


def test_batch_norm_at_its_defaults_is_not_no_batch_norm():
    assert computation(changed("model.norm={kind: batch}"))["model"]["norm"] == {}
    assert "norm" not in computation(changed("model.norm=null"))["model"]


def test_a_new_field_at_its_default_changes_nothing():
    """As a later version of the schema would have it; at another value it is another computation."""

    class Later(Config, frozen=True):
        gradient_clipping: Annotated[float | None, doc("A later field.")] = None
        warm_up: Annotated[int, doc("Another.")] = 0

    fields = changed().model_dump(mode="json")
    assert identity(Later.model_validate(fields)) == identity(changed())
    assert identity(Later.model_validate({**fields, "warm_up": 5})) != identity(changed())


def test_the_canonical_form_is_json():
    for name in ("mnist_bn", "digits", "bn_constant", "mnist_decay"):
        assert json.loads(json.dumps(computation(load_config(name)))) == computation(load_config(name))
