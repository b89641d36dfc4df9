"""An outline covers exactly the pixels that it was made of, in pycocotools' eyes too."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as pycoco

from maskrcnn.masks.outlines import one_polygon, rings

MASKS = array_shapes(min_dims=2, max_dims=2, max_side=12).flatmap(
    lambda shape: arrays(bool, shape, elements=st.booleans())
)


@settings(deadline=None, max_examples=300)
@given(MASKS)
def test_one_polygon_covers_the_mask_and_nothing_else(mask):
    polygon = one_polygon(mask)
    if not mask.any():
        assert polygon == []
        return
    encoded = pycoco.frPyObjects([polygon], *mask.shape)
    assert np.array_equal(pycoco.decode(encoded)[..., 0].astype(bool), mask)


def test_a_square_is_its_four_corners():
    mask = np.zeros((6, 8), bool)
    mask[1:4, 2:7] = True
    (ring,) = rings(mask)
    assert sorted(ring) == [(2, 1), (2, 4), (7, 1), (7, 4)]


def test_a_hole_and_a_second_part_are_rings_of_their_own():
    mask = np.zeros((9, 12), bool)
    mask[1:8, 1:8] = True
    mask[3:5, 3:5] = False
    mask[2, 10] = True
    assert sorted(map(len, rings(mask))) == [4, 4, 4]
    assert len(one_polygon(mask)) == 2 * (4 + 5 + 5 + 2)
