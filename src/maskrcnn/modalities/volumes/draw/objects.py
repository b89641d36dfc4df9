"""The objects of a volume made ready for drawing: cover, colours and words of each, and what the legend says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maskrcnn.drawing.colours import PALETTE, Color, class_color, to_oklab
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances

NAMED = 16  # objects: of more, only the numbers are written, and the legend has the name
NEAR = 0.2  # of its sides a box is enlarged by, at each end, to find what it touches
SWATCHES = 4  # colours that stand for a class whose objects have colours of their own


@dataclass(frozen=True)
class Objects:
    """N objects in the order in which they were found.

    Attributes:
        regions: what each covers; its box where it has no mask.
        labels: int ``[N]``, 1..K.
        colors: of the class; where all are of one class, one for each object, unlike those of its neighbours.
    """

    regions: Regions
    labels: np.ndarray
    colors: list[Color]

    def __len__(self) -> int:
        return len(self.labels)

    def words(self, class_names: Sequence[str]) -> list[str]:
        """What is written beside each object: its number, counted from 1, and the name of its class if few are."""
        if len(self) > NAMED:
            return [str(number) for number in range(1, len(self) + 1)]
        return [f"{number} {name_of(k, class_names)}" for number, k in enumerate(self.labels.tolist(), 1)]

    def legend(self, class_names: Sequence[str]) -> list[tuple[list[Color], str]]:
        """The colours and the words of each class."""
        counts = Counter(self.labels.tolist())
        entries = []
        for label in sorted(counts):
            colors = list(dict.fromkeys(c for c, k in zip(self.colors, self.labels.tolist()) if k == label))
            entries.append((sorted(colors, key=_rank)[:SWATCHES], f"{name_of(label, class_names)}  {counts[label]:,}"))
        return entries


def objects_of(found: Instances | None, spatial_shape: Sequence[int]) -> Objects:
    """The objects of a volume of ``spatial_shape``; of a truth without those that stand for several (crowds)."""
    found = None if found is None else found[~found.crowd]
    if found is None or len(found) == 0:
        return Objects(Regions.blank(spatial_shape), np.zeros(0, np.int64), [])
    boxes = found.boxes.detach().cpu().double().numpy()
    labels = found.labels.detach().cpu().numpy()
    regions = full_boxes(boxes, spatial_shape) if found.regions is None else found.regions
    alone = len(set(labels.tolist())) == 1
    colors = distinct_colors(regions.boxes()) if alone else [class_color(label) for label in labels.tolist()]
    return Objects(regions, labels, colors)


def distinct_colors(boxes: np.ndarray) -> list[Color]:
    """A palette colour for each box ``[N, 2D]``, as unlike as can be to those that it may touch.

    Other than in a photo (:func:`maskrcnn.drawing.colours.assign_colors`) objects lie close on all sides: only those
    whose boxes, a little enlarged, overlap are seen side by side, and these must differ. Colours are used evenly.
    """
    lab = to_oklab(np.array(PALETTE))
    alike = np.exp(-(np.linalg.norm(lab[:, None] - lab, axis=-1) ** 2) / 0.02)
    low, high = np.split(np.asarray(boxes, dtype=np.float64), 2, axis=1)
    reach = NEAR * (high - low)
    low, high = low - reach - 1, high + reach + 1
    chosen, used = np.zeros(len(boxes), dtype=np.int64), np.zeros(len(PALETTE))
    for i in range(len(boxes)):
        near = np.flatnonzero(((low[:i] < high[i]) & (high[:i] > low[i])).all(axis=1))
        chosen[i] = np.argmin(alike[:, chosen[near]].sum(axis=1) + 0.1 * (used - used.min()))
        used[chosen[i]] += 1
    return [PALETTE[k] for k in chosen]


def full_boxes(boxes: np.ndarray, spatial_shape: Sequence[int]) -> Regions:
    """Regions that are boxes ``[N, 2D]`` (x first), to the next voxel and cut to the canvas."""
    corners = np.round(boxes.reshape(len(boxes), 2, -1)[:, :, ::-1]).clip(0, spatial_shape).astype(np.int64)
    shapes = corners[:, 1] - corners[:, 0]
    runs = [np.array([0, volume] if volume else [0], dtype=np.uint32) for volume in shapes.prod(axis=1).tolist()]
    shapes[shapes.prod(axis=1) == 0] = 0
    return Regions(tuple(int(s) for s in spatial_shape), corners[:, 0], shapes, runs)


def name_of(label: int, class_names: Sequence[str]) -> str:
    return class_names[label - 1] if label > 0 else "other"


def _rank(color: Color) -> int:
    return PALETTE.index(color) if color in PALETTE else len(PALETTE)
