"""A person who walks across a picture: 17 points over time, as COCO names them."""

from __future__ import annotations

import numpy as np

PAIRED = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
NAMES = ("nose", *(f"{side}_{part}" for part in PAIRED for side in ("left", "right")))
SKELETON = (
    (15, 13),
    (13, 11),
    (16, 14),
    (14, 12),
    (11, 12),
    (5, 11),
    (6, 12),
    (5, 6),
    (5, 7),
    (6, 8),
    (7, 9),
    (8, 10),
    (1, 2),
    (0, 1),
    (0, 2),
    (1, 3),
    (2, 4),
    (3, 5),
    (4, 6),
)
THIGH, SHANK, ARM = 22.0, 20.0, 14.0  # pixels


def walk(count: int = 60, fps: float = 25.0, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    """Points float64 ``[T, 17, 3]`` of one who faces us and steps to our right, with a score of 0.9 each."""
    time = np.arange(count) / fps
    hips = np.stack([40 + 15 * time, 60 + 1.5 * np.sin(4 * np.pi * time)], 1)
    points = np.zeros((count, 17, 3))
    points[..., 2] = 0.9

    def put(name: str, place: np.ndarray) -> np.ndarray:
        points[:, NAMES.index(name), :2] = place
        return place

    def limb(start: np.ndarray, long: float, angle: np.ndarray) -> np.ndarray:
        return start + long * np.stack([np.sin(angle), np.cos(angle)], 1)  # 0: down

    chest = hips - [0, 30]
    head = put("nose", chest - [0, 14])
    for name, across, up in (("left_eye", 2, 2), ("right_eye", -2, 2), ("left_ear", 4, 1), ("right_ear", -4, 1)):
        put(name, head + [across, -up])
    for side, sign in (("left", 1), ("right", -1)):
        swing = sign * np.sin(2 * np.pi * time)
        shoulder = put(f"{side}_shoulder", chest + [10 * sign, 0])
        elbow = put(f"{side}_elbow", limb(shoulder, ARM, 0.5 * swing + 0.2 * sign))
        put(f"{side}_wrist", limb(elbow, ARM, 0.5 * swing + 0.6))
        hip = put(f"{side}_hip", hips + [6 * sign, 0])
        knee = put(f"{side}_knee", limb(hip, THIGH, 0.4 * swing))
        put(f"{side}_ankle", limb(knee, SHANK, 0.4 * swing - 0.3))
    points[..., :2] += np.random.default_rng(seed).normal(0, noise, points[..., :2].shape)
    return points
