"""Parts of the doctor against slow twins, and numbers that follow from one another."""

import dataclasses

import numpy as np
import pytest
import torch

from hand_made_plan import situation
from maskrcnn.config import AnchorConfig
from maskrcnn.data.faults import box_fault, box_overlap, disagreement, record_faults
from maskrcnn.doctor.placement import outline_points, place_scores, shifts
from maskrcnn.doctor.sizes import Sizes
from maskrcnn.doctor.training_needs import needs_findings, training_needs
from maskrcnn.doctor.trial_training import Trial, is_too_short, trial_findings
from maskrcnn.planning.anchor_overlap import best_overlaps
from maskrcnn.planning.machine import Machine
from maskrcnn.planning.plan import Plan
from maskrcnn.planning.situation import Choice
from maskrcnn.planning.step_cost import Cost
from maskrcnn.regions import Regions
from maskrcnn.structures import Record


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


def test_overlaps_with_the_best_anchor_are_those_of_a_slow_search():
    extents = np.random.default_rng(0).uniform(2, 400, (50, 2))
    anchors = AnchorConfig()
    for (w, h), found in zip(extents, best_overlaps(extents, anchors, 0)):
        overlaps = []
        for (size,) in anchors.sizes:
            for fx, fy in anchors.shapes:
                a = np.array([-size * fx, -size * fy, size * fx, size * fy]) / 2
                overlaps.append(box_overlap(a, np.array([-w, -h, w, h]) / 2))
        assert found == pytest.approx(max(overlaps))


def test_the_histogram_counts_every_object_once():
    sizes = Sizes(np.array([[4.0, 4], [8, 8], [7.9, 7.9], [30, 40], [600, 900]]), 1.0)
    assert [count for _, count in sizes.histogram()] == [2, 1, 0, 1, 0, 0, 0, 1]


@pytest.mark.parametrize("steps, last, codes", [(30, 0.9, ["trial-not-learning"]), (30, 0.5, []), (5, 0.9, [])])
def test_a_trial_of_few_steps_proves_nothing(steps, last, codes):
    tried = Trial(("a.png",), {"loss": (1.0, last)}, steps, "", 0.9, 0.1)
    assert [finding.code for finding in trial_findings(tried)] == codes
    assert is_too_short(tried) == (steps == 5)
    assert not is_too_short(dataclasses.replace(tried, box_agreement=0.9))


def test_needs_follow_from_the_plan_and_its_step():
    made_for = situation(
        chosen={"image_size": 400, "crop_size": 400, "batch": 8, "workers": 1},
        train_images=100,
        val_images=20,
        cost=Cost(seconds=2.0, bytes=700, load_seconds=0.4, look_seconds=0.5),
        machine=Machine(memory=1000),
    )
    settings = {"batch": 8, "epochs": 9, "validate_every": 2}
    plan = Plan({name: Choice(value, "") for name, value in settings.items()}, made_for=made_for)
    needs = training_needs(plan)
    assert needs is not None
    assert needs.epoch_seconds == pytest.approx(13 * 2.2)
    assert needs.total_seconds == pytest.approx(9 * 13 * 2.2 + 4 * 2 * 20 * 0.5)
    assert needs_findings(needs, plan) == []
    short = needs_findings(dataclasses.replace(needs, bytes=950), plan)
    assert [finding.code for finding in short] == ["memory-short"] and "--batch 4" in short[0].fix
    assert training_needs(Plan({})) is None


def test_a_box_of_which_nobody_labelled_a_side_does_not_contradict_its_mask():
    """Of most T waves in ECG the end is labelled and the onset is not, which the box guesses."""
    mask = np.zeros(40, bool)
    mask[20:30] = True
    boxes, unknown = np.array([[8.0, 30.0]], np.float32), np.array([[True, False]])
    regions = Regions.from_masks([mask], mask.shape)
    record = Record("", 1, "a.hea", mask.shape, boxes, np.ones(1, np.int64), regions)
    assert [fault.code for fault in record_faults(record, 1, True)] == ["box-mask-disagree"]
    assert not [*record_faults(dataclasses.replace(record, unknown_sides=unknown), 1, True)]
