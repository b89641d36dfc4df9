"""The close-up surface head: maps over cubes cut out of the image."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from maskrcnn.config import BackboneConfig, CloseUpConfig, ModelConfig, SurfaceHeadConfig
from maskrcnn.models.build import build_model
from maskrcnn.models.surface.closeup import SurfaceDecoder
from maskrcnn.models.variants import mobilenet_v2_fpn_config
from maskrcnn.ops.cut_out import cut_out
from maskrcnn.structures import ImageBatch, Instances
from maskrcnn.surfaces.known import ANNY_24

BODY = BackboneConfig("mobilenet_v2", multiplier=0.25, same_padding=True, outputs=(2, 5, 9, 16))
CLOSEUP = CloseUpConfig(body=BODY, size=64, margin=1.2, laterals=(16, 16, 12, 8), merged=(12, 8, 8), hidden=8)


def config(**changes) -> ModelConfig:
    surface = SurfaceHeadConfig(surface=ANNY_24, closeup=dataclasses.replace(CLOSEUP, **changes))
    return mobilenet_v2_fpn_config(1, surface_head=surface)


@pytest.fixture(scope="module")
def head():
    torch.manual_seed(0)
    model = build_model(config()).eval()
    return model.heads["surface"], model


def test_maps_are_those_of_the_cut_out(head):
    own, model = head
    images = torch.randn(2, 3, 96, 128)
    features = model.backbone(images)
    boxes = [torch.tensor([[10.0, 20, 40, 80], [60, 5, 100, 30]]), torch.tensor([[0.0, 0, 128, 96]])]
    maps = own(features, boxes)
    assert maps.shape == (3, 2 + 3 * 25, 16, 16) and own.network.output_size == (16, 16)
    side = 60 * 1.2
    region = torch.tensor([[25 - side / 2, 50 - side / 2, 25 + side / 2, 50 + side / 2]])
    assert torch.allclose(own.network.regions(boxes[0][:1]), region)
    alone = own.network.decoder(cut_out(images[:1], [region], (64, 64)))
    assert torch.allclose(maps[:1], alone, atol=1e-4)
    assert own(features, [torch.zeros(0, 4), torch.zeros(0, 4)]).shape == (0, 77, 16, 16)


def test_u_and_v_begin_in_the_middle_of_every_part(head):
    own, model = head
    maps = own(model.backbone(torch.zeros(1, 3, 64, 64)), [torch.tensor([[8.0, 8, 56, 56]])])
    assert (maps[0, 27:] - 0.5).abs().max() < 0.3


def test_described_objects_have_maps(head):
    own, model = head
    images = ImageBatch(torch.randn(1, 3, 64, 96), [(64, 96)])
    found = Instances(torch.tensor([[4.0, 4, 40, 60], [50, 10, 90, 50]]), torch.ones(2, dtype=torch.int64))
    own.describe(model.backbone(images.tensor), images, [found])
    assert found.outputs["surface"].shape == (2, 77, 16, 16)


@pytest.mark.parametrize(
    ("laterals", "merged", "said"),
    [((16, 16, 12), (12, 8, 8), "a lateral for each"), ((16, 12, 12, 8), (12, 8, 8), "as wide as the next lateral")],
)
def test_widths_that_do_not_fit(laterals, merged, said):
    with pytest.raises(ValueError, match=said):
        build_model(config(laterals=laterals, merged=merged))


def test_every_weight_learns(head):
    own, model = head
    decoder: SurfaceDecoder = own.network.decoder
    decoder(torch.randn(2, 3, 64, 64)).square().mean().backward()
    assert all(p.grad is not None for p in decoder.parameters() if p.requires_grad)
    assert {name.partition(".")[0] for name, _ in decoder.named_parameters()} == {
        *("body", "laterals", "merged", "hidden", "maps")
    }


def test_a_predictor_asks_the_head_where_it_is_wanted(head):
    """No look at a photo becomes slower for those who ask for no surface."""
    from maskrcnn.inference.options import PredictOptions
    from maskrcnn.inference.predictor import Predictor
    from maskrcnn.model_info import ModelInfo

    _, model = head
    predictor = Predictor(model, ModelInfo(config=model.config, class_names=("person",)))
    image = torch.rand(3, 64, 64) * 255
    plain = predictor(image, options=PredictOptions(score=0.0, surface=False))
    asked = predictor(image, options=PredictOptions(score=0.0))
    assert plain.surface is None and asked.surface is not None
    assert asked.surface.surface == "anny-24" and len(asked.surface) == len(asked)
    assert torch.equal(plain.boxes, asked.boxes)


def test_nobody_has_no_surface(head):
    """A photo in which nobody is found is no error."""
    from maskrcnn.inference.options import PredictOptions
    from maskrcnn.inference.predictor import Predictor
    from maskrcnn.model_info import ModelInfo

    _, model = head
    predictor = Predictor(model, ModelInfo(config=model.config, class_names=("person",)))
    found = predictor(torch.zeros(3, 64, 96), options=PredictOptions(score=1.0))
    assert len(found) == len(found.surface) == 0 and found.surface.offsets.shape == (0, 2)
