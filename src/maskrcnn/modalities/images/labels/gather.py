"""Labelled images while a reader gathers them, and the data set that is made of them in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from maskrcnn.data.class_names import usable_names
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.faults import border_excess
from maskrcnn.data.flat_records import FlatRecord, FlatRecords, FlatSurfaces
from maskrcnn.masks.rasterise import NO_MASK, Box, clip_box, mask_area, mask_box
from maskrcnn.modalities.images.labels.folders import lies_outside
from maskrcnn.rle import decode_masks
from maskrcnn.structures import Record
from maskrcnn.surfaces.labels import SurfaceLabel


@dataclass(frozen=True)
class Annotation:
    """One labelled object.

    Attributes:
        box: ``(x1, y1, x2, y2)``, inside the image.
        label: 1..K.
        crowd: whether it covers several objects that nobody separated.
        area: in pixels, as the file states it or else measured.
        mask: COCO's compressed run lengths; ``NO_MASK`` for an object with a box only.
        keypoints: float32 ``[P, 3]``: x, y, visibility; None if P is 0.
        surface: what is labelled on its surface, or None.
    """

    box: Box
    label: int
    crowd: bool
    area: float
    mask: bytes
    keypoints: np.ndarray | None
    surface: SurfaceLabel | None = None


@dataclass
class LabelledImage:
    """An image while its annotations are gathered."""

    path: Path
    image_id: int | str
    file_name: str
    spatial_shape: tuple[int, int]
    annotations: list[Annotation] = field(default_factory=list)
    exhaustive: frozenset[int] | None = None

    def maskless(self) -> list[str]:
        """A sentence if some objects have no mask."""
        count, total = sum(a.mask == NO_MASK for a in self.annotations), len(self.annotations)
        return [f"In {self.file_name}, {count} of {total} objects come without a mask."] if count else []

    def record(self, num_keypoints: int) -> Record:
        """All but the masks and surfaces."""
        found = self.annotations
        keypoints = [annotation.keypoints for annotation in found if annotation.keypoints is not None]
        return Record(
            source=str(self.path),
            image_id=self.image_id,
            file_name=self.file_name,
            spatial_shape=self.spatial_shape,
            boxes=np.array([a.box for a in found], dtype=np.float32).reshape(-1, 4),
            labels=np.array([a.label for a in found], dtype=np.int64),
            crowd=np.array([a.crowd for a in found], dtype=bool),
            keypoints=np.array(keypoints, np.float32).reshape(-1, num_keypoints, 3) if num_keypoints else None,
            areas=np.array([a.area for a in found], dtype=np.float64),
            exhaustive=self.exhaustive,
        )


def pack_images(
    images: Sequence[LabelledImage], has_masks: bool, num_keypoints: int = 0, surface: str = ""
) -> Sequence[FlatRecord]:
    """The records of ``images``, in a few arrays.

    Args:
        images: with their drawn objects.
        has_masks: whether objects have masks.
        num_keypoints: of an object.
        surface: name of the one on which something may be labelled.

    Returns:
        The records, in a few arrays.
    """
    if not images:
        return []
    records = [image.record(num_keypoints) for image in images]
    masks = (annotation.mask for image in images for annotation in image.annotations)
    surfaces = FlatSurfaces.pack(surface, [a.surface for image in images for a in image.annotations])
    return FlatRecords.pack(records, masks if has_masks else None, decode_masks, surfaces)


@dataclass(frozen=True)
class DrawnObject:
    """One object as a labelling tool gives it, under the name of its class.

    Attributes:
        name: of the class.
        box: inside the image; None: the tight box of the mask.
        mask: compressed run lengths, or ``NO_MASK``.
        is_rectangle: drawn as one rectangle, which may mean a box or an outline, see :func:`drawn_dataset`.
        keypoints: float32 ``[P, 3]``, or None.
        crowd: whether it covers several objects that nobody separated.
        drawn: what the outline reaches, before it was cut off at the image's border; None: it cannot pass it.
    """

    name: str
    box: Box | None
    mask: bytes = NO_MASK
    is_rectangle: bool = False
    keypoints: np.ndarray | None = None
    crowd: bool = False
    drawn: Box | None = None


@dataclass
class DrawnImage:
    """An image and what was drawn on it."""

    path: Path
    file_name: str
    spatial_shape: tuple[int, int]
    objects: list[DrawnObject] = field(default_factory=list)


def drawn_dataset(
    path: Path,
    images: Sequence[DrawnImage],
    problems: list[str],
    class_names: Sequence[str] = (),
    keypoint_names: tuple[str, ...] = (),
) -> Dataset:
    """The data set of ``images``, with image ids from 1.

    Rectangles among other outlines are outlines themselves, as the tools' own exports have it. Where nothing but
    rectangles was drawn they are boxes, and there are no masks.

    Args:
        path: what was opened.
        images: in order.
        problems: what was found so far; it is added to.
        class_names: in order; names that objects have beside them follow in alphabetical order.
        keypoint_names: of the points of every object.

    Returns:
        The data set.
    """
    objects = [drawn for image in images for drawn in image.objects]
    has_masks = any(drawn.mask != NO_MASK and not drawn.is_rectangle for drawn in objects)
    rectangles = sum(drawn.is_rectangle for drawn in objects)
    if has_masks and rectangles:
        problems.append(f"Rectangles count as masks, like other outlines ({rectangles} of {len(objects)} objects).")
    given = list(dict.fromkeys([*class_names, *sorted({drawn.name for drawn in objects})]))
    labels = {name: label for label, name in enumerate(given, start=1)}
    names, changed = usable_names(given)
    problems += changed
    labelled = []
    for image_id, image in enumerate(images, start=1):
        annotations = [_annotate(drawn, labels[drawn.name], image.spatial_shape, has_masks) for drawn in image.objects]
        labelled.append(LabelledImage(image.path, image_id, image.file_name, image.spatial_shape))
        labelled[-1].annotations = [annotation for annotation in annotations if annotation]
        passing = sum(_passes(drawn, image.spatial_shape) for drawn in image.objects)
        if passing:
            problems.append(f"{image.file_name}: what passes the image's border was cut off ({passing} objects).")
        if len(labelled[-1].annotations) < len(annotations):
            outside = len(annotations) - len(labelled[-1].annotations)
            problems.append(f"{image.file_name}: objects that cover nothing of the image were left out ({outside}).")
        problems += labelled[-1].maskless() if has_masks else []
    problems += outside_remarks(labelled, path) + crowd_remarks(labelled, names)
    return Dataset(
        path=path,
        class_names=names,
        category_ids=tuple(labels.values()),
        sources=pack_images(labelled, has_masks, len(keypoint_names)),
        has_masks=has_masks,
        problems=problems,
        keypoint_names=keypoint_names,
    )


def outside_remarks(images: Sequence[LabelledImage], path: Path) -> list[str]:
    """A sentence if labels that were opened as ``path`` name pictures outside their folder."""
    outside = [image.path for image in images if lies_outside(image.path, path)]
    if not outside:
        return []
    return [
        "Pictures outside the folder of their labels count as part of this data set "
        f"({len(outside)} of {len(images)}), such as {outside[0]}."
    ]


def crowd_remarks(images: Sequence[LabelledImage], class_names: Sequence[str]) -> list[str]:
    """A sentence for each class of which all objects are crowds, as some tools mark whatever was painted."""
    crowds: Counter[int] = Counter()
    objects: Counter[int] = Counter()
    for image in images:
        crowds.update(annotation.label for annotation in image.annotations if annotation.crowd)
        objects.update(annotation.label for annotation in image.annotations)
    return [
        f"All objects of {class_names[label - 1]!r} are marked as crowds ({crowds[label]}, iscrowd 1), which count as "
        "places where nothing is learned or judged; correct the mark where each is one object."
        for label in sorted(crowds)
        if crowds[label] == objects[label]
    ]


def _passes(drawn: DrawnObject, spatial_shape: tuple[int, int]) -> bool:
    """Whether the object passes the border by more than tools differ, and is not outside altogether."""
    reach = drawn.box or drawn.drawn
    if reach is None or clip_box(reach, spatial_shape) is None:
        return False
    return border_excess(np.array(reach, dtype=np.float64), spatial_shape) > 0


def _annotate(drawn: DrawnObject, label: int, spatial_shape: tuple[int, int], has_masks: bool) -> Annotation | None:
    """None for what covers nothing of the image."""
    mask = drawn.mask if has_masks else NO_MASK
    box = mask_box(mask, spatial_shape) if drawn.box is None else clip_box(drawn.box, spatial_shape)
    if box is None:
        return None
    area = mask_area(mask, spatial_shape) or (box[2] - box[0]) * (box[3] - box[1])
    return Annotation(box, label, drawn.crowd, area, mask, drawn.keypoints)
