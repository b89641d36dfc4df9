"""Bodies: channels, strides and extents, worked out on the meta device, where no number is computed."""

import dataclasses

import pytest
import torch
from torch import nn

from cases import NDIMS
from maskrcnn.config import BackboneConfig
from maskrcnn.models.build import BODIES
from maskrcnn.models.nd import divisible_by_8

CHANNELS = {
    "resnet18": [64, 128, 256, 512],
    "resnet34": [64, 128, 256, 512],
    "resnet50": [256, 512, 1024, 2048],
    "mobilenet_v2": [24, 32, 96, 1280],
}
EVERY_BODY = pytest.mark.parametrize("name", CHANNELS)
SHAPES = {1: (131,), 2: (70, 97), 3: (33, 47, 64)}


def make(name, ndim, in_channels=3, **changes):
    config = dataclasses.replace(BackboneConfig(name), **changes)
    return BODIES[name](ndim, in_channels, config)


@EVERY_BODY
@NDIMS
@pytest.mark.parametrize("same_padding", [False, True])
def test_a_body_has_four_outputs_of_stride_4_to_32(name, ndim, same_padding):
    with torch.device("meta"):
        body = make(name, ndim, same_padding=same_padding)
        outputs = body(torch.zeros(2, 3, *SHAPES[ndim]))
    assert body.channels == CHANNELS[name]
    assert body.strides == [(stride,) * ndim for stride in (4, 8, 16, 32)]
    for output, channels, stride in zip(outputs, body.channels, (4, 8, 16, 32)):
        assert output.shape == (2, channels, *(-(-size // stride) for size in SHAPES[ndim]))


@EVERY_BODY
@NDIMS
def test_the_finest_stride_may_be_1(name, ndim):
    one, two = (1,) * ndim, (2,) * ndim
    with torch.device("meta"):
        body = make(name, ndim, reductions=(one, one, two, two, two))
        outputs = body(torch.zeros(1, 3, *(16,) * ndim))
    assert body.strides == [(stride,) * ndim for stride in (1, 2, 4, 8)]
    assert [tuple(output.shape[2:]) for output in outputs] == [(16 // stride,) * ndim for stride in (1, 2, 4, 8)]


@EVERY_BODY
def test_a_stride_may_differ_by_axis(name):
    """Thick slices: nothing is lost along z until the last two reductions."""
    flat, cube = (1, 2, 2), (2, 2, 2)
    with torch.device("meta"):
        body = make(name, 3, reductions=(flat, flat, flat, cube, cube))
        outputs = body(torch.zeros(1, 3, 8, 64, 64))
    assert body.strides == [(1, 4, 4), (1, 8, 8), (2, 16, 16), (4, 32, 32)]
    assert [tuple(output.shape[2:]) for output in outputs] == [(8, 16, 16), (8, 8, 8), (4, 4, 4), (2, 2, 2)]


@EVERY_BODY
@NDIMS
@pytest.mark.parametrize("in_channels", [1, 12])
def test_a_body_takes_any_number_of_channels(name, ndim, in_channels):
    with torch.device("meta"):
        outputs = make(name, ndim, in_channels)(torch.zeros(1, in_channels, *(32,) * ndim))
    assert len(outputs) == 4


@pytest.mark.parametrize("norm, kind", [("batch", nn.BatchNorm3d), ("group", nn.GroupNorm)])
@EVERY_BODY
def test_every_convolution_has_the_norm_that_was_asked_for(name, norm, kind):
    with torch.device("meta"):
        body = make(name, 3, norm=norm, norm_eps=1e-3)
    norms = [layer for layer in body.modules() if isinstance(layer, kind)]
    assert len(norms) == sum(isinstance(layer, nn.Conv3d) for layer in body.modules())
    assert {layer.eps for layer in norms} == {1e-3}


def test_detectron2s_resnet_strides_in_the_first_convolution_of_a_block():
    with torch.device("meta"):
        theirs, ours = (make("resnet50", 2, stride_in_1x1=caffe).stages[1][0].layers for caffe in (True, False))
    assert [layer.conv.stride for layer in theirs] == [(2, 2), (1, 1), (1, 1)]
    assert [layer.conv.stride for layer in ours] == [(1, 1), (2, 2), (1, 1)]


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2"])
def test_the_first_output_uses_exactly_the_early_layers(name):
    body = make(name, 1, norm="batch")
    body(torch.randn(2, 3, 64))[0].sum().backward()
    early = {id(p) for layer in body.early_layers() for p in layer.parameters()}
    assert {id(p) for p in body.parameters() if p.grad is not None} == early


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2"])
@NDIMS
def test_numbers_are_finite_and_not_all_alike(name, ndim):
    outputs = make(name, ndim, norm="group").eval()(torch.randn(1, 3, *(32,) * ndim))
    assert all(output.isfinite().all() and output.std() > 0 for output in outputs[:3])


@NDIMS
def test_a_mobilenet_may_be_wider_and_give_other_outputs(ndim):
    """MoveNet's body: the channels of its converted file; block 9 is the last but three of stride 16."""
    with torch.device("meta"):
        body = make("mobilenet_v2", ndim, multiplier=1.5, outputs=(2, 5, 9, 16))
        outputs = body(torch.zeros(1, 3, *(64,) * ndim))
    assert body.channels == [40, 48, 96, 1280] == [output.shape[1] for output in outputs]
    assert body.strides == [(stride,) * ndim for stride in (4, 8, 16, 32)]
    assert body.stem.conv.weight.shape[0] == 48
    assert body.blocks[16].project.conv.weight.shape[:2] == (480, 1440)


@pytest.mark.parametrize("outputs", [(5, 2, 9, 16), (2, 5, 9, 15), (2, 2, 9, 16), (2, 5, 9, 16, 17)])
def test_outputs_that_are_no_blocks_in_order_are_refused(outputs):
    with torch.device("meta"), pytest.raises(ValueError, match="outputs are blocks in their order"):
        make("mobilenet_v2", 1, outputs=outputs)


@pytest.mark.parametrize(
    "width, rounded", [(32, 32), (48, 48), (36, 40), (24 * 1.75, 40), (2, 8), (11, 16), (560, 560)]
)
def test_widths_are_rounded_to_multiples_of_8(width, rounded):
    assert divisible_by_8(width) == rounded
