"""What a model sees twice in one place is followed once."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from maskrcnn.ops.boxes import pairwise_iou
from maskrcnn.structures import Instances
from maskrcnn.video.follow import each_once

BOX = st.tuples(*[st.integers(0, 8)] * 2, *[st.integers(9, 16)] * 2)


def found(boxes, labels=None):
    boxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    return Instances(
        boxes, torch.tensor(labels or [1] * len(boxes), dtype=torch.int64), torch.linspace(1, 0.5, len(boxes))
    )


def test_the_surer_name_of_one_thing_is_kept():
    kept = each_once(found([(0, 0, 10, 20), (0, 0, 10, 21), (3, 0, 13, 20)], [44, 41, 1]))
    assert kept.labels.tolist() == [44, 1]
    assert len(each_once(found([]))) == 0


@given(st.lists(BOX, max_size=6))
def test_no_two_that_are_left_are_one_and_all_that_is_gone_is_another(boxes):
    seen = found(boxes)
    kept = each_once(seen)
    ious = pairwise_iou(kept.boxes, kept.boxes).fill_diagonal_(0)
    assert len(kept) == 0 or ious.max() < 0.8
    gone = [box for box in seen.boxes if len(kept) == 0 or not (kept.boxes == box).all(1).any()]
    assert all(pairwise_iou(box[None], kept.boxes).max() >= 0.8 for box in gone)
    assert kept.scores.tolist() == sorted(kept.scores.tolist(), reverse=True)
