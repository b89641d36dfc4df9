"""Angles of joints: how far two limbs that meet in a point are opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BENDS = {  # of a human body: a joint lies between two others
    "elbow": ("shoulder", "wrist"),
    "knee": ("hip", "ankle"),
    "shoulder": ("hip", "elbow"),
    "hip": ("shoulder", "knee"),
}


@dataclass(frozen=True)
class JointAngle:
    """An angle between two limbs.

    Attributes:
        name: such as ``left_knee``.
        ends: the outer two points, counted from 0.
        middle: the point where they meet.
    """

    name: str
    ends: tuple[int, int]
    middle: int


def joints_of(keypoint_names: Sequence[str], skeleton: Sequence[tuple[int, int]]) -> list[JointAngle]:
    """The joints of a skeleton: elbows, knees, shoulders and hips by their names, and where there are none of these,
    every point in which exactly two limbs meet.

    Args:
        keypoint_names: such as ``left_elbow``.
        skeleton: pairs of points, counted from 0.

    Returns:
        Joints in the order of the table above, left before right.
    """
    place = {name: k for k, name in enumerate(keypoint_names)}
    joints = []
    for middle, (a, b) in BENDS.items():
        for side in ("left_", "right_"):
            names = [f"{side}{part}" for part in (a, middle, b)]
            if all(name in place for name in names):
                joints.append(JointAngle(names[1], (place[names[0]], place[names[2]]), place[names[1]]))
    if joints:
        return joints
    limbs: dict[int, list[int]] = {}
    for p, q in skeleton:
        limbs.setdefault(p, []).append(q)
        limbs.setdefault(q, []).append(p)
    named = list(keypoint_names) or [f"point {k + 1}" for k in range(max(limbs, default=-1) + 1)]
    return [JointAngle(named[k], (ends[0], ends[1]), k) for k, ends in sorted(limbs.items()) if len(set(ends)) == 2]


def joint_angles(points: np.ndarray, joints: Sequence[JointAngle]) -> np.ndarray:
    """Angles over time.

    Args:
        points: ``[T, P, D + 1]``: coordinates, not a number where unknown, and score.
        joints: J of them.

    Returns:
        float64 ``[T, J]``, degrees, 180 where the limbs are stretched; not a number where a point is unknown or two are
        one. In a picture these are angles of what is seen, not of the body in space.
    """
    places = points[..., :-1].astype(np.float64)
    angles = np.full((len(points), len(joints)), np.nan)
    for j, joint in enumerate(joints):
        a, b = (places[:, end] - places[:, joint.middle] for end in joint.ends)
        long = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        usable = np.nan_to_num(long) > 0
        cosine = (a[usable] * b[usable]).sum(1) / long[usable]
        angles[usable, j] = np.degrees(np.arccos(cosine.clip(-1, 1)))
    return angles
