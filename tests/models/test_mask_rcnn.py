"""The whole walk from images to detections, in one, two and three dimensions."""

import dataclasses

import pytest
import torch

from cases import NDIMS, seeded, small_config, small_model
from maskrcnn.config import DetectionConfig
from maskrcnn.models.build import build_model, mask_rcnn_resnet50_fpn
from maskrcnn.models.variants import VARIANTS
from maskrcnn.ops.nd import MEMORY_FORMAT
from maskrcnn.structures import ImageBatch, batch_images

SHAPES = {1: (96,), 2: (32, 48), 3: (16, 32, 32)}


def sure_model(ndim, **changes):
    """Random weights with scores from 0 to 1, in float64, so that the order of additions changes nothing."""
    model = small_model(ndim, **changes).double().eval()
    model.heads["box"].class_logits.weight.data *= 100
    model.heads["box"].box_deltas.weight.data *= 100
    return model


def noise(ndim, images=1, shape=None, seed=0):
    return torch.randn(images, 1, *(shape or SHAPES[ndim]), generator=seeded(seed), dtype=torch.float64)


def assert_same(found, expected):
    assert len(found) == len(expected)
    assert torch.equal(found.labels, expected.labels)
    torch.testing.assert_close(found.boxes, expected.boxes)
    torch.testing.assert_close(found.scores, expected.scores)
    torch.testing.assert_close(found.mask_logits, expected.mask_logits)


@NDIMS
@torch.no_grad()
def test_detections_are_labelled_boxes_inside_their_image_best_first(ndim):
    model = sure_model(ndim)
    small, large = tuple(n - 5 for n in SHAPES[ndim]), SHAPES[ndim]
    images = batch_images([noise(ndim, shape=small)[0], noise(ndim, shape=large)[0]], 16)
    for found, shape in zip(model(images), (small, large)):
        assert 0 < len(found) <= 20
        low, high = found.boxes.chunk(2, 1)
        assert (low >= 0).all()
        assert (high > low).all()
        assert (high <= torch.tensor(shape[::-1])).all()
        assert set(found.labels.tolist()) <= {1, 2}
        assert torch.equal(found.scores, found.scores.sort(descending=True).values)
        assert found.mask_logits.shape == (len(found), *(8,) * ndim)


@NDIMS
@torch.no_grad()
def test_an_image_alone_has_the_detections_it_has_in_a_batch(ndim):
    model, images = sure_model(ndim), noise(ndim, images=3)
    together = model(ImageBatch(images, [SHAPES[ndim]] * 3))
    for image, expected in zip(images, together):
        (found,) = model(ImageBatch(image[None], [SHAPES[ndim]]))
        assert len(found) > 0
        assert_same(found, expected)


@NDIMS
@torch.no_grad()
def test_an_image_without_detections_is_an_ordinary_one(ndim):
    model = small_model(ndim, detection=DetectionConfig(score_threshold=1.0)).eval()
    (found,) = model(ImageBatch(noise(ndim).float(), [SHAPES[ndim]]))
    assert len(found) == 0
    assert found.boxes.shape == (0, 2 * ndim)
    assert found.mask_logits.shape == (0, *(8,) * ndim)


@NDIMS
@torch.no_grad()
def test_without_a_mask_head_it_is_faster_rcnn(ndim):
    (found,) = sure_model(ndim, mask_head=None)(ImageBatch(noise(ndim), [SHAPES[ndim]]))
    assert len(found) > 0
    assert found.mask_logits is None


@pytest.mark.parametrize("part", ["box_head", "mask_head"])
@NDIMS
@torch.no_grad()
def test_heads_may_be_class_agnostic(ndim, part):
    agnostic = dataclasses.replace(getattr(small_config(ndim), part), class_agnostic=True)
    (found,) = sure_model(ndim, **{part: agnostic})(ImageBatch(noise(ndim), [SHAPES[ndim]]))
    assert len(found) > 0
    assert found.mask_logits.shape == (len(found), *(8,) * ndim)


@torch.no_grad()
def test_training_mode_changes_no_detection():
    """``self.training`` means BatchNorm and Dropout, and this model has neither."""
    model, images = sure_model(2), ImageBatch(noise(2), [SHAPES[2]])
    assert_same(model.train()(images)[0], model.eval()(images)[0])


@NDIMS
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_is_built_for_every_number_of_dimensions(ndim, variant):
    shapes = ((1.0,) * ndim,)
    config = VARIANTS[variant](num_classes=2, ndim=ndim, in_channels=1)
    if config.backbone.reductions is not None:  # they are D-tuples
        reductions = tuple(step[:1] * ndim for step in config.backbone.reductions)
        config = dataclasses.replace(config, backbone=dataclasses.replace(config.backbone, reductions=reductions))
    config = dataclasses.replace(config, anchors=dataclasses.replace(config.anchors, shapes=shapes))
    with torch.device("meta"):
        model = build_model(config)
        features = model.backbone(torch.zeros(1, 1, *(64,) * ndim))
    assert len(features) == len(model.backbone.strides) == 5
    assert all(isinstance(p, torch.Tensor) for p in model.rpn(features)[0])
    weights = [p for p in model.parameters() if p.ndim == 2 + ndim]
    assert all(p.is_contiguous(memory_format=MEMORY_FORMAT[ndim]) for p in weights)


def test_resnet50_fpn_has_the_weights_of_torchvisions():
    """44,401,393 of them there, less the box and the mask that it has for the background."""
    with torch.device("meta"):
        model = mask_rcnn_resnet50_fpn(num_classes=90)
    background = 4 * (1024 + 1) + (256 + 1)
    assert sum(p.numel() for p in model.parameters()) == 44_401_393 - background
