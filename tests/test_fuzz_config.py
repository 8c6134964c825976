"""Unusual configs: each gives a run of two steps or one clear UserError, and never another exception."""

import contextlib
import copy
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bnlab import experiment
from bnlab.config import Config, load_config, parse_config, shipped_configs
from bnlab.errors import UserError

BASES = [
    yaml.safe_load(load_config(name).to_yaml())
    for name in ("regression_bn", "digits_bn", "regression", "regression_bn_batch_stats", "bn_constant")
]

NUMBERS = st.one_of(
    st.sampled_from([0, 1, 2, 3, 20, 32, -1, 2**31, 2**32, 2**63, 10**30, 0.0, -0.0, 0.5, 0.9, 1.0, 1.5, -1.0]),
    st.sampled_from([1e-45, 1e-320, 1e-3, 1e30, 1e38, 1e39, 1e300, float("inf"), float("-inf"), float("nan")]),
    st.floats(-2, 2),
    st.integers(0, 64),
)
KNOWN = [
    "regression",
    "mnist",
    "digits",
    "constant",
    "relu",
    "tanh",
    "sigmoid",
    "linear",
    "batch",
    "moving",
    "input",
    "epoch",
]
KNOWN += ["layer", "precise", "gelu", "cosine", "piecewise", "global_norm", "value", "normal", "he_normal"]
KNOWN += ["resampled", "adam", "adam_tf", "sgd", "split", "tensorflow1", "keras3", "tensorflow2", "before_activation", "000"]
KNOWN += ["after_activation", "half_sum_squares", "mean_squared_error", "softmax_cross_entropy", "int", "constrained-int"]
ODD = ["../../etc", "", ".", "..", "a/b", "a\nb", "\x00", "ü", "\ud800", "name\n", "x" * 101]
WORDS = st.sampled_from([*KNOWN, *ODD])
VALUES = st.recursive(
    st.one_of(NUMBERS, NUMBERS, WORDS, WORDS, st.booleans(), st.none(), st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)


def places(tree: object, path: tuple = ()) -> list[tuple]:
    if not isinstance(tree, dict):
        return []
    return [place for key, value in tree.items() for place in [(*path, key), *places(value, (*path, key))]]


def like(value: object) -> st.SearchStrategy:
    """Values of the same type, so that many configs pass and are trained."""
    if isinstance(value, bool):
        return st.just(not value)
    if isinstance(value, int):
        return st.integers(0, 40)
    if isinstance(value, float):
        return NUMBERS.map(float) | st.floats(0, 1)
    return st.lists(st.integers(1, 16), max_size=3) if isinstance(value, list) else st.sampled_from(KNOWN)


@st.composite
def mutated(draw: st.DrawFn) -> dict:
    config = copy.deepcopy(draw(st.sampled_from(BASES)))
    for _ in range(draw(st.integers(1, 3))):
        *path, key = draw(st.sampled_from(places(config) or [("name",)]))
        section = config
        for step in path:
            section = section[step]
        kind = draw(st.sampled_from(["like", "like", "like", "like", "like", "set", "delete", "add"]))
        if kind == "delete":
            del section[key]
        elif kind == "add":
            section[draw(WORDS)] = draw(VALUES)
        else:
            section[key] = draw(VALUES if kind == "set" else like(section[key]))
    return config


def small(config: Config) -> Config:
    """The same config for two steps, with narrow layers and few seeds: slow runs find no further errors."""
    fields = config.model_dump(mode="json")
    fields["model"]["hidden"] = [min(width, 32) for width in config.model.hidden[:3]]
    if not config.model.output_layer and config.model.hidden:
        fields["model"]["hidden"] = list(config.model.hidden[:1])
    fields["seeds"] = dict(zip(("init", "data"), config.seeds.pairs[0], strict=True))
    fields |= {"num_steps": 2, "record_every": 1}
    if config.data.name == "mnist":
        fields["data"] = {"name": "digits"}
    return Config.model_validate(fields)


def check(tree: dict, folder: Path) -> str:
    try:
        text = yaml.safe_dump(tree, allow_unicode=True)
        config = small(parse_config(text, "fuzzed.yaml"))
        number = sum(1 for _ in folder.iterdir())
        (run,) = experiment.run_all([(config, folder / str(number))], draw=False)
    except UserError as error:
        refusal = str(error)
    else:
        assert run.path.parent == folder
        assert len(run.step) == 2 or run.summary["failed"]
        assert all(values.dtype == np.float32 for values in run.curves.values())
        return "trained"
    assert refusal
    assert "Traceback" not in refusal
    return "refused"


RELAXED = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@settings(RELAXED, max_examples=500)
@given(mutated())
def test_validation_says_what_is_wrong(tree):
    config = refusal = None
    try:
        config = parse_config(yaml.safe_dump(tree, allow_unicode=True), "fuzzed.yaml")
    except UserError as error:
        refusal = str(error)
    if config is None:
        assert refusal is not None
        assert refusal.startswith("fuzzed.yaml: ")
        return
    assert parse_config(config.to_yaml(), "again.yaml") == config
    assert "/" not in config.name
    assert config.name not in (".", "..")


def train_each(examples: int, folder: Path) -> dict[str, int]:
    counts = {"trained": 0, "refused": 0}

    @settings(RELAXED, max_examples=examples)
    @given(mutated())
    def each(tree):
        counts[check(tree, folder)] += 1

    each()
    return counts


def test_each_mutated_config_trains_or_is_refused(tmp_path):
    assert min(train_each(60, tmp_path).values()) >= 10


@pytest.mark.slow
def test_two_thousand_mutated_configs(tmp_path):
    counts = train_each(2_000, tmp_path)
    print(counts)
    assert sum(counts.values()) >= 2_000


SNIPPETS = [b"!!bool x", b"!!int ''", b"!!float ''", b"!!timestamp x", b"!!map [1]", b"!!map x", b"!!set {a}", b"&a [*a]"]
SNIPPETS += [b"<<: {a: 1}", b"\x00", b"\xff", b"\t", b"1e999", b"0x" + b"f" * 5000, b"9" * 5000, b"0:16", b"? [a]\n: b\n"]
SNIPPETS += [b"!!python/object/apply:os.system ['true']", b"2001-99-99", b"2001-01-01", b"{", b"[", b"- ", b": ", b"\n", b"'"]
SNIPPETS += [b'"\\ud800"', b"int: 3\n", b"constrained-int: 3\n", b"[" * 3000, b"!!binary x", b"!!omap x", b"%YAML 9.9\n---\n"]
TEXTS = [path.read_bytes() for path in shipped_configs().values()]


@settings(RELAXED, max_examples=300)
@given(st.data())
def test_mutated_bytes_are_read_or_refused(tmp_path_factory, data):
    text = bytearray(data.draw(st.sampled_from(TEXTS)))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        kind = data.draw(st.sampled_from(["snippet", "snippet", "byte", "cut"]))
        if kind == "snippet":
            text[at:at] = data.draw(st.sampled_from(SNIPPETS))
        elif kind == "byte" and at < len(text):
            text[at] = data.draw(st.integers(0, 255))
        else:
            del text[at : at + data.draw(st.integers(0, 200))]
    path = tmp_path_factory.getbasetemp() / "fuzzed.yaml"
    path.write_bytes(text)
    refusal = f"{path}: "
    try:
        load_config(path)
    except UserError as error:
        refusal = str(error)
    assert refusal.startswith(f"{path}: ")


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_yaml_that_readers_stumble_over(tmp_path, snippet):
    path = tmp_path / "odd.yaml"
    path.write_bytes(b"name: x\narticle: " + snippet + b"\n")
    with pytest.raises(UserError) as raised:
        load_config(path)
    assert str(raised.value).startswith(f"{path}: ")


@pytest.mark.parametrize("key", ["int", "constrained-int", "tuple[", "Constrained"])
def test_an_unknown_key_that_pydantic_uses_itself(key):
    with pytest.raises(UserError, match=r"^odd\.yaml: .*: unknown key, expected one of name, article"):
        parse_config(yaml.safe_dump({**BASES[0], key: 3}), "odd.yaml")


def test_aliases_cannot_fill_the_memory():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12))]
    with pytest.raises(UserError, match=r"^bomb\.yaml: line 2, column 10: an alias \(\*name\), which configs cannot have$"):
        parse_config("\n".join(lines), "bomb.yaml")


@settings(RELAXED, max_examples=300)
@given(st.sampled_from(places(BASES[0])), VALUES | st.text(max_size=8), st.sampled_from(["=", "", ".x=", ".="]))
def test_mutated_overrides(place, value, joint):
    override = f"{'.'.join(place)}{joint}{value}"
    with contextlib.suppress(UserError):
        load_config("regression_bn", overrides=[override])
