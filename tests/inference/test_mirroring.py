"""Two views of an image are one result, whichever of the two one begins with."""

import dataclasses

import pytest
import torch

from cases import NDIMS, seeded, small_model
from maskrcnn.config import KeypointHeadConfig, PoolConfig
from maskrcnn.inference.mirroring import detect_mirrored, fuse, mirrored
from maskrcnn.inference.predictor import Predictor
from maskrcnn.model_info import ModelInfo
from maskrcnn.structures import ImageBatch, Instances
from tiny import noise, tiny_info, tiny_model


def found_by(boxes, scores, labels=None):
    labels = [1] * len(boxes) if labels is None else labels
    return Instances(torch.tensor(boxes).reshape(-1, 4), torch.tensor(labels, dtype=torch.long), torch.tensor(scores))


def loud_model(ndim):
    """Random weights whose scores and masks say something."""
    pool = PoolConfig(4, aligned=True, canonical_size=16.0)
    model = small_model(ndim, keypoint_head=KeypointHeadConfig(pool, channels=8, convs=1, num_keypoints=2))
    detection = dataclasses.replace(model.config.detection, score_threshold=0.3, max_detections=200)
    model.config = dataclasses.replace(model.config, detection=detection)
    with torch.no_grad():
        model.heads["box"].class_logits.weight *= 60
        for name in ("mask", "keypoint"):
            model.heads[name].logits.weight *= 500
    return model


@NDIMS
def test_the_mirror_image_gives_the_mirrored_result(ndim):
    shape = (24,) * (ndim - 1) + (40,)
    padded = (32,) * (ndim - 1) + (40,)
    model = loud_model(ndim)
    image = torch.zeros(1, 1, *padded)
    image[(..., *(slice(0, side) for side in shape))] = torch.randn(1, 1, *shape, generator=seeded(ndim))
    info, detection = ModelInfo(model.config, ("a", "b"), keypoint_names=("left", "right")), model.config.detection
    there, back = (
        detect_mirrored(model, ImageBatch(tensor, [shape]), info, detection)[0] for tensor in (image, image.flip(-1))
    )
    assert 2 <= len(there) < detection.max_detections
    expected = mirrored(there, shape, model.heads, info)
    order = torch.cdist(expected.boxes, back.boxes).argmin(1)
    torch.testing.assert_close(back.boxes[order], expected.boxes, atol=1e-3, rtol=0)
    torch.testing.assert_close(back.scores[order], expected.scores, atol=1e-4, rtol=0)
    torch.testing.assert_close(back.mask_logits[order].sigmoid(), expected.mask_logits.sigmoid(), atol=1e-3, rtol=0)
    torch.testing.assert_close(back.keypoints[order], expected.keypoints, atol=1e-2, rtol=0)
    single = model(ImageBatch(image, [shape]))[0]
    assert single.boxes.shape != there.boxes.shape or not torch.allclose(single.boxes, there.boxes, atol=1e-3)


def test_one_object_in_both_views_is_one_between_the_two():
    a, b = found_by([[0.0, 0, 10, 10]], [0.9]), found_by([[1.0, 0, 12, 10]], [0.3])
    found = fuse(a, b, 0.5)
    assert found.boxes.tolist() == [pytest.approx([0.25, 0, 10.5, 10])]
    assert found.scores.tolist() == [pytest.approx(0.6)]


def test_what_only_one_view_sees_is_half_as_sure():
    found = fuse(found_by([[0.0, 0, 10, 10]], [0.8]), found_by([], []), 0.5)
    assert found.boxes.tolist() == [[0, 0, 10, 10]] and found.scores.tolist() == [pytest.approx(0.4)]


def test_objects_of_two_classes_stay_two():
    a, b = found_by([[0.0, 0, 10, 10]], [0.9], [1]), found_by([[0.0, 0, 10, 10]], [0.3], [2])
    assert fuse(a, b, 0.5).labels.tolist() == [1, 2]


def test_neighbours_find_their_own_partners():
    boxes = [[0.0, 0, 10, 10], [6.0, 0, 16, 10]]
    found = fuse(found_by(boxes, [0.9, 0.8]), found_by(boxes[::-1], [0.7, 0.6]), 0.5)
    torch.testing.assert_close(found.boxes, torch.tensor(boxes))
    assert found.scores.tolist() == [pytest.approx(0.75), pytest.approx(0.75)]


def test_nothing_in_both_views_is_nothing():
    assert len(fuse(found_by([], []), found_by([], []), 0.5)) == 0


def test_masks_are_averaged_as_probabilities():
    a, b = (
        dataclasses.replace(found_by([[0.0, 0, 9, 9]], [0.5]), mask_logits=torch.full((1, 2, 2), v)) for v in (4, -1)
    )
    small_model(2).heads["mask"].average([a, b])
    expected = (torch.tensor([4.0, -1.0]).sigmoid().sum() / 2).item()
    assert a.mask_logits.sigmoid().unique().tolist() == [pytest.approx(expected, abs=1e-5)]


def test_a_predictor_looks_twice_when_told_to():
    model = tiny_model()
    predictor = Predictor(model, tiny_info(model))
    image = torch.from_numpy(noise()).permute(2, 0, 1)
    once, configured = predictor(image), model.config
    twice = predictor.with_options(flip=True)(image)
    assert model.config == configured
    assert twice.regions is not None and len(twice.regions) == len(twice) > 0
    assert twice.boxes.shape != once.boxes.shape or not torch.allclose(twice.boxes, once.boxes)
    torch.testing.assert_close(predictor(image).boxes, once.boxes)
