"""Two processes on one runs/: what one of them has begun or finished is refused to the other."""

from bnlab import experiment
from bnlab.config import load_config
from bnlab.runs import Claims


def test_a_folder_that_was_not_locked_yet_and_is_finished_since(folder):
    """The other process makes its folder, and locks it only after we have looked. Then it is quick."""
    config = load_config("regression", overrides=["num_steps=3"])
    theirs = Claims([config.name]).claim(config, None)
    assert theirs is not None
    ours = Claims([config.name])
    experiment.run_all([(config, theirs)], draw=False)
    assert ours.taken(config)
    assert ours.claim(config, None) is None
    assert [path.name for path in theirs.parent.iterdir()] == [theirs.name]


def test_what_was_finished_before_is_no_obstacle(folder):
    config = load_config("regression", overrides=["num_steps=3"])
    before = experiment.train(config).path
    ours = Claims([config.name])
    assert not ours.taken(config)
    made = ours.claim(config, None)
    assert made is not None
    assert made != before
