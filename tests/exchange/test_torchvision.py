"""The dict of torchvision's detection models."""

import pytest
import torch

from exchange.found_objects import masks, some_objects
from maskrcnn.exchange.torchvision import to_torchvision


def test_it_has_the_keys_types_and_shapes_of_a_model_of_masks_and_points():
    given = to_torchvision(some_objects())
    assert {name: (tuple(value.shape), value.dtype) for name, value in given.items()} == {
        "boxes": ((3, 4), torch.float32),
        "labels": ((3,), torch.int64),
        "scores": ((3,), torch.float32),
        "masks": ((3, 1, 40, 60), torch.float32),
        "keypoints": ((3, 2, 3), torch.float32),
        "keypoints_scores": ((3, 2), torch.float32),
    }
    assert torch.equal(given["masks"][:, 0] > 0.5, torch.from_numpy(masks()))
    assert given["keypoints"][1].tolist() == [[6, 7, 1], [9, 10, 1]] and given["keypoints_scores"][1].tolist() == [
        8,
        11,
    ]


def test_boxes_alone_have_no_masks():
    assert "masks" not in to_torchvision(some_objects(with_masks=False))


def test_torchvision_draws_and_measures_it():
    try:
        torchvision = pytest.importorskip("torchvision", reason="torchvision is not installed: pip install torchvision")
    except RuntimeError as error:  # built for another torch than the one that is here
        pytest.skip(f"torchvision does not fit to this torch: {error}")
    given = to_torchvision(some_objects()[:2])
    boxes = torchvision.ops.masks_to_boxes(given["masks"][:, 0])
    assert boxes.tolist() == [[8, 5, 19, 21], [40, 30, 54, 35]]
    picture = torch.zeros(3, 40, 60, dtype=torch.uint8)
    drawn = torchvision.utils.draw_segmentation_masks(picture, given["masks"][:, 0] > 0.5)
    assert drawn[:, 32, 50].any() and not drawn[:, 0, 0].any()
