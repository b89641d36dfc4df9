"""The fingerprint of a data set: the few numbers that a plan follows from (after nnU-Net, Isensee et al. 2021).

Labels and the sizes of images are read; the pixels of a few images only, for their colours and brightness.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from maskrcnn.data.class_maps.shares import counts_of, spread_over
from maskrcnn.data.class_maps.tasks import OBJECTS, SEMANTIC, WHOLE
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.source_names import group_of
from maskrcnn.data.transforms.regrid import grid_of
from maskrcnn.data.windows import unlabelled_part
from maskrcnn.errors import DataError
from maskrcnn.modalities.table import kinds
from maskrcnn.modalities.wing import Kind
from maskrcnn.planning.measures import extents, look_at_picture, mask_fill_of, overlap_of
from maskrcnn.structures import Record

MOST_RECORDS = 3000  # images whose labels are looked at, evenly spread over the data
MOST_PICTURES = 24  # images of which the pixels are looked at
COLOURLESS = 4.0  # mean difference of the channels, of 255, below which an image is grey


def _numbers() -> np.ndarray:
    return np.zeros(0)


@dataclass(frozen=True)
class Fingerprint:
    """Numbers of a data set.

    Attributes:
        images: how many there are.
        class_names: of the data.
        class_counts: objects of each class in the images that were looked at.
        has_masks, has_keypoints: whether objects have them.
        longer_sides: ``[n]`` pixels, of the images that were looked at.
        objects: ``[n]`` objects in each of them.
        most_objects: in any image.
        boxes: ``[T, 2]`` width and height of each object, as parts of its image's longer side.
        mask_fill: median part of its box that an object's mask covers; 1 without masks.
        overlap: part of the objects that overlap another one (IoU of the boxes of at least 0.2).
        groups: source photos among the images that were looked at.
        grey: part of the sampled pictures without colours.
        contrast: ``[m]`` of each sampled picture the range of its grey values, 1st to 99th percentile, of 255.
        brightness: ``[m]`` of each sampled picture the mean grey value, of 255.
        kind: of the files, see :class:`maskrcnn.data.dataset.Dataset`. What follows is known where they have samples of
            a physical extent; of those no picture is looked at.
        spacing: the median extent of a sample, x first.
        extents: ``[T, D]`` physical lengths of each object, x first.
        density: objects in a physical volume of 1, in the file that is fullest of them.
        volume: physical volume of what was labelled of a file, on average.
        reach: how far the files reach at most along each axis, x first.
        task: what is learned, see :mod:`maskrcnn.data.class_maps.tasks`.
        samples: of class maps: how many samples are of labels 0..K, and how many nobody labelled.
    """

    images: int
    class_names: tuple[str, ...] = ("object",)
    class_counts: tuple[int, ...] = (0,)
    has_masks: bool = True
    has_keypoints: bool = False
    longer_sides: np.ndarray = field(default_factory=_numbers)
    objects: np.ndarray = field(default_factory=_numbers)
    most_objects: int = 0
    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    mask_fill: float = 1.0
    overlap: float = 0.0
    groups: int = 0
    grey: float = 0.0
    contrast: np.ndarray = field(default_factory=_numbers)
    brightness: np.ndarray = field(default_factory=_numbers)
    kind: str = "image"
    spacing: tuple[float, ...] = ()
    extents: np.ndarray = field(default_factory=lambda: np.zeros((0, 1)))
    density: float = 0.0
    volume: float = 1.0
    reach: tuple[float, ...] = ()
    task: str = OBJECTS
    samples: tuple[int, ...] = ()

    def side(self) -> float:
        """The median longer side of the images in pixels."""
        return float(np.median(self.longer_sides)) if len(self.longer_sides) else 512.0

    def sizes(self, percent: float) -> float:
        """A percentile of the objects' sizes (the root of the box's area) as parts of their image's longer side."""
        if not len(self.boxes):
            return 0.25
        return float(np.percentile(np.sqrt(self.boxes.prod(1)), percent))

    def crowded(self) -> float:
        """Objects in the median image that has any."""
        some = self.objects[self.objects > 0]
        return float(np.median(some)) if len(some) else 0.0

    @property
    def files(self) -> Kind:
        """What is known of files of this kind."""
        return kinds()[self.kind]

    @property
    def unit(self) -> str:
        """Of the spacing."""
        return self.files.unit

    def has_maps_alone(self) -> bool:
        """Whether samples are labelled, and no objects."""
        return bool(self.samples) and not self.most_objects

    def shares(self) -> tuple[tuple[str, float], ...]:
        """Each class (and background, where there is any) with its part of the labelled samples, the rarest first."""
        counts = self.samples[: len(self.class_names) + 1]
        named = [(name, n / max(sum(counts), 1)) for name, n in zip(("background", *self.class_names), counts)]
        return tuple(sorted((own for own in named if own[1] > 0), key=lambda own: own[1]))

    def _map_sentences(self) -> list[str]:
        """The numbers in words, of class maps."""
        shares = [f"{name} {share:.1%}" for name, share in reversed(self.shares())]
        listed = ", ".join(shares[:12]) + (f" and {len(shares) - 12} more classes" if len(shares) > 12 else "")
        unlabelled = self.samples[-1] / max(sum(self.samples), 1)
        return [
            f"{self.images} images, the longer side {_span(self.longer_sides)} pixels; every pixel has a class",
            f"classes, as parts of the labelled pixels: {listed}; {unlabelled:.1%} of all pixels are unlabelled",
        ]

    def _grid_sentences(self, counts: str) -> list[str]:
        """The numbers in words, where lengths are physical."""
        sides = self.extents.max(1) if len(self.extents) else np.zeros(1)
        small, middle, large = np.percentile(sides, (10, 50, 90))
        return [
            f"{self.images} files of {' x '.join(f'{s:.4g}' for s in self.spacing)} {self.unit} a sample",
            f"objects: {counts}",
            f"objects in a file: median {self.crowded():.0f}, at most {self.most_objects}",
            f"an object's length: a tenth are under {small:.3g} {self.unit}, median {middle:.3g}, a tenth over "
            f"{large:.3g}",
        ]

    def sentences(self) -> list[str]:
        """The numbers in words."""
        counts = [f"{name} {count}" for name, count in zip(self.class_names, self.class_counts)]
        listed = ", ".join(counts[:12]) + (f" and {len(counts) - 12} more classes" if len(counts) > 12 else "")
        if self.task == WHOLE:
            return [f"{self.images} files, each labelled as a whole", f"files of each label: {listed}"]
        if not self.files.is_picture:
            return self._grid_sentences(listed)
        if self.task == SEMANTIC:
            return self._map_sentences()
        small, middle, large = (self.sizes(p) * self.side() for p in (10, 50, 90))
        empty = int((self.objects == 0).sum())
        kinds = "masks" if self.has_masks else "boxes without masks"
        lines = [
            f"{self.images} images, the longer side {_span(self.longer_sides)} pixels; objects have {kinds}",
            f"objects: {listed}",
            f"objects in an image: median {self.crowded():.0f}, at most {self.most_objects}; {empty} images have none",
            f"an object's size (root of its box's area): a tenth are under {small:.0f} pixels, median {middle:.0f}, a "
            f"tenth over {large:.0f}, in an image of {self.side():.0f}",
            f"{self.overlap:.0%} of the objects overlap another one; a mask fills {self.mask_fill:.0%} of its box",
        ]
        if len(self.contrast):
            lines.append(
                f"{self.grey:.0%} of {len(self.contrast)} sampled pictures are grey; grey values span "
                f"{np.median(self.contrast):.0f} of 255"
            )
        return lines


def _span(values: np.ndarray) -> str:
    if not len(values):
        return "of unknown"
    low, high = values.min(), values.max()
    return f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f} (median {np.median(values):.0f})"


def take_fingerprint(data: Dataset) -> Fingerprint:
    """The fingerprint of ``data``; what cannot be read is passed over, and is named where it is used."""
    indices = spread_over(len(data), MOST_RECORDS)
    samples = np.zeros(len(data.class_names) + 2, dtype=np.int64)
    records = [record for record in (_record(data, i, samples) for i in indices) if record is not None]
    if not records:
        return Fingerprint(
            len(data), data.class_names, (0,) * len(data.class_names), data.has_masks, task=data.task, samples=(0, 0)
        )
    objects = [_objects(record) for record in records]
    sides = [float(max(record.spatial_shape or (1,))) for record in records]
    labels = np.concatenate([record.labels[keep] for record, keep in zip(records, objects)])
    if data.task == WHOLE and data.file_labels != "number":
        labels = np.concatenate([np.flatnonzero(r.file_labels == 1) + 1 for r in records if r.file_labels is not None])
    relative = [extents(record.boxes[keep]) / side for record, keep, side in zip(records, objects, sides)]
    sampled = _evenly(records, MOST_PICTURES) if kinds()[data.kind].is_picture else []
    pictures = [look_at_picture(data, record) for record in sampled]
    seen = np.array([picture for picture in pictures if picture is not None]).reshape(-1, 3)
    return Fingerprint(
        images=len(data),
        class_names=data.class_names,
        class_counts=tuple(np.bincount(labels[labels > 0] - 1, minlength=len(data.class_names)).tolist()),
        has_masks=data.has_masks,
        has_keypoints=any(r.keypoints is not None and bool((r.keypoints[..., -1] > 0).any()) for r in records),
        longer_sides=np.array(sides),
        objects=np.array([int(keep.sum()) for keep in objects]),
        most_objects=max(data.max_objects(), max(int(keep.sum()) for keep in objects)),
        boxes=np.concatenate(relative),
        mask_fill=mask_fill_of(records, objects) if data.has_masks else 1.0,
        overlap=overlap_of([record.boxes[keep] for record, keep in zip(records, objects)]),
        groups=len({group_of(record) for record in records}),
        grey=float((seen[:, 0] < COLOURLESS).mean()) if len(seen) else 0.0,
        contrast=seen[:, 1],
        brightness=seen[:, 2],
        task=data.task,
        samples=tuple(samples.tolist()),
        **(_physical(data.kind, records, objects) if not kinds()[data.kind].is_picture else {}),
    )


def _physical(kind: str, records: list[Record], objects: list[np.ndarray]) -> dict[str, Any]:
    """What a fingerprint knows of files with samples of a physical extent."""
    spacings = [np.array(r.spacing or (1.0,) * (r.boxes.shape[1] // 2)) for r in records]
    volumes = [labelled_volume(record, spacing) for record, spacing in zip(records, spacings)]
    return {
        "kind": kind,
        "spacing": grid_of([tuple(own.tolist()) for own in spacings]),
        "extents": np.concatenate([extents(r.boxes[keep]) * s for r, keep, s in zip(records, objects, spacings)]),
        "density": max(float(keep.sum()) / max(volume, 1e-9) for keep, volume in zip(objects, volumes)),
        "volume": float(np.mean(volumes)),
        "reach": tuple(np.max([_sides(r) * s for r, s in zip(records, spacings)], axis=0).tolist()),
    }


def _sides(record: Record) -> np.ndarray:
    """Of the file, x first, in samples."""
    return np.array(record.spatial_shape or (1,), dtype=np.float64)[::-1]


def labelled_volume(record: Record, spacing: np.ndarray) -> float:
    """Physical volume of what was labelled of a file."""
    sides = _sides(record)
    if record.extent is not None:
        low, high = np.asarray(record.extent, dtype=np.float64).reshape(2, -1)
        sides = high - low
    return float(np.prod(sides * spacing)) * (1 - unlabelled_part(record))


def _evenly(records: list[Record], most: int) -> list[Record]:
    return [records[i] for i in spread_over(len(records), most)]


def _record(data: Dataset, index: int, samples: np.ndarray) -> Record | None:
    """The labels of one image, without its class map, whose samples are counted; None if they cannot be read."""
    try:
        record = data[index]
    except DataError:
        return None
    if record.class_map is not None:
        samples += counts_of(record.class_map, len(data.class_names))
        record = replace(record, class_map=None)
    return record if record.spatial_shape is not None else None


def _objects(record: Record) -> np.ndarray:
    """bool ``[N]``: which rows are objects with an area and no crowd."""
    crowd = np.zeros(len(record), bool) if record.crowd is None else record.crowd
    return ~crowd & (extents(record.boxes) > 0).all(1)
