"""Cases that many tests share: what to run over, boxes at random and a body small enough to be trained in a test."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor, nn

from maskrcnn.config import (
    AnchorConfig,
    BackboneConfig,
    BoxHeadConfig,
    DetectionConfig,
    LossConfig,
    MaskHeadConfig,
    ModelConfig,
    PoolConfig,
    PreprocessConfig,
    SelectionConfig,
)
from maskrcnn.models import build
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.models.nd import ConvNorm
from maskrcnn.ops.anchors import volume_shapes

NDIMS = pytest.mark.parametrize("ndim", [1, 2, 3])
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
SHAPES = {1: (23,), 2: (13, 19), 3: (7, 9, 11)}

# The same few examples in every run: a test that fails does so for everyone.
few = settings(deadline=None, derandomize=True, max_examples=40)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_boxes(
    count: int,
    spatial_shape: Sequence[int],
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
    smallest: float = 0.1,
    largest: float = 0.7,
) -> Tensor:
    """``[count, 2D]``: centres anywhere in the image, lengths a part of its sides, so that some boxes reach outside."""
    generator = seeded(seed)
    size = torch.tensor(tuple(reversed(tuple(spatial_shape))), dtype=torch.float64)
    centre = torch.rand(count, len(size), generator=generator, dtype=torch.float64) * size
    part = torch.rand(count, len(size), generator=generator, dtype=torch.float64) * (largest - smallest) + smallest
    return torch.cat([centre - part * size / 2, centre + part * size / 2], 1).to(dtype)


def inner_boxes(count: int, spatial_shape: Sequence[int], seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """``[count, 2D]``, nowhere outside the image and at least one sample long."""
    generator = seeded(seed)
    size = torch.tensor(tuple(reversed(tuple(spatial_shape))), dtype=torch.float64)
    length = 1 + torch.rand(count, len(size), generator=generator, dtype=torch.float64) * (size / 2 - 1)
    low = torch.rand(count, len(size), generator=generator, dtype=torch.float64) * (size - length)
    return torch.cat([low, low + length], 1).to(dtype)


@st.composite
def box_arrays(draw: st.DrawFn, count: int, smallest: float = 0.0) -> Tensor:
    """Float64 boxes ``[count, 2D]`` of any D, at least ``smallest`` long."""
    ndim = draw(st.integers(1, 3))
    numbers = lambda low, high: draw(  # noqa: E731
        st.lists(st.floats(low, high, width=32), min_size=count * ndim, max_size=count * ndim)
    )
    low = torch.tensor(numbers(-64, 64), dtype=torch.float64).reshape(count, ndim)
    length = torch.tensor(numbers(smallest, 64), dtype=torch.float64).reshape(count, ndim)
    return torch.cat([low, low + length], 1)


def as_array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().double().numpy()


class TinyBody(nn.Module):
    """Four 3-wide convolutions, one for each output: all that a pyramid asks of a body."""

    def __init__(self, ndim: int, in_channels: int, config: BackboneConfig) -> None:
        super().__init__()
        reductions = config.reductions or ((2,) * ndim,) * 5
        self.channels = [16, 24, 32, 48]
        self.strides: list[tuple[int, ...]] = []
        stem = tuple(a * b for a, b in zip(reductions[0], reductions[1]))
        stride: tuple[int, ...] = (1,) * ndim
        layers, before = [], in_channels
        for after, step in zip(self.channels, (stem, *reductions[2:])):
            # a kernel of 3 sees every sample only up to a stride of 3
            kernel = 3 if max(step) < 3 else 5
            layers.append(ConvNorm(ndim, before, after, kernel, step, norm_kind=config.norm, activation=torch.relu))
            stride = tuple(a * b for a, b in zip(stride, step))
            self.strides.append(stride)
            before = after
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> list[Tensor]:
        outputs = []
        for layer in self.layers:
            x = layer(x)
            outputs.append(x)
        return outputs


def small_config(ndim: int, **changes: Any) -> ModelConfig:
    """A Mask R-CNN of D dimensions over :class:`TinyBody`; its finest stride is 2. ``changes`` replace fields."""
    pool = {"sampling_ratio": 1, "aligned": True, "canonical_size": 32.0}
    config = ModelConfig(
        ndim=ndim,
        in_channels=1,
        num_classes=2,
        preprocess=PreprocessConfig((0.0,), (1.0,), size_divisor=8),
        backbone=BackboneConfig("tiny", ((2,) * ndim, (1,) * ndim, *((2,) * ndim,) * 3), norm="group", fpn_channels=32),
        anchors=AnchorConfig(((4.0,), (8.0,), (16.0,), (32.0,), (64.0,)), volume_shapes((2.0,), ndim)),
        selection=SelectionConfig(pre_nms=60, post_nms=30),
        detection=DetectionConfig(max_detections=20),
        box_head=BoxHeadConfig(PoolConfig(4, **pool), hidden=128),  # type: ignore[arg-type]
        mask_head=MaskHeadConfig(PoolConfig(4, **pool), channels=16, convs=1),  # type: ignore[arg-type]
        loss=LossConfig(rpn_samples=32, box_samples=32, train_selection=SelectionConfig(pre_nms=60, post_nms=30)),
    )
    return dataclasses.replace(config, **changes)


def small_model(ndim: int, seed: int = 0, **changes: Any) -> MaskRCNN:
    """The network of :func:`small_config` with random weights that follow from ``seed``."""
    config = small_config(ndim, **changes)
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng():
        patch.setitem(build.BODIES, "tiny", TinyBody)
        torch.manual_seed(seed)
        return build.build_model(config)
