"""Weights of the other models of torchvision's that we load, made from a seed with numpy alone, as in ``seeded.py``.

Both sides use this module: ``tools/golden/record_variants.py`` and ``tools/parity`` (torchvision), and the tests.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import seeded


class Variant(NamedTuple):
    """One model: what builds it in torchvision, and the epsilons of the body's norms that it is recorded with."""

    builder: str
    classes: int = 91  # with background
    epsilons: tuple[float, ...] = (1e-5,)
    options: Mapping[str, float] = {}  # noqa: RUF012 - a constant


# 0.0 is what torchvision's loader sets for the first published files; 1.7e-3 is any other number.
EPSILONS = (1e-5, 0.0, 1.7e-3)
VARIANTS = {
    "faster": Variant("fasterrcnn_resnet50_fpn", epsilons=EPSILONS),
    "faster_v2": Variant("fasterrcnn_resnet50_fpn_v2"),
    "mask_v2": Variant("maskrcnn_resnet50_fpn_v2"),
    "mask_101": Variant("maskrcnn_resnet101_fpn", classes=4),  # not a function there, but often built from its parts
    "keypoint": Variant("keypointrcnn_resnet50_fpn", classes=2, epsilons=EPSILONS),
    "mobile": Variant("fasterrcnn_mobilenet_v3_large_fpn"),
    "mobile_320": Variant("fasterrcnn_mobilenet_v3_large_320_fpn"),
}
SIZE = (160, 240)  # min_size and max_size of the recordings
PROPOSALS, DETECTIONS = 50, 6  # of an image, so that the tests are quick


class Rule(NamedTuple):
    """How a weight whose name contains ``pattern`` is drawn: this gain times He's sqrt(2 / fan_in)."""

    pattern: str
    gain: float


RULES = (
    Rule("fpn.inner_blocks", 0.7),
    Rule("fpn.layer_blocks", 0.7),
    Rule("rpn.head.cls_logits", 2.0),
    Rule("rpn.head.bbox_pred", 0.15),
    Rule("box_predictor.cls_score", 3.0),
    Rule("box_predictor.bbox_pred", 0.8),
    Rule("", 1.0),
)


def _generator(name: str, seed: int) -> np.random.RandomState:
    return np.random.RandomState((zlib.crc32(name.encode()) + 7919 * seed) % 2**32)


def _weight(name: str, shape: Sequence[int], seed: int) -> np.ndarray:
    """A convolution or linear weight of He's size whose filters sum to zero, but for the first convolution's."""
    transposed = "conv5_mask" in name or "kps_score" in name  # inputs first
    inputs = (0,) if transposed else tuple(range(1, len(shape)))
    fan_in = int(np.prod([shape[axis] for axis in inputs]))
    gain = next(rule.gain for rule in RULES if rule.pattern in name)
    weight = _generator(name, seed).random_sample(tuple(shape)) * 2 - 1
    if "body.conv1." not in name and "body.0.0." not in name and fan_in > 1:
        depthwise = shape[1] == 1
        weight -= 0 if depthwise else weight.mean(axis=inputs, keepdims=True)
    return weight * gain * np.sqrt(6.0 / fan_in)


def _norm(name: str, shape: Sequence[int], seed: int) -> np.ndarray:
    """A tensor of a batch norm. The second norm of a residual block has a small variance, so that its eps matters, and
    the last a small scale, so that the sum of many blocks stays of one size."""
    draw = _generator(name, seed).random_sample(tuple(shape))
    small, last = ".bn2." in name, ".bn3." in name
    if name.endswith("running_var"):
        return (0.01 if small else 1.0) * (0.75 + 0.5 * draw)
    if name.endswith("weight"):
        return (0.1 if small else 0.2 if last else 1.0) * (0.8 + 0.4 * draw)
    return 0.2 * draw - 0.1


def weights(shapes: Mapping[str, Sequence[int]], seed: int = 0) -> dict[str, np.ndarray]:
    """The float32 weights of a model by torchvision's names, from the names and shapes of its state dict."""
    made = {}
    for name, shape in shapes.items():
        if name.rpartition(".")[0] + ".running_var" in shapes:
            value = _norm(name, shape, seed)
        elif len(shape) > 1:
            value = _weight(name, shape, seed)
        else:
            value = 0.2 * _generator(name, seed).random_sample(tuple(shape)) - 0.1
            value -= 1.0 if name == "rpn.head.cls_logits.bias" else 0.0  # some objectness lies under 0.05
        made[name] = value.astype(np.float32)
    return made


def shapes_of(variant: str) -> dict[str, list[int]]:
    """The names and shapes of the variant's state dict in torchvision, as recorded."""
    stored = json.loads((seeded.HERE / "variants.json").read_text())
    shapes: dict[str, list[int]] = stored[variant]
    return shapes


def picture(index: int, seed: int) -> np.ndarray:
    """A picture as :func:`seeded.picture` makes them, another for each seed: its halves change places and colours."""
    image = seeded.picture(index)
    if seed == 0:
        return image
    rng = np.random.RandomState(9000 + 10 * seed + index)
    rolled = np.roll(image, tuple(rng.randint(0, extent) for extent in image.shape[1:]), axis=(1, 2))
    return np.ascontiguousarray(rolled[rng.permutation(3)] * (0.6 + 0.4 * rng.random_sample((3, 1, 1)))).astype(
        np.float32
    )
