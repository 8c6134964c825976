"""What a config file may hold, what is said of one that may not, and what `--set` and `--seeds` make of it."""

import dataclasses
import re

import pytest
import yaml

from bnlab import data
from bnlab.config import (
    Config,
    NormConfig,
    SeedPair,
    load_config,
    parse_config,
    parse_seeds,
    seeds_argument,
    seeds_text,
    shipped_configs,
)
from bnlab.config.schema import OptionSection, Section
from bnlab.errors import UserError
from bnlab.nn import BatchNorm, RenormClipping
from bnlab.options import NormOptions

GOOD = """\
name: good
data: {name: regression}
model:
  hidden: [10]
  norm: {kind: batch}
loss: half_sum_squares
optimizer: {name: adam_tf, learning_rate: 1e-3}
batch_size: 20
num_steps: 100
"""
TOP = ", ".join(Config.model_fields)
NORM = ", ".join(NormConfig.model_fields)
LAYER_NORM = "kind, epsilon, center, scale, position"
OPTIMIZER = "name, learning_rate, b1, b2, epsilon, momentum, nesterov, weight_decay, schedule, clip"


def parse(text: str = GOOD, *overrides: str) -> Config:
    return parse_config(text, "x.yaml", overrides=overrides)


def complaint(text: str = GOOD, *overrides: str) -> str:
    with pytest.raises(UserError) as caught:
        parse(text, *overrides)
    return str(caught.value)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        # keys
        ("optimiser.name=adam", f"optimiser: unknown key, expected one of {TOP} (did you mean optimizer?)"),
        (
            "optimizer.learning_rat=1",
            f"optimizer.learning_rat: unknown key, expected one of {OPTIMIZER} (did you mean learning_rate?)",
        ),
        (
            "model.norm.momentm=0.9",
            f"model.norm.momentm: unknown key, expected one of {NORM} (did you mean momentum?)",
        ),
        ("zzz=1", f"zzz: unknown key, expected one of {TOP}"),
        ("l2_penalty.halved=false", "l2_penalty.scale: is missing"),
        # types
        ("batch_size=2.5", "batch_size: got 2.5, expected a valid integer"),
        ("batch_size=abc", "batch_size: got 'abc', expected a valid integer"),
        ("batch_size=true", "batch_size: got true, expected a valid integer"),
        ("name=", "name: got null, expected a valid string"),
        ("num_steps=1e3", "num_steps: got 1000.0, expected a valid integer"),
        ("model.hidden=10", "model.hidden: got 10, expected a list"),
        ("model.hidden=[10,a]", "model.hidden.1: got 'a', expected a valid integer"),
        ("model=3", "model: got 3, expected a section of keys and values"),
        ("optimizer=adam", "optimizer: got 'adam', expected a section of keys and values"),
        ("optimizer.learning_rate='0.1'", "optimizer.learning_rate: got '0.1', expected a valid number"),
        ("article=5", "article: got 5, expected a valid string"),
        # ranges
        ("batch_size=0", "batch_size: got 0, expected greater than or equal to 1"),
        ("batch_size=-1", "batch_size: got -1, expected greater than or equal to 1"),
        ("batch_size=1000001", "batch_size: got 1000001, expected less than or equal to 1000000"),
        ("num_steps=0", "num_steps: got 0, expected greater than or equal to 1"),
        ("record_every=-5", "record_every: got -5, expected greater than or equal to 1"),
        ("model.hidden=[10,-2]", "model.hidden.1: got -2, expected greater than or equal to 1"),
        ("model.hidden=[0]", "model.hidden.0: got 0, expected greater than or equal to 1"),
        ("model.norm.epsilon=0", "model.norm.epsilon: got 0, expected greater than or equal to 1.2e-38"),
        ("model.norm.momentum=1.5", "model.norm.momentum: got 1.5, expected less than or equal to 1"),
        ("model.norm.renorm_momentum=1", "model.norm.renorm_momentum: got 1, expected less than 1"),
        (
            "model.norm.renorm_clipping={rmax: -1}",
            "model.norm.renorm_clipping.rmax: got -1, expected greater than or equal to 0",
        ),
        ("optimizer.learning_rate=-1", "optimizer.learning_rate: got -1, expected greater than or equal to 0"),
        ("optimizer.learning_rate=.nan", "optimizer.learning_rate: got nan, expected a finite number"),
        ("optimizer.learning_rate=.inf", "optimizer.learning_rate: got inf, expected a finite number"),
        ("seeds.init=-1", "seeds.init: got -1, expected greater than or equal to 0"),
        ("seeds.init=4294967296", "seeds.init: got 4294967296, expected less than 4294967296"),
        # choices
        (
            "optimizer.name=adamm",
            "optimizer.name: got 'adamm', expected one of adam, adam_tf, sgd (did you mean adam?)",
        ),
        ("optimizer.name=lion", "optimizer.name: got 'lion', expected one of adam, adam_tf, sgd"),
        (
            "data.name=digit",
            f"data.name: got 'digit', expected one of {', '.join(data.NAMES)} (did you mean digits?)",
        ),
        (
            "model.norm.position=after",
            "model.norm.position: got 'after', expected one of before_activation, after_activation, input",
        ),
        ("model.norm.renorm=3", "model.norm.renorm: got 3, expected one of tensorflow1, keras3"),
        ("optimizer.clip={name: value}", "optimizer.clip.threshold: is missing"),
        (
            "optimizer.schedule.name=cos",
            "optimizer.schedule.name: got 'cos', expected one of constant, piecewise, cosine (did you mean cosine?)",
        ),
        # what does not fit together
        (
            "optimizer.schedule.boundaries=[3]",
            "optimizer.schedule.boundaries: got [3], expected none: it belongs to name 'piecewise'",
        ),
        ("data.binarise=true", "data.binarise: got 0.5, expected null where the targets are no classes"),
        ("data.binarise=2", "data.binarise: got 2, expected less than or equal to 1"),
        (
            "model.noise={position: after_activation}",
            "model.noise.position: got 'after_activation', expected 'before_activation', where the norm stands",
        ),
        ("model.norm.kind=layr", "model.norm.kind: got 'layr', expected one of batch, layer, rms (did you mean layer?)"),
        ("model.norm={kind: layer, mode: 1}", f"model.norm.mode: unknown key, expected one of {LAYER_NORM}"),
        (
            "model.norm={kind: layer, momentum: 0.9}",
            f"model.norm.momentum: belongs to model.norm.kind batch, expected one of {LAYER_NORM} with kind layer",
        ),
        (
            "model.norm={kind: layer, epsilon: 0}",
            "model.norm.epsilon: got 0, expected greater than or equal to 1.2e-38",
        ),
        ("model.norm.evaluate_with=exact", "model.norm.evaluate_with: got 'exact', expected one of moving, batch, precise"),
        ("model.kernel_init.name=normal", "model.kernel_init.stddev: got null, expected a number with name 'normal'"),
        (
            "data.name=digits",
            "loss: got 'half_sum_squares', expected softmax_cross_entropy with data.name 'digits'",
        ),
        (
            "loss=softmax_cross_entropy",
            "loss: got 'softmax_cross_entropy', expected one of half_sum_squares, mean_squared_error "
            "with data.name 'regression'",
        ),
        (
            "model.hidden=[]",
            "model.norm.position: got 'before_activation', expected input: there is no hidden layer to stand at",
        ),
        (
            "model.output_layer=false",
            "model.output_layer: got false, expected true: only data.name 'constant' has targets like its inputs",
        ),
        ("seeds={init: [0, 1], data: [0, 1, 2]}", "seeds: init and data are lists of different lengths"),
        ("seeds.init=[3, 3]", "seeds: the same pair of seeds is given twice"),
        (
            "model.norm.adjustment.scale=[2, 1]",
            "model.norm.adjustment.scale: got [2, 1], expected the lower bound first",
        ),
        (
            "model.norm.renorm_clipping={rmin: 2, rmax: 1}",
            "model.norm.renorm_clipping.rmin: got 2.0, expected at most rmax (1.0)",
        ),
        (
            "model.norm.renorm_clipping={rmin: 1}",
            "model.norm.renorm_clipping: got bounds, expected null without renorm",
        ),
        (
            "model.norm={renorm: keras3, sample_variance: true}",
            "model.norm.sample_variance: got true, expected false with renorm keras3",
        ),
        (
            "model.norm={zero_debias_moving_mean: true, momentum: 1}",
            "model.norm.momentum: got 1.0, expected 1 - 2**-24 or less with zero_debias_moving_mean",
        ),
        ("model.norm={scale: false, gamma_l2: 0.1}", "model.norm.gamma_l2: got 0.1, expected 0 with scale false"),
        ("model.norm.mask=[true, false]", "model.norm.mask: got 2 places, expected batch_size (20)"),
    ],
)
def test_wrong_values(override, message):
    assert complaint(GOOD, override) == f"x.yaml: {message}"


def test_every_mistake_is_named_at_once():
    assert complaint(GOOD, "batch_size=-1", "num_steps=0").splitlines() == [
        "x.yaml: batch_size: got -1, expected greater than or equal to 1",
        "x.yaml: num_steps: got 0, expected greater than or equal to 1",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("# nothing but this\n", "the file is empty"),
        ("- a\n", "got a list, expected keys and values such as 'name: …'"),
        ("hello", "got a str, expected keys and values such as 'name: …'"),
        ("a: [1\n", "line 2, column 1: expected ',' or ']', but got '<stream end>'"),
        ("a:\tb\n c", "line 1, column 3: found character '\\t' that cannot start any token"),
        ("a: 1\nb: 2\na: 3\n", "line 3, column 1: the key 'a' is given twice"),
        ("a: {b: 1, b: 1}", "line 1, column 11: the key 'b' is given twice"),
        ("1: 2\n", "line 1, column 1: the key 1 is not text"),
        ("a: *b", "line 1, column 4: an alias (*name), which configs cannot have"),
        (
            "a: !!python/object/apply:os.system [ls]",
            "line 1, column 4: could not determine a constructor for the tag "
            "'tag:yaml.org,2002:python/object/apply:os.system'",
        ),
        ("\x00", "this is not YAML: unacceptable character #x0000: special characters are not allowed"),
        ("a: " + "[" * 3000, "values are nested too deeply"),
        (GOOD.replace("name: good\n", ""), "name: is missing"),
        (
            GOOD.replace("batch_size: 20\n", "batch_size: 20\nbatch_size: 20\n"),
            "line 9, column 1: the key 'batch_size' is given twice",
        ),
    ],
)
def test_broken_files(text, message):
    assert complaint(text) == f"x.yaml: {message}"


def test_a_file_that_is_not_text(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"name: \xff\xfe\n")
    with pytest.raises(UserError, match=f"^{re.escape(str(path))}: cannot be read: it is not UTF-8 text$"):
        load_config(path)


@pytest.mark.parametrize("number", ["1e-3", "1E-3", "0.001", "1.0e-3", ".001", "+1e-3"])
def test_numbers_as_people_write_them(number):
    assert parse(GOOD.replace("1e-3", number)).optimizer.learning_rate == 0.001
    assert parse(GOOD, f"optimizer.learning_rate={number}").optimizer.learning_rate == 0.001


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("regresion", " (did you mean regression?)"),
        ("configs/mnist_nb.yaml", " (did you mean mnist_bn?)"),
        ("zzz", ""),
    ],
)
def test_missing_config(source, hint):
    with pytest.raises(UserError) as caught:
        load_config(source)
    assert str(caught.value) == f"{source}: no such file, and no shipped config has that name{hint}"
    assert caught.value.advice == "`bnlab configs` lists them"


def test_a_folder_is_no_config(tmp_path):
    with pytest.raises(UserError, match=f"^{re.escape(str(tmp_path))}: is a folder, expected a config file$"):
        load_config(tmp_path)


def test_a_name_that_no_file_can_have():
    with pytest.raises(UserError) as caught:
        load_config("a" * 300)
    assert str(caught.value) == f"{'a' * 300}: cannot be read: File name too long"


def test_overrides():
    config = parse(
        GOOD,
        "model.norm.momentum=0.9",
        "model.hidden=[4, 5]",
        "l2_penalty.scale=1e-4",
        "l2_penalty.halved=false",
        "seeds.data=7",
        "seeds.data=8",  # the last one counts
        "variant=a = b",
    )
    assert config.model.norm is not None
    assert config.l2_penalty is not None
    assert config.model.norm.momentum == 0.9
    assert config.model.hidden == (4, 5)
    assert (config.l2_penalty.scale, config.l2_penalty.halved) == (1e-4, False)
    assert (config.seeds.init, config.seeds.data) == (0, 8)
    assert config.variant == "a = b"


def test_a_norm_is_switched_on_and_off():
    assert parse(GOOD, "model.norm=null").model.norm is None
    assert parse(GOOD, "model.norm=null", "model.norm.kind=batch").model.norm == NormConfig()
    assert complaint(GOOD, "model.norm=null", "model.norm.momentum=0.9") == (
        "overrides: model.norm.momentum: model.norm is null in this config; set model.norm.kind=batch (or another) first"
    )


def test_steps_and_epochs_are_not_both_set():
    assert parse(GOOD, "num_epochs=2").num_epochs == 2  # instead of the file's num_steps
    assert complaint(GOOD, "num_epochs=2", "num_steps=4") == (
        "overrides: got 'num_steps' beside 'num_epochs', expected one of the two"
    )


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("x", "overrides: got 'x', expected key=value such as model.norm.momentum=0.9"),
        ("=3", "overrides: got '=3', expected key=value such as model.norm.momentum=0.9"),
        ("a..b=3", "overrides: got 'a..b=3', expected key=value such as model.norm.momentum=0.9"),
        ("batch_size.x=1", "overrides: batch_size.x: batch_size is a value, it has no keys"),
        (
            "batch_size=[",
            "overrides: batch_size: line 1, column 2: expected the node content, but found '<stream end>'",
        ),
    ],
)
def test_wrong_overrides(override, message):
    assert complaint(GOOD, override) == message


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("3", [3]),
        ("0,1,5", [0, 1, 5]),
        ("0:4", [0, 1, 2, 3]),
        ("0:2,9", [0, 1, 9]),
        (" 1 , 2 ", [1, 2]),
        ("4294967295", [2**32 - 1]),
    ],
)
def test_seeds(text, seeds):
    assert parse_seeds(text) == seeds
    config = parse_config(GOOD, "x.yaml", seeds=text)
    assert config.seeds.pairs == [(seed, seed) for seed in seeds]
    assert config == parse_config(GOOD, "x.yaml", seeds=seeds)


EXPECTED_SEEDS = "expected a number, a list such as 0,1,5 or a range such as 0:16"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"got '', {EXPECTED_SEEDS}"),
        ("a", f"got 'a', {EXPECTED_SEEDS}"),
        ("-1", f"got '-1', {EXPECTED_SEEDS}"),
        ("1.5", f"got '1.5', {EXPECTED_SEEDS}"),
        ("0:", f"got '0:', {EXPECTED_SEEDS}"),
        ("3:3", "got '3:3', an empty range; its end is excluded"),
        ("7,5:2", "got '5:2', an empty range; its end is excluded"),
        ("0:3,1", "got '0:3,1', expected every seed once"),
        ("4294967296", "got '4294967296', expected at most 1,000,000 seeds below 2³²"),
        ("0:1000001", "got '0:1000001', expected at most 1,000,000 seeds below 2³²"),
    ],
)
def test_wrong_seeds(text, message):
    with pytest.raises(UserError) as caught:
        parse_seeds(text)
    assert str(caught.value) == f"seeds: {message}"


def test_one_seed_goes_with_every_one_of_the_other_list():
    assert parse(GOOD, "seeds={init: [1, 2, 3], data: 9}").seeds.pairs == [(1, 9), (2, 9), (3, 9)]
    assert parse(GOOD, "seeds={init: [5], data: [1, 2]}").seeds.pairs == [(5, 1), (5, 2)]
    assert parse(GOOD, "seeds={init: [1, 2], data: [3, 4]}").seeds.pairs == [(1, 3), (2, 4)]


@pytest.mark.parametrize(
    ("seeds", "text"),
    [
        ("7", "7"),
        ("4,5", "4, 5"),
        ("4:7", "4:7"),
        ("4,6,5", "4, 6, 5"),
        ("5,7,4294967295", "5, 7, 4294967295"),  # counting from the first to the last would fill any memory
        (",".join(map(str, range(0, 42, 2))), f"{', '.join(map(str, range(0, 40, 2)))}, … (21 of them)"),
    ],
)
def test_seeds_in_few_words(seeds, text):
    assert seeds_text(parse(GOOD).with_seeds([(seed, seed) for seed in parse_seeds(seeds)])) == text


@pytest.mark.parametrize("text", ["7", "4,5", "4:7", "4,6,5", ",".join(map(str, range(0, 42, 2)))])
def test_seeds_as_the_option_takes_them(text):
    assert seeds_argument(parse_seeds(text)) == text


def test_seeds_of_two_kinds_in_few_words():
    assert seeds_text(parse(GOOD, "seeds={init: [0, 1], data: 3}")) == "init 0, 1 with data 3, 3"


def test_records_are_every_so_often_and_at_the_end():
    for settings, steps in (((6, 2), [2, 4, 6]), ((7, 3), [3, 6, 7]), ((2, 5), [2])):
        config = parse(GOOD, f"num_steps={settings[0]}", f"record_every={settings[1]}")
        assert config.record_steps == steps
        assert config.num_records == len(steps)


@pytest.mark.parametrize("name", shipped_configs())
def test_shipped_configs_are_resolved_and_read_again(name):
    config = load_config(name)
    assert config.name == name
    assert config.description
    assert shipped_configs()[name].read_text(encoding="utf-8").startswith("# ")

    resolved = parse_config(config.to_yaml(), "resolved")
    assert resolved == config
    # every field stands there, so that a default that changes later does not change an old run
    assert yaml.safe_load(config.to_yaml()) == config.model_dump(mode="json")


def test_with_seeds():
    config = parse(GOOD, "seeds.init=7")
    assert config.seeds.pairs == [SeedPair(init=7, data=0)]
    assert config.with_seeds([(1, 4), (2, 5)]) == parse(GOOD, "seeds={init: [1, 2], data: [4, 5]}")
    assert config.with_seeds([(1, 4)]) == parse(GOOD, "seeds={init: 1, data: 4}")


def test_a_config_does_not_change():
    with pytest.raises(ValueError, match="frozen"):
        parse().batch_size = 3


def test_a_norms_options_are_those_of_the_layer():
    assert NormConfig().options == BatchNorm()
    norm = parse(
        GOOD,
        "model.norm={momentum: 0.5, center: false, formula: tensorflow, renorm: keras3}",
        "model.norm.renorm_clipping={rmin: 0.5, dmax: 2}",
    ).model.norm
    assert norm is not None
    clipping = RenormClipping(rmin=0.5, dmax=2.0)
    assert norm.options == BatchNorm(
        momentum=0.5, center=False, renorm="keras3", renorm_clipping=clipping, formula="tensorflow"
    )
    assert hash(norm.options) == hash(dataclasses.replace(norm.options))
    options = [field.name for field in dataclasses.fields(NormOptions)]
    assert list(NormConfig.model_fields) == ["kind", "position", *options, "batch_weights", "mask", "adjustment"]


def test_renorm_is_a_switch_too():
    assert parse(GOOD, "model.norm.renorm=true") == parse(GOOD, "model.norm.renorm=tensorflow1")
    assert parse(GOOD, "model.norm.renorm=false") == parse(GOOD)


@pytest.mark.parametrize(
    "field",
    [
        "model.norm.moving_variance_init",
        "optimizer.learning_rate",
        "model.norm={renorm: keras3, renorm_clipping: {rmax: %s}}",
    ],
)
def test_one_number_written_in_three_ways_is_one_value(field):
    override = field if "%s" in field else f"{field}=%s"
    texts = {parse(GOOD, override % number).to_yaml() for number in ("1", "1.0", "1e0", "+10e-1")}
    assert len(texts) == 1


def test_minus_zero_is_a_number_like_any_other():
    assert parse(GOOD, "model.norm.gamma_l2=-0.0", "optimizer.learning_rate=-0").optimizer.learning_rate == 0


SECTIONS = [*Section.__subclasses__(), *OptionSection.__subclasses__()]
SECTIONS.remove(OptionSection)  # it has no fields of its own


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_field_is_described_in_a_sentence(section):
    assert section.model_fields
    for name, field in section.model_fields.items():
        assert re.fullmatch(r"[A-Z|½\"].*\.", field.description or "", re.DOTALL), name
    properties = section.model_json_schema()["properties"]
    assert all("description" in properties[name] for name in section.model_fields)


def test_a_value_that_pydantic_refuses_in_words_of_its_own():
    assert complaint(GOOD, "name=a b") == (
        r"x.yaml: name: got 'a b', expected it to match pattern '^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$'"
    )


class TestDescriptions:
    """A description never says what overrides made untrue."""

    def test_what_overrides_changed_is_said(self):
        config = load_config("digits_bn", overrides=["num_steps=7", "model.norm.momentum=0.5"])
        assert config.description == (
            "The same with batch norm before each ReLU. Changed: model.norm.momentum=0.5, num_steps=7"
        )
        assert (config.variant, config.article) == ("", None)

    def test_a_new_section_is_shown_with_all_that_is_set_in_it(self):
        config = load_config("digits", overrides=["model.norm.kind=batch", "model.norm.momentum=0.5"])
        assert config.description.endswith(". Changed: model.norm={kind: batch, momentum: 0.5}")

    def test_changes_of_changes_are_added(self, tmp_path):
        path = tmp_path / "again.yaml"
        path.write_text(load_config("digits_bn", overrides=["num_steps=7"]).to_yaml(), encoding="utf-8")
        assert load_config(path, overrides=["batch_size=4"]).description == (
            "The same with batch norm before each ReLU. Changed: num_steps=7, batch_size=4"
        )

    @pytest.mark.parametrize(
        "override", ["name=mine", "seeds.init=3", "model.norm.momentum=0.9", "loss=softmax_cross_entropy"]
    )
    def test_what_computes_the_same_keeps_its_words(self, override):
        plain, same = load_config("digits_bn"), load_config("digits_bn", overrides=[override])
        assert (same.description, same.variant, same.article) == (plain.description, plain.variant, "003")

    def test_new_words_stay(self):
        config = load_config("digits_bn", overrides=["num_steps=7", "description=mine", "variant=short"])
        assert (config.description, config.variant) == ("mine", "short")
