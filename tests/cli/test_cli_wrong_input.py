"""The user's mistakes: one clear message, exit 2, no traceback, and nothing left behind."""

import gzip
import os
import pickle
import re
import shutil
import struct
from pathlib import Path

import pytest
import typer

import bnlab as package
from bnlab.cli import app
from bnlab.cli.options import OPTIONS, message_of
from bnlab.config import NormConfig, load_config, shipped_configs
from bnlab.data.idx_sets import MNIST
from bnlab.errors import UserError

GOOD = load_config("regression").to_yaml()
NORM = ", ".join(NormConfig.model_fields)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("regression_bn", "--set", "model.norm.momentm=0.9"),
            f"CONFIG: model.norm.momentm: unknown key, expected one of {NORM} (did you mean momentum?)",
        ),
        (
            ("regression", "--set", "optimizer.name=adamm"),
            "CONFIG: optimizer.name: got 'adamm', expected one of adam, adam_tf, sgd (did you mean adam?)",
        ),
        (("regression", "--set", "batch_size=x"), "CONFIG: batch_size: got 'x', expected a valid integer"),
        (
            ("regression", "--set", "num_steps=-3"),
            "CONFIG: num_steps: got -3, expected greater than or equal to 1",
        ),
        (
            ("regression", "--set", "model.hidden=[0]"),
            "CONFIG: model.hidden.0: got 0, expected greater than or equal to 1",
        ),
        (
            ("regression", "--set", "batch_size=301"),
            "regression: batch_size: got 301, expected at most 300, the rows of the training set of regression",
        ),
        (
            ("regression", "--set", "model.hidden=[16384, 16384]"),
            "regression: model.hidden: makes 268,550,144 weights, expected at most 50,000,000",
        ),
        (
            ("regression_bn", "--set", "model.norm.virtual_batch_size=7"),
            "regression_bn: model.norm.virtual_batch_size: got 7, expected a divisor of batch_size (20)",
        ),
        (
            ("regresion",),
            "regresion: no such file, and no shipped config has that name (did you mean regression?); "
            "`bnlab configs` lists them",
        ),
        (
            ("regression", "--seeds", "5:2"),
            "--seeds: got '5:2', an empty range; its end is excluded",
        ),
        (
            ("regression", "--set", "batch_size"),
            "--set: got 'batch_size', expected key=value such as model.norm.momentum=0.9",
        ),
        (
            ("regression", "--set", "model.norm.momentum=0.9"),
            "--set: model.norm.momentum: model.norm is null in this config; set model.norm.kind=batch (or another) first",
        ),
        (
            ("regression_bn", "--set", "model.norm.renorm=keras3", "--set", "model.norm.renorm_momentum=1.0"),
            "CONFIG: model.norm.renorm_momentum: got 1.0, expected less than 1",
        ),
        (("regression", "regression"), "regression: 2 of the configs have this name; give each its own"),
    ],
)
def test_wrong_values(bnlab, folder, arguments, message):
    code, out, err = bnlab("train", *arguments, "--quiet")
    path = shipped_configs().get(arguments[0], "")
    assert (code, out, err) == (2, "", f"bnlab: {message.replace('CONFIG', str(path))}\n")
    assert list(folder.iterdir()) == []


def test_every_argument_that_an_error_names_is_an_option():
    commands = [*typer.main.get_command(app).commands.values()]  # pyright: ignore
    commands += [below for command in commands for below in getattr(command, "commands", {}).values()]
    offered = {parameter.name: parameter.opts[-1] for command in commands for parameter in command.params}
    assert {name: offered[name] for name in OPTIONS} == OPTIONS
    sources = "".join(path.read_text(encoding="utf-8") for path in Path(package.__file__).parent.rglob("*.py"))
    named = set(re.findall(r'argument="(\w+)"', sources))
    assert {"seeds", "overrides", "vary", "at", "steps"} <= named <= set(OPTIONS)


def test_what_is_said_in_python_and_on_the_command_line():
    error = UserError("got 'x', expected a number", argument="overrides", advice="see `bnlab train --help`")
    assert str(error) == "overrides: got 'x', expected a number"
    assert message_of(error) == "--set: got 'x', expected a number; see `bnlab train --help`"
    plain = UserError("x.yaml: the file is empty")
    assert str(plain) == message_of(plain) == "x.yaml: the file is empty"
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), message_of(again)) == (str(error), message_of(error))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("a: [1", "line 1, column 6: expected ',' or ']', but got '<stream end>'"),
        (GOOD + "batch_size: 20\n", f"line {len(GOOD.splitlines()) + 1}, column 1: the key 'batch_size' is given twice"),
    ],
)
def test_broken_files(bnlab, folder, text, message):
    Path("x.yaml").write_text(text, encoding="utf-8")
    assert bnlab("train", "x.yaml") == (2, "", f"bnlab: x.yaml: {message}\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("trian",), "No such command 'trian'. Did you mean 'train'?"),
        (("train", "--sedes", "3", "regression"), "No such option: --sedes"),
        (("train",), "Missing argument 'CONFIG…'"),
        (("replay", "regression", "x.npz", "--steps", "0"), "Invalid value for '--steps'"),
        (("data", "fecth"), "No such command 'fecth'. Did you mean 'fetch'?"),
    ],
)
def test_misspelt_commands_and_options(bnlab, arguments, words):
    code, out, err = bnlab(*arguments)
    assert (code, out) == (2, "")
    assert words in " ".join(err.replace("│", " ").split())
    assert "Traceback" not in err


def test_no_traceback_from_a_process_of_its_own(bnlab_process):
    answer = bnlab_process("train", "regression", "--set", "batch_size=301")
    assert answer == (
        2,
        "",
        "bnlab: regression: batch_size: got 301, expected at most 300, the rows of the training set of regression\n",
    )


# --- Folders ----------------------------------------------------------------------------------------------------------

SHORT = ("--set", "num_steps=2", "--quiet")


def test_an_out_that_holds_a_run(bnlab, folder):
    assert bnlab("train", "regression", *SHORT, "--out", "run").code == 0
    before = {path.name: path.read_bytes() for path in Path("run").iterdir()}
    code, out, err = bnlab("train", "regression", *SHORT, "--out", "run")
    assert (code, out) == (2, "")
    assert err.startswith("bnlab: run: holds a run already (config.yaml, ")
    assert err.endswith("choose another --out, or resume it with --resume\n")
    assert {path.name: path.read_bytes() for path in Path("run").iterdir()} == before


def test_an_out_that_is_a_file(bnlab, folder):
    Path("run").write_text("mine")
    code, out, err = bnlab("train", "regression", *SHORT, "--out", "run")
    assert (code, out) == (2, "")
    assert err.startswith("bnlab: run: cannot be written")
    assert len(err.splitlines()) == 1
    assert Path("run").read_text() == "mine"


def test_an_out_that_cannot_be_written(bnlab, folder):
    place = Path("/proc/bnlab") if os.geteuid() == 0 else folder / "closed" / "run"  # root may write in any other
    if os.geteuid():
        (folder / "closed").mkdir(mode=0o500)
    elif not Path("/proc").is_dir():
        pytest.skip("root may write everywhere here")
    code, out, err = bnlab("train", "regression", *SHORT, "--out", place)
    assert (code, out) == (2, "")
    assert err.startswith(f"bnlab: {place}: cannot be written")
    assert len(err.splitlines()) == 1


# --- MNIST ------------------------------------------------------------------------------------------------------------

LACK = (
    "  put MNIST's four .gz files in a folder and name it by BNLAB_DATA_DIR, "
    "or set data.name to digits, which needs no network"
)


@pytest.fixture
def own(tmp_path, monkeypatch) -> Path:
    """The user's data folder, empty, and a cache of the test's own."""
    monkeypatch.setenv("BNLAB_DATA_DIR", str(tmp_path / "own"))
    monkeypatch.setenv("BNLAB_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


def test_missing_mnist_without_network(bnlab, folder, own):
    code, out, err = bnlab("train", "mnist_bn", *SHORT)
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        "bnlab: mnist: train-images-idx3-ubyte.gz is missing and could not be fetched",
        f"  looked in {own}",
        f"  looked in {own / 'mnist'}",
        f"  looked in {folder / 'cache' / 'mnist'}",
        "  tried http://127.0.0.1:9/train-images-idx3-ubyte.gz: Connection refused",
        LACK,
    ]
    assert not Path("runs").exists()


def idx(magic: int, *shape: int) -> bytes:
    return gzip.compress(struct.pack(f">{1 + len(shape)}I", magic, *shape) + bytes(16), mtime=0)


MEND = "put a whole copy in its place, or delete it: bnlab then looks in the other folders, or fetches it"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            idx(0x0803, 60000, 28, 28)[:-9],
            "got a gzip stream that ends too early, expected a whole one",
        ),
        (idx(0x0801, 60000, 28, 28), "got magic number 0x00000801, expected 0x00000803"),
        (idx(0x0803, 59999, 28, 28), "got dimensions 59999 x 28 x 28, expected 60000 x 28 x 28"),
        (idx(0x0803, 60000, 28, 28), "got 16 values after the header, expected 47040000"),
        (b"hello", "got no readable gzip stream (Not a gzipped file (b'he')), expected one"),
    ],
    ids=["truncated", "magic", "count", "length", "no gzip"],
)
def test_damaged_mnist(bnlab, folder, own, content, message):
    path = own / MNIST.files[0].name
    path.write_bytes(content)
    assert bnlab("train", "mnist", *SHORT) == (2, "", f"bnlab: {path}: {message}; {MEND}\n")
    assert not Path("runs").exists()


def test_truncated_and_altered_copies_of_the_real_files(bnlab, folder, own, real_mnist):
    for file in MNIST.files:
        shutil.copyfile(real_mnist / file.name, own / file.name)  # not its mode: it may be read-only
    labels = own / MNIST.files[1].name
    whole = labels.read_bytes()

    labels.write_bytes(whole[: len(whole) // 2])
    _, _, err = bnlab("train", "mnist", *SHORT)
    assert err == f"bnlab: {labels}: got a gzip stream that ends too early, expected a whole one; {MEND}\n"

    raw = bytearray(gzip.decompress(whole))
    raw[100] ^= 1
    labels.write_bytes(gzip.compress(bytes(raw)))
    code, _, err = bnlab("train", "mnist", *SHORT)
    assert code == 2
    assert err.startswith(f"bnlab: {labels}: got altered values (SHA-256 ")
