"""What a worker does and says, without a cluster."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("distributed")

from bnlab.cluster import acceptance, connection, work
from bnlab.cluster.acceptance import Report, settings
from bnlab.config import SeedPair, load_config
from bnlab.data import Dataset, Split, load
from bnlab.environment import numerics
from bnlab.experiment import SeedsLost, SeedTask, train_here
from bnlab.training import prepare


def test_the_sum_of_a_data_set_is_of_its_arrays_types_and_shapes():
    def dataset(raw: np.ndarray, targets: np.ndarray) -> Dataset:
        return Dataset("made", Split(raw, targets), None, Split(raw, targets), None)

    x, y = np.arange(6, dtype=np.float32).reshape(3, 2), np.zeros(3, np.int32)
    same = work.sha256_of(dataset(np.asfortranarray(x), y.copy()))
    assert same == work.sha256_of(dataset(x, y))
    others = [dataset(x.reshape(2, 3), y), dataset(x, y.astype(np.float32)), dataset(np.where(x == 5, 6, x), y)]
    assert len({same, *map(work.sha256_of, others)}) == 4


def test_altered_data_are_refused():
    dataset = load("regression")
    whole = work.sha256_of(dataset)
    altered = replace(dataset, train=replace(dataset.train, targets=dataset.train.targets + 1))
    found = work.sha256_of(altered)
    with pytest.raises(ValueError, match=rf"^regression: arrived with SHA-256 {found}, expected {whole}$"):
        work._on_device(whole, altered)


def test_a_seed_in_pieces_has_the_bits_of_a_whole_one():
    (prepared,) = prepare([load_config("regression_bn", overrides=["num_steps=60", "record_every=7"])], segment_steps=14)
    assert len(prepared.segments) > 3
    (whole,) = work._parts([SeedTask(prepared, SeedPair(1, 1))])
    cut = replace(prepared, segments=prepared.segments[:2])
    (first,) = work._parts([SeedTask(cut, SeedPair(1, 1))])
    (rest,) = work._parts([SeedTask(prepared, SeedPair(1, 1), 2, first.leaves)])
    assert (first.next_segment, rest.next_segment) == (2, len(prepared.segments))
    assert (first.record, rest.record, whole.record) == (0, 4, 0)
    assert first.steps + rest.steps == whole.steps == 60
    for name, values in whole.metrics.items():
        np.testing.assert_array_equal(np.concatenate([first.metrics[name], rest.metrics[name]]), values)
    for one, other in zip(rest.leaves, whole.leaves, strict=True):
        np.testing.assert_array_equal(one, other)
    parts = list(train_here([SeedTask(prepared, SeedPair(1, 1))]))
    for one, other in zip(whole.leaves, parts[-1].leaves, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_worker_gets_the_settings_of_the_client():
    exact = numerics()
    assert settings(mixed=False) == {
        "BNLAB_THREADS": "1",
        "BNLAB_XLA_FLAGS": "off",
        "NPROC": exact["threads"],
        "XLA_FLAGS": exact["XLA_FLAGS"],
    }
    assert settings(mixed=True) == {"BNLAB_THREADS": "1"}


def test_a_refusal_says_what_differs():
    report = Report("tcp://10.0.0.7:1", None, {"jax": ("0.11.0", "0.10.2"), "threads": ("8", "2")}, {})
    assert connection.refusal(report) == (
        "worker tcp://10.0.0.7:1 is not used, because it may compute other bits: jax '0.11.0' there, '0.10.2' here; "
        "threads '8' there, '2' here; --mixed accepts it, and its runs record this"
    )
    older = Report("tcp://10.0.0.7:1", None, {"bnlab": ("0.0.9", "0.1.0")}, {})
    assert connection.refusal(older) == (
        "worker tcp://10.0.0.7:1 is not used, because it may compute other bits: bnlab '0.0.9' there, '0.1.0' here; "
        "install the same bnlab there"
    )


def test_kinds_are_told_apart_by_numerics():
    assert acceptance.kind_of({"a": "1", "b": "2"}) == acceptance.kind_of({"b": "2", "a": "1"})
    assert acceptance.kind_of({"a": "1"}) != acceptance.kind_of({"a": "2"})


def test_lost_seeds_are_named():
    config = load_config("regression_bn")
    one = SeedsLost([(config, SeedPair(3, 3))], "lost a worker 3 times")
    rest = "everything else is trained, and the same command tries again"
    assert str(one) == f"1 seed lost a worker 3 times: regression_bn, seed 3; {rest}"
    many = SeedsLost([(config, SeedPair(seed, 0)) for seed in range(7)], "lost a worker 3 times")
    named = "p, seed 0; p, seed 1 (data seed 0); p, seed 2 (data seed 0); p, seed 3 (data seed 0); p, seed 4 (data seed 0)"
    assert many.message(lambda config: "p") == f"7 seeds lost a worker 3 times: {named}; and 2 more; {rest}"
