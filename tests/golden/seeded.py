"""Weights, pictures and targets of the golden fixtures, made from seeds with numpy alone.

Both sides use this module: ``tools/golden/record.py`` (torchvision, once) and the tests (our model, every time), so
that neither the 44 million weights nor the pictures have to be stored.  Only uniform draws of the frozen legacy
``RandomState`` and elementary arithmetic are used, so the values are the same on every platform.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

HERE = Path(__file__).resolve().parent
NUM_CLASSES = 91
IMAGE_SIZES = ((240, 320), (300, 208))  # (height, width) of the two pictures


class Rule(NamedTuple):
    """How a weight whose name contains ``pattern`` is drawn: gain times He's sqrt(2 / fan_in), with this salt."""

    pattern: str
    gain: float
    salt: int = 0


# The first rule that fits is taken.  The gains keep the pyramid's levels alive (boxes of every size win somewhere)
# and the salts were found by a search that keeps every selection away from a tie (see README.md).
RULES = (
    Rule("fpn.inner_blocks", 0.7),
    Rule("fpn.layer_blocks.0", 0.25),
    Rule("fpn.layer_blocks.1", 0.5),
    Rule("fpn.layer_blocks.2", 1.1),
    Rule("fpn.layer_blocks.3", 1.9),
    Rule("rpn.head.cls_logits", 1.2, 24),
    Rule("rpn.head.bbox_pred", 0.15, 24),
    Rule("box_predictor.cls_score", 5.0, 215),
    Rule("box_predictor.bbox_pred", 0.8),
    Rule("", 1.0),
)
BACKGROUND_BIAS = 14.3
# Added to the bias of cls_score, in hundredths, class by class: pulls the scores of the detections apart.
# fmt: off
CLASS_BIAS_STEPS = (
    0, -2, 0, 0, 0, -87, 0, 11, 0, -13, 0, 0, 6, 0, 0, 0, 1, 0, 0, 0, -64, -6, 0,
    10, 0, -13, 20, -32, 0, 0, -60, 0, 14, 0, -34, -104, 2, -53, 25, -49, 83, 0, 57, 0, 0, 0,
    94, 45, 0, -11, -120, 0, 5, -19, 0, -41, -1, 0, 47, 0, 17, -45, 0, 24, -77, 0, 0, 35, 104,
    0, 5, -13, 6, -3, -68, 0, 0, 36, -2, 0, 21, 17, 0, -120, 0, -66, 0, 0, -25, 117, 0,
)
# fmt: on


def uniform(name: str, shape: Sequence[int], low: float, high: float, salt: int = 0) -> np.ndarray:
    """Draw float64 values from [low, high); they depend on the name and the salt alone."""
    seed = (zlib.crc32(name.encode()) + 7919 * salt) % 2**32
    return low + (high - low) * np.random.RandomState(seed).random_sample(tuple(shape))


def _weight(name: str, shape: Sequence[int], rule: Rule) -> np.ndarray:
    """A convolution or linear weight of He's size; each filter but the first convolution's sums to zero.

    The zero sum keeps the features from drifting towards one common vector, as they do in a random ReLU network.
    """
    inputs = (0,) if "conv5_mask" in name else tuple(range(1, len(shape)))  # a transposed convolution: inputs first
    fan_in = math.prod(shape[axis] for axis in inputs)
    bound = rule.gain * math.sqrt(6.0 / fan_in)
    weight = uniform(name, shape, -bound, bound, rule.salt)
    if name != "backbone.body.conv1.weight":
        weight -= weight.mean(axis=inputs, keepdims=True)
    return weight


def _norm(name: str, shape: Sequence[int]) -> np.ndarray:
    """A tensor of a frozen batch norm.  The second norm of a block has a small variance, so that its eps matters."""
    small = ".bn2." in name
    if name.endswith("running_var"):
        return (0.01 if small else 1.0) * uniform(name, shape, 0.75, 1.25)
    if name.endswith("weight"):
        scale = 0.1 if small else 0.2 if ".bn3." in name else 1.0
        return scale * uniform(name, shape, 0.8, 1.2)
    return uniform(name, shape, -0.1, 0.1)


def _tensor(name: str, shape: Sequence[int]) -> np.ndarray:
    """One tensor of the state dict, float64."""
    rule = next(rule for rule in RULES if rule.pattern in name)
    if len(shape) > 1:
        return _weight(name, shape, rule)
    if ".bn" in name or "downsample.1" in name:
        return _norm(name, shape)
    bias = uniform(name, shape, -0.1, 0.1, rule.salt)
    if name.endswith("cls_score.bias"):
        bias[0] += BACKGROUND_BIAS
        bias[: len(CLASS_BIAS_STEPS)] += np.asarray(CLASS_BIAS_STEPS, dtype=np.float64) / 100
    return bias


def seeded_state_dict(names_and_shapes: Mapping[str, Sequence[int]]) -> dict[str, np.ndarray]:
    """The float32 weights of the fixtures, by torchvision's names."""
    return {name: _tensor(name, shape).astype(np.float32) for name, shape in names_and_shapes.items()}


def names_and_shapes() -> dict[str, list[int]]:
    """The names and shapes of torchvision's state dict, as stored beside this file."""
    stored: dict[str, list[int]] = json.loads((HERE / "names.json").read_text())
    return stored


def _stretch(grid: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Stretch a channels-first grid to a size by linear interpolation, corner to corner."""
    for axis, length in enumerate(size, start=1):
        at = np.linspace(0.0, grid.shape[axis] - 1.0, length)
        low = np.minimum(at.astype(np.int64), grid.shape[axis] - 2)
        part = (at - low).reshape([-1 if a == axis else 1 for a in range(grid.ndim)])
        grid = np.take(grid, low, axis) * (1 - part) + np.take(grid, low + 1, axis) * part
    return grid


def picture(index: int) -> np.ndarray:
    """Picture 0 or 1: (3, height, width) float32 in 0..1, smooth noise at three scales under coloured rectangles."""
    rng = np.random.RandomState(1000 + index)
    size = np.array(IMAGE_SIZES[index])
    grids = ((0.5, (3, 4, 5)), (0.3, (3, 12, 15)), (0.2, (3, 40, 50)))
    image = sum(share * _stretch(rng.random_sample(shape), IMAGE_SIZES[index]) for share, shape in grids)
    for _ in range(8):
        extent = (size * (0.06 + 0.4 * rng.random_sample(2))).astype(np.int64)
        (y0, x0) = ((size - extent) * rng.random_sample(2)).astype(np.int64)
        (y1, x1) = (y0, x0) + extent
        image[:, y0:y1, x0:x1] = 0.25 * image[:, y0:y1, x0:x1] + 0.75 * rng.random_sample((3, 1, 1))
    return image.astype(np.float32)


class Thing(NamedTuple):
    """One object of a training target: its box (x0, y0, x1, y1 in pixels), its class and the shape of its mask."""

    box: tuple[int, int, int, int]
    label: int
    shape: str


THINGS = (
    (
        Thing((31, 23, 73, 68), 3, "ellipse"),
        Thing((96, 10, 260, 150), 17, "ellipse"),
        Thing((123, 79, 190, 199), 3, "corner"),
        Thing((214, 151, 309, 221), 62, "corner"),
        Thing((25, 175, 66, 216), 1, "ellipse"),
    ),
    (
        Thing((24, 35, 184, 277), 17, "corner"),
        Thing((29, 178, 88, 282), 44, "ellipse"),
        Thing((128, 46, 172, 80), 1, "ellipse"),
    ),
)


def _mask(thing: Thing, size: Sequence[int]) -> np.ndarray:
    """The mask of a thing, uint8: the box's ellipse, or the box without the quarter at its lower right corner."""
    x0, y0, x1, y1 = thing.box
    y = (2 * np.arange(size[0])[:, None] + 1 - (y0 + y1)) / (y1 - y0)
    x = (2 * np.arange(size[1])[None, :] + 1 - (x0 + x1)) / (x1 - x0)
    if thing.shape == "ellipse":
        return (x * x + y * y <= 1).astype(np.uint8)
    return ((np.abs(x) <= 1) & (np.abs(y) <= 1) & ~((x > 0) & (y > 0))).astype(np.uint8)


def target(index: int) -> dict[str, np.ndarray]:
    """The training target of picture 0 or 1: boxes (n, 4) float32, labels (n,) int64, masks (n, h, w) uint8."""
    things = THINGS[index]
    return {
        "boxes": np.array([thing.box for thing in things], dtype=np.float32),
        "labels": np.array([thing.label for thing in things], dtype=np.int64),
        "masks": np.stack([_mask(thing, IMAGE_SIZES[index]) for thing in things]),
    }


def probe_indices(numel: int, count: int = 32) -> np.ndarray:
    """Where the probes look: ``count`` flat (C order) indices spread evenly over ``numel`` values."""
    return (2 * np.arange(count, dtype=np.int64) + 1) * numel // (2 * count)


def probe(values: np.ndarray) -> np.ndarray:
    """What is stored of a tensor: its mean, its population standard deviation and 32 of its values, float64."""
    flat = np.asarray(values, dtype=np.float64).reshape(-1)
    return np.concatenate([[flat.mean(), flat.std()], flat[probe_indices(flat.size)]])
