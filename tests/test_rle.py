from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco_mask

from maskrcnn.regions import Regions
from maskrcnn.rle import box_to_rle, regions_to_rle


@settings(max_examples=60, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_is_what_pycocotools_writes(mask: np.ndarray) -> None:
    rle = regions_to_rle(Regions.from_masks([mask], mask.shape), 0)
    expected = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert rle == {"size": list(mask.shape), "counts": expected["counts"].decode()}
    json.dumps(rle)


@settings(max_examples=80, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 7))), st.tuples(*[st.integers(0, 2)] * 4))
def test_a_window_anywhere_on_its_canvas(window: np.ndarray, around: tuple[int, int, int, int]) -> None:
    """Also one that reaches from the first to the last row, where one column's end is the next one's beginning."""
    full = np.pad(window, (around[:2], around[2:]))
    regions = Regions.from_windows(full.shape, [((around[0], around[2]), window)])
    expected = coco_mask.encode(np.asfortranarray(full.astype(np.uint8)))
    assert regions_to_rle(regions, 0)["counts"] == expected["counts"].decode()


@pytest.mark.parametrize("fill", [False, True])
def test_empty_and_full(fill: bool) -> None:
    mask = np.full((5, 7), fill)
    rle = regions_to_rle(Regions.from_masks([mask], mask.shape), 0)
    np.testing.assert_array_equal(coco_mask.decode(rle).astype(bool), mask)


def test_small_window_of_a_large_image() -> None:
    regions = Regions.from_windows((40_000, 50_000), [((39_000, 49_990), np.ones((5, 10), bool))])
    rle = regions_to_rle(regions, 0)
    assert coco_mask.area(rle) == 50
    np.testing.assert_array_equal(coco_mask.toBbox(rle), [49_990, 39_000, 10, 5])


def test_box() -> None:
    expected = np.zeros((9, 12), bool)
    expected[2:6, 3:10] = True
    np.testing.assert_array_equal(coco_mask.decode(box_to_rle([3, 2, 10, 6], (9, 12))).astype(bool), expected)
