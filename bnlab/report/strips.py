"""A claim's evidence as a small picture: our seeds on one axis, and where the source's value falls among them."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Num

WIDTH, HEIGHT = 240, 42
"""The size of a strip, in units of its SVG."""

COLUMNS = 25
"""The width of a strip in letters."""

_EDGE = 8  # units left free at both ends, for half a marker
_TURN = (math.sqrt(5) - 1) / 2  # multiples of it spread evenly over [0, 1]


@dataclass(frozen=True)
class Strip:
    """The places of everything on a strip, in units from its left; None for what lies nowhere.

    dots: (x, y) of each seed. others: where the runs of the source's own system lie. bar: the ends of the 95 % interval.
    line: the ends of the 99.9 % one. mark: the stated value, or the value that says "no difference". left, right: the
    values at the ends of the axis, as text. alt: all of it in words.
    """

    dots: tuple[tuple[float, float], ...]
    others: tuple[float, ...]
    bar: tuple[float, float] | None
    line: tuple[float, float] | None
    mark: float | None
    left: str
    right: str
    alt: str


def make_strip(
    values: Num[np.ndarray, "seeds"],
    *,
    alt: str,
    show: Callable[[float], str],
    mark: float | None = None,
    bar: tuple[float, float] | None = None,
    line: tuple[float, float] | None = None,
    others: Sequence[float] = (),
    log: bool = False,
) -> Strip | None:
    """Return the strip of the finite values; None where there are none, and no bar either.

    The axis holds every seed, the bar, the mark and the others; the line is cut at its ends. With `log` it is logarithmic,
    and all values are above 0.
    """
    finite = np.asarray(values, float)[np.isfinite(values)]
    if not len(finite) and bar is None:
        return None
    scale = math.log if log else float
    everything = [scale(float(one)) for one in (*finite, *(bar or ()), *(() if mark is None else (mark,)), *others)]
    low, high = min(everything), max(everything)
    room = 0.04 * (high - low) or 0.5 * abs(low) or 0.5
    low, high = low - room, high + room

    def place(value: float) -> float:
        share = (scale(value) - low) / (high - low)
        return round(_EDGE + min(max(share, 0.0), 1.0) * (WIDTH - 2 * _EDGE), 2)

    def both(ends: tuple[float, float] | None) -> tuple[float, float] | None:
        return None if ends is None else (place(ends[0]), place(ends[1]))

    dots = tuple(
        (place(float(value)), round(8 + 12 * ((0.5 + _TURN * number) % 1), 2)) for number, value in enumerate(finite)
    )
    ends = [math.exp(end) if log else end for end in (low, high)]
    at = None if mark is None else place(mark)
    return Strip(dots, tuple(place(value) for value in others), both(bar), both(line), at, show(ends[0]), show(ends[1]), alt)


def in_letters(strip: Strip) -> str:
    """Return the strip as a line of COLUMNS letters between the values at its ends: "0.1 ──[•●◆•]──•── 0.2".

    A column shows "◆" for the mark, else "▲" for one of the others, else "[" and "]" for the bar's ends, else "•" for a seed
    and "●" for more, and "─" for nothing.
    """

    def column(x: float) -> int:
        return min(int(x / WIDTH * COLUMNS), COLUMNS - 1)

    seeds = Counter(column(x) for x, _ in strip.dots)
    letters = ["─•●"[min(seeds[number], 2)] for number in range(COLUMNS)]
    for letter, x in zip("[]", strip.bar or (), strict=False):
        letters[column(x)] = letter
    for x in strip.others:
        letters[column(x)] = "▲"
    if strip.mark is not None:
        letters[column(strip.mark)] = "◆"
    return f"{strip.left} {''.join(letters)} {strip.right}"
