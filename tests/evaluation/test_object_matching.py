"""Matches are COCO's own; what is not matched has exactly one name; the confusion adds up."""

import numpy as np
import pytest
import torch
from scenes import random_scenes

from maskrcnn.evaluation.coco import _run_coco
from maskrcnn.evaluation.misses.matching import (
    FALSE_KINDS,
    NOBODY,
    best_first,
    confusion,
    false_kinds,
    lay_out,
    match_scene,
    shown_matches,
)
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances, Record

SHAPE = (60, 80)


def record(boxes, labels, crowd=None, masks=True, exhaustive=None):
    """Labels whose masks fill their boxes, or the given windows."""
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    regions = filled(boxes) if masks is True else masks or None
    crowd = None if crowd is None else np.array(crowd, bool)
    return Record("", 0, "", SHAPE, boxes, np.array(labels, np.int64), regions, crowd, exhaustive=exhaustive)


def filled(boxes):
    windows = (((int(y1), int(x1)), np.ones((int(y2 - y1), int(x2 - x1)), bool)) for x1, y1, x2, y2 in boxes)
    return Regions.from_windows(SHAPE, windows)


def found(boxes, labels, scores, masks=True):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    regions = filled(boxes) if masks is True else masks or None
    return Instances(torch.from_numpy(boxes), torch.tensor(labels), torch.tensor(scores), regions=regions)


def kinds_of(truth, detections, masks=True):
    scene = lay_out(truth, detections, masks)
    matches = match_scene(scene)
    return [FALSE_KINDS[k] if k != NOBODY else "right" for k in false_kinds(scene, matches)], matches


@pytest.mark.parametrize("kind", ["box", "mask"])
@pytest.mark.parametrize("seed", range(6))
def test_matches_are_those_of_coco(kind, seed):
    records, detections = random_scenes(seed, images=15, objects=7, extras=7)
    run = _run_coco(kind, records, detections, ["a", "b"], 1000)
    every_size = run.params.area_rng[0]
    theirs = {}
    for e in run.eval_imgs:
        if e is not None and e["aRng"] == every_size:
            rows = zip(e["dtScores"], np.array(e["dtMatched"])[0], np.array(e["dtIgnore"])[0])
            theirs |= {(e["image_id"], round(s, 6)): (bool(m and not i), bool(i)) for s, m, i in rows}
    compared = 0
    for image_id, (truth, instances) in enumerate(zip(records, detections), start=1):
        instances = best_first(instances)
        scene = lay_out(truth, instances, kind == "mask")
        matches = match_scene(scene)
        for n, score in enumerate(scene.scores.tolist()):
            matched, ignored = theirs[image_id, round(score, 6)]
            assert (matches.object_of[n] != NOBODY, bool(matches.neutral[n])) == (matched, ignored)
            compared += 1
    assert compared > 50


@pytest.mark.parametrize("seed", range(5))
def test_every_object_and_every_detection_is_counted_once(seed):
    records, detections = random_scenes(100 + seed, images=10, num_classes=3)
    for truth, instances in zip(records, detections):
        scene = lay_out(truth, best_first(instances), masks=True)
        matches = match_scene(scene)
        pairs = confusion(scene, matches)
        assert sorted(t for t, _ in pairs if t) == sorted(scene.truth[~scene.ignored].tolist())
        assert sorted(d for _, d in pairs if d) == sorted(scene.labels[~matches.neutral].tolist())
        assert sum(t == d for t, d in pairs) == (matches.detection_of != NOBODY).sum()
        false = false_kinds(scene, matches) != NOBODY
        assert (false == ((matches.object_of == NOBODY) & ~matches.neutral)).all()


@pytest.mark.parametrize("seed", range(3))
def test_what_is_shown_is_matched_as_if_the_rest_did_not_exist(seed):
    records, detections = random_scenes(200 + seed, images=8)
    for truth, instances in zip(records, detections):
        instances = best_first(instances)
        shown = instances.scores > 0.5
        part = shown_matches(match_scene(lay_out(truth, instances, True)), shown.numpy())
        alone = match_scene(lay_out(truth, instances[shown], True))
        for name in ("object_of", "detection_of", "neutral"):
            assert (getattr(part, name) == getattr(alone, name)).all()


def test_the_detection_on_the_object_is_right_and_the_second_one_a_duplicate():
    kinds, matches = kinds_of(
        record([[0, 0, 20, 20]], [1]), found([[0, 0, 20, 19], [0, 0, 20, 18]], [1, 1], [0.9, 0.8])
    )
    assert kinds == ["right", "duplicate"]
    assert matches.detection_of.tolist() == [0]


def test_another_class_in_the_same_place_is_the_wrong_class():
    assert kinds_of(record([[0, 0, 20, 20]], [1]), found([[0, 0, 20, 20]], [2], [0.9]))[0] == ["wrong class"]


def test_a_box_that_covers_half_of_what_it_should_is_a_bad_box():
    assert kinds_of(record([[0, 0, 20, 20]], [1]), found([[0, 0, 20, 8]], [1], [0.9]))[0] == ["bad box"]


def test_a_right_box_with_a_mask_in_its_corner_is_a_bad_mask():
    corner = Regions.from_windows(SHAPE, [((0, 0), np.ones((6, 6), bool))])
    kinds, _ = kinds_of(record([[0, 0, 20, 20]], [1]), found([[0, 0, 20, 20]], [1], [0.9], masks=corner))
    assert kinds == ["bad mask"]


def test_far_from_everything_and_without_anything_there_it_is_background():
    far = found([[50, 40, 70, 50]], [1], [0.9])
    assert kinds_of(record([[0, 0, 20, 20]], [1]), far)[0] == ["background"]
    assert kinds_of(record([], []), far)[0] == ["background"]


def test_on_a_crowd_it_counts_for_nothing():
    truth, on_it = record([[0, 0, 60, 40]], [1], crowd=[True]), found([[5, 5, 20, 20]], [1], [0.9])
    scene = lay_out(truth, on_it, True)
    matches = match_scene(scene)
    assert (matches.neutral.tolist(), confusion(scene, matches)) == ([True], [])
    assert false_kinds(scene, matches).tolist() == [NOBODY]


def test_a_class_that_nobody_searched_for_counts_for_nothing():
    truth = record([[0, 0, 20, 20]], [1], exhaustive=frozenset({1}))
    assert match_scene(lay_out(truth, found([[50, 40, 70, 50]], [2], [0.9]), True)).neutral.tolist() == [True]


def test_an_object_without_a_mask_is_nothing_to_find_where_masks_are_judged():
    masks = Regions.blank(SHAPE, 1)
    scene = lay_out(record([[0, 0, 20, 20]], [1], masks=masks), found([[0, 0, 20, 20]], [1], [0.9]), True)
    assert scene.ignored.tolist() == [True]
    assert match_scene(scene).neutral.tolist() == [True]


def test_a_wrong_name_pairs_the_object_with_the_detection():
    scene = lay_out(record([[0, 0, 20, 20], [40, 0, 60, 20]], [1, 2]), found([[0, 0, 20, 20]], [2], [0.9]), True)
    assert sorted(confusion(scene, match_scene(scene))) == [(1, 2), (2, 0)]


def test_an_object_with_an_unknown_side_is_neither_found_nor_missed() -> None:
    boxes, sides = np.array([[0, 10], [50, 70]], np.float32), np.array([[False, False], [True, False]])
    record = Record("", 1, "", None, boxes, np.array([1, 1]), unknown_sides=sides)
    places = torch.tensor([[0.0, 10.0], [66.0, 71.0], [52.0, 60.0]])
    found = Instances(places, torch.ones(3, dtype=torch.int64), torch.tensor([0.9, 0.8, 0.7]))
    matches = match_scene(lay_out(record, found, masks=False))
    assert matches.object_of.tolist() == [0, -1, -1] and matches.neutral.tolist() == [False, True, False]
