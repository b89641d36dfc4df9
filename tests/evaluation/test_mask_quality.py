"""How well masks fit, against masks that are looked at sample by sample."""

import itertools

import numpy as np
import pytest
import torch

from cases import NDIMS, SHAPES
from maskrcnn.evaluation.mask_quality import eroded, mask_quality, overlap_of_masks
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances, Record


def naive_erosion(mask, width):
    inner = np.zeros_like(mask)
    for place in np.ndindex(*mask.shape):
        steps = itertools.product(range(-width, width + 1), repeat=mask.ndim)
        near = (tuple(p + s for p, s in zip(place, step)) for step in steps)
        inner[place] = all(all(0 <= c < size for c, size in zip(other, mask.shape)) and mask[other] for other in near)
    return inner


@NDIMS
@pytest.mark.parametrize("width", [1, 2])
def test_erosion_is_the_naive_one(ndim, width):
    mask = np.random.default_rng(0).random(SHAPES[ndim]) < 0.97
    assert np.array_equal(eroded(mask, width), naive_erosion(mask, width))
    assert naive_erosion(mask, 1).any()


@NDIMS
def test_overlaps_are_those_of_full_size_masks(ndim):
    shape = tuple(4 * size for size in SHAPES[ndim])
    blocks = []
    for start in (2, 5):
        mask = np.zeros(shape, bool)
        mask[(slice(start, start + 16),) * ndim] = True
        blocks.append(mask)
    regions = Regions.from_masks(blocks, shape)
    iou, boundary = overlap_of_masks(regions, 0, regions, 1)
    width = max(round(0.02 * float(np.linalg.norm(shape))), 1)
    edges = (
        [mask & ~naive_erosion(mask, width) for mask in blocks] if ndim < 3 else [m & ~eroded(m, width) for m in blocks]
    )
    assert iou == pytest.approx((blocks[0] & blocks[1]).sum() / (blocks[0] | blocks[1]).sum())
    assert boundary == pytest.approx((edges[0] & edges[1]).sum() / (edges[0] | edges[1]).sum())
    assert 0 <= boundary < iou


def test_a_blank_mask_overlaps_nothing():
    mask = np.zeros((8, 8), bool)
    regions = Regions.from_masks([mask, ~mask], (8, 8))
    assert overlap_of_masks(regions, 0, regions, 1) == (0, 0)


def scene(*found):
    """Labels: a square of 40 and one of 100 pixels, and a crowd; detections as pairs of box and mask."""
    masks = [np.zeros((200, 200), bool) for _ in range(3)]
    masks[0][0:40, 0:40] = masks[1][100:200, 100:200] = masks[2][0:50, 100:150] = True
    boxes = np.array([[0, 0, 40, 40], [100, 100, 200, 200], [100, 0, 150, 50]], np.float32)
    crowd = np.array([False, False, True])
    record = Record("a", 1, "a", (200, 200), boxes, np.array([1, 1, 1]), Regions.from_masks(masks, (200, 200)), crowd)
    boxes, masks = zip(*found)
    regions = Regions.from_masks(masks, (200, 200))
    own = Instances(torch.tensor(boxes), torch.ones(len(found), dtype=torch.long), torch.linspace(0.9, 0.5, len(found)))
    own.regions = regions
    return record, own


def test_only_objects_that_were_found_count():
    half, whole = np.zeros((200, 200), bool), np.zeros((200, 200), bool)
    half[0:20, 0:40] = whole[100:200, 100:200] = True
    record, found = scene(((0.0, 0, 40, 40), half), ((100.0, 100, 200, 200), whole), ((0.0, 150, 40, 190), half))
    quality = mask_quality([record], [found])
    assert quality["mask/IoU"] == pytest.approx(0.75)
    assert quality["mask/IoUs"] is None and quality["mask/IoUm"] == pytest.approx(0.5) and quality["mask/IoUl"] == 1
    assert quality["mask/boundaryIoUl"] == 1
    record, found = scene(((100.0, 100, 200, 200), whole))
    assert mask_quality([record], [found])["mask/IoU"] == 1


def test_what_a_user_is_not_shown_does_not_count():
    half, whole = np.zeros((200, 200), bool), np.zeros((200, 200), bool)
    half[0:20, 0:40] = whole[100:200, 100:200] = True
    record, found = scene(((100.0, 100, 200, 200), whole), ((0.0, 0, 40, 40), half))
    found.scores = torch.tensor([0.5, 0.49])
    assert mask_quality([record], [found])["mask/IoU"] == 1


def test_a_bad_mask_of_a_good_box_counts():
    record, found = scene(((0.0, 0, 40, 40), np.zeros((200, 200), bool)))
    assert mask_quality([record], [found])["mask/IoU"] == 0


def test_nothing_is_said_where_nobody_draws():
    record, found = scene(((0.0, 0, 40, 40), np.ones((200, 200), bool)))
    found.regions = None
    assert mask_quality([record], [found]) == {}
