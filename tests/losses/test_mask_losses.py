"""The mask loss against a naive sum; its targets against the dense mask, however the image was varied."""

import dataclasses

import numpy as np
import pytest
import torch

import naive
from cases import NDIMS, inner_boxes, seeded
from maskrcnn.config import LossConfig
from maskrcnn.data.transforms import geometry
from maskrcnn.losses.mask import mask_loss, mask_targets
from maskrcnn.regions import Regions

CONFIG = LossConfig()
SHAPES = {1: (32,), 2: (16, 24), 3: (8, 12, 16)}
ALIGNED = pytest.mark.parametrize("aligned", [False, True], ids=["unaligned", "aligned"])


@NDIMS
@pytest.mark.parametrize("class_agnostic", [False, True], ids=["by class", "class-agnostic"])
def test_mask_loss_is_a_naive_sum_over_the_masks_of_the_true_classes(ndim, class_agnostic):
    bins = (2,) * ndim
    logits = torch.randn(4, 1 if class_agnostic else 3, *bins, generator=seeded(1))
    targets = torch.rand(4, *bins, generator=seeded(2))
    labels, has_mask = [3, 1, 2, 2], [True, True, False, True]
    expected = 0.0
    for r in (0, 1, 3):
        own = logits[r, 0 if class_agnostic else labels[r] - 1]
        for index in np.ndindex(*bins):
            expected += naive.binary_cross_entropy(own[index].item(), targets[r][index].item())
    (term,) = mask_loss(logits, torch.tensor(labels), targets, torch.tensor(has_mask)).values()
    assert term.total.item() == pytest.approx(expected, rel=1e-5)
    assert term.count == 3 * 2**ndim


@NDIMS
def test_no_positive_proposals_cost_nothing(ndim):
    none = torch.zeros(0, dtype=torch.long)
    (term,) = mask_loss(torch.zeros(0, 3, *(2,) * ndim), none, torch.zeros(0, *(2,) * ndim), none.bool()).values()
    assert (term.total.item(), term.count) == (0.0, 0)


def random_masks(shape, count=3):
    """Dense masks of noise in windows of their own; the first reaches the low end of every axis, the last the high."""
    generator = np.random.default_rng(0)
    masks = np.zeros((count, *shape), bool)
    for k, mask in enumerate(masks):
        window = tuple(slice((n - n // 2) * k // (count - 1), n // 2 + (n - n // 2) * k // (count - 1)) for n in shape)
        mask[window] = generator.random(mask[window].shape) < 0.6
    return masks


def quarter_boxes(count, spatial_shape, seed=0):
    """Corners at multiples of 1/4: exact in float32, so that nothing hangs on how a length is rounded."""
    boxes = (inner_boxes(count, spatial_shape, seed) * 4).round() / 4
    low, high = boxes.chunk(2, 1)
    return torch.cat([low, torch.maximum(high, low + 1)], 1)


def assert_targets(regions, boxes, dense, source_boxes, config=CONFIG):
    """``dense[i]`` and ``source_boxes[i]`` lie in one frame."""
    bins = (4, 2, 4)[: dense[0].ndim]
    targets = mask_targets([regions], [boxes], bins, config)
    assert targets.shape == (len(boxes), *bins)
    for target, mask, box in zip(targets, dense, source_boxes):
        twin = naive.crop_mask(mask, box, bins, config.mask_aligned)
        torch.testing.assert_close(target, torch.from_numpy(twin).float(), rtol=1e-5, atol=1e-5)


@NDIMS
@ALIGNED
def test_targets_are_the_dense_masks_cropped(ndim, aligned):
    masks, boxes = random_masks(SHAPES[ndim]), quarter_boxes(3, SHAPES[ndim])
    config = dataclasses.replace(CONFIG, mask_aligned=aligned)
    assert_targets(Regions.from_masks(masks, SHAPES[ndim]), boxes, masks, boxes.tolist(), config)


@NDIMS
@ALIGNED
@pytest.mark.parametrize("flipped", [(), (0,), (-1,), (0, -1)], ids=str)
def test_a_flipped_image_reads_its_bins_backwards(ndim, aligned, flipped):
    axes = sorted({axis % ndim for axis in flipped})
    masks, boxes = random_masks(SHAPES[ndim]), quarter_boxes(3, SHAPES[ndim])
    regions = Regions.from_masks(masks, SHAPES[ndim])
    regions.axis_map = geometry.flip_map(SHAPES[ndim], axes)
    mirrored = [np.flip(mask, [ndim - 1 - axis for axis in axes]) for mask in masks]
    config = dataclasses.replace(CONFIG, mask_aligned=aligned)
    assert_targets(regions, boxes, mirrored, boxes.tolist(), config)


@NDIMS
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_crop_resized_and_flipped_reads_where_it_comes_from(ndim, factor):
    """The way back is worked out by hand, in the file flipped along x as a whole."""
    shape, offset = SHAPES[ndim], tuple(range(1, 1 + ndim))
    extent = tuple((n - 4) // 2 * 2 for n in shape)
    resized = tuple(int(n * factor) for n in extent)
    axis_map = geometry.crop_map(offset).then(geometry.resize_map(extent, resized))
    axis_map = axis_map.then(geometry.flip_map(resized, (0,)))

    masks, boxes = random_masks(shape), quarter_boxes(3, resized)
    regions = Regions.from_masks(masks, shape)
    regions.axis_map = axis_map
    source = boxes / factor + torch.tensor(offset[::-1] * 2)
    # along x, what is left of the crop in the flipped file is what was right of it
    beyond = shape[-1] - offset[-1] - extent[-1]
    source[:, [0, ndim]] = boxes[:, [0, ndim]] / factor + beyond
    assert_targets(regions, boxes, [np.flip(mask, -1) for mask in masks], source.tolist())


@NDIMS
def test_binary_targets_are_rounded(ndim):
    masks, boxes = random_masks(SHAPES[ndim]), quarter_boxes(3, SHAPES[ndim])
    regions = Regions.from_masks(masks, SHAPES[ndim])
    soft = mask_targets([regions], [boxes], (3,) * ndim, CONFIG)
    hard = mask_targets([regions], [boxes], (3,) * ndim, dataclasses.replace(CONFIG, mask_binary=True))
    assert torch.equal(hard, (soft >= 0.5).float())
    assert not torch.equal(hard, soft)


@NDIMS
def test_a_full_object_fills_its_own_box(ndim):
    mask = np.zeros(SHAPES[ndim], bool)
    mask[(slice(2, 7),) * ndim] = True
    box = torch.tensor([[2.0] * ndim + [7.0] * ndim])
    targets = mask_targets([Regions.from_masks([mask], SHAPES[ndim])], [box], (5,) * ndim, CONFIG)
    assert torch.equal(targets, torch.ones(1, *(5,) * ndim))


@NDIMS
def test_an_object_without_a_mask_covers_nothing(ndim):
    regions = Regions.blank(SHAPES[ndim], 2)
    assert not mask_targets([regions], [quarter_boxes(2, SHAPES[ndim])], (2,) * ndim, CONFIG).any()


@NDIMS
def test_targets_of_several_images_run_in_a_row(ndim):
    masks = random_masks(SHAPES[ndim])
    boxes = [quarter_boxes(count, SHAPES[ndim], seed=count) for count in (2, 0, 1)]
    regions = [Regions.from_masks(masks[:count], SHAPES[ndim]) for count in (2, 0, 1)]
    together = mask_targets(regions, boxes, (2,) * ndim, CONFIG)
    alone = [mask_targets([r], [b], (2,) * ndim, CONFIG) for r, b in zip(regions, boxes)]
    assert torch.equal(together, torch.cat(alone))
    assert alone[1].shape == (0, *(2,) * ndim)
