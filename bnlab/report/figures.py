"""The figures of a study: each as the source drew it, of one seed, and with all seeds."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bnlab.claims import RunValue
from bnlab.compare import wording
from bnlab.data import regression
from bnlab.metrics import Metric
from bnlab.report.model import CheckedStudy
from bnlab.report.text import slug
from bnlab.runs import Pool

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_ARMS = 12
"""Beyond so many arms the panels of a figure are too small to read on a page; the first ones are drawn."""


Stated = Mapping[str, Mapping[float, float]]
"""{arm: {step: value}}."""
_BAND = " Line: the median. Band: from the 10 % to the 90 % quantile."


@dataclass(frozen=True)
class Picture:
    """A figure as PNG bytes. caption: one line under it. alt: what it shows, for a reader who does not see it."""

    name: str
    caption: str
    alt: str
    png: bytes


@dataclass(frozen=True)
class Pair:
    """The same figure of one seed and, where there are more, of all of them. about: the metric, or the arm, that it shows."""

    title: str
    about: str
    one: Picture
    many: Picture | None


def draw(study: CheckedStudy) -> list[Pair]:
    """Return the figures of a study's arms; none where nothing was trained.

    First the fit of each arm on the regression and its losses, as article 000 drew them. Then each metric over the steps,
    all arms in one figure.
    """
    pools = {label: pool for label, pool in list(study.pools.items())[:MOST_ARMS] if pool.curves}
    if not pools:
        return []
    regressions = {label: pool for label, pool in pools.items() if pool.config.data.name == "regression"}
    return [*_fits(study, regressions), *_losses(study, regressions), *_metrics(study, pools)]


def _metrics(study: CheckedStudy, pools: Mapping[str, Pool]) -> Iterator[Pair]:
    step = next(iter(pools.values())).step
    same = {label: pool for label, pool in pools.items() if np.array_equal(pool.step, step)}
    compared = [metric for metric in study.metrics if metric.name in study.study.metrics]
    for metric in compared or study.metrics:
        curves = {label: pool.curves[metric.name] for label, pool in same.items() if metric.name in pool.curves}
        if not curves:
            continue
        first = {label: values[:1] for label, values in curves.items()}
        name = f"{slug(study.study.id)}-{slug(metric.name)}"
        stated = {label: values for label, values in _stated(study, metric, step).items() if label in curves}
        one = _metric_picture(f"{name}-one-seed.png", step, first, metric, stated)
        many = len(next(iter(curves.values()))) > 1
        yield Pair(
            wording.capital(metric.words),
            metric.name,
            one,
            _metric_picture(f"{name}-all-seeds.png", step, curves, metric, stated) if many else None,
        )


def _metric_picture(name: str, step: np.ndarray, curves: Mapping[str, np.ndarray], metric: Metric, stated: Stated) -> Picture:
    from bnlab import plots

    seeds = max(len(values) for values in curves.values())
    title = f"{wording.capital(metric.words)}, {_seeds(seeds)}"
    look = {"metric": metric.words, "unit": metric.unit, "lower_is_better": metric.lower_is_better}
    figure = plots.comparison_figure(step, curves, **look, title=title, stated=stated)
    ends = "; ".join(f"{label}: {_end(values, metric)}" for label, values in curves.items())
    middle = "median at the end" if seeds > 1 else "at the end"
    alt = f"{wording.capital(metric.words)} over {int(step[-1]):,} steps, {_seeds(seeds)}; {middle}: {ends}."
    band = _BAND if seeds > 1 else ""
    star = " Stars: the stated values." if stated else ""
    return Picture(name, f"{title}.{band}{star}", alt, _small(figure))


def _fits(study: CheckedStudy, pools: Mapping[str, Pool]) -> Iterator[Pair]:
    for number, (label, pool) in enumerate(pools.items()):
        grid, coarse = regression.load().test, regression.coarse()
        fit, few = (_predict(pool, split.inputs) for split in (grid, coarse))
        name = f"{slug(study.study.id)}-fit-{number}"
        one = _fit_picture(f"{name}-one-seed.png", label, fit[:1], few[:1])
        yield Pair(
            f"Fit of {label}", label, one, _fit_picture(f"{name}-all-seeds.png", label, fit, few) if len(fit) > 1 else None
        )


def _fit_picture(name: str, label: str, fit: np.ndarray, few: np.ndarray) -> Picture:
    from bnlab import plots

    grid, coarse = regression.load().test, regression.coarse()
    title = f"Fit of {label}, {_seeds(len(fit))}"
    figure = plots.fit_figure(grid.inputs[:, 1], grid.targets[:, 0], fit, coarse.inputs[:, 1], few, title=title)
    distance = float(np.nanmean(np.square(fit - grid.targets[:, 0])))
    alt = f"The target, a parabola with a cosine on top, and the fit of {label}. Mean squared distance: {distance:.3g}."
    return Picture(name, f"{title}.", alt, _small(figure))


def _losses(study: CheckedStudy, pools: Mapping[str, Pool]) -> Iterator[Pair]:
    """Yield for each arm its training and its test loss in one figure."""
    losses = {metric.words: metric for metric in study.metrics if metric.kind == "loss"}
    for number, (label, pool) in enumerate(pools.items()):
        curves = {words: pool.curves[metric.name] for words, metric in losses.items() if metric.name in pool.curves}
        first = {words: values[:1] for words, values in curves.items()}
        name, metric = f"{slug(study.study.id)}-losses-{number}", next(iter(losses.values()))
        one = _losses_picture(f"{name}-one-seed.png", label, pool.step, first, metric)
        many = _losses_picture(f"{name}-all-seeds.png", label, pool.step, curves, metric) if len(pool.places) > 1 else None
        yield Pair(f"Losses of {label}", "", one, many)


def _losses_picture(name: str, label: str, step: np.ndarray, curves: Mapping[str, np.ndarray], metric: Metric) -> Picture:
    from bnlab import plots

    seeds = max(len(values) for values in curves.values())
    title = f"Losses of {label}, {_seeds(seeds)}"
    figure = plots.metric_figure(step, curves, title=title, quantity="loss", unit=metric.unit, log=True)
    ends = "; ".join(f"{words}: {_end(values, metric)}" for words, values in curves.items())
    alt = f"Training and test loss of {label} over {int(step[-1]):,} steps, {_seeds(seeds)}; at the end: {ends}."
    return Picture(name, f"{title}.{_BAND if seeds > 1 else ''}", alt, _small(figure))


def _small(figure: "Figure") -> bytes:
    """Return the figure as a PNG of up to 256 colours: it takes a third of the bytes, and looks the same."""
    from PIL import Image

    from bnlab import plots

    packed = io.BytesIO()
    with Image.open(io.BytesIO(plots.to_bytes(figure))) as image:
        image.quantize(256, dither=Image.Dither.NONE).save(packed, "png", optimize=True)
    return packed.getvalue()


def _predict(pool: Pool, inputs: np.ndarray) -> np.ndarray:
    """Return what the trained model of each seed says of the inputs, [seeds, rows]."""
    from bnlab.models import from_arrays
    from bnlab.training import prepare

    (prepared,) = prepare([pool.config])
    fresh = prepared.first_state(0)
    outputs: list[np.ndarray] = []
    for seed in range(len(pool.places)):
        weights = {name: values[seed] for name, values in pool.params.items()}
        state = prepared.start_from(*from_arrays((fresh.params, fresh.batch_stats), weights))
        outputs.append(prepared.predict(state, inputs)[:, 0])
    return np.stack(outputs)


def _stated(study: CheckedStudy, metric: Metric, steps: np.ndarray) -> Stated:
    """Return what the source states of the metric of its one run of each arm, after those of the steps that it looks at."""
    stated: dict[str, dict[float, float]] = {}
    for claim in (one.claim for one in study.judged):
        check = claim.check
        if isinstance(check, RunValue) and claim.stated and check.metric == metric.name and check.step in steps:
            stated.setdefault(check.arm, {})[check.step] = claim.stated.value
    return stated


def _end(values: np.ndarray, metric: Metric) -> str:
    scale, last = wording.scale_of(metric), values[:, -1]
    finite = last[np.isfinite(last)]
    return f"{scale.factor * float(np.median(finite)):.3g}{scale.unit}" if len(finite) else "not finite"


def _seeds(count: int) -> str:
    return "one seed" if count == 1 else f"{count} seeds"
