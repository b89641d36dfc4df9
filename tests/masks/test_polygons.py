"""Polygons with holes cover just what their mask covers, and are valid to programs that are strict."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from maskrcnn.masks.polygons import polygons
from naive import fill_rings

MASKS = arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9)))


@given(MASKS)
def test_they_cover_what_the_mask_covers(mask):
    parts = [fill_rings(part, mask.shape) for part in polygons(mask)]
    assert np.array_equal(np.sum([np.zeros(mask.shape, int), *parts], axis=0), mask)


@given(MASKS)
def test_no_ring_passes_a_corner_twice(mask):
    for part in polygons(mask):
        assert all(len(ring) == len(set(ring)) >= 4 for ring in part)


@given(MASKS)
def test_a_strict_library_finds_them_valid(mask):
    shapely = pytest.importorskip("shapely", reason="shapely is not installed: pip install shapely")
    parts = [shapely.Polygon(outline, holes) for outline, *holes in polygons(mask)]
    assert all(part.is_valid for part in parts)
    assert sum(part.area for part in parts) == mask.sum()
    assert shapely.MultiPolygon(parts).is_valid


def test_a_ring_of_pixels_has_a_hole():
    mask = np.ones((4, 5), bool)
    mask[1:3, 1:4] = False
    ((outline, hole),) = polygons(mask)
    assert set(outline) == {(0, 0), (5, 0), (5, 4), (0, 4)} and set(hole) == {(1, 1), (4, 1), (4, 3), (1, 3)}


def test_pixels_that_meet_in_a_corner_are_two_polygons():
    assert len(polygons(np.eye(2, dtype=bool))) == 2 and polygons(np.zeros((3, 3), bool)) == []
