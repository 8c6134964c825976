"""From a specification to its points: arms × axes, each a checked config with a label that a person can read."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bnlab.config import (
    Config,
    GivenFields,
    Seeds,
    change_config,
    find_config,
    find_own_data,
    load_config,
    parse_fields,
    parse_seeds,
    parse_setting,
    read_text,
    value_text,
)
from bnlab.errors import UserError, nearest
from bnlab.metrics import Direction, Metric, Split, default_metrics, metrics_of
from bnlab.sweep.specification import Settings, Specification, load_specification

MOST_POINTS = 100_000


class Spacing(StrEnum):
    """How the values of an axis lie."""

    LINEAR = "linear"
    LOG = "log"
    """Their logarithms are more evenly spaced than they are."""
    NONE = "none"
    """They are no numbers, or numbers that neither scale spreads (0 beside 1e-4, 1e-3, 1e-2)."""


@dataclass(frozen=True)
class Axis:
    """One axis: its name, what each of its values sets, and how each is called.

    name: the field ("optimizer.learning_rate"); fields that go together, joined by commas; or "point" for listed points.
    numbers: the values of the field, or of the first of those that go together, where they are different numbers; else None.
    ticks: how a response curve's axis calls the values: by that field alone where there are `numbers`.
    """

    name: str
    settings: tuple[Settings, ...]
    labels: tuple[str, ...]
    numbers: tuple[float, ...] | None
    ticks: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.settings)

    @property
    def words(self) -> str:
        """The name without the sections above the fields: "learning_rate"."""
        return ", ".join(key.rpartition(".")[2] for key in self.name.split(", "))

    @cached_property
    def spacing(self) -> Spacing:
        """How the values lie."""
        return spacing(self.numbers) if self.numbers else Spacing.NONE


@dataclass(frozen=True)
class Point:
    """One point: an arm at one place of the grid. `place` has the index of its value on each axis."""

    arm: str
    place: tuple[int, ...]
    label: str
    config: Config


@dataclass(frozen=True)
class Sweep:
    """All points of a sweep in their order: the arms one after the other, and in each the last axis changes fastest.

    metrics: those that are looked at; the first decides which point is best. selection: the metric that the best point of an
    arm is chosen by: the first metric on validation rows, if there are any; None where neither side of it is better. source:
    the text of its file, as it was read.
    """

    specification: Specification
    path: Path
    source: str
    arms: tuple[str, ...]
    axes: tuple[Axis, ...]
    points: tuple[Point, ...]
    metrics: tuple[Metric, ...]
    selection: Metric | None
    shown: tuple[int, ...]

    @property
    def name(self) -> str:
        """Its name."""
        return self.specification.name

    @property
    def baseline(self) -> str:
        """The arm that the others are compared with."""
        return self.specification.baseline or self.arms[0]

    @property
    def seeds(self) -> list[int]:
        """The seeds of every point."""
        return [init for init, _ in self.points[0].config.seeds.pairs]

    @property
    def measured(self) -> list[Metric]:
        """The metrics, with the one that the best point is chosen by."""
        chosen = [] if self.selection is None or self.selection in self.metrics else [self.selection]
        return [*self.metrics, *chosen]

    @property
    def cells(self) -> list[tuple[int, ...]]:
        """The places of the grid; each has one point an arm."""
        return list(itertools.product(*(range(len(axis)) for axis in self.axes)))

    def number(self, arm: str, place: tuple[int, ...]) -> int:
        """Return the number of the point of an arm at a place."""
        within = int(np.ravel_multi_index(place, [len(axis) for axis in self.axes])) if place else 0
        return self.arms.index(arm) * math.prod(len(axis) for axis in self.axes) + within


def load_sweep(source: str | Path, *, seeds: Seeds | None = None, overrides: Sequence[str] = ()) -> Sweep:
    """Return the points of the sweep in the file `source`, or of the shipped one of that name; each is a valid config.

    seeds: instead of the file's. overrides: "a.b=value" for all points; not for a field that the sweep itself varies.

    Raises:
        UserError: what was wrong; of a point, its label and the field.
    """
    specification, path, text = load_specification(source)
    axes = tuple(_axes(specification, path))
    count = math.prod(len(axis) for axis in axes) * max(1, len(specification.arms))
    if count > MOST_POINTS:
        raise UserError(f"{path}: makes {count:,} points, expected at most {MOST_POINTS:,}")
    _refuse_overridden_axes(axes, overrides)
    arms, everywhere = _arms(specification, path), _settings(overrides)
    pairs = [(seed, seed) for seed in parse_seeds(specification.seeds if seeds is None else seeds)]
    points: list[Point] = []
    for arm, (given, own) in arms.items():
        for place in itertools.product(*(range(len(axis)) for axis in axes)):
            label = _label(arm if len(arms) > 1 else "", axes, place)
            settings = {**own}
            for axis, index in zip(axes, place, strict=True):
                settings |= axis.settings[index]
            settings |= everywhere
            config = change_config(given, settings, f"{path}: point {label or arm}")
            points.append(Point(arm, place, label or arm, config.with_seeds(pairs)))
    metrics = _metrics(points, specification.metrics, path)
    return Sweep(
        specification,
        path,
        text,
        tuple(arms),
        axes,
        tuple(points),
        tuple(metrics),
        _selection(metrics[0], points),
        tuple(_shown(specification.axes, axes, path)),
    )


def spacing(numbers: Sequence[float]) -> Spacing:
    """Return how numbers lie: LOG where their ratios differ less from each other than their differences do.

    Two numbers lie on a log scale where one is ten times the other or more.
    """
    ordered = np.unique(np.asarray(numbers, np.float64))
    if len(ordered) < 2:
        return Spacing.LINEAR
    if ordered[0] <= 0:
        positive = ordered[ordered > 0]
        return Spacing.NONE if len(positive) > 1 and spacing(positive.tolist()) is Spacing.LOG else Spacing.LINEAR
    differences, ratios = np.diff(ordered), np.diff(np.log(ordered))
    if len(ordered) == 2:
        return Spacing.LOG if ordered[1] >= 10 * ordered[0] else Spacing.LINEAR
    uneven = [float(gaps.std() / gaps.mean()) for gaps in (ratios, differences)]
    return Spacing.LOG if uneven[0] < uneven[1] else Spacing.LINEAR


def _axes(specification: Specification, path: Path) -> Iterator[Axis]:
    for key, values in specification.grid.items():
        yield _axis(key, [{key: value} for value in values], path)
    if specification.zip:
        rows = zip(*specification.zip.values(), strict=True)
        together = [dict(zip(specification.zip, row, strict=True)) for row in rows]
        yield _axis(", ".join(specification.zip), together, path)
    if specification.points:
        yield _axis("point", specification.points, path)


def _axis(name: str, settings: Sequence[Settings], path: Path) -> Axis:
    seen: set[str] = set()
    for one in settings:
        if (written := repr(sorted(one.items()))) in seen:
            raise UserError(f"{path}: {name}: got {_settings_text(one)} twice, expected every value once")
        seen.add(written)
    keys = list(dict.fromkeys(key for one in settings for key in one))
    labels = ticks = tuple(_value_labels(settings, keys, name))
    numbers = None
    if len(keys) == 1 or (keys and name != "point"):
        first = keys[0]
        numbers = _numbers([one.get(first) for one in settings])
        if numbers and len(keys) > 1:
            ticks = tuple(_value_labels([{first: one[first]} for one in settings], [first], first))
    return Axis(name, tuple(settings), labels, numbers, ticks)


def _numbers(values: Sequence[object]) -> tuple[float, ...] | None:
    """Return the values of a field; None where they are no numbers, or where two are alike."""
    numbers = [float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    return tuple(numbers) if len(set(numbers)) == len(values) else None


def _value_labels(settings: Sequence[Settings], keys: Sequence[str], name: str) -> list[str]:
    """Return a short label for each value of an axis, no two alike."""
    short = [_settings_text(one, bare=len(keys) == 1 and name != "point") for one in settings]
    if len(set(short)) == len(short):
        return short
    return [_settings_text(one, bare=len(keys) == 1 and name != "point", whole=True) for one in settings]


def _settings_text(settings: Settings, *, bare: bool = False, whole: bool = False) -> str:
    parts = {key.rpartition(".")[2]: _whole(value) if whole else value_text(value) for key, value in settings.items()}
    return ", ".join(parts.values()) if bare else ", ".join(f"{key}={text}" for key, text in parts.items()) or "base"


def _whole(value: object) -> str:
    """Return a value with all that is in it: "{kind: batch, momentum: 0.9}"."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_whole(inner)}" for key, inner in value.items()) + "}"
    return repr(value) if isinstance(value, float) else value_text(value)


def _label(arm: str, axes: Sequence[Axis], place: tuple[int, ...]) -> str:
    """Return "digits_bn, learning_rate=0.01, batch_size=32"; axes of one value are left out."""
    parts = [arm] if arm else []
    for axis, index in zip(axes, place, strict=True):
        if len(axis) > 1:
            value = axis.labels[index]
            parts.append(value if axis.name == "point" or "," in axis.name else f"{axis.words}={value}")
    return ", ".join(parts)


def _arms(specification: Specification, path: Path) -> dict[str, tuple[GivenFields, Settings]]:
    """Return for each arm the fields of its config's file, and what the arm sets."""

    def fields_of(source: str) -> GivenFields:
        beside = path.parent / source
        file = beside if beside.is_file() else find_config(source)
        load_config(file)  # refuses a wrong file by its own name
        fields = parse_fields(read_text(file), str(file))
        find_own_data(fields, file.parent)  # once, and not for every point
        return GivenFields(fields, file.parent)

    if not specification.arms:
        base = specification.base or ""
        return {Path(base).stem: (fields_of(base), {})}
    arms: dict[str, tuple[GivenFields, Settings]] = {}
    for label, arm in specification.arms.items():
        source, own = (arm, {}) if isinstance(arm, str) else (specification.base or "", arm)
        arms[label] = fields_of(source), own
    return arms


def _settings(overrides: Sequence[str]) -> dict[str, Any]:
    """Return what overrides set in all points. Raises: UserError."""
    settings: dict[str, Any] = {}
    for text in overrides:
        setting = parse_setting(text)
        if setting.name is not None:
            raise UserError(f"got '{text}', expected key=value without a name: it is for all points", argument="overrides")
        settings[setting.key] = parse_fields(f"value: {setting.text}", setting.key)["value"]
    return settings


def _refuse_overridden_axes(axes: Sequence[Axis], overrides: Sequence[str]) -> None:
    varied = {key for axis in axes if len(axis) > 1 for one in axis.settings for key in one}
    for text in overrides:
        key = parse_setting(text).key
        clashes = [other for other in sorted(varied) if f"{key}.".startswith(f"{other}.") or other.startswith(f"{key}.")]
        if clashes:
            raise UserError(f"got '{text}', and the sweep itself varies {clashes[0]}", argument="overrides")


def _shown(names: Sequence[str], axes: Sequence[Axis], path: Path) -> list[int]:
    """Return the numbers of the axes that figures look along. Raises: UserError."""
    known = {axis.name: number for number, axis in enumerate(axes)}
    for name in names:
        if name not in known:
            expected = f"one of {', '.join(known)}" if known else "none: nothing is varied"
            raise UserError(f"{path}: axes: got '{name}', expected {expected}{nearest(name, known)}")
    return [known[name] for name in names or known if len(axes[known[name]]) > 1]


def _metrics(points: Sequence[Point], names: Sequence[str], path: Path) -> list[Metric]:
    """Return the metrics that are looked at, those that every point records. Raises: UserError."""
    first = metrics_of(points[0].config)
    recorded = {metric.name: metric for metric in first}
    for name in names:
        for point in points:
            own = {metric.name: metric for metric in metrics_of(point.config)}
            if name not in own:
                expected = f"one of {', '.join(own)}{nearest(name, own)}"
                raise UserError(
                    f"{path}: metrics: got '{name}', which point {point.label} does not record, expected {expected}"
                )
            if own[name] != recorded.get(name, own[name]):
                raise UserError(
                    f"{path}: metrics: {name} is in {own[name].unit} at point {point.label} and in {recorded[name].unit} at "
                    f"point {points[0].label}, so that they cannot be compared"
                )
    shared = [metric for metric in first if all(metric in metrics_of(point.config) for point in points)]
    if not shared:
        raise UserError(f"{path}: no metric means the same at every point, so that they cannot be compared")
    return [recorded[name] for name in dict.fromkeys(names)] or default_metrics(shared)


def _selection(first: Metric, points: Sequence[Point]) -> Metric | None:
    """Return the metric by which the best point is chosen: the first one on validation rows, where every point has them."""
    if first.direction is Direction.NEITHER:
        return None
    for metric in metrics_of(points[0].config):
        on_valid = metric.kind == first.kind and metric.split is Split.VALID and first.split is Split.TEST
        if on_valid and all(metric in metrics_of(point.config) for point in points):
            return metric
    return first
