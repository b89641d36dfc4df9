"""Masks reach the border of the image, and stay in one piece."""

import numpy as np
import torch

from cases import NDIMS, SHAPES, inner_boxes, random_boxes, seeded
from maskrcnn.masks.pasting import largest_parts, paste_to_border
from maskrcnn.regions import AxisMap, Regions, paste_regions

BINS = {1: (6,), 2: (4, 5), 3: (3, 4, 2)}


def same(a, b):
    return all(np.array_equal(a.mask(k), b.mask(k)) for k in range(len(a)))


@NDIMS
def test_away_from_the_border_nothing_differs(ndim):
    boxes = inner_boxes(6, SHAPES[ndim])
    size = boxes.new_tensor(tuple(reversed(SHAPES[ndim])))
    boxes = torch.cat([boxes[:, :ndim].clamp(min=1), boxes[:, ndim:].minimum(size - 1)], 1)
    masks = torch.rand(6, *BINS[ndim], generator=seeded())
    assert same(paste_to_border(masks, boxes, SHAPES[ndim]), paste_regions(masks, boxes, SHAPES[ndim]))


@NDIMS
def test_a_mask_that_fills_its_box_fills_it_up_to_the_border(ndim):
    shape = tuple(8 * size for size in SHAPES[ndim])  # bins of many samples, of which half would be lost
    size = torch.tensor(tuple(reversed(shape)), dtype=torch.float32)
    boxes = torch.stack([torch.cat([torch.zeros(ndim), size]), torch.cat([size / 4, size])])
    masks = torch.full((2, *BINS[ndim]), 0.9)
    filled, fading = (paste(masks, boxes, shape) for paste in (paste_to_border, paste_regions))
    assert filled.mask(0).all() and not fading.mask(0).all()
    second = filled.mask(1)
    assert second[(-1,) * ndim] and not second[(0,) * ndim]
    low = tuple(int(v) for v in (size / 4).flip(0))
    assert not second[low]  # inside the image it fades as ever


@NDIMS
def test_objects_keep_their_order(ndim):
    boxes = random_boxes(12, SHAPES[ndim], largest=1.2)  # some reach outside
    masks = torch.rand(12, *BINS[ndim], generator=seeded())
    together = paste_to_border(masks, boxes, SHAPES[ndim])
    alone = Regions.join([paste_to_border(masks[k : k + 1], boxes[k : k + 1], SHAPES[ndim]) for k in range(12)])
    assert len(together) == 12 and same(together, alone)


def test_no_objects():
    assert len(paste_to_border(torch.zeros(0, 4, 4), torch.zeros(0, 4), (8, 8))) == 0
    assert len(largest_parts(Regions.blank((8, 8)))) == 0


def test_the_largest_part_stays():
    mask = np.zeros((8, 10), bool)
    mask[1:4, 1:5] = mask[6:8, 6:10] = True
    mask[4, 5] = True  # touches at a corner
    expected = mask.copy()
    expected[6:8, 6:10] = False
    whole = np.zeros((8, 10), bool)
    whole[2:5, 3] = True
    regions = Regions.from_masks([mask, whole, np.zeros((8, 10), bool)], (8, 10))
    regions.axis_map = AxisMap.identity(2)
    cut = largest_parts(regions)
    assert np.array_equal(cut.mask(0), expected) and np.array_equal(cut.mask(1), whole) and not cut.mask(2).any()
    assert cut.shapes[0].tolist() == [4, 5] and cut.axis_map == regions.axis_map


def test_of_equal_parts_the_first_stays():
    mask = np.array([[1, 0, 1, 0, 1, 1, 0, 1, 1]], bool)
    assert largest_parts(Regions.from_masks([mask], mask.shape)).mask(0)[0].nonzero()[0].tolist() == [4, 5]
