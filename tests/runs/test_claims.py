"""Two processes on one runs/: what one of them has begun or finished is refused to the other."""

from pathlib import Path

from bnlab import experiment
from bnlab.config import load_config
from bnlab.runs import Claims, folders


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


def test_two_folders_of_the_same_second(folder, monkeypatch):
    """Both processes have looked before either made its folder. The one that made it later gives way."""
    monkeypatch.setattr(folders.time, "strftime", lambda _: "20260131-235959")
    config = load_config("regression")
    ours, theirs = Claims([config.name]), Claims([config.name])
    first = theirs.claim(config, None)
    assert first is not None
    assert ours.claim(config, None) is None
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_two_answers_of_the_same_moment(folder, monkeypatch):
    """Another process makes the folder between our look and our attempt."""
    looked: list[Path] = []
    free = folders._free_folder

    def look(parent: Path, *, before: str) -> Path:
        looked.append(free(parent, before=before))
        if len(looked) == 1:
            looked[0].mkdir(parents=True)
        return looked[-1]

    monkeypatch.setattr(folders, "_free_folder", look)
    made = folders.sweep_folder("small", None)
    assert made == looked[1] != looked[0]
    assert made.is_dir()
