"""A small reader of BVH files: the hierarchy as its text has it, and where joints are by 3-D rotations."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass
class Joint:
    name: str
    parent: int | None
    offset: np.ndarray
    channels: list[str] = field(default_factory=list)


@dataclass
class Bvh:
    """Joints in the order of the file; End Sites are joints without channels, called ``PARENT end``."""

    joints: list[Joint]
    frame_time: float
    motion: np.ndarray  # [F, channels]

    def places(self) -> dict[str, np.ndarray]:
        """Of each joint ``[F, 3]``: matrices multiplied down the hierarchy, angles in the order of the channels."""
        found: dict[str, np.ndarray] = {}
        turned: list[np.ndarray] = []
        column = 0
        for joint in self.joints:
            local = np.tile(np.eye(4), (len(self.motion), 1, 1))
            local[:, :3, 3] = joint.offset
            for channel in joint.channels:
                value = self.motion[:, column]
                column += 1
                axis = "XYZ".index(channel[0])
                if channel.endswith("position"):
                    local[:, axis, 3] = value if joint.parent is None else local[:, axis, 3] + value
                else:
                    local = local @ _rotation(axis, np.radians(value))
            world = local if joint.parent is None else turned[joint.parent] @ local
            turned.append(world)
            found[joint.name] = world[:, :3, 3]
        return found


def _rotation(axis: int, angle: np.ndarray) -> np.ndarray:
    a, b = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.tile(np.eye(4), (len(angle), 1, 1))
    matrix[:, a, a] = matrix[:, b, b] = np.cos(angle)
    matrix[:, a, b], matrix[:, b, a] = -np.sin(angle), np.sin(angle)
    return matrix


def read_bvh(path: Path) -> Bvh:
    """Raises AssertionError where the text is none."""
    hierarchy, _, motion = path.read_text(encoding="ascii").partition("MOTION\n")
    words = iter(hierarchy.split())
    assert next(words) == "HIERARCHY"
    joints: list[Joint] = []
    above: list[int] = []
    for word in words:
        if word in ("ROOT", "JOINT"):
            joints.append(Joint(next(words), above[-1] if above else None, np.zeros(3)))
        elif word == "End":
            assert next(words) == "Site"
            joints.append(Joint(f"{joints[above[-1]].name} end", above[-1], np.zeros(3)))
        elif word == "{":
            above.append(len(joints) - 1)
        elif word == "}":
            above.pop()
        elif word == "OFFSET":
            joints[-1].offset = np.array([float(next(words)) for _ in range(3)])
        elif word == "CHANNELS":
            joints[-1].channels = [next(words) for _ in range(int(next(words)))]
        else:
            raise AssertionError(f"unknown word {word}")
    assert not above
    lines = motion.splitlines()
    assert lines[0].startswith("Frames: ") and lines[1].startswith("Frame Time: ")
    rows = np.array([[float(cell) for cell in line.split()] for line in lines[2:]])
    assert rows.shape == (int(lines[0].split()[1]), sum(len(joint.channels) for joint in joints))
    return Bvh(joints, float(lines[1].split()[2]), rows)
