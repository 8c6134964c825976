"""All arms look different, on paper and for colour-blind readers."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from bnlab.plots.looks import LOOKS, MAX_ARMS, check_stated, looks, shades

# Machado, Oliveira and Fernandes (2009), severity 1: linear sRGB to linear sRGB.
VISION = {
    "all colours": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])


def linear(color: str) -> np.ndarray:
    rgb = np.array(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(color: str) -> float:
    """Return the contrast ratio to white, as WCAG 2.2 defines it."""
    return 1.05 / (float(linear(color) @ [0.2126, 0.7152, 0.0722]) + 0.05)


def lab(color: str, vision: str) -> np.ndarray:
    xyz = TO_XYZ @ np.clip(np.array(VISION[vision]) @ linear(color), 0, 1) / TO_XYZ.sum(axis=1)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distance(a: str, b: str) -> float:
    """Return the CIE 1976 distance of two colours, for the reader who sees the smallest distance; 2.3 is just noticeable."""
    return min(float(np.linalg.norm(lab(a, vision) - lab(b, vision))) for vision in VISION)


def test_the_measures_agree_with_known_values():
    assert contrast("#000000") == pytest.approx(21)
    assert contrast("#FFFFFF") == pytest.approx(1)
    assert contrast("#777777") == pytest.approx(4.48, abs=0.005)  # the best known grey of WCAG, slightly below 4.5
    assert distance("#000000", "#FFFFFF") == pytest.approx(100, abs=0.01)


@pytest.mark.parametrize("arms", range(1, MAX_ARMS + 1))
def test_no_two_arms_look_alike_and_every_line_stands_out_from_white(arms):
    for chosen in (looks(arms), shades(arms)):
        assert len({look.color for look in chosen}) == arms
        assert all(contrast(look.color) >= 3 for look in chosen)


def test_seven_looks_differ_in_dashes_and_markers_too_and_for_colour_blind_readers():
    assert len({look.dashes for look in LOOKS}) == len({look.marker for look in LOOKS}) == len(LOOKS) == 7
    assert min(distance(a.color, b.color) for a, b in combinations(LOOKS, 2)) > 16


@pytest.mark.parametrize("arms", range(2, 9))
def test_shades_go_from_dark_to_light_and_neighbours_can_be_told_apart(arms):
    chosen = shades(arms)
    assert all(contrast(dark.color) > contrast(light.color) for dark, light in pairwise(chosen))
    assert all(dark.marker != light.marker for dark, light in pairwise(chosen))
    assert min(distance(dark.color, light.color) for dark, light in pairwise(chosen)) > 7


def test_more_arms_than_a_figure_holds_are_refused():
    with pytest.raises(ValueError, match=r"^arms: got 41, expected at most 40 in one figure$"):
        looks(41)


def test_stated_values_belong_to_arms():
    assert check_stated(None, {"a": 1}) == {}
    assert check_stated({"a": 2.0}, {"a": 1}) == {"a": 2.0}
