"""Weights, features and labels for detectron2's DensePose head from seeds, for the recorder and for the tests.

The heads are narrow (the published ones have 512 channels), the rest of each is what was published. The names and
shapes are written out here; the recorder stops where detectron2's own differ.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from seeded import uniform

FPN, CLIMB = 256, 24  # channels of the pyramid, and of the decoder on its way
STRIDES = (4, 8, 16, 32)
SIDES = (192, 256)  # of the image, height and width
BOXES = np.array([[17.3, 5.8, 96.4, 181.2], [120.1, 60.6, 243.7, 131.9], [200.4, 150.2, 221.9, 188.8]])


class Model(NamedTuple):
    """One of the published forms.

    Attributes:
        config: its file among DensePose's ``configs``.
        coarse: channels of the coarse segmentation.
        bins: that are pooled along each axis.
        channels: of the head's convolutions.
        decoder, deeplab: what comes before them.
        confidence: the further layers of its predictor and their channels.
    """

    config: str
    coarse: int = 2
    bins: int = 28
    channels: int = 32
    decoder: bool = True
    deeplab: bool = False
    confidence: tuple[tuple[str, int], ...] = ()


UV = (("sigma_2", 25), ("kappa_u", 25), ("kappa_v", 25))
MODELS = {
    "s1x": Model("densepose_rcnn_R_50_FPN_s1x.yaml"),
    "legacy": Model("densepose_rcnn_R_101_FPN_s1x_legacy.yaml", 15, 14, decoder=False),
    "deeplab": Model("densepose_rcnn_R_50_FPN_DL_s1x.yaml", deeplab=True, channels=64),
    "confident": Model("densepose_rcnn_R_50_FPN_WC2_s1x.yaml", confidence=UV),
}
PREFIX = "roi_heads."


def names_and_shapes(model: Model) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Of every tensor of decoder, head and predictor."""
    if model.decoder:
        for level in (2, 3, 4, 5):
            for k in range(max(1, level - 2)):
                yield from _layer(f"decoder.p{level}.{2 * k}", (CLIMB, FPN if k == 0 else CLIMB, 3, 3), CLIMB)
        yield from _layer("decoder.predictor", (FPN, CLIMB, 1, 1), FPN)
    if model.deeplab:
        for k, kernel in enumerate((1, 3, 3, 3, 1)):
            first = int(k == 4)
            yield f"densepose_head.ASPP.convs.{k}.{first}.weight", (FPN, FPN, kernel, kernel)
            yield from _layer(f"densepose_head.ASPP.convs.{k}.{first + 1}", (FPN,), FPN)
        yield "densepose_head.ASPP.project.0.weight", (FPN, 5 * FPN, 1, 1)
    for k in range(1, 9):
        name, shape = f"densepose_head.body_conv_fcn{k}", (model.channels, FPN if k == 1 else model.channels, 3, 3)
        if model.deeplab:
            yield f"{name}.weight", shape
            yield from _layer(f"{name}.norm", (model.channels,), model.channels)
        else:
            yield from _layer(name, shape, model.channels)
    outputs = (("ann_index", model.coarse), ("index_uv", 25), ("u", 25), ("v", 25), *model.confidence)
    for name, count in outputs:
        yield from _layer(f"densepose_predictor.{name}_lowres", (model.channels, count, 4, 4), count)


def _layer(name: str, shape: tuple[int, ...], outputs: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", shape
    yield f"{name}.bias", (outputs,)


def state_dict(model: Model) -> dict[str, np.ndarray]:
    """Float32 weights under detectron2's names."""
    return {PREFIX + name: _tensor(name, shape).astype(np.float32) for name, shape in names_and_shapes(model)}


def _tensor(name: str, shape: tuple[int, ...]) -> np.ndarray:
    if len(shape) == 1:
        low, high = (0.8, 1.2) if name.endswith("weight") else (-0.1, 0.1)
        return uniform(name, shape, low, high, 0)
    inputs = 4 * shape[0] if "lowres" in name else math.prod(shape[1:])  # of 16 taps 4 meet a place
    bound = (3.0 if "lowres" in name else 1.0) * math.sqrt(6.0 / inputs)
    return uniform(name, shape, -bound, bound, 0)


def features() -> list[np.ndarray]:
    """``[1, 256, H, W]`` of p2, p3, p4 and p5, float32: smooth enough that parts are more than specks."""
    levels = []
    for stride in STRIDES:
        coarse = uniform(f"features{stride}", (FPN, 7, 9), -1, 1, 0)
        grid = [
            (np.arange(side // stride) + 0.5) / (side // stride) * (count - 1) for side, count in zip(SIDES, (7, 9))
        ]
        low = [at.astype(int) for at in grid]
        part = [at - own for at, own in zip(grid, low)]
        rows = coarse[:, low[0]] + (coarse[:, low[0] + 1] - coarse[:, low[0]]) * part[0][:, None]
        both = rows[:, :, low[1]] + (rows[:, :, low[1] + 1] - rows[:, :, low[1]]) * part[1]
        levels.append(both[None].astype(np.float32))
    return levels


class Labels(NamedTuple):
    """Of one object: points in 256 steps over its box, as DensePose has them, and its coarse parts."""

    x: np.ndarray
    y: np.ndarray
    parts: np.ndarray
    u: np.ndarray
    v: np.ndarray
    coarse: np.ndarray


def truth_boxes() -> np.ndarray:
    """The labelled boxes, near those of the proposals: ``[3, 4]``."""
    return BOXES + np.array([[2.5, -1.5, 3.5, -4.0], [-4.0, 2.0, 1.5, 3.0], [0.5, 1.0, -0.5, 1.5]])


def labels() -> list[Labels]:
    """Of each of the three objects."""
    made = []
    for k, count in enumerate((40, 25, 9)):
        x, y, u, v, part = uniform(f"points{k}", (5, count), 0, 1, 0)
        blocks = np.floor(uniform(f"coarse{k}", (8, 8), -4, 15, 0)).clip(0, 14).astype(np.uint8)
        coarse = np.kron(blocks, np.ones((32, 32), np.uint8))
        made.append(Labels(256 * x, 256 * y, 1 + np.floor(part * 24), u, v, coarse))
    return made
