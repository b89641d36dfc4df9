"""Scores become chances: right and wrong are told apart, and the chances are those that the detections were made by."""

import pytest
import torch

from calibrate import RIGHT, UNKNOWN, WRONG, calibrate, judge, log_loss

A, B = [0.0, 0.0, 10.0, 10.0], [20.0, 0.0, 30.0, 10.0]


def verdicts(boxes, scores, labels, true_boxes, true_labels, crowd):
    columns = [torch.tensor(c) for c in (boxes, scores, labels, true_boxes, true_labels, crowd)]
    return judge(*columns).tolist()


def test_a_detection_is_right_where_an_object_of_its_class_is():
    found = verdicts([A, A, B], [0.9, 0.8, 0.7], [1, 2, 1], [A, B], [1, 2], [False, False])
    assert found == [RIGHT, WRONG, WRONG]


def test_an_object_is_found_once_by_the_best():
    assert verdicts([A, A], [0.3, 0.9], [1, 1], [A], [1], [False]) == [WRONG, RIGHT]


def test_a_poor_overlap_is_wrong():
    assert verdicts([[0.0, 0.0, 10.0, 4.9]], [0.9], [1], [A], [1], [False]) == [WRONG]
    assert verdicts([[0.0, 0.0, 10.0, 5.1]], [0.9], [1], [A], [1], [False]) == [RIGHT]


def test_nothing_can_be_said_inside_a_crowd_of_the_same_class():
    small = [1.0, 1.0, 3.0, 3.0]
    assert verdicts([small, small], [0.9, 0.8], [1, 2], [A], [1], [True]) == [UNKNOWN, WRONG]


def test_without_objects_all_is_wrong():
    found = judge(torch.tensor([A]), torch.tensor([0.9]), torch.tensor([1]), *map(torch.zeros, ((0, 4), 0, 0)))
    assert found.tolist() == [WRONG]


def made_up(count=12_000, shifts=(0.0, 1.5), seed=0):
    """Detections of classes 1, 2 ... that are right with chance sigmoid(-1 + 2 logit(score) + the class's shift)."""
    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand(count, generator=generator).clamp(0.01, 0.99)
    labels = torch.randint(1, len(shifts) + 1, (count,), generator=generator)
    chance = (-1 + 2 * torch.logit(scores) + torch.tensor(shifts)[labels - 1]).sigmoid()
    return scores, labels, torch.rand(count, generator=generator) < chance, chance


def test_the_known_curve_is_found_again():
    scores, labels, right, chance = made_up()
    found = calibrate(scores, labels, right)
    torch.testing.assert_close(found.chance(scores, labels), chance, atol=0.03, rtol=0)
    # half right: logit(score) = (1 - shift) / 2, which is 0.5 for class 1 and -0.25 for class 2
    assert found.threshold(1, 0.5) == pytest.approx(0.622, abs=0.02)
    assert found.threshold(2, 0.5) == pytest.approx(0.438, abs=0.02)


def test_the_threshold_is_where_the_chance_is():
    found = calibrate(*made_up(2000)[:3])
    for chance in (0.15, 0.5, 0.8):
        score = torch.tensor([found.threshold(2, chance)])
        assert found.chance(score, torch.tensor([2])).item() == pytest.approx(chance, abs=1e-3)


def test_a_class_with_few_detections_keeps_near_the_pool():
    scores, labels, right, _ = made_up(4000, (0.0, 0.0))
    rare = torch.tensor([0.5, 0.5]), torch.tensor([3, 3]), torch.tensor([True, True])
    found = calibrate(*(torch.cat(pair) for pair in zip((scores, labels, right), rare)), spread=0.3)
    assert 0 < found.shifts[3] < 0.3
    assert found.threshold(99, 0.5) == pytest.approx(found.threshold(1, 0.5), abs=0.05)  # never seen: the pool


def test_no_spread_pools_all_classes():
    found = calibrate(*made_up(2000)[:3], spread=0.0)
    assert set(found.shifts.values()) == {0.0}


def test_the_log_loss_prefers_the_truth():
    _, _, right, chance = made_up(4000)
    assert log_loss(chance, right) < log_loss(chance * 0.5, right)
