"""Shapes become the pixels that pycocotools gives them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as pycoco

from maskrcnn.masks.rasterise import (
    NO_MASK,
    clip_box,
    ellipse_polygon,
    mask_area,
    mask_box,
    polygons_to_mask,
    unite,
    window_to_mask,
)
from maskrcnn.rle import decode_masks

SHAPE = (40, 60)


def pixels(mask):
    return decode_masks([mask], SHAPE).mask(0)


POINTS = st.lists(st.floats(-20, 80), min_size=6, max_size=16).filter(lambda values: len(values) % 2 == 0)


@settings(deadline=None)
@given(st.lists(POINTS, min_size=1, max_size=3))
def test_polygons_cover_what_they_cover_in_pycocotools(polygons):
    expected = pycoco.decode(pycoco.merge(pycoco.frPyObjects(polygons, *SHAPE))).astype(bool)
    mask = polygons_to_mask(polygons, SHAPE)
    assert np.array_equal(pixels(mask), expected)
    assert (mask == NO_MASK) == (not expected.any())


@pytest.mark.parametrize(
    "radii, angle", [((3, 3), 0.0), ((15, 15), 0.0), ((15, 6), 0.5), ((400, 90), 2.0), ((0, 0), 0.0)]
)
def test_an_ellipse_is_a_polygon_a_hair_inside_it(radii, angle):
    points = np.reshape(ellipse_polygon((100, 200), radii, angle), (-1, 2)) - [100, 200]
    turned = points @ [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    if max(radii) == 0:
        assert np.allclose(turned, 0)
        return
    assert np.allclose(((turned / radii) ** 2).sum(1), 1)  # every corner on it
    middles = (turned + np.roll(turned, 1, axis=0)) / 2 / radii
    assert ((1 - np.linalg.norm(middles, axis=1)) * max(radii)).max() <= 0.0501


@pytest.mark.parametrize("far", [1e7, 1e300])
def test_what_is_absurdly_far_is_refused_before_it_is_walked(far):
    with pytest.raises(ValueError, match="a million pixels away"):
        polygons_to_mask([[0, 0, far, 0, 5, 5]], SHAPE)
    with pytest.raises(ValueError, match="a million pixels away"):
        ellipse_polygon((5, 5), (far, 3))


def test_the_angle_goes_from_x_to_y():
    points = np.reshape(ellipse_polygon((0, 0), (10, 1), math.pi / 4), (-1, 2))
    far = points[np.linalg.norm(points, axis=1).argmax()]
    assert far[0] * far[1] > 0


def test_a_window_is_put_in_its_place_and_cut_to_the_image():
    window = np.random.default_rng(0).random((9, 11)) > 0.4
    for offset in ((3, 5), (-4, 55), (36, -6), (0, 0)):
        expected = np.zeros((60, 90), bool)
        expected[offset[0] + 10 : offset[0] + 19, offset[1] + 15 : offset[1] + 26] = window
        assert np.array_equal(pixels(window_to_mask(window, offset, SHAPE)), expected[10:50, 15:75])
    for offset in ((-9, 5), (40, 5), (3, 60), (300, -300)):
        assert window_to_mask(window, offset, SHAPE) == NO_MASK


def test_union_area_and_box():
    left, right = (polygons_to_mask([[x, 5, x + 10, 5, x + 10, 9, x, 9]], SHAPE) for x in (5, 12))
    both = unite([left, NO_MASK, right], SHAPE)
    assert mask_area(both, SHAPE) == 4 * 17
    assert mask_box(both, SHAPE) == (5, 5, 22, 9)
    assert unite([], SHAPE) == NO_MASK
    assert mask_box(NO_MASK, SHAPE) is None
    assert clip_box((-5, 30, 10, 50), SHAPE) == (0, 30, 10, 40)
    assert clip_box((60, 30, 70, 35), SHAPE) is None
