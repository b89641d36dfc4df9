"""Plausible poses by chance: joints turn within their limits, in the mixture of what people do on photos.

A pose is a rotation vector ``[3]`` in radians for each bone that turns, about the axes of anny's body as it stands
unposed: x to its left, y to its back, z up.
"""

from __future__ import annotations

import numpy as np

Pose = dict[str, np.ndarray]
HANGING = 1.35  # radians from an arm held out to the side to one that hangs down
# Unposed, arms hang half way and elbows are bent:
LOWERED = 0.85  # radians
BENT = 0.72  # radians
ELBOW = np.array([-0.75, -0.07, -0.66])  # the axis of the left one
FOREARM = np.array([0.52, -0.68, -0.52])  # its direction


def mirrored(turn: np.ndarray) -> np.ndarray:
    """The rotation vector of the other side's bone."""
    other: np.ndarray = turn * [1, -1, -1]
    return other


def _part(rng: np.random.Generator, low: float, high: float) -> float:
    """Between limits, more often near their middle."""
    return float(low + (high - low) * rng.beta(2, 2))


def _arm(rng: np.random.Generator) -> Pose:
    """A left arm: shoulder and elbow, wrist a little."""
    kind = rng.choice(["hangs", "hip", "ahead", "up", "anywhere"], p=[0.35, 0.12, 0.25, 0.1, 0.18])
    down, ahead, twist, elbow = {
        "hangs": lambda: (HANGING + rng.normal(0, 0.12), rng.normal(0, 0.3), rng.normal(0, 0.3), _part(rng, 0, 0.9)),
        "hip": lambda: (_part(rng, 0.7, 1.2), rng.normal(-0.2, 0.2), _part(rng, 0.2, 1.4), _part(rng, 1.2, 2.2)),
        "ahead": lambda: (_part(rng, 0.2, 1.3), _part(rng, 0.3, 1.6), _part(rng, -0.8, 0.8), _part(rng, 0.2, 2.3)),
        "up": lambda: (_part(rng, -1.4, -0.3), _part(rng, -0.2, 0.8), _part(rng, -0.8, 0.8), _part(rng, 0, 2.0)),
        "anywhere": lambda: (_part(rng, -1.4, 1.3), _part(rng, -0.6, 1.6), _part(rng, -1, 1), _part(rng, 0, 2.4)),
    }[kind]()
    return {
        "upperarm01": _compose([0, 0, -ahead], [0, down, 0], [twist, 0, 0], [0, -LOWERED, 0]),
        "lowerarm01": ELBOW * (elbow - BENT),
        "lowerarm02": FOREARM * rng.normal(0, 0.5),
        "wrist": rng.normal(0, 0.25, 3),
        "clavicle": np.array([0, rng.normal(0, 0.08) - 0.15 * max(0.0, -down), rng.normal(0, 0.08)]),
    }


def _legs(rng: np.random.Generator) -> tuple[Pose, Pose]:
    """Left and right leg, as the bones of a left one."""
    kind = rng.choice(["stands", "walks", "sits", "crouches", "anywhere"], p=[0.35, 0.25, 0.2, 0.06, 0.14])

    def leg(ahead: float, knee: float, apart: float) -> Pose:
        hip = _compose([-ahead, 0, 0], [0, -apart, 0], [0, 0, rng.normal(0, 0.2)])
        return {
            "upperleg01": hip,
            "lowerleg01": np.array([knee, 0, rng.normal(0, 0.05)]),
            "foot": np.array([rng.normal(0.0, 0.25), 0, rng.normal(0, 0.15)]),
        }

    if kind == "stands":
        return tuple(leg(rng.normal(0, 0.08), abs(rng.normal(0, 0.12)), _part(rng, -0.05, 0.3)) for _ in "LR")  # type: ignore[return-value]
    if kind == "walks":
        step, first = _part(rng, 0.1, 0.9), rng.random() < 0.5
        own = [leg(step, _part(rng, 0, 0.8), 0.05), leg(-0.5 * step, _part(rng, 0, 1.3), 0.05)]
        return (own[0], own[1]) if first else (own[1], own[0])
    if kind in ("sits", "crouches"):
        bend = (_part(rng, 1.1, 1.75), _part(rng, 0.9, 1.9)) if kind == "sits" else (_part(rng, 1.4, 2.2), 2.2)
        return tuple(  # type: ignore[return-value]
            leg(bend[0] + rng.normal(0, 0.12), bend[1] + rng.normal(0, 0.2), _part(rng, -0.1, 0.6)) for _ in "LR"
        )
    return tuple(leg(_part(rng, -0.6, 2.0), _part(rng, 0, 2.2), _part(rng, -0.2, 0.9)) for _ in "LR")  # type: ignore[return-value]


def _compose(*turns: list[float]) -> np.ndarray:
    """One rotation vector for several turns, of which the last in the list comes first, as matrices are multiplied."""
    matrix = np.eye(3)
    for turn in turns:
        matrix = matrix @ rotation(np.array(turn, dtype=float))
    return rotation_vector(matrix)


def rotation(turn: np.ndarray) -> np.ndarray:
    """The matrix ``[3, 3]`` of a rotation vector (Rodrigues)."""
    angle = float(np.linalg.norm(turn))
    if angle < 1e-9:
        return np.eye(3)
    x, y, z = turn / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    matrix: np.ndarray = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return matrix


def rotation_vector(matrix: np.ndarray) -> np.ndarray:
    """The rotation vector of a matrix; turns by half a circle are given up to their sign."""
    angle = np.arccos(np.clip((np.trace(matrix) - 1) / 2, -1, 1))
    axis = np.array([matrix[2, 1] - matrix[1, 2], matrix[0, 2] - matrix[2, 0], matrix[1, 0] - matrix[0, 1]])
    if np.pi - angle < 1e-4:
        column = (matrix + np.eye(3))[:, np.argmax(np.diag(matrix))]
        half: np.ndarray = column / np.linalg.norm(column) * angle
        return half
    length = np.linalg.norm(axis)
    vector: np.ndarray = axis / length * angle if length > 1e-12 else np.zeros(3)
    return vector


def draw_pose(rng: np.random.Generator) -> Pose:
    """A pose by chance."""
    pose: Pose = {}
    arms = [_arm(rng), _arm(rng)]
    if rng.random() < 0.25:
        arms[1] = arms[0]
    for side, arm, leg in zip("LR", arms, _legs(rng)):
        for bone, turn in {**arm, **leg}.items():
            pose[f"{bone}.{side}"] = turn if side == "L" else mirrored(turn)
    bend, lean, twist = _part(rng, -0.25, 0.7), rng.normal(0, 0.15), rng.normal(0, 0.3)
    for bone in ("spine05", "spine04", "spine03", "spine02", "spine01"):
        pose[bone] = np.array([bend, lean, twist]) / 5
    nod = np.array([_part(rng, -0.5, 0.6), rng.normal(0, 0.15), rng.normal(0, 0.45)])
    pose["neck02"], pose["head"] = nod / 2, nod / 2
    for side in "LR":
        curl = abs(rng.normal(0, 0.35))
        for finger in (2, 3, 4, 5):
            for joint in (1, 2):
                turn = np.array([0, curl, 0])
                pose[f"finger{finger}-{joint}.{side}"] = turn if side == "L" else mirrored(turn)
    return pose
