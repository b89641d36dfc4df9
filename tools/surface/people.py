"""People as cut-outs of one size, for tools/surface/train.py: pixels, and what is known of their surface."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hotcoco import mask as coco_mask
from PIL import Image
from torch import Tensor

SIDE = 224  # pixels of a stored cut-out
LEAST = 0.12  # of a box that shows its person: where less is seen, the cut-out shows another
LEFT = {
    "upper arm": (15, 17),
    "lower arm": (19, 21),
    "hand": (4,),
    "upper leg": (8, 10),
    "lower leg": (12, 14),
    "foot": (5,),
}
RIGHT = {
    "upper arm": (16, 18),
    "lower arm": (20, 22),
    "hand": (3,),
    "upper leg": (7, 9),
    "lower leg": (11, 13),
    "foot": (6,),
}
TORSO = (1, 2)


def _sets() -> list[tuple[int, ...]]:
    """Parts on which each of COCO's joints may lie, then those of the middle of each limb; left, right, left ..."""
    by_joint: list[tuple[int, ...]] = [(23, 24), (24,), (23,), (24,), (23,)]
    for first, second in (("", "upper arm"), ("upper arm", "lower arm"), ("lower arm", "hand"), ("", "upper leg"),
                          ("upper leg", "lower leg"), ("lower leg", "foot")):  # fmt: skip
        by_joint += [side.get(first, TORSO) + side[second] for side in (LEFT, RIGHT)]
    return by_joint + [side[limb] for limb in LIMBS for side in (LEFT, RIGHT)]


LIMBS = {
    "upper arm": (5, 7),
    "lower arm": (7, 9),
    "upper leg": (11, 13),
    "lower leg": (13, 15),
}  # the left one's joints
ALONG = (0.35, 0.5, 0.65)  # where points of a limb lie
SETS = _sets()


def mirrored_sets() -> list[int]:
    """Of no set and of each, 1 and on, the one that it becomes in a mirror image."""
    pairs = [0, 1]
    for k in range(2, len(SETS) + 1, 2):
        pairs += [k + 1, k]
    return pairs


@dataclass(frozen=True)
class Store:
    """N people.

    Attributes:
        pixels: uint8 ``[N, 3, SIDE, SIDE]``; 128 beyond the picture.
        labels: uint8 ``[N, 4, SIDE, SIDE]``: mask, part, and u and v in 255ths.
        points: float32 ``[N, P, 3]``: x and y in -1..1 and the number of their set of parts, 0 for none.
    """

    pixels: Tensor
    labels: Tensor
    points: Tensor

    def __len__(self) -> int:
        return len(self.pixels)


def region_of(bbox: Sequence[float], margin: float) -> tuple[float, float, float]:
    """Low corner and side of the square round a box ``x, y, width, height``."""
    x, y, w, h = bbox
    side = max(w, h) * margin
    return x + w / 2 - side / 2, y + h / 2 - side / 2, side


def cut(picture: np.ndarray, region: tuple[float, float, float], smooth: bool, beyond: int) -> np.ndarray:
    """A square of ``[H, W, C]`` at SIDE x SIDE."""
    x, y, side = region
    height, width = picture.shape[:2]
    pad = int(max(0, -x, -y, x + side - width, y + side - height)) + 2
    filled = np.pad(picture, ((pad, pad), (pad, pad), (0, 0)), constant_values=beyond)
    how = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    box = (x + pad, y + pad, x + pad + side, y + pad + side)
    planes = [Image.fromarray(filled[..., k]).resize((SIDE, SIDE), how, box) for k in range(filled.shape[2])]
    return np.stack([np.asarray(plane) for plane in planes])


def decode_mask(annotation: dict[str, Any], height: int, width: int) -> np.ndarray:
    segmentation = annotation["segmentation"]
    if isinstance(segmentation, list):
        segmentation = coco_mask.merge(coco_mask.frPyObjects(segmentation, height, width))
    elif isinstance(segmentation["counts"], list):
        segmentation = coco_mask.frPyObjects(segmentation, height, width)
    else:
        segmentation = {**segmentation, "counts": segmentation["counts"].encode()}
    mask: np.ndarray = coco_mask.decode(segmentation)
    return mask


def by_image(path: Path) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    content = json.loads(path.read_text())
    own: dict[int, list[dict[str, Any]]] = {}
    for annotation in content["annotations"]:
        own.setdefault(annotation["image_id"], []).append(annotation)
    return [(image, own[image["id"]]) for image in content["images"] if image["id"] in own]


def _stored(rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Store:
    pixels, labels, points = (torch.from_numpy(np.stack(column)) for column in zip(*rows))
    return Store(pixels, labels, points)


def rendered_people(folders: Sequence[Path], margin: float, smallest: float = 24) -> Store:
    """The people of folders that `maskrcnn synthetic people` made; while one is being made its pictures wait."""
    rows = []
    for folder in folders:
        for image, own in by_image(folder / "annotations.json"):
            picture = np.asarray(Image.open(folder / "images" / image["file_name"]).convert("RGB"))
            iuv = np.asarray(Image.open((folder / "iuv" / image["file_name"]).with_suffix(".png")))
            for annotation in own:
                x, y, width, height = annotation["bbox"]
                if max(width, height) < smallest or annotation["area"] < LEAST * width * height:
                    continue
                mask = decode_mask(annotation, *picture.shape[:2])[..., None]
                region = region_of(annotation["bbox"], margin)
                labels = cut(np.concatenate([mask, iuv * mask], 2), region, False, 0)
                rows.append((cut(picture, region, True, 128), labels, np.zeros((1, 3), np.float32)))
    return _stored(rows)


def joint_points(keypoints: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Places ``[P, 3]`` of a person: x, y in pixels and the number of their set; 0 where nothing is known.

    Args:
        keypoints: ``[17, 3]``, COCO's.
        mask: ``[H, W]``; what lies outside it tells nothing.
    """
    seen = keypoints[:, 2] == 2
    found = [(x, y, k + 1 if seen[k] else 0) for k, (x, y, _) in enumerate(keypoints)]
    for number, (first, last) in enumerate(LIMBS.values()):
        for side in (0, 1):
            a, b = keypoints[first + side], keypoints[last + side]
            known = seen[first + side] and seen[last + side]
            for part in ALONG:
                x, y = a[:2] + (b[:2] - a[:2]) * part
                found.append((x, y, 18 + 2 * number + side if known else 0))
    points = np.array(found, np.float32)
    column, row = (np.clip(points[:, k].astype(int), 0, mask.shape[1 - k] - 1) for k in (0, 1))
    points[mask[row, column] == 0, 2] = 0
    return points


def real_people(path: Path, photos: Path | None, margin: float, smallest: float = 32) -> Store:
    """The people of COCO json, with a mask, and joints where they are labelled."""
    rows = []
    for image, own in by_image(path):
        picture = None
        for annotation in own:
            if annotation.get("iscrowd") or max(annotation["bbox"][2:]) < smallest:
                continue
            keypoints = np.array(annotation.get("keypoints") or [0] * 51, float).reshape(17, 3)
            if not (keypoints[:, 2] == 2).any() and annotation["area"] < 64 * 64:
                continue
            if picture is None:
                picture = np.asarray(Image.open((photos or path.parent) / image["file_name"]).convert("RGB"))
            mask = decode_mask(annotation, *picture.shape[:2])
            keypoints[:, :2] += 0.5
            x, y, side = region = region_of(annotation["bbox"], margin)
            labels = np.zeros((4, SIDE, SIDE), np.uint8)
            labels[0] = cut(mask[..., None], region, False, 0)[0]
            points = joint_points(keypoints, mask)
            points[:, :2] = (points[:, :2] - [x, y]) / side * 2 - 1
            rows.append((cut(picture, region, True, 128), labels, points.astype(np.float32)))
    return _stored(rows)
