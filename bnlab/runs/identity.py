"""What one seed's bits depend on in a config, in a canonical form, and its hash."""

import hashlib
import json
import weakref
from functools import cache
from typing import Any

from pydantic import BaseModel

from bnlab.config import WORDS, Config


def computation(config: Config) -> dict[str, Any]:
    """Return what one seed's bits depend on in the config, in a canonical form.

    Names, descriptions and seeds are left out; so is a field at its default, and one that has no effect beside the others
    (b1 of sgd, gamma_init without gamma, …). What is written in two ways and means the same has one form: a penalty is the
    factor of Σ w², and one of factor 0 is none; epochs are the steps that they last; a file is its content, not its path.
    """
    fields = _changed(config, config.model_dump(mode="json", exclude={*WORDS, "seeds"}))
    fields["num_steps"], fields["record_every"] = config.num_steps, min(config.record_every, config.num_steps)
    _drop(fields, {"num_epochs"})

    if config.data.found:  # the file's content decides, wherever it lies
        fields["data"]["found"] = config.data.found.sha256
        _drop(fields["data"], {"path"})

    fields.pop("l2_penalty", None)
    if config.l2_penalty and config.l2_penalty.scale:
        fields["l2_penalty"] = _factor(config.l2_penalty.scale, config.l2_penalty.halved)

    unused = {"b1", "b2", "epsilon"} if config.optimizer.name == "sgd" else {"momentum", "nesterov"}
    if not config.optimizer.momentum:
        unused.add("nesterov")
    _drop(fields["optimizer"], unused)

    schedule = config.optimizer.schedule
    own = fields["optimizer"].get("schedule", {})
    _drop(own, set() if schedule.warmup_steps else {"warmup_from"})
    _drop(own, {"decay_steps"} if schedule.decay_steps == config.num_steps else set())
    if not own:
        fields["optimizer"].pop("schedule", None)
    probes = fields.get("probes", {})
    if not config.probes.looks_at_rows:
        _drop(probes, {"rows"})
    if (quantiles := config.probes.input_quantiles) and quantiles.layer == len(config.model.hidden) - 1:
        _drop(probes["input_quantiles"], {"layer"})
    if not probes:
        fields.pop("probes", None)

    if not config.model.hidden:
        _drop(fields["model"], {"activation"} if config.model.output_layer else {"activation", "kernel_init"})
    evaluation, norm = config.evaluation, config.model.batch_norm
    if norm is None or evaluation.train_statistics == norm.evaluate_with:
        _drop(fields.get("evaluation", {}), {"train_statistics"})
    if not fields.get("evaluation"):
        fields.pop("evaluation", None)

    if norm is not None:
        own = fields["model"]["norm"]
        for name in ("gamma_l2", "beta_l2"):
            if scale := getattr(norm, name):
                own[name] = _factor(scale, norm.l2_halved)
        unused = {"l2_halved"}
        unused |= set() if norm.renorm else {"renorm_clipping", "renorm_momentum"}
        unused |= set() if norm.scale else {"gamma_init"}
        unused |= set() if norm.center else {"beta_init"}
        unused |= {"frozen"} if norm.trainable else set()
        unused |= set() if "precise" in (norm.evaluate_with, evaluation.train_statistics) else {"precise_rows"}
        _drop(own, unused)
        if own.get("renorm_clipping") == {}:
            del own["renorm_clipping"]
    return fields


def identity(config: Config) -> str:
    """Return the 128 bits that name a config's computation, as 32 hexadecimal digits.

    They find a run; whether it is the same computation is decided by comparing `computation` itself.
    """
    return hashlib.sha256(_text(config).encode()).hexdigest()[:32]


def same_computation(one: Config, other: Config) -> bool:
    """Return whether every seed has the same bits under both configs, numerics being equal."""
    return _text(one) == _text(other)  # to which 0.0 and -0.0 differ


_texts: dict[int, tuple[weakref.ref[Config], str]] = {}
"""{id of a config that is alive: the config, its text}. A config never changes, and a sweep asks many times for each."""


def _text(config: Config) -> str:
    """Return the computation as text."""
    found = _texts.get(id(config))
    if found is None or found[0]() is not config:
        key = id(config)
        found = weakref.ref(config, lambda _: _texts.pop(key, None)), json.dumps(computation(config), sort_keys=True)
        _texts[key] = found
    return found[1]


def _changed(section: BaseModel, given: dict[str, Any]) -> dict[str, Any]:
    """Return those of the `given` fields, as JSON has them, that are not at their defaults; sections within sections too.

    A section that is there where the default is None stays, though it be empty: batch norm at all its defaults is {}.
    """
    changed: dict[str, Any] = {}
    defaults = _defaults(type(section))
    for name, plain in given.items():
        value, default = getattr(section, name), defaults[name]
        if isinstance(value, BaseModel):
            inner = _changed(value, plain)
            if inner or default in (REQUIRED, "None"):
                changed[name] = inner
        elif repr(plain) != default:  # to which 0.0 and -0.0 differ
            changed[name] = plain
    return changed


REQUIRED = ""


@cache
def _defaults(section: type[BaseModel]) -> dict[str, str]:
    """Return {field: the text of its default, or REQUIRED}."""
    fields = section.model_fields.items()
    return {
        name: REQUIRED if field.is_required() else repr(_plain(field.get_default(call_default_factory=True)))
        for name, field in fields
    }


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def _factor(scale: float, halved: bool) -> float:
    return 0.5 * scale if halved else scale


def _drop(fields: dict[str, Any], names: set[str]) -> None:
    for name in names:
        fields.pop(name, None)
