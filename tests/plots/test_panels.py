"""The titles of small panels."""

import pytest

from bnlab.plots.panels import new_panels


@pytest.mark.parametrize(
    ("labels", "titles"),
    [
        (["optimizer.learning_rate=0.00013", "optimizer.learning_rate=0.1"], ["learning_rate=0.00013", "learning_rate=0.1"]),
        (["model.norm.momentum=0.9", "model.norm.epsilon=0.1"], ["momentum=0.9", "epsilon=0.1"]),
        (["regression", "regression_bn"], ["regression", "regression_bn"]),
        (["a.b=1", "c"], ["a.b=1", "c"]),
        (["x=1.5", "x=1.25"], ["x=1.5", "x=1.25"]),
        (["a" * 20 + "=" + "b" * 20] * 4, ["a" * 20 + "=\n" + "b" * 20] * 4),
    ],
)
def test_titles_are_short_and_never_cut_a_number(labels, titles):
    _, panels = new_panels(labels)
    assert [axes.get_title(loc="left") for axes in panels] == titles
