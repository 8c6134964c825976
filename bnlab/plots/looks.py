"""How the arms of one figure differ: a colour, dashes and a marker each.

Every colour has a contrast of at least 3 : 1 on white (WCAG 2.2, success criterion 1.4.11). Colour-blind readers can
distinguish the colours. Dashes and markers are for prints without colours.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D

MAX_ARMS = 40
"""The most arms of one figure: ten rows of four panels."""

GREY = "0.35"

STAR = {"linestyle": "", "marker": "*", "markersize": 13, "markeredgecolor": "black", "clip_on": False, "zorder": 6}
"""The marker of a stated value."""
_SMALL = 8
"""The size of the markers of a whole curve."""
T = TypeVar("T")


class Look(NamedTuple):
    """How matplotlib draws one arm."""

    color: str
    dashes: str | tuple[float, tuple[float, ...]]
    marker: str


LOOKS = (
    Look("#0072B2", "-", "o"),
    Look("#D55E00", (0, (5, 1.5)), "s"),
    Look("#009E73", (0, (6, 1.5, 1, 1.5)), "^"),
    Look("#CC79A7", (0, (1.2, 1.2)), "D"),
    Look("#703000", (0, (9, 2)), "v"),
    Look("#7818D8", (0, (6, 1.5, 1, 1.5, 1, 1.5)), "P"),
    Look("#000000", (0, (2.5, 1)), "X"),
)
"""Okabe and Ito's colours, with brown and violet in place of their yellow and sky blue, which are too light for lines."""
MAX_TOGETHER = len(LOOKS)
"""The most arms that share a panel. With more arms, each has its own panel."""

_MARKERS = [look.marker for look in LOOKS]


def looks(arms: int) -> list[Look]:
    """Return a look for each arm, all different: LOOKS, or `shades` where there are more arms than LOOKS.

    Raises ValueError for more than MAX_ARMS arms.
    """
    return list(LOOKS[:arms]) if arms <= len(LOOKS) else shades(arms)


def shades(arms: int) -> list[Look]:
    """Return solid looks for arms in order. Their colours go from dark to light.

    The colours are those of matplotlib's inferno, without its darkest 5 % and without its lightest part, which is too
    light for white paper. Within these limits, no other colour scale of matplotlib keeps neighbours as different for
    colour-blind readers.

    Raises ValueError for more than MAX_ARMS arms.
    """
    check_count(arms)
    colors = matplotlib.colormaps["inferno"](np.linspace(0.05, 0.67, arms))
    return [Look(to_hex(color), "-", _MARKERS[arm % len(_MARKERS)]) for arm, color in enumerate(colors)]


def marker_index(look: Look) -> int:
    """Return the place of the look's marker among those of LOOKS, or 0 for a look without one."""
    return _MARKERS.index(look.marker) if look.marker else 0


def check_count(arms: int) -> None:
    """Raise ValueError for more arms than a figure can show."""
    if arms > MAX_ARMS:
        raise ValueError(f"arms: got {arms}, expected at most {MAX_ARMS} in one figure")


def check_stated(stated: Mapping[str, T] | None, arms: Mapping[str, Any]) -> Mapping[str, T]:
    """Return the stated values; None becomes an empty mapping. Raise ValueError for a stated value without an arm."""
    for label in stated or {}:
        if label not in arms:
            raise ValueError(f"stated: got {label!r}, expected one of {', '.join(arms)}")
    return stated or {}


def draw_stated(panels: Iterable[Axes], stated: Mapping[float, float], look: Look) -> None:
    """Draw {place on the x axis: stated value} as stars in the look's colour, small ones where they are many."""
    size = {"markersize": STAR["markersize"] if len(stated) == 1 else _SMALL}
    for axes in panels if stated else ():
        axes.plot(list(stated), list(stated.values()), color=look.color, **{**STAR, **size})


def stated_handle() -> Line2D:
    """Return the legend entry for stated values."""
    return Line2D([], [], color="white", label="stated by the source (one run)", **STAR)
