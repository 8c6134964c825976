"""What a sweep answers: the best point by hand, `--dry-run` and `--json`, its estimate, figures and runs compared."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from bnlab import plots
from bnlab.cli import answers
from bnlab.sweep import estimate, load_sweep, make_plan
from bnlab.sweep.analysis import Findings, analyse
from bnlab.sweep.best import best_difference, best_points
from bnlab.sweep.pages import to_markdown
from bnlab.sweep.planning import Cost, Outcome
from tests.cli.test_cli_json import fits

GRID = (
    "name: small\nbase: regression\narms: {plain: {}, bn: {model.norm: {kind: batch}}}\nseeds: 0:2\n"
    "grid: {optimizer.learning_rate: [1e-3, 1e-2], num_steps: [20], record_every: [10]}\n"
)


@pytest.fixture
def small(folder: Path) -> Path:
    Path("small.yaml").write_text(GRID, encoding="utf-8")
    return Path("small.yaml")


def found(path: Path, *finals: list[float], seeds: str) -> Findings:
    """Return the findings of a sweep whose points have these final test losses."""
    sweep = load_sweep(path, seeds=seeds)
    outcomes = [Outcome(point.config, sweep.measured) for point in sweep.points]
    for outcome, values in zip(outcomes, finals, strict=True):
        outcome.finals = {metric.name: np.array(values) for metric in sweep.measured}
    return analyse(sweep, outcomes)


class TestBest:
    def test_the_best_mean_and_what_the_seeds_cannot_tell_from_it(self, small):
        """plain: means 2 and 3; the differences 1, −1, 3 have mean 1 ± 4.303 · 2 / √3, which holds zero.

        bn: means 5 and 1; the differences 4, 4, 4 are not near zero.
        """
        findings = found(small, [1, 3, 2], [2, 2, 5], [5, 6, 4], [1, 2, 0], seeds="0:3")
        plain, bn = best_points(findings)
        assert (plain.arm, plain.point, plain.among, plain.chosen.mean, plain.rivals) == ("plain", 0, 2, 2.0, (1,))
        assert (bn.arm, bn.point, bn.among, bn.chosen.mean, bn.rivals) == ("bn", 3, 2, 1.0, ())
        difference = best_difference(findings, plain, bn)
        assert (difference.mean, difference.pairs) == (-1.0, 3)  # 1 − 1, 2 − 3 and 0 − 2

    def test_a_point_with_fewer_failures_comes_first(self, small):
        nan = float("nan")
        findings = found(small, [0.1, nan], [7, 8], [nan, nan], [nan, nan], seeds="0:2")
        (plain,) = best_points(findings)
        assert (plain.point, plain.chosen.mean, plain.chosen.failed) == (1, 7.5, 0)

    def test_one_seed_has_no_rivals(self, small):
        assert [one.rivals for one in best_points(found(small, [1], [2], [3], [4], seeds="0"))] == [None, None]


class TestDryRun:
    def test_points_and_what_is_there(self, small, bnlab: Callable):
        answer = bnlab("sweep", small, "--dry-run", "--json")
        assert answer.code == 0, answer.err
        document = fits(answer.out, answers.SweepPlanAnswer)
        assert [(point["label"], point["missing"]) for point in document["points"]] == [
            (f"{arm}, learning_rate={rate}", [0, 1]) for arm in ("plain", "bn") for rate in ("0.001", "0.01")
        ]
        assert {key: document["cost"][key] for key in ("seeds", "probed", "from_runs", "shapes")} == {
            "seeds": 8, "probed": 2, "from_runs": 0, "shapes": 2,
        }  # fmt: skip
        assert not Path("runs").exists()

        assert bnlab("sweep", small, "--quiet").code == 0
        assert fits(bnlab("sweep", small, "--dry-run", "--json").out, answers.SweepPlanAnswer)["cost"] is None
        answer = bnlab("sweep", small, "--dry-run", "--seeds", "0:3")
        lines = answer.out.splitlines()
        assert lines[:4] == [
            f"{arm + ', learning_rate=' + rate:66}  2 of 3 there" for arm in ("plain", "bn") for rate in ("0.001", "0.01")
        ]
        told = " ".join(lines[4:])
        assert told.startswith("small: 4 points, 3 seeds each; 4 of 12 seeds to be trained")
        assert told.endswith("Of 2 shapes, this rests on finished runs of 2.")

    def test_where_it_fails(self, small, bnlab: Callable):
        small.write_text(GRID.replace("1e-2]", "-1]"), encoding="utf-8")
        answer = bnlab("sweep", small, "--dry-run", "--json")
        assert answer.code == 2
        assert fits(answer.out, answers.ErrorAnswer)["error"]["message"].startswith(
            "small.yaml: point plain, learning_rate=-1: optimizer.learning_rate: got -1"
        )

    def test_an_estimate_from_runs_by_hand(self, small, monkeypatch):
        """Plain: 2 points × 2 seeds × 20 steps of 0.5 s, the median, on 2 cores; 1.5 s for compiling."""
        monkeypatch.setenv("BNLAB_THREADS", "2")
        plan = make_plan(load_sweep(small)).plan
        for one in plan.computations[2:]:
            one.outcome._missing.clear()
        plan.computations[0].outcome.costs += [Cost(0.25, 0.5), Cost(1.0, 1.5)]
        plan.computations[1].outcome.costs += [Cost(0.5, 0.0)]
        cost = estimate(plan)
        assert cost is not None
        assert (cost.seeds, cost.seconds, cost.peak_mb, cost.probed, cost.from_runs, cost.shapes) == (
            4, 2 * 2 * 20 * 0.5 / 2 + 1.5, None, 0, 1, 1,
        )  # fmt: skip
        assert str(cost) == "4 seeds will take about 22 s on 2 cores. Of 1 shape, this rests on finished runs of 1."

    def test_probes_and_then_the_sweep_in_one_process(self, small):
        """The probes of a config are compiled for other values than its evaluation."""
        small.write_text(GRID.replace("num_steps: [20]", "num_steps: [20], probes: [[step_angle]]"), encoding="utf-8")
        plan = make_plan(load_sweep(small, seeds="0:1"))
        cost = estimate(plan.plan)
        assert cost is not None
        assert cost.probed == 2
        assert np.isfinite(plan.finish().values("test_loss")).all()


def test_what_is_read_of_a_sweeps_file_is_kept(small):
    """Somebody edits the file, or removes it, while the sweep trains."""
    plan = make_plan(load_sweep(small, seeds="0:1"))
    small.unlink()
    assert (plan.finish().folder / "sweep.yaml").read_text(encoding="utf-8") == GRID


def test_the_command_of_the_best_points_names_every_seed(small):
    scattered = [2 * seed for seed in range(21)]
    findings = found(small, *([[1.0] * 21] * 4), seeds=",".join(map(str, scattered)))
    page = to_markdown(findings, best_points(findings), [], ["bnlab"]).decode()
    (command,) = re.findall("^bnlab compare .*", page, re.MULTILINE)
    assert command.endswith(f" --seeds {','.join(map(str, scattered))}")


def test_json_and_a_comparison_of_two_points(small, bnlab: Callable):
    answer = bnlab("sweep", small, "--quiet", "--json")
    assert answer.code == 0, answer.err
    document = fits(answer.out, answers.SweepAnswer)
    own = json.loads((Path(document["folder"]) / "sweep.json").read_text(encoding="utf-8"))
    assert {key: document[key] for key in own} == own
    assert [Path(document["folder"], figure).is_file() for figure in document["figures"]] == [True]
    first, second = (point["runs"][0] for point in (document["points"][0], document["points"][2]))
    compared = bnlab("compare", first, second, "--seeds", "0:2", "--quiet", "--json")
    assert compared.code == 0, compared.err
    final = fits(compared.out, answers.CompareAnswer)["metrics"]["test_loss"]["final"]
    means = [values["mean"] for values in final.values()]
    assert means == pytest.approx([document["points"][number]["final"]["test_loss"]["mean"] for number in (0, 2)])


class TestFigures:
    def test_response(self):
        values = np.array([[1.0, 3.0], [2.0, np.nan], [5.0, 5.0]])  # at 0.1, 0.001 and 0.01
        figure = plots.response_figure(
            (0.1, 0.001, 0.01), ("0.1", "0.001", "0.01"), {"": {"plain": values, "bn": values + 1}},
            spacing="log", field="learning rate", metric="final test loss", unit="nats", log=False, title="T",
        )  # fmt: skip
        (axes,) = figure.axes
        assert (axes.get_xscale(), axes.get_xlabel(), axes.get_ylabel()) == (
            "log", "learning rate, log scale", "final test loss (nats)",
        )  # fmt: skip
        (line,) = [line for line in axes.lines if line.get_label() == "plain"]
        np.testing.assert_array_equal(line.get_xdata(), [0.001, 0.01, 0.1])
        np.testing.assert_array_equal(line.get_ydata(), [2, 5, 2])
        crosses = [np.asarray(line.get_xdata()).tolist() for line in axes.lines if line.get_marker() == "x"]
        assert crosses == [[0.001], [0.001]]
        assert [text.get_text() for text in axes.get_xticklabels()] == ["0.001", "0.01", "0.1"]

    def test_difference_map(self):
        """Of eleven sizes 0 … 0.09 and 0.9, nine in ten are at most 0.09: from there on the colour is darkest."""
        cells = np.array([[0.0, 0.01, -0.02, 0.03, -0.04, 0.05, 0.06, 0.07, -0.08, -0.09, 0.9]])
        settled = np.abs(cells) > 0.075
        x, y = plots.Field("rate", [str(i) for i in range(11)]), plots.Field("size", ["4"])
        figure = plots.difference_heat_figure(
            x, y, {"bn": cells}, {"bn": settled},
            baseline="plain", metric="final test accuracy", unit="%", lower_is_better=False, title="T",
        )  # fmt: skip
        axes = figure.axes[0]
        (image,) = axes.images
        np.testing.assert_array_equal(image.get_array(), cells)
        assert (image.norm.vmin, image.norm.vmax) == (-0.09, 0.09)
        violet, orange = image.cmap(np.asarray(image.norm(np.array([0.9, -0.09]))))
        assert violet[2] > violet[1]
        assert orange[0] > orange[2]
        outlines = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
        assert [one.get_x() + one.get_width() / 2 for one in outlines] == pytest.approx([8, 9, 10])
        told = "\n".join(text.get_text() for text in figure.texts)
        assert "violet: the arm is better; orange: plain is better; darkest from 9.0 on" in told

    def test_no_negative_zero(self):
        one = plots.Field("rate", ["1"])
        figure = plots.difference_heat_figure(
            one, one, {"bn": np.array([[-0.0001]])}, {"bn": np.array([[False]])},
            baseline="plain", metric="final test accuracy", unit="%", lower_is_better=False, title="T",
        )  # fmt: skip
        assert [text.get_text() for text in figure.axes[0].texts] == ["+0.0"]
