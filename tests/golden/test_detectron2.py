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
from PIL import Image
from reference import recording
from torch import Tensor

from maskrcnn.checkpoints.detectron2 import convert_detectron2
from maskrcnn.checkpoints.mapping import Report
from maskrcnn.checkpoints.ours import ModelInfo
from maskrcnn.data.geometry import resize_map
from maskrcnn.data.transforms import prepare_image
from maskrcnn.inference.predictor import paste_regions
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.structures import Instances, batch_images

BOX, SCORE, MASK, POINT = 0.01, 1e-4, 1e-3, 0.01  # pixels, probability, probability, pixels
CASES = [(name, case) for name, model in made.MODELS.items() for case in model.cases]


@functools.cache
def recorded() -> dict[str, np.ndarray]:
    return recording("detectron2")


@functools.lru_cache(1)
def converted(name: str) -> tuple[MaskRCNN, ModelInfo, Report]:
    """The model in double precision."""
    model, info, report = convert_detectron2({"model": made.state_dict(made.MODELS[name])}, f"{name}.pkl")
    return model.double(), info, report


def prepared(index: int, info: ModelInfo) -> Tensor:
    """A picture as detectron2 resizes it: with Pillow, which rounds one sample in 5000 otherwise than torch."""
    picture = Image.fromarray(made.pixels(index))
    ours, _ = prepare_image(
        torch.from_numpy(made.pixels(index)).permute(2, 0, 1), made.MIN_SIZE, made.MAX_SIZE, (0,), (1,), True
    )
    resized = np.array(picture.resize((ours.shape[2], ours.shape[1]), Image.Resampling.BILINEAR))
    off = np.abs(resized.transpose(2, 0, 1) - ours.numpy())
    assert off.max() <= 1 and (off > 0).mean() < 1e-3
    p = info.config.preprocess
    image = torch.from_numpy(resized).permute(2, 0, 1).double()
    return (image - image.new_tensor(p.pixel_mean)[:, None, None]) / image.new_tensor(p.pixel_std)[:, None, None]


@functools.lru_cache(2)
def detected(name: str, case: tuple[int, ...]) -> list[Instances]:
    """What our model finds, in the coordinates of the pictures."""
    model, info, _ = converted(name)
    images = [prepared(index, info) for index in case]
    with torch.inference_mode():
        found = model(batch_images(images, info.config.preprocess.size_divisor))
    for own, index, image in zip(found, case, images):
        back = resize_map(image.shape[1:], seeded.IMAGE_SIZES[index])
        own.boxes = back.boxes(own.boxes)
        if own.keypoints is not None:
            own.keypoints = torch.cat([back.points(own.keypoints[..., :2]), own.keypoints[..., 2:]], -1)
    return found


@pytest.mark.parametrize("name, case", CASES)
def test_objects_are_those_of_detectron2(name: str, case: tuple[int, ...]) -> None:
    for index, found in zip(case, detected(name, case)):
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
    (model, info, _), case = converted(name), made.MODELS[name].cases[0]
    with torch.inference_mode():
        images = batch_images([prepared(index, info) for index in case], 32)
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
