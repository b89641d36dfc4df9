"""Keypoints and angles as tables: a row a frame and object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.inference.results.names import write_table
from maskrcnn.video.motion.angles import JointAngle, joint_angles
from maskrcnn.video.motion.objects import Moving

FIRST = ("frame", "time_s", "id", "class")


def write_keypoints(path: Path, objects: Iterable[Moving], keypoint_names: Sequence[str]) -> None:
    """Write where each point was: x and y in pixels, and its score, which is 0 where it was filled in; empty cells
    where nothing is known.

    Args:
        path: of the file.
        objects: of the clip.
        keypoint_names: of their points.
    """
    columns = [*FIRST, *(f"{name}_{what}" for name in keypoint_names for what in ("x", "y", "score"))]
    write_table(path, columns, _keypoint_rows(objects))


def _keypoint_rows(objects: Iterable[Moving]) -> Iterator[list[Any]]:
    for own in objects:
        for k, points in enumerate(own.points):
            known = ~np.isnan(points[:, 0])
            if known.any():
                cells = [
                    [round(float(x), 2), round(float(y), 2), round(float(score), 3)] if sure else ["", "", ""]
                    for (x, y, score), sure in zip(points, known)
                ]
                yield [own.frames[k], round(float(own.times[k]), 3), own.number, own.name, *sum(cells, [])]


def write_angles(path: Path, objects: Iterable[Moving], joints: Sequence[JointAngle]) -> None:
    """Write the angle of each joint in degrees; empty cells where it is unknown.

    Args:
        path: of the file.
        objects: of the clip.
        joints: whose angles are written.
    """
    write_table(path, [*FIRST, *(joint.name for joint in joints)], _angle_rows(objects, joints))


def _angle_rows(objects: Iterable[Moving], joints: Sequence[JointAngle]) -> Iterator[list[Any]]:
    for own in objects:
        for k, angles in enumerate(joint_angles(own.points, joints)):
            if not np.isnan(angles).all():
                cells = ["" if np.isnan(angle) else round(float(angle), 2) for angle in angles]
                yield [own.frames[k], round(float(own.times[k]), 3), own.number, own.name, *cells]
