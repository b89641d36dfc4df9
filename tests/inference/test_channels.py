"""What is found in each channel becomes one: by cases counted by hand, and what must hold for any."""

import itertools

import numpy as np
import pytest
import torch

from maskrcnn.inference.channels import fuse_channels
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances
from signals_found import found

LENGTH = 100


def lead(*objects, length=LENGTH, masks=True):
    """From (first, behind the last, label, score); masks fill the boxes."""
    spans = [(low, high) for low, high, *_ in objects]
    covers = [range(int(low), int(high)) for low, high in spans] if masks else None
    return found(length, spans, [o[2] for o in objects], [o[3] for o in objects], covers)


def listed(instances):
    rows = zip(instances.boxes.tolist(), instances.labels.tolist(), instances.scores.tolist())
    return [(*box, label, pytest.approx(score)) for box, label, score in rows]


def test_one_channel_is_itself():
    alone = lead((10, 20, 1, 0.9), (30, 50, 2, 0.4), (31, 51, 2, 0.3))
    fused = fuse_channels([alone])
    assert listed(fused) == listed(alone) and np.array_equal(fused.regions.areas(), [10, 20, 20])
    assert listed(fuse_channels([alone], 0.35)) == listed(alone)[:2]


def test_what_all_channels_see_has_the_median_of_their_sides():
    leads = [lead((10, 30, 1, 0.9)), lead((12, 34, 1, 0.8)), lead((11, 31, 1, 0.4))]
    fused = fuse_channels(leads)
    assert listed(fused) == [(11, 31, 1, 0.85)]  # the better half of three are two
    assert np.flatnonzero(fused.regions.mask(0)).tolist() == list(range(11, 31))  # which two of three cover


def test_what_few_channels_see_scores_little():
    leads = [lead((10, 30, 1, 0.8)), lead(), lead(), lead()]
    assert listed(fuse_channels(leads)) == [(10, 30, 1, 0.4)]  # the better half of four are two, one of them 0
    assert len(fuse_channels(leads, 0.5)) == 0
    assert fuse_channels(leads, 0.5).regions.spatial_shape == (LENGTH,)
    assert listed(fuse_channels(leads[:2], 0.5)) == [(10, 30, 1, 0.8)]


def test_two_channels_share_a_sample_that_one_of_them_covers():
    fused = fuse_channels([lead((10, 30, 1, 0.8)), lead((20, 40, 1, 0.7))])
    assert listed(fused) == [(15, 35, 1, 0.8)]
    assert np.flatnonzero(fused.regions.mask(0)).tolist() == list(range(10, 40))


def test_classes_stay_apart_and_so_does_what_hardly_overlaps():
    fused = fuse_channels([lead((10, 30, 1, 0.9)), lead((10, 30, 2, 0.8))])
    assert listed(fused) == [(10, 30, 1, 0.9), (10, 30, 2, 0.8)]
    fused = fuse_channels([lead((10, 30, 1, 0.9)), lead((26, 46, 1, 0.8))])  # IoU 4 / 36
    assert listed(fused) == [(10, 30, 1, 0.9), (26, 46, 1, 0.8)]


def test_of_two_objects_of_a_channel_at_one_place_the_better_counts():
    leads = [lead((10, 40, 1, 0.9)), lead((10, 28, 1, 0.6), (24, 40, 1, 0.7))]
    assert listed(fuse_channels(leads)) == [(17, 40, 1, 0.9)]
    leads[1] = lead((24, 40, 1, 0.7), (10, 28, 1, 0.6))
    assert listed(fuse_channels(leads)) == [(17, 40, 1, 0.9)]


def test_the_best_of_the_fused_comes_first():
    leads = [lead((10, 30, 1, 0.95), (50, 70, 1, 0.9)), lead((50, 70, 1, 0.9)), lead((50, 70, 1, 0.9))]
    assert listed(fuse_channels(leads)) == [(50, 70, 1, 0.9), (10, 30, 1, 0.475)]


def test_nothing_found_is_a_result():
    for masks in (True, False):
        fused = fuse_channels([lead(masks=masks)] * 3)
        assert len(fused) == 0 and fused.boxes.shape == (0, 2) and fused.labels.dtype == torch.int64
        assert (fused.regions is None) != masks
    assert fuse_channels([lead()] * 3).regions.spatial_shape == (LENGTH,)


def test_without_masks_there_are_none():
    assert fuse_channels([lead((10, 30, 1, 0.9), masks=False), lead((10, 30, 1, 0.9))]).regions is None


def test_an_object_without_extent_harms_nothing():
    leads = [lead((10, 10, 1, 0.9), (50, 70, 1, 0.8)), lead((50, 70, 1, 0.8))]
    assert (50, 70, 1, pytest.approx(0.8)) in listed(fuse_channels(leads))


def test_empty_masks_count_as_votes_against():
    empty = Instances(
        torch.tensor([[10.0, 30]]), torch.tensor([1]), torch.tensor([0.9]), regions=Regions.blank((LENGTH,), 1)
    )
    fused = fuse_channels([lead((10, 30, 1, 0.9)), empty, empty])
    assert fused.regions.areas().tolist() == [0]


@pytest.mark.parametrize("seed", range(6))
def test_the_order_of_the_channels_does_not_matter(seed):
    generator = np.random.default_rng(seed)
    truth = [(k * 12 + 1, k * 12 + 9, 1 + k % 2) for k in range(8)]
    leads = []
    for _ in range(4):
        seen = [(low + generator.uniform(-2, 2), high + generator.uniform(-2, 2), label, generator.uniform(0.1, 1))
                for low, high, label in truth if generator.random() < 0.7]  # fmt: skip
        leads.append(lead(*seen))
    results = [fuse_channels([leads[i] for i in order]) for order in itertools.permutations(range(4))]
    for other in results[1:]:
        assert listed(other) == listed(results[0])
        assert all(np.array_equal(other.regions.mask(i), results[0].regions.mask(i)) for i in range(len(other)))
    assert len(results[0]) == len(
        {low for low, *_ in truth for one in leads if ((one.boxes[:, 0] - low).abs() < 3).any()}
    )
    inside = [any((one.boxes[:, 0] <= box[0] + 1e-4).any() for one in leads) for box in results[0].boxes]
    assert all(inside)


def test_volumes_are_fused_in_the_same_way():
    box = torch.tensor([[1.0, 2, 3, 5, 6, 7]])
    window = [((3, 2, 1), np.ones((4, 4, 4), bool))]
    one = Instances(box, torch.tensor([1]), torch.tensor([0.6]), regions=Regions.from_windows((9, 9, 9), window))
    fused = fuse_channels([one, one, one])
    assert fused.boxes.tolist() == box.tolist() and fused.regions.areas().tolist() == [64]
