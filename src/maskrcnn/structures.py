"""The few records that pass between the rooms of the house. Inside the rooms there are only plain tensors.

Boxes are ``[x1, (y1, (z1,)) x2, (y2, (z2))]``: low corner, then high corner, x first, continuous coordinates in which
sample k covers [k, k+1). Spatial shapes are in tensor order (..., z, y, x). Label 0 is background, classes are 1..K.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from maskrcnn.regions import AxisMap, Regions
from maskrcnn.surfaces.maps import SurfaceMaps
from maskrcnn.surfaces.points import SurfacePoints

OTHER = -1  # the label of an object of no class of the model: it teaches where objects are and what masks look like


APPEARANCE = "appearance"  # of Instances.outputs, [N, E]: what an object looks like, by which it is known again
IGNORED = -1  # in a class map: a sample of which nobody says what it is, which teaches nothing and counts nowhere
UNGIVEN = torch.empty(0)  # stands for a field that the caller leaves to its default
WHOLE = ("outputs", "of_image", "class_map", "file_labels")  # what is not a row an object


@dataclass
class Instances:
    """The objects of one image: as found (detections) or as labelled (ground truth).

    Labels, scores and crowd are always there; what an object may truly lack (a mask, points) is None.

    Attributes:
        boxes: float ``[N, 2D]``.
        labels: int64 ``[N]``, 1..K; 0 where nobody said what it is. Ground truth may also have ``OTHER``.
        scores: float ``[N]``, 0..1; not a number where nobody scored it, as in ground truth.
        mask_logits: float ``[N, *M]``: each object's mask over its own box, before the sigmoid, as a head made it.
        regions: which samples each object covers.
        keypoints: float ``[N, P, D + 1]``: coordinates x first, then visibility (ground truth) or score (detections).
        crowd: bool ``[N]``: True where a label covers several objects that nobody separated; such a region is
            neither an object to find nor background.
        unknown_sides: bool ``[N, 2D]``: True where nobody labelled that side of the box (ground truth); the coordinate
            there is a guess, which matches but does not teach. None: every side is known.
        outputs: what further heads say of each object, by head: tensors ``[N, ...]``.
        of_image: what further heads say of the image as a whole, by head; not indexed with the objects.
        class_map: int16 ``[*S]``: the label of every sample of the image (ground truth): 0, 1..K or ``IGNORED``; None
            where samples were not labelled.
        surface: where on its surface each object is seen: labelled points (ground truth) or maps (detections).
        file_labels: float ``[K]`` of the file as a whole (ground truth): 1 for a label that it has, 0 for one that it
            has not; or ``[1]``, a number. Not a number where nobody said; None where whole files were not labelled.
    """

    boxes: Tensor
    labels: Tensor = UNGIVEN
    scores: Tensor = UNGIVEN
    mask_logits: Tensor | None = None
    regions: Regions | None = None
    keypoints: Tensor | None = None
    crowd: Tensor = UNGIVEN
    unknown_sides: Tensor | None = None
    outputs: dict[str, Tensor] = field(default_factory=dict)
    of_image: dict[str, Any] = field(default_factory=dict)
    class_map: Tensor | None = None
    surface: SurfacePoints | SurfaceMaps | None = None
    file_labels: Tensor | None = None

    def __post_init__(self) -> None:
        count = len(self.boxes)
        if self.labels is UNGIVEN:
            self.labels = self.boxes.new_zeros(count, dtype=torch.int64)
        if self.scores is UNGIVEN:
            self.scores = torch.full((count,), torch.nan, device=self.boxes.device)
        if self.crowd is UNGIVEN:
            self.crowd = self.boxes.new_zeros(count, dtype=torch.bool)

    def __len__(self) -> int:
        return self.boxes.shape[0]

    def __getitem__(self, index: Tensor | slice) -> Instances:
        """The objects at ``index``, a boolean or integer tensor or a slice, with all their fields."""
        chosen: dict[str, Any] = {name: value[index] for name, value in self._by_object() if value is not None}
        return replace(self, **chosen, outputs={name: value[index] for name, value in self.outputs.items()})

    def to(self, device: torch.device | str) -> Instances:
        """The same objects with every tensor on ``device`` (regions and surfaces stay in memory)."""
        moved: dict[str, Any] = {name: v.to(device) for name, v in self._by_object() if isinstance(v, Tensor)}
        for name in ("outputs", "of_image"):
            moved[name] = {key: value.to(device) for key, value in getattr(self, name).items()}
        for name in ("class_map", "file_labels"):
            moved[name] = None if getattr(self, name) is None else getattr(self, name).to(device)
        return replace(self, **moved)

    def _by_object(self) -> Iterator[tuple[str, Any]]:
        """Names and values of the fields that have a row for each object."""
        return ((f.name, getattr(self, f.name)) for f in fields(self) if f.name not in WHOLE)

    @staticmethod
    def join(parts: Sequence[Instances]) -> Instances:
        """The objects of several (at least one), in a row; a field that is missing in any is missing in all.

        What heads say of images as a whole is left out: it cannot be put in a row.
        """
        joined: dict[str, Any] = {}
        for name, first in parts[0]._by_object():
            values = [first, *(getattr(part, name) for part in parts[1:])]
            if any(value is None for value in values):
                joined[name] = None
            else:
                joined[name] = torch.cat(values) if isinstance(first, Tensor) else type(first).join(values)
        shared = set.intersection(*(set(part.outputs) for part in parts))
        outputs = {
            name: torch.cat([part.outputs[name] for part in parts]) for name in parts[0].outputs if name in shared
        }
        return Instances(**joined, outputs=outputs)


@dataclass(frozen=True)
class ImageSource:
    """What an image of a batch was made from, for heads that look at parts of it more closely.

    Attributes:
        samples: ``[C, *S]``, in units of the file.
        to_input: from its coordinates to those of the network's input.
        pixel_mean: of each channel, what is subtracted of the network's input.
        pixel_std: of each channel, what that is divided by then.
    """

    samples: Tensor
    to_input: AxisMap
    pixel_mean: tuple[float, ...]
    pixel_std: tuple[float, ...]

    def mirrored(self, extent: float) -> ImageSource:
        """As it is behind the mirror image along x of an input that is ``extent`` samples wide."""
        scale, shift = self.to_input.scale, self.to_input.shift
        shift = (extent - scale[0] * self.samples.shape[-1] - shift[0], *shift[1:])
        return replace(self, samples=self.samples.flip(-1), to_input=AxisMap(scale, shift))


@dataclass
class ImageBatch:
    """Images padded at their high ends to one shape.

    Attributes:
        tensor: float ``[B, C, *S]``.
        spatial_shapes: of each image before padding, tensor order.
        sources: what each was made from; None where nobody keeps it.
    """

    tensor: Tensor
    spatial_shapes: list[tuple[int, ...]]
    sources: list[ImageSource] | None = None

    def to(self, device: torch.device | str) -> ImageBatch:
        """The same batch with its tensor on ``device``; sources stay where they are."""
        return replace(self, tensor=self.tensor.to(device))


def batch_images(images: Sequence[Tensor], size_divisor: int = 32) -> ImageBatch:
    """Pad images ``[C, *S]`` with zeros to the largest extent along each axis, rounded up to ``size_divisor``.

    Zero is the mean of a normalised image, which is what torchvision and detectron2 pad with.
    """
    shapes = [tuple(image.shape[1:]) for image in images]
    largest = [-(-max(extent) // size_divisor) * size_divisor for extent in zip(*shapes)]
    tensor = images[0].new_zeros((len(images), images[0].shape[0], *largest))
    for target, image, shape in zip(tensor, images, shapes):
        target[(slice(None), *(slice(0, s) for s in shape))] = image
    return ImageBatch(tensor, shapes)


@dataclass
class Record:
    """One labelled (or unlabelled) image, recording or scan of a data set, as its reader found it.

    Attributes:
        source: path of the file that holds the samples.
        image_id: the data set's own id of it.
        file_name: its name as the data set writes it.
        spatial_shape: tensor order; None where only opening the file would tell.
        boxes: float32 ``[N, 2D]``.
        labels: int64 ``[N]``, 1..K: the k-th of the data set's class names.
        regions: the exact cover of each object; None for data with boxes only.
        crowd: bool ``[N]``, see :class:`Instances`.
        keypoints: float32 ``[N, P, D + 1]``, or None.
        areas: float64 ``[N]``, the area each label file states (COCO sorts objects into small, medium and large by
            it), or None: count the samples.
        spacing: physical extent of one sample along each axis, x first.
        affine: ``[4, 4]`` from voxel indices to the scanner's space.
        sampling_rate: samples a second.
        exhaustive: labels that were searched for exhaustively in this image; None means all of them.
        unknown_sides: bool ``[N, 2D]``, True where nobody labelled that side of the box.
        extent: ``[2D]``: the part of the record that was labelled; None means all of it.
        group: records of one group (a patient, a source photo) must fall on one side of a split.
        class_map: int16 ``[*S]``, see :class:`Instances`, in the coordinates of the file.
        surface: what is labelled on the objects' surfaces, or None.
        file_labels: float32 ``[K]`` or ``[1]``, see :class:`Instances`.
    """

    source: str
    image_id: int | str
    file_name: str
    spatial_shape: tuple[int, ...] | None
    boxes: np.ndarray
    labels: np.ndarray
    regions: Regions | None = None
    crowd: np.ndarray | None = None
    keypoints: np.ndarray | None = None
    areas: np.ndarray | None = None
    spacing: tuple[float, ...] | None = None
    affine: np.ndarray | None = None
    sampling_rate: float | None = None
    exhaustive: frozenset[int] | None = None
    unknown_sides: np.ndarray | None = None
    extent: np.ndarray | None = None
    group: str | None = None
    class_map: np.ndarray | None = None
    surface: SurfacePoints | None = None
    file_labels: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.boxes)

    def instances(self) -> Instances:
        """The labels as tensors, in the coordinates of the file."""
        crowd = np.zeros(len(self), bool) if self.crowd is None else self.crowd
        return Instances(
            boxes=_as_tensor(self.boxes.astype(np.float32)),
            labels=_as_tensor(self.labels.astype(np.int64)),
            regions=self.regions,
            keypoints=None if self.keypoints is None else _as_tensor(self.keypoints),
            crowd=_as_tensor(crowd.astype(bool)),
            unknown_sides=None if self.unknown_sides is None else _as_tensor(self.unknown_sides),
            surface=self.surface,
            file_labels=None if self.file_labels is None else _as_tensor(self.file_labels.astype(np.float32)),
        )


def _as_tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))
