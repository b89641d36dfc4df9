"""Frames of made-up videos: objects that move along paths, numbered as a tracker would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch

from maskrcnn.regions import Regions
from maskrcnn.structures import Instances
from maskrcnn.video.frames import TrackedFrame

SIZE = (24, 16)  # width and height of objects
CANVAS = (120, 160)  # height and width of frames


def frames_of(
    paths: Mapping[int, Sequence[tuple[float, float] | None]],
    labels: Mapping[int, int] | None = None,
    confirmed: Mapping[int, int] | None = None,
    keypoints: Mapping[int, np.ndarray] | None = None,
    fps: float = 10.0,
) -> Iterator[TrackedFrame]:
    """Frames with objects of :data:`SIZE` whose centres go along paths.

    Args:
        paths: of each number, its centre in every frame; None: it is not seen.
        labels: of each number; 1 where none is given.
        confirmed: from which frame on each number is; 0 where none is given.
        keypoints: of each number, ``[T, P, 3]``.
        fps: frames a second.
    """
    for k in range(max(map(len, paths.values()))):
        here = {i: path[k] for i, path in paths.items() if k < len(path) and path[k] is not None}
        ids = np.array(list(here), np.int64)
        middle = np.array(list(here.values()), np.float64).reshape(-1, 2)
        half = np.array(SIZE) / 2
        boxes = np.concatenate([middle - half, middle + half], 1)
        points = (
            None if keypoints is None else np.stack([keypoints[i][k] for i in here]) if here else np.zeros((0, 1, 3))
        )
        yield TrackedFrame(
            k,
            k / fps,
            picture(k),
            Instances(
                torch.tensor(boxes, dtype=torch.float32),
                labels=torch.tensor([(labels or {}).get(i, 1) for i in here], dtype=torch.int64),
                scores=torch.full((len(here),), 0.9),
                regions=Regions.from_masks([disc(box) for box in boxes], CANVAS),
                keypoints=None if points is None else torch.tensor(points, dtype=torch.float32),
            ),
            ids,
            np.array([(confirmed or {}).get(i, 0) <= k for i in here], bool),
        )


def disc(box: np.ndarray) -> np.ndarray:
    """The ellipse in a box, as a mask of a frame."""
    y, x = np.mgrid[: CANVAS[0], : CANVAS[1]] + 0.5
    (x1, y1, x2, y2) = box
    return ((2 * x - x1 - x2) / (x2 - x1)) ** 2 + ((2 * y - y1 - y2) / (y2 - y1)) ** 2 <= 1


def picture(k: int) -> np.ndarray:
    """Something with fine detail: a chequerboard whose shades change with the frame."""
    y, x = np.mgrid[: CANVAS[0], : CANVAS[1]]
    board = ((x // 2 + y // 2) % 2 * 160 + 40 + k % 20).astype(np.uint8)
    return np.stack([board, np.roll(board, 1, 1), 255 - board], 2)


def straight(start: tuple[float, float], end: tuple[float, float], count: int) -> list[tuple[float, float]]:
    """A path of ``count`` places."""
    return [tuple(point) for point in np.linspace(start, end, count).tolist()]
