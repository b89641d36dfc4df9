"""What objects look like: the mean of the pyramid inside of them, read by a predictor that is asked for it."""

import numpy as np
import pytest
import torch

import naive
from cases import NDIMS
from maskrcnn.config import PoolConfig
from maskrcnn.inference.appearance import telling_appearance
from maskrcnn.inference.predictor import Predictor
from maskrcnn.models.head import heads_of
from maskrcnn.models.heads.appearance import BINS, AppearanceHead
from maskrcnn.models.pooling import PyramidPool, pool_inside
from maskrcnn.structures import APPEARANCE, Instances
from maskrcnn.video.frames import TrackedFrame
from maskrcnn.video.writing.spool import from_bytes, line_of, objects_of, to_bytes
from tiny import noise, tiny_info, tiny_model


@NDIMS
@pytest.mark.parametrize("grid", [4, 2])
def test_the_mean_inside_is_that_of_every_bin_by_its_part(ndim, grid):
    rng = np.random.default_rng(ndim)
    output, inside = rng.normal(0, 1, (3, 5, *(4,) * ndim)), rng.random((3, *(grid,) * ndim))
    pooled = pool_inside([torch.from_numpy(output)], torch.from_numpy(inside))
    for own, row, mask in zip(output, pooled, inside):
        part = mask if grid == 4 else naive.resample_linear(mask[None], (4,) * ndim)[0]
        np.testing.assert_allclose(row, naive.mean_inside(own, part), atol=1e-4)


def test_what_lies_beside_an_object_does_not_count():
    output = torch.zeros(1, 2, 4, 4)
    output[0, 0, :, :2], output[0, 1, :, 2:] = 1.0, 1.0
    inside = torch.zeros(1, 4, 4)
    inside[:, :, :2] = 1.0
    assert pool_inside([output], inside)[0].tolist() == pytest.approx([1, 0], abs=1e-4)
    assert pool_inside([output, output], 0 * inside).shape == (1, 4)


@NDIMS
def test_the_head_reads_boxes_and_masks_of_each_image(ndim):
    torch.manual_seed(0)
    strides = [(4 * 2**k,) * ndim for k in range(3)]
    features = [torch.randn(2, 6, *(32 // stride[0],) * ndim) for stride in strides]
    boxes = torch.tensor([[3.0] * ndim + [20.0] * ndim, [1.0] * ndim + [31.0] * ndim])
    head = AppearanceHead(strides)
    head.name = APPEARANCE
    drawn = torch.full((1, *(BINS,) * ndim), -20.0)
    drawn[:, :3] = 20.0
    whole, cut = Instances(boxes), Instances(boxes[:1], mask_logits=drawn)
    head.describe(features, None, [whole, cut])
    pooled = PyramidPool(PoolConfig(BINS, aligned=True), strides)(features, [boxes, boxes[:1]])
    ones = np.ones((BINS,) * ndim)
    for row, own in zip(whole.outputs[APPEARANCE], pooled):
        np.testing.assert_allclose(row, naive.mean_inside(own.numpy(), ones), atol=1e-4)
    inside = drawn[0].sigmoid().numpy()
    np.testing.assert_allclose(cut.outputs[APPEARANCE][0], naive.mean_inside(pooled[2].numpy(), inside), atol=1e-4)
    assert torch.equal(head(features, [boxes, boxes[:1]])[:2], whole.outputs[APPEARANCE])


def test_only_a_predictor_that_is_asked_says_what_objects_look_like():
    model = tiny_model()
    predictor = Predictor(model, tiny_info(model))
    image = torch.from_numpy(noise(48, 64)).movedim(-1, 0)
    plain = predictor.with_options(score=0.0)(image)
    told = predictor.with_options(score=0.0, appearance=True)(image)
    assert APPEARANCE not in plain.outputs and len(told) > 0
    assert torch.equal(plain.boxes, told.boxes) and torch.equal(plain.scores, told.scores)
    looks = told.outputs[APPEARANCE]
    assert looks.shape == (len(told), model.config.backbone.fpn_channels)
    assert looks.norm(dim=1).numpy() == pytest.approx(1, abs=1e-4)
    assert list(heads_of(telling_appearance(model)))[-1] == APPEARANCE
    assert APPEARANCE not in heads_of(model)
    mirrored = predictor.with_options(score=0.0, appearance=True, flip=True)(image)
    assert mirrored.outputs[APPEARANCE].shape[0] == len(mirrored)


def test_a_line_of_the_spool_keeps_it():
    looks = torch.nn.functional.normalize(torch.randn(3, 8), dim=1)
    kept = from_bytes(to_bytes(looks))
    assert (kept - looks).abs().max() <= 0.5 / 127 + 1e-6
    boxes, nobody = torch.tensor([[0.0, 0.0, 5.0, 5.0]] * 3), np.zeros(3, np.int64)
    for count in (3, 0):
        found = Instances(boxes[:count], scores=torch.ones(count), outputs={APPEARANCE: kept[:count]})
        ids = nobody[:count]
        line = line_of(TrackedFrame(0, 0.0, np.zeros((8, 8, 3), np.uint8), found, ids, ids > 0))
        again = objects_of(line).outputs[APPEARANCE]
        assert len(again) == count and (not count or torch.equal(again, kept))
