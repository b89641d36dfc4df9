"""Parts of the doctor against slow twins, and numbers that follow from one another."""

import itertools

import numpy as np
import pytest
import torch

from maskrcnn.config import AnchorConfig
from maskrcnn.data.faults import box_fault, box_overlap, disagreement
from maskrcnn.data.inspect_label_maps import count_parts
from maskrcnn.regions import Regions
from maskrcnn.structures import Record
from maskrcnn.workflows.doctor.costs import duration, training_needs
from maskrcnn.workflows.doctor.placement import outline_points, place_scores, shifts
from maskrcnn.workflows.doctor.sizes import Sizes, best_anchor_overlaps
from maskrcnn.workflows.doctor.trial import Trial
from maskrcnn.workflows.recipe import Recipe


def flood(mask):
    """Connected parts, one sample after another."""
    left, parts = {tuple(p) for p in np.argwhere(mask).tolist()}, 0
    steps = list(itertools.product((-1, 0, 1), repeat=mask.ndim))
    while left:
        parts += 1
        waiting = [left.pop()]
        while waiting:
            here = waiting.pop()
            near = {tuple(a + b for a, b in zip(here, step)) for step in steps} & left
            left -= near
            waiting += near
    return parts


@pytest.mark.parametrize("shape", [(40,), (12, 15), (5, 6, 7)])
@pytest.mark.parametrize("filled", [0.1, 0.25, 0.5])
def test_parts_are_counted_as_by_flooding(shape, filled):
    for seed in range(10):
        mask = np.random.default_rng(seed).random(shape) < filled
        assert count_parts(mask) == flood(mask)


def test_outlines_are_samples_with_a_neighbour_outside():
    mask = np.zeros((20, 24), bool)
    mask[5:12, 6:14] = True
    mask[8, 9] = False
    points = {tuple(p) for p in outline_points(Regions.from_masks([mask], mask.shape)).tolist()}
    expected = {
        (y, x)
        for y, x in np.argwhere(mask).tolist()
        if not (mask[y - 1, x] and mask[y + 1, x] and mask[y, x - 1] and mask[y, x + 1])
    }
    assert points == expected


@pytest.mark.parametrize("shift", [(0, 0), (6, 0), (-4, 8)])
def test_outlines_fit_best_where_the_object_is(shift):
    generator = np.random.default_rng(0)
    picture = generator.normal(60, 3, (100, 120)).astype(np.float32)
    picture[40:60, 50:80] += 120
    mask = np.zeros(picture.shape, bool)
    mask[40 + shift[0] : 60 + shift[0], 50 + shift[1] : 80 + shift[1]] = True
    regions = Regions.from_masks([mask], mask.shape)
    record = Record("", 1, "", mask.shape, regions.boxes(), np.ones(1, np.int64), regions)
    placement = place_scores(torch.from_numpy(picture)[None], record)
    assert placement is not None
    best = shifts(2)[np.nanargmax(placement.shifted)]
    assert np.abs(best + shift).max() <= 2  # back to the object; an edge is two samples wide


@pytest.mark.parametrize(
    "box, code",
    [
        ([1, 1, 5, 5], ""),
        ([-1.5, 1, 61, 41], ""),  # within the slack
        ([-4, 1, 5, 5], "box-outside"),
        ([70, 1, 75, 5], "box-outside"),
        ([5, 5, 5, 9], "box-empty"),
        ([5, 5, 9, 4], "box-empty"),
        ([np.nan, 1, 5, 5], "not-a-number"),
        ([1, 1, np.inf, 5], "not-a-number"),
    ],
)
def test_faults_of_one_box(box, code):
    assert box_fault(np.array(box, float), (40, 60))[0] == code


def test_boxes_that_differ_by_rounding_agree():
    small, large = np.array([10.0, 10, 14, 14]), np.array([10.0, 10, 110, 110])
    assert disagreement(small, small + [0, 0, 2, 2]) == ""
    assert disagreement(large, large + [0, 0, 10, 10]) == ""
    assert disagreement(large, large + [30, 30, 30, 30])
    assert box_overlap(large, large + 50) == pytest.approx(2500 / 17500)


def test_best_anchor_overlaps_are_those_of_a_slow_search():
    extents = np.random.default_rng(0).uniform(2, 400, (50, 2))
    anchors = AnchorConfig()
    for (w, h), found in zip(extents, best_anchor_overlaps(extents, anchors)):
        overlaps = []
        for (size,) in anchors.sizes:
            for fx, fy in anchors.shapes:
                a = np.array([-size * fx, -size * fy, size * fx, size * fy]) / 2
                overlaps.append(box_overlap(a, np.array([-w, -h, w, h]) / 2))
        assert found == pytest.approx(max(overlaps))


def test_the_histogram_counts_every_object_once():
    sizes = Sizes(np.array([[4.0, 4], [8, 8], [7.9, 7.9], [30, 40], [600, 900]]), 1.0)
    assert [count for _, count in sizes.histogram()] == [2, 1, 0, 1, 0, 0, 0, 1]


def test_needs_grow_with_batch_crop_and_epochs():
    trial = Trial(("a",), {"loss": (1, 0.1)}, 9, "", None, 1.0, seconds=2.0, images=2, bytes=200, resident=1000)
    plain = training_needs(trial, Recipe(batch=8, epochs=10), 100, 400)
    assert (plain.seconds_an_image, plain.epoch_seconds, plain.total_seconds) == (1.0, 100.0, 1000.0)
    assert plain.bytes == 1000 + 8 * 100
    cropped = training_needs(trial, Recipe(batch=8, crop_size=200), 100, 400)
    assert (cropped.seconds_an_image, cropped.bytes) == (0.25, 1000 + 200)
    halves = training_needs(trial, Recipe(batch=8, accumulate=2), 100, 400)
    assert halves.bytes == 1000 + 400 and halves.epoch_seconds == pytest.approx(400 / 3)


@pytest.mark.parametrize("seconds, words", [(12, "12 s"), (600, "10 min"), (8000, "2 h 13 min")])
def test_durations(seconds, words):
    assert duration(seconds) == words
