"""A skeleton as a tree of bones that turn in the picture plane: what animation files hold of a clip's keypoints."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

UP, DOWN, LEFT, RIGHT = (0.0, 1.0), (0.0, -1.0), (1.0, 0.0), (-1.0, 0.0)  # of one who looks at us; y points up
HIPS, CHEST, HEAD = "Hips", "Chest", "Head"
LIMBS = ("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")


@dataclass(frozen=True)
class Bone:
    """A bone of a skeleton, whatever its object does.

    Attributes:
        name: of the bone.
        start: the joint it turns about.
        end: the joint, or tip, at its other end.
        rest: direction from start to end when nothing is turned, y up; None: its usual one.
    """

    name: str
    start: str
    end: str
    rest: tuple[float, float] | None


@dataclass(frozen=True)
class Rig:
    """An object's bones and how they move, in F frames of equal length.

    Attributes:
        bones: parents before their children; a bone's parent is the one that ends where it starts.
        lengths: of each bone, in pixels.
        rests: of each bone, degrees from the x axis, counter-clockwise.
        turns: float64 ``[F, len(bones)]``, degrees, counter-clockwise, against the parent's turn.
        root: the joint that all hangs from.
        places: float64 ``[F, 2]``: of the root, pixels, y up from the lower edge of the picture.
    """

    bones: list[Bone]
    lengths: list[float]
    rests: list[float]
    turns: np.ndarray
    root: str
    places: np.ndarray

    def parent(self, bone: Bone) -> int | None:
        """The place among the bones of the one that ends where this one starts; None at the root."""
        return next((k for k, other in enumerate(self.bones) if other.end == bone.start), None)


def bones_of(keypoint_names: Sequence[str], skeleton: Sequence[tuple[int, int]]) -> list[Bone]:
    """The bones of a skeleton: of a human where shoulders and hips are among its points, else a bone for each limb."""
    names = set(keypoint_names)
    if {"left_shoulder", "right_shoulder", "left_hip", "right_hip"} <= names:
        bones = [Bone("Spine", HIPS, CHEST, UP), Bone("Neck", CHEST, HEAD, UP)]
        for side, out in (("left", LEFT), ("right", RIGHT)):
            label = side.capitalize()
            for start, (top, middle, end), words, rests in (
                (CHEST, LIMBS[0], ("Shoulder", "Arm", "ForeArm"), (out, out, out)),
                (HIPS, LIMBS[1], ("Hip", "UpLeg", "Leg"), (out, DOWN, DOWN)),
            ):
                joints = [start, *(f"{side}_{part}" for part in (top, middle, end))]
                for a, b, word, rest in zip(joints, joints[1:], words, rests):
                    if b in names:
                        bones.append(Bone(label + word, a, b, rest))
        return bones
    usable = [limb for limb in skeleton if max(limb) < len(keypoint_names)]
    return [
        Bone(f"{keypoint_names[a]}-{keypoint_names[b]}", keypoint_names[a], keypoint_names[b], None) for a, b in usable
    ]


def joints_over_time(points: np.ndarray, keypoint_names: Sequence[str], height: float) -> dict[str, np.ndarray]:
    """The joints that bones hang from, also those between two keypoints.

    Args:
        points: ``[T, P, 3]``: x and y in pixels, not a number where unknown, and score.
        keypoint_names: of the P points.
        height: of the picture.

    Returns:
        Of each joint float64 ``[T, 2]``, y up from the lower edge.
    """
    places = points[..., :2] * [1, -1] + [0, height]
    joints = {name: places[:, k] for k, name in enumerate(keypoint_names)}
    for name, part in ((HIPS, "hip"), (CHEST, "shoulder")):
        if f"left_{part}" in joints and f"right_{part}" in joints:
            joints[name] = (joints[f"left_{part}"] + joints[f"right_{part}"]) / 2
    if "nose" in joints:
        joints[HEAD] = joints["nose"]
        if "left_ear" in joints and "right_ear" in joints:
            between = (joints["left_ear"] + joints["right_ear"]) / 2
            joints[HEAD] = np.where(np.isnan(between), joints["nose"], between)
    return joints


def rig(
    joints: Mapping[str, np.ndarray], bones: Sequence[Bone], times: np.ndarray, fps: float, least: int = 2
) -> Rig | None:
    """Bones that turn as joints moved. Lengths are the usual ones of a clip, since a bone of a rig has one length.

    Args:
        joints: of each ``[T, 2]``, y up, not a number where unknown.
        bones: of the skeleton.
        times: float64 ``[T]``, seconds, rising.
        fps: frames a second of the result; between the times given, angles are interpolated.
        least: frames in which a bone must have been seen to be one.

    Returns:
        The rig; None where no bone was seen.
    """
    vectors = {bone: joints[bone.end] - joints[bone.start] for bone in bones if {bone.start, bone.end} <= joints.keys()}
    seen = {b: v for b, v in vectors.items() if np.count_nonzero(_known(v) & (np.hypot(*v.T) > 0)) >= least}
    if not seen:
        return None
    tree = _hung(seen, joints)
    moments = times[0] + np.arange(max(1, round((times[-1] - times[0]) * fps) + 1)) / fps
    angles = np.stack([_angle(bone, vector, times, moments) for bone, vector in tree], 1)
    rests = [
        math.degrees(math.atan2(bone.rest[1], bone.rest[0])) if bone.rest else float(np.median(angles[:, k]))
        for k, (bone, _) in enumerate(tree)
    ]
    lengths = [float(np.nanmedian(np.hypot(*vector.T))) for _, vector in tree]
    root = tree[0][0].start
    places = np.stack([_filled(joints[root][:, axis], times, moments) for axis in (0, 1)], 1)
    made = Rig([bone for bone, _ in tree], lengths, rests, np.zeros_like(angles), root, places)
    turned = angles - rests
    for k, bone in enumerate(made.bones):
        parent = made.parent(bone)
        turn = turned[:, k] - (0 if parent is None else turned[:, parent])
        made.turns[:, k] = turn - 360 * np.round(turn[0] / 360)  # begins near 0, and never jumps by a whole turn
    return made


def _hung(seen: Mapping[Bone, np.ndarray], joints: Mapping[str, np.ndarray]) -> list[tuple[Bone, np.ndarray]]:
    """The bones that hang together with the root, parents first, turned round where they would end at their parent.

    The root is the hips where they were seen in half of the frames in which any bone was, else the joint that was seen
    most often.
    """
    ends = sorted({joint for bone in seen for joint in (bone.start, bone.end)})
    often = {joint: np.count_nonzero(_known(joints[joint])) for joint in ends}
    root = max(ends, key=lambda joint: (often[joint], joint == HIPS, joint == CHEST))
    if 2 * often.get(HIPS, 0) >= often[root]:
        root = HIPS
    tree: list[tuple[Bone, np.ndarray]] = []
    reached, left = {root}, dict(seen)
    while True:
        found = next((b for b in left if (b.start in reached) != (b.end in reached)), None)
        if found is None:
            return tree
        vector = left.pop(found)
        if found.start in reached:
            tree.append((found, vector))
            reached.add(found.end)
        else:
            rest = None if found.rest is None else (-found.rest[0], -found.rest[1])
            tree.append((Bone(found.name, found.end, found.start, rest), -vector))
            reached.add(found.start)


def _known(values: np.ndarray) -> np.ndarray:
    known: np.ndarray = ~np.isnan(values).any(1)
    return known


def _angle(bone: Bone, vector: np.ndarray, times: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Of a bone at the moments, degrees, without jumps of whole turns."""
    known = _known(vector) & (np.hypot(*vector.T) > 0)
    angle = np.unwrap(np.arctan2(vector[known, 1], vector[known, 0]))
    turned: np.ndarray = np.degrees(np.interp(moments, times[known], angle))
    return turned


def _filled(values: np.ndarray, times: np.ndarray, moments: np.ndarray) -> np.ndarray:
    known = ~np.isnan(values)
    filled: np.ndarray = np.interp(moments, times[known], values[known])
    return filled
