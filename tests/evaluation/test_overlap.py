"""Overlaps of masks are those of full-size masks, in any number of dimensions."""

import numpy as np
import pytest

from cases import NDIMS, SHAPES
from maskrcnn.evaluation import overlap
from maskrcnn.evaluation.overlap import box_overlaps, box_pairs, mask_overlaps
from maskrcnn.regions import Regions


def random_masks(shape, count, seed):
    rng = np.random.default_rng(seed)
    masks = []
    for _ in range(count):
        mask = np.zeros(shape, bool)
        low = [rng.integers(0, n - 1) for n in shape]
        where = tuple(slice(a, rng.integers(a + 1, n + 1)) for a, n in zip(low, shape))
        mask[where] = rng.random(mask[where].shape) < 0.7
        masks.append(mask)
    return [*masks, np.zeros(shape, bool)]  # one that covers nothing


@NDIMS
def test_masks_overlap_as_full_size_masks_do(ndim):
    found, labelled = random_masks(SHAPES[ndim], 6, 0), random_masks(SHAPES[ndim], 5, 1)
    regions = [Regions.from_masks(masks, SHAPES[ndim]) for masks in (found, labelled)]
    iou, inside = mask_overlaps(*regions)
    for i, a in enumerate(found):
        for j, b in enumerate(labelled):
            shared, union = (a & b).sum(), (a | b).sum()
            assert iou[i, j] == pytest.approx(shared / union if union else 0)
            assert inside[i, j] == pytest.approx(shared / a.sum() if a.sum() else 0)


@NDIMS
def test_boxes_of_whole_samples_overlap_as_masks_of_them_do(ndim):
    shape = SHAPES[ndim]
    rng = np.random.default_rng(2)
    low = np.array([[rng.integers(0, n - 1) for n in shape] for _ in range(8)])
    high = np.array([[rng.integers(a + 1, n + 1) for a, n in zip(row, shape)] for row in low])
    boxes = np.concatenate([low[:, ::-1], high[:, ::-1]], axis=1)
    filled = [np.zeros(shape, bool) for _ in low]
    for mask, a, b in zip(filled, low, high):
        mask[tuple(slice(*ends) for ends in zip(a, b))] = True
    regions = Regions.from_masks(filled, shape)
    for ours, dense in zip(box_overlaps(boxes[:4], boxes[4:]), mask_overlaps(regions[slice(4)], regions[slice(4, 8)])):
        assert ours == pytest.approx(dense)


def test_nothing_found_or_nothing_labelled_has_no_pairs():
    some, none = Regions.from_masks([np.ones((3, 4), bool)], (3, 4)), Regions.blank((3, 4))
    assert mask_overlaps(none, some)[0].shape == (0, 1)
    assert mask_overlaps(some, none)[1].shape == (1, 0)


@NDIMS
@pytest.mark.parametrize("chunk", [1, 7, 1 << 22])
def test_pairs_are_those_of_all_that_share_something(ndim, chunk, monkeypatch):
    monkeypatch.setattr(overlap, "CHUNK", chunk)
    rng = np.random.default_rng(3)
    low = rng.integers(0, 12, (40, ndim)) / 2
    boxes = np.concatenate([low, low + rng.integers(0, 9, (40, ndim)) / 2], axis=1)  # some are empty
    found, labelled = boxes[:25], boxes[25:]
    pairs, (iou, inside) = box_pairs(found, labelled), box_overlaps(found, labelled)
    i, j = np.nonzero(iou)
    assert pairs.found.tolist() == i.tolist() and pairs.labelled.tolist() == j.tolist()
    assert pairs.iou == pytest.approx(iou[i, j]) and pairs.inside == pytest.approx(inside[i, j])
    assert len(box_pairs(found[:0], labelled).found) == len(box_pairs(found, labelled[:0]).found) == 0
