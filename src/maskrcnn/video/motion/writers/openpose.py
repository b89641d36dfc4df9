"""OpenPose's folder: a json file a frame, whose people have the 25 points of its BODY_25 model in its order."""

from __future__ import annotations

import glob
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.data.coco_keypoints import to_coco_keypoints
from maskrcnn.files import atomic_write
from maskrcnn.video.motion.objects import Moving

VERSION = 1.3  # of the form
BODY_25 = (
    "nose",
    "neck",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "mid_hip",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_eye",
    "left_eye",
    "right_ear",
    "left_ear",
    "left_big_toe",
    "left_small_toe",
    "left_heel",
    "right_big_toe",
    "right_small_toe",
    "right_heel",
)
EMPTY = [("face", "2d"), ("hand_left", "2d"), ("hand_right", "2d")]
EMPTY += [(part, "3d") for part in ("pose", "face", "hand_left", "hand_right")]
BETWEEN = {"neck": ("left_shoulder", "right_shoulder"), "mid_hip": ("left_hip", "right_hip")}
NEEDED = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")


def holds(keypoint_names: Sequence[str]) -> bool:
    """Whether these are points of a human body."""
    return set(NEEDED) <= set(keypoint_names)


def write_openpose(
    folder: Path, stem: str, objects: Sequence[Moving], keypoint_names: Sequence[str], frames: Sequence[int]
) -> None:
    """Write a file for each frame, also for those without people; older ones of that name are
    replaced.

    Args:
        folder: for the files, ``STEM_000000000000_keypoints.json`` and so on.
        stem: the clip's name.
        objects: of the clip; ``person_id`` is their number.
        keypoint_names: of their points; what OpenPose does not have is left out, and what it has alone is 0.
        frames: the indices of the frames.
    """
    people: defaultdict[int, list[tuple[int, np.ndarray]]] = defaultdict(list)
    for own in objects:
        for k, points in enumerate(in_body_25(own.points, keypoint_names)):
            if points.any():
                people[own.frames[k]].append((own.number, points))
    for old in folder.glob(f"{glob.escape(stem)}_*_keypoints.json"):
        old.unlink()
    for index in frames:
        found = [_person(number, points) for number, points in sorted(people[index], key=lambda pair: pair[0])]
        with atomic_write(folder / f"{stem}_{index:012d}_keypoints.json") as beside:
            beside.write_text(json.dumps({"version": VERSION, "people": found}), encoding="utf-8")


def in_body_25(points: np.ndarray, keypoint_names: Sequence[str]) -> np.ndarray:
    """Points in OpenPose's order.

    Args:
        points: ``[T, P, 3]``: x and y in pixels, not a number where unknown, and score.
        keypoint_names: of the P points.

    Returns:
        float64 ``[T, 25, 3]``: indices of pixels, and score; all 0 where unknown. What was filled in has a score of
        0.01, since 0 means not found.
    """
    place = {name: k for k, name in enumerate(keypoint_names)}
    moved = np.array([to_coco_keypoints(own[None])[0] for own in points]).reshape(points.shape)
    moved[..., 2] = np.maximum(points[..., 2], 0.01)
    body = np.full((len(points), len(BODY_25), 3), np.nan)
    for k, name in enumerate(BODY_25):
        if name in place:
            body[:, k] = moved[:, place[name]]
        elif name in BETWEEN and all(side in place for side in BETWEEN[name]):
            a, b = (moved[:, place[side]] for side in BETWEEN[name])
            body[:, k, :2] = (a[:, :2] + b[:, :2]) / 2
            body[:, k, 2] = np.minimum(a[:, 2], b[:, 2])
    body[np.isnan(body).any(-1)] = 0
    return body


def _person(number: int, points: np.ndarray) -> dict[str, Any]:
    cells = [round(float(value), 3) for value in points.ravel()]
    empty: dict[str, Any] = {f"{part}_keypoints_{space}": [] for part, space in EMPTY}
    return {"person_id": [number], "pose_keypoints_2d": cells, **empty}
