"""Given detectron2's weights, our detections are detectron2's: objects, classes, boxes, masks and keypoints.

Both run in double precision, where the order of a sum does not count; how far detectron2's own run in single precision
is from that is ``float32_difference`` in ``detectron2.json``. Images go all the way: from the samples of a file, which
our own resizing prepares, to masks in the coordinates of the file.
"""

from __future__ import annotations

import functools
import json

import numpy as np
import pytest
import seeded
import seeded_detectron2 as made
import torch
from agreement import BOX, MASK, POINT, SCORE
from agreement_detectron2 import our_findings, our_model, prepared
from reference import recording

from maskrcnn.inference.predictor import paste_regions
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.structures import Instances, batch_images

CASES = [(name, case) for name, model in made.MODELS.items() for case in model.cases]


@functools.cache
def recorded() -> dict[str, np.ndarray]:
    return recording("detectron2")


@functools.lru_cache(1)
def model_of(name: str) -> MaskRCNN:
    return our_model(name)


@pytest.mark.parametrize("name, case", CASES)
def test_objects_are_those_of_detectron2(name: str, case: tuple[int, ...]) -> None:
    for index, found in zip(case, our_findings(model_of(name), [made.pixels(index) for index in case])):
        key = f"{name}/{'-'.join(map(str, case))}/{index}"
        assert found.labels is not None and found.scores is not None
        assert (found.labels - 1).tolist() == recorded()[f"{key}/classes"].tolist()
        np.testing.assert_allclose(found.scores, recorded()[f"{key}/scores"], rtol=0, atol=SCORE)
        np.testing.assert_allclose(found.boxes, recorded()[f"{key}/boxes"], rtol=0, atol=BOX)
        if f"{key}/mask_probs" in recorded():
            assert_same_masks(found, key, seeded.IMAGE_SIZES[index])
        if f"{key}/keypoints" in recorded():
            assert found.keypoints is not None
            points = recorded()[f"{key}/keypoints"][..., :2]
            np.testing.assert_allclose(found.keypoints[..., :2], points, rtol=0, atol=POINT)


def assert_same_masks(found: Instances, key: str, spatial_shape: tuple[int, int]) -> None:
    assert found.mask_logits is not None
    masks = found.mask_logits.sigmoid()
    some = recorded()[f"{key}/mask_probs"] / 65535
    np.testing.assert_allclose(masks[: len(some)], some, rtol=0, atol=MASK)
    expected = np.unpackbits(recorded()[f"{key}/mask_bits"])[: len(found) * np.prod(spatial_shape)]
    expected = expected.reshape(len(found), *spatial_shape).astype(bool)
    pasted = paste_regions(masks, found.boxes, spatial_shape)
    different = np.stack([pasted.mask(k) for k in range(len(found))]) != expected
    assert different.mean() < 1e-5


@pytest.mark.parametrize("name", ("mask_r50", "mask_r101"))
def test_features_of_every_stage_agree(name: str) -> None:
    """Up to the mean of the pixels, which detectron2 holds in single precision."""
    model, case = model_of(name), made.MODELS[name].cases[0]
    with torch.inference_mode():
        images = batch_images([prepared(made.pixels(index), model) for index in case], 32)
        outputs = [*model.backbone.body(images.tensor), *model.backbone(images.tensor)]
    for stage, value in zip(("res2", "res3", "res4", "res5", "p2", "p3", "p4", "p5", "p6"), outputs, strict=True):
        expected = recorded()[f"{name}/{'-'.join(map(str, case))}/probe/{stage}"]
        np.testing.assert_allclose(seeded.probe(value.numpy()), expected, rtol=0, atol=1e-6 * np.abs(expected).max())


def test_the_recordings_are_worth_agreeing_with() -> None:
    cases = json.loads((seeded.HERE / "detectron2.json").read_text())
    for key, case in cases.items():
        if key != "versions":
            assert case["objects"] >= 6
            assert case["classes"] >= 3 or key.startswith("keypoint")
            assert case["smallest_score_gap"] > 1e-3
