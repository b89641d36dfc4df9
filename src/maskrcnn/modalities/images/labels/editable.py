"""Labels that are edited where they lie: what a tool that draws is given, and what it gives back.

A format that can be changed in place has an ``edit.py`` with the openers of its ``read.py``. Each gives an
:class:`Editable`: only images that were edited are written anew, of these only the objects that changed, and whatever
else the files say stays as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from maskrcnn.masks.rasterise import NO_MASK, Box, outline_box, polygons_to_mask
from maskrcnn.regions import Regions
from maskrcnn.rle import decode_masks, regions_to_rle

CROWD, TRUNCATED, DIFFICULT = "crowd", "truncated", "difficult"
ATTRIBUTES = (CROWD, TRUNCATED, DIFFICULT)
FEATURES = ("holes", "parts", "mask", "keypoints", *ATTRIBUTES, "z")  # of an object, which a format may lack
Ring = tuple[float, ...]  # x, y, x, y ... ; the last corner is joined to the first
Part = tuple[Ring, ...]  # an outline, then its holes
Shape = tuple[int, int]  # height and width


@dataclass(frozen=True)
class MaskWindow:
    """A mask in its own box.

    Attributes:
        box: x1, y1, x2, y2, whole pixels.
        runs: lengths of runs, row after row in the box; the first counts pixels that are not covered and may be 0.
    """

    box: tuple[int, int, int, int]
    runs: tuple[int, ...]

    def regions(self, shape: Shape) -> Regions:
        """The mask on the canvas of its image."""
        x1, y1, x2, y2 = self.box
        window, extent = np.array([[y1, x1]], np.int64), np.array([[y2 - y1, x2 - x1]], np.int64)
        return Regions(shape, window, extent, [np.array(self.runs, np.uint32)])

    @staticmethod
    def of_regions(regions: Regions, i: int) -> MaskWindow | None:
        """Object ``i`` of regions; None where it covers nothing."""
        (y, x), (rows, columns) = regions.offsets[i].tolist(), regions.shapes[i].tolist()
        if rows == 0 or columns == 0:
            return None
        return MaskWindow((x, y, x + columns, y + rows), tuple(regions.runs[i].tolist()))

    @staticmethod
    def of_counts(counts: bytes, shape: Shape) -> MaskWindow | None:
        """Of COCO's compressed run lengths; None where they cover nothing."""
        return None if counts == NO_MASK else MaskWindow.of_regions(decode_masks([counts], shape), 0)


@dataclass(frozen=True)
class LabelledObject:
    """One object as it is drawn and edited.

    Attributes:
        id: of its image's own; an object keeps it for good.
        name: of its class.
        box: x1, y1, x2, y2 in pixels.
        mask: its pixels, where they were painted.
        parts: its outlines with their holes, where it was drawn with corners; an object has these, or a mask, or a box
            alone.
        keypoints: x, y and visibility (0 not labelled, 1 hidden, 2 visible) of each.
        attributes: those of :data:`ATTRIBUTES` that it has.
        z: objects are drawn by rising z, those of one z by rising id; the last lies on top.
    """

    id: int
    name: str
    box: Box
    mask: MaskWindow | None = None
    parts: tuple[Part, ...] = ()
    keypoints: tuple[tuple[float, float, int], ...] = ()
    attributes: frozenset[str] = frozenset()
    z: int = 0

    def is_same_place(self, other: LabelledObject) -> bool:
        """Whether both cover the same; of those with a mask or outlines, whatever is said of their boxes."""
        if self.mask is None and not self.parts and other.mask is None and not other.parts:
            return self.box == other.box
        return (self.mask, self.parts) == (other.mask, other.parts)

    def has_holes(self) -> bool:
        """Whether one of its outlines has a hole."""
        return any(len(part) > 1 for part in self.parts)

    def counts(self, shape: Shape) -> bytes:
        """Its pixels as COCO's compressed run lengths; ``NO_MASK`` of a box alone and of what covers no pixel."""
        if self.mask is not None:
            counts: bytes = regions_to_rle(self.mask.regions(shape), 0)["counts"].encode("ascii")
            return counts
        if not self.parts:
            return NO_MASK
        if not self.has_holes():
            return polygons_to_mask([list(part[0]) for part in self.parts], shape)
        covered = np.zeros(shape, dtype=bool)
        for outline, *holes in self.parts:
            inside = _filled(outline, shape)
            for hole in holes:
                inside &= ~_filled(hole, shape)
            covered |= inside
        regions = Regions.from_masks([covered], shape)
        return regions_to_rle(regions, 0)["counts"].encode("ascii") if covered.any() else NO_MASK


def _filled(ring: Ring, shape: Shape) -> np.ndarray:
    counts = polygons_to_mask([list(ring)], shape)
    return np.zeros(shape, dtype=bool) if counts == NO_MASK else decode_masks([counts], shape).mask(0)


def parts_box(parts: Sequence[Part]) -> Box:
    """The tight box of outlines."""
    return outline_box([list(part[0]) for part in parts])


@dataclass(frozen=True)
class EditableImage:
    """An image whose labels can be edited.

    Attributes:
        path: of its file.
        name: under which it is known, for good: relative to what was opened.
        shape: on which it was labelled, where the labels say so.
        labelled: whether the labels name it.
        key: of the labels' own.
        objects: how many they have in it.
    """

    path: Path
    name: str
    shape: Shape | None = None
    labelled: bool = False
    key: Any = None
    objects: int = 0


@dataclass(frozen=True)
class EditedObject:
    """An object on its way back into the labels.

    Attributes:
        drawn: as it is now.
        raw: the entry that it came from, as the file has it; None of one that was drawn since.
        unchanged: whether it is as it came, but perhaps for its z: then what the entry says stays as it is.
    """

    drawn: LabelledObject
    raw: Any = None
    unchanged: bool = False


@dataclass(frozen=True)
class EditedImage:
    """An image on its way back.

    Attributes:
        objects: all of them, in the order in which they are drawn.
        shape: its height and width.
        changed: whether anything of it is another than the labels say.
    """

    objects: Sequence[EditedObject]
    shape: Shape
    changed: bool = True


@dataclass(frozen=True)
class Classes:
    """What the objects of a data set are.

    Attributes:
        names: of the classes, in order.
        keypoint_names: of the points of an object.
        skeleton: pairs of these, counted from 0, that a limb joins.
    """

    names: tuple[str, ...] = ()
    keypoint_names: tuple[str, ...] = ()
    skeleton: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        path: of the file, or the folder of the files.
        objects: in the images that were written.
        lost: what the format cannot hold, in words, and how often.
    """

    path: Path
    objects: int = 0
    lost: Counter[str] = field(default_factory=Counter)


class Editable(Protocol):
    """Labels that can be edited where they lie.

    Attributes:
        path: of what is written.
        images: in order.
        classes: as the labels name them.
        problems: a sentence for each fault that was found and passed over.
        first_id: from which on the ids of objects are free in all images.
        limits: what the format cannot hold, by :data:`FEATURES`: a sentence of what becomes of it.
    """

    path: Path
    images: list[EditableImage]
    classes: Classes
    problems: list[str]
    limits: Mapping[str, str]

    @property
    def first_id(self) -> int: ...

    def read(self, index: int, shape: Shape) -> list[EditedObject]:
        """The objects of an image of that shape. Raises DataError where its labels cannot be read."""

    def write(self, images: Mapping[int, EditedImage], classes: Classes) -> Written:
        """Put images back, by their indices; what is not among them stays as it is.

        Raises:
            DataError: the file was changed by another program since, and cannot be read.
        """
