"""The pyramid: what is added to what, also where extents are odd."""

import pytest
import torch
from torch import nn

from cases import NDIMS, seeded
from maskrcnn.models.fpn import FPN, Backbone
from maskrcnn.models.nd import CONV

SIZES = ((9, 5, 3), (7, 4, 2), (8, 4, 2), (5, 5, 1))


def make_transparent(layer, ndim):
    """A convolution that hands on its input."""
    nn.init.zeros_(layer.weight)
    centre = (layer.kernel_size[0] // 2,) * ndim
    for channel in range(layer.out_channels):
        layer.weight.data[(channel, channel, *centre)] = 1


def transparent_fpn(ndim, levels=3, channels=2):
    fpn = FPN(ndim, [channels] * levels, channels)
    for layer in fpn.modules():
        if isinstance(layer, CONV[ndim]):
            make_transparent(layer, ndim)
    return fpn


@NDIMS
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_a_level_is_its_own_output_and_the_coarser_levels_repeated(ndim, sizes):
    outputs = [torch.randn(1, 2, *(size,) * ndim, generator=seeded(size)) for size in sizes]
    levels = transparent_fpn(ndim)(outputs)
    expected = outputs[-1]
    assert torch.equal(levels[-2], expected)
    for level, output in zip(reversed(levels[:-2]), reversed(outputs[:-1])):
        for axis in range(2, 2 + ndim):
            ratio = expected.shape[axis] / output.shape[axis]
            source = torch.tensor([int(k * ratio) for k in range(output.shape[axis])])
            expected = expected.index_select(axis, source)
        expected = output + expected
        assert torch.equal(level, expected)


def test_an_odd_level_repeats_every_coarser_sample_twice_but_the_last():
    coarse, fine = torch.tensor([[[1.0, 2.0, 3.0]]]), torch.zeros(1, 1, 5)
    assert transparent_fpn(1, 2, 1)([fine, coarse])[0].flatten().tolist() == [1, 1, 2, 2, 3]


@NDIMS
def test_the_level_for_the_rpn_alone_is_every_second_sample(ndim):
    output = torch.randn(1, 2, *(5,) * ndim, generator=seeded())
    coarsest = transparent_fpn(ndim, 1)([output])[-1]
    assert torch.equal(coarsest, output[(..., *[slice(None, None, 2)] * ndim)])


@NDIMS
@pytest.mark.parametrize("separable", [False, True])
def test_all_levels_are_equally_wide(ndim, separable):
    outputs = [torch.randn(2, channels, *(8 // 2**k,) * ndim) for k, channels in enumerate((3, 5, 7))]
    levels = FPN(ndim, [3, 5, 7], 6, separable)(outputs)
    assert [tuple(level.shape) for level in levels] == [(2, 6, *(size,) * ndim) for size in (8, 4, 2, 1)]


def test_a_backbone_knows_the_stride_of_the_level_for_the_rpn():
    backbone = Backbone(nn.Identity(), FPN(2, [1], 1), [(2, 4), (4, 8)])
    assert backbone.strides == [(2, 4), (4, 8), (8, 16)]
