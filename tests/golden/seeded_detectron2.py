"""Weights of detectron2's models from seeds, for the recorder and for the tests, as ``seeded.py`` has torchvision's.

The names and shapes are written out here; the recorder stops where detectron2's own differ.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from seeded import uniform
from variants import picture

MIN_SIZE, MAX_SIZE = 200, 320  # images are resized to; the model zoo's 800 and 1333 take too long for a test


class Model(NamedTuple):
    """One of detectron2's models.

    Attributes:
        config: its file among detectron2's ``configs``.
        depths: blocks of res2, ..., res5.
        classes: without background.
        masks, keypoints: heads it has; the number of keypoints.
        cases: the batches of pictures that are recorded.
        salt: of the box head's outputs; found by a search that keeps neighbouring scores 1e-3 apart.
        background: added to the bias of background.
    """

    config: str
    depths: tuple[int, int, int, int]
    classes: int
    masks: bool
    keypoints: int
    cases: tuple[tuple[int, ...], ...]
    salt: int
    background: float


R50, R101 = (3, 4, 6, 3), (3, 4, 23, 3)
MODELS = {
    "mask_r50": Model("COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml", R50, 80, True, 0, ((1, 0),), 4, 15.1),
    "mask_r101": Model("COCO-InstanceSegmentation/mask_rcnn_R_101_FPN_3x.yaml", R101, 80, True, 0, ((1,),), 2, 14.3),
    "faster_r50": Model("COCO-Detection/faster_rcnn_R_50_FPN_3x.yaml", R50, 80, False, 0, ((0,),), 48, 14.7),
    "keypoint_r50": Model("COCO-Keypoints/keypoint_rcnn_R_50_FPN_3x.yaml", R50, 1, False, 17, ((0,),), 10, 8.0),
}
# How large the weights of a layer are drawn, as in seeded.py: the first pattern in the name is taken.
GAINS = (
    ("fpn_lateral", 0.7),
    ("fpn_output2", 0.25),
    ("fpn_output3", 0.5),
    ("fpn_output4", 1.1),
    ("fpn_output5", 1.9),
    ("objectness_logits", 1.2),
    ("anchor_deltas", 0.15),
    ("cls_score", 5.0),
    ("bbox_pred", 0.8),
    ("", 1.0),
)
OTHER_SEEDS = 3.0  # less on background where no search found weights with enough objects
PIXEL_DEVIATION = 57.0  # the network sees pixels less their mean; the stem's norm divides by this


def names_and_shapes(model: Model) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Of every tensor that detectron2's ``state_dict()`` has."""
    yield from _conv("backbone.bottom_up.stem.conv1", 64, 3, 7, norm=True)
    before = 64
    for stage, depth in enumerate(model.depths, 2):
        width = 32 * 2 ** (stage - 1)
        for block in range(depth):
            name = f"backbone.bottom_up.res{stage}.{block}"
            if block == 0:
                yield from _conv(f"{name}.shortcut", 4 * width, before, 1, norm=True)
            yield from _conv(f"{name}.conv1", width, before, 1, norm=True)
            yield from _conv(f"{name}.conv2", width, width, 3, norm=True)
            yield from _conv(f"{name}.conv3", 4 * width, width, 1, norm=True)
            before = 4 * width
        yield from _conv(f"backbone.fpn_lateral{stage}", 256, before, 1)
        yield from _conv(f"backbone.fpn_output{stage}", 256, 256, 3)
    yield from _conv("proposal_generator.rpn_head.conv", 256, 256, 3)
    yield from _conv("proposal_generator.rpn_head.objectness_logits", 3, 256, 1)
    yield from _conv("proposal_generator.rpn_head.anchor_deltas", 12, 256, 1)
    yield from _layer("roi_heads.box_head.fc1", (1024, 256 * 49), 1024)
    yield from _layer("roi_heads.box_head.fc2", (1024, 1024), 1024)
    yield from _layer("roi_heads.box_predictor.cls_score", (model.classes + 1, 1024), model.classes + 1)
    yield from _layer("roi_heads.box_predictor.bbox_pred", (4 * model.classes, 1024), 4 * model.classes)
    if model.masks:
        for k in range(1, 5):
            yield from _conv(f"roi_heads.mask_head.mask_fcn{k}", 256, 256, 3)
        yield from _layer("roi_heads.mask_head.deconv", (256, 256, 2, 2), 256)
        yield from _conv("roi_heads.mask_head.predictor", model.classes, 256, 1)
    if model.keypoints:
        for k in range(1, 9):
            yield from _conv(f"roi_heads.keypoint_head.conv_fcn{k}", 512, 256 if k == 1 else 512, 3)
        yield from _layer("roi_heads.keypoint_head.score_lowres", (512, model.keypoints, 4, 4), model.keypoints)


def _layer(name: str, shape: tuple[int, ...], outputs: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", shape
    yield f"{name}.bias", (outputs,)


def _conv(name: str, after: int, before: int, kernel: int, norm: bool = False) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", (after, before, kernel, kernel)
    if norm:
        yield from ((f"{name}.norm.{part}", (after,)) for part in ("weight", "bias", "running_mean", "running_var"))
    else:
        yield f"{name}.bias", (after,)


def state_dict(model: Model, seed: int = 0) -> dict[str, np.ndarray]:
    """Float32 weights under detectron2's names: those of the fixtures, or others for another seed."""
    return {
        name: _tensor(name, shape, model, 1000 * seed).astype(np.float32) for name, shape in names_and_shapes(model)
    }


def _tensor(name: str, shape: Sequence[int], model: Model, salt: int = 0) -> np.ndarray:
    """One tensor, float64."""
    if "box_predictor" in name:
        salt += model.salt
    if ".norm." in name:
        return _norm(name, shape, salt)
    if len(shape) > 1:
        transposed = "deconv" in name or "score_lowres" in name  # inputs first
        inputs = (0,) if transposed else tuple(range(1, len(shape)))
        gain = next(gain for pattern, gain in GAINS if pattern in name)
        bound = gain * math.sqrt(6.0 / math.prod(shape[axis] for axis in inputs))
        weight = uniform(name, shape, -bound, bound, salt)
        # A filter that sums to zero keeps features from drifting towards one common vector.
        return weight if "stem" in name else weight - weight.mean(axis=inputs, keepdims=True)
    bias = uniform(name, shape, -0.1, 0.1, salt)
    if name.endswith("cls_score.bias"):
        bias[-1] += model.background - (OTHER_SEEDS if salt >= 1000 else 0.0)
    return bias


def _norm(name: str, shape: Sequence[int], salt: int) -> np.ndarray:
    """A tensor of a frozen norm. The second norm of a block has a small variance, so that its epsilon matters."""
    small = ".conv2." in name
    if name.endswith("running_var"):
        return (0.01 if small else 1.0) * uniform(name, shape, 0.75, 1.25, salt)
    if name.endswith("norm.weight"):
        scale = 0.1 if small else 0.2 if ".conv3." in name else 1.0
        return scale * uniform(name, shape, 0.8, 1.2, salt) / (PIXEL_DEVIATION if "stem" in name else 1.0)
    return uniform(name, shape, -0.1, 0.1, salt)


def pixels(index: int, seed: int = 0) -> np.ndarray:
    """Picture 0 or 1 as an image file would hold it: (height, width, 3) uint8, RGB; another for each seed."""
    return np.rint(picture(index, seed).transpose(1, 2, 0) * 255).astype(np.uint8)
