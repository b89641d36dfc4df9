"""What a head is: one class that gives all that the walks of prediction and training ask of it.

The walks name no head. ``MaskRCNN`` lets each one describe what was found, ``Objective`` adds up their losses, the
predictor asks each how its output returns to the file, what becomes of it in a mirror image, over tiles and over
channels, the writers what of it is written and the evaluator how it is measured. A head is therefore added by adding:
docs/extending.md shows two that live outside the package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from maskrcnn.config import LossConfig, ModelConfig
from maskrcnn.losses.sampling import SampledProposals
from maskrcnn.losses.terms import Term
from maskrcnn.model_info import ModelInfo
from maskrcnn.ops.nd import interpolate
from maskrcnn.regions import AxisMap
from maskrcnn.structures import ImageBatch, Instances, Record

Slices = tuple[slice, ...]
MASK_QUALITY = "mask_quality"  # of Instances.outputs, [N]: what scores are multiplied by, where a head judges masks


@dataclass(frozen=True)
class LossInputs:
    """What a head's loss may look at, of a batch of B images.

    Attributes:
        features: levels ``[B, C, *S / stride]``, finest first, and what else the backbone gives.
        images: None where the features were given by themselves.
        samples: of each image, the proposals that were sampled: positives first, then background.
        targets: of each image, its ground truth in the coordinates of the network's input.
        config: of the losses.
        exhaustive: of each image, the classes (1..K) whose objects were all labelled, None for all.
        teacher_output: what a teacher says of the images, see :class:`maskrcnn.losses.teacher.Teacher`.
        reading: what the box head has read of the features already.
        earlier: gives objects of each image, boxes in coordinates of the network's input, what the heads before this
            one see of them, without gradients.
    """

    features: Sequence[Tensor]
    images: ImageBatch | None
    samples: Sequence[SampledProposals]
    targets: Sequence[Instances]
    config: LossConfig
    exhaustive: Sequence[frozenset[int] | None] | None = None
    teacher_output: tuple[Tensor, Tensor] | None = None
    reading: Any = None
    earlier: Callable[[list[Instances]], None] = lambda found: None


@dataclass(frozen=True)
class Place:
    """Where the input of the network lies in its file.

    Attributes:
        back: from coordinates of the input to those of the file.
        spatial_shape: of the file, tensor order.
        mask_threshold: the probability from which on a sample belongs to an object.
    """

    back: AxisMap
    spatial_shape: tuple[int, ...]
    mask_threshold: float


class Head(nn.Module):
    """A head of the model. What a subclass leaves as it is does nothing.

    Attributes:
        name: under which the model holds it; its loss is ``loss_<name>``, and so its outputs are named.
        sees_image: the image itself follows the pyramid's levels in the features, for this head.
        slow: its submodules that are pre-trained and learn at the body's slow rate.
        sees_first: what the body makes of the image at its first resolution is at :attr:`first` of the features.
    """

    name = ""
    sees_image = False
    slow: tuple[str, ...] = ()
    sees_first = False
    first = -1

    def describe(self, features: Sequence[Tensor], images: ImageBatch, detections: list[Instances]) -> None:
        """Give what was found in each image, boxes in coordinates of the network's input, what this
        head sees of it.

        Args:
            features: levels ``[B, C, *S / stride]``, finest first, and what else the backbone
                gives.
            images: ``[B, C, *S]``, resized, with the extent of each.
            detections: of each image; the head adds its output to them, ``outputs`` an object and
                ``of_image`` an image.
        """

    def losses(self, inputs: LossInputs) -> dict[str, Term]:
        """The head's losses by the names of :meth:`loss_names`, the same in ``train()`` and in ``eval()`` mode."""
        return {}

    def loss_names(self) -> tuple[str, ...]:
        """What :meth:`losses` gives, whatever the batch."""
        return (f"loss_{self.name}",)

    def class_layers(self, config: ModelConfig) -> dict[str, tuple[int, int]]:
        """Its output layers with rows of their own for each class, by name inside the head: how many rows come before
        the classes', and how many a class has."""
        return {}

    def to_file(self, found: Instances, place: Place) -> None:
        """Bring the head's output to the coordinates of the file; boxes are there already. On the CPU."""

    def mirror(self, found: Instances, across: AxisMap, info: ModelInfo) -> None:
        """Make of the head's output what it is in the mirror image along x; boxes are there
        already.

        Args:
            found: in one image; its output is changed.
            across: from coordinates of the image to those of its mirror image.
            info: of the model, for what the mirror exchanges, such as a left and a right joint.
        """

    def average(self, looks: Sequence[Instances]) -> None:
        """Give the first of several looks at the same boxes the mean of what all of them say."""

    def shift(self, found: Instances, start: Sequence[int], spatial_shape: tuple[int, ...]) -> None:
        """Move the head's output from a tile to the image; boxes, regions and keypoints are there
        already.

        What has no coordinates stays.

        Args:
            found: in the tile; its output is changed.
            start: of the tile in the image, tensor order.
            spatial_shape: of the image, tensor order.
        """

    def merge(
        self, merged: Instances, parts: Sequence[Instances], slices: Sequence[Slices], spatial_shape: tuple[int, ...]
    ) -> None:
        """Give the objects ``merged`` from an image's tiles or channels what is not that of the best part of each.

        Args:
            merged: of the image; the head adds its output to them.
            parts: what was found in each tile or channel, in its own coordinates.
            slices: where each lies, tensor order.
            spatial_shape: of the image.
        """

    def written(self, found: Instances, i: int) -> dict[str, Any]:
        """What of object ``i`` is written into ``predictions.json``, beside what every writer knows of it."""
        return {self.name: found.outputs[self.name][i].tolist()} if self.name in found.outputs else {}

    def written_of_image(self, found: Instances) -> dict[str, Any]:
        """What of the image as a whole is written into ``images.json``."""
        return {}

    def measures(self, records: Sequence[Record], detections: Sequence[Instances]) -> dict[str, float | None]:
        """Numbers for ``metrics.json`` by name, None where there is nothing to measure.

        Args:
            records: labelled images.
            detections: what was found in each, all scores, in coordinates of the file, under the data set's labels.
        """
        return {}


class ObjectHead(Head):
    """A head that looks at boxes: :meth:`forward` and :meth:`attach` are its own."""

    def forward(self, features: Sequence[Tensor], boxes: Sequence[Tensor]) -> Any:
        """What the head says of the boxes ``[R_b, 2D]`` of every image, image by image: rows ``[R, ...]``."""
        raise NotImplementedError

    def attach(self, outputs: Any, detections: list[Instances]) -> None:
        """Give each image's detections their rows; by default as ``outputs[name]``."""
        for own, found in zip(outputs.split([len(d) for d in detections]), detections):
            found.outputs[self.name] = own

    def describe(self, features: Sequence[Tensor], images: ImageBatch, detections: list[Instances]) -> None:
        self.attach(self(features, [found.boxes for found in detections]), detections)

    def average(self, looks: Sequence[Instances]) -> None:
        if all(self.name in look.outputs for look in looks):
            looks[0].outputs[self.name] = torch.stack([look.outputs[self.name] for look in looks]).mean(0)


class ImageHead(Head):
    """A head that looks at whole images: its output belongs to the image, as ``of_image[name]``.

    This one's is a vector ``[K]`` an image, such as probabilities of what the file shows: the mean over views, tiles
    and channels. :class:`MapHead` has a value for each sample.
    """

    def forward(self, features: Sequence[Tensor], images: ImageBatch) -> Tensor:
        """``[B, K]``."""
        raise NotImplementedError

    def describe(self, features: Sequence[Tensor], images: ImageBatch, detections: list[Instances]) -> None:
        for own, found in zip(self(features, images), detections):
            found.of_image[self.name] = own

    def average(self, looks: Sequence[Instances]) -> None:
        looks[0].of_image[self.name] = torch.stack([look.of_image[self.name] for look in looks]).mean(0)

    def merge(
        self, merged: Instances, parts: Sequence[Instances], slices: Sequence[Slices], spatial_shape: tuple[int, ...]
    ) -> None:
        merged.of_image[self.name] = torch.stack([part.of_image[self.name] for part in parts]).mean(0)

    def written_of_image(self, found: Instances) -> dict[str, Any]:
        return {self.name: found.of_image[self.name].tolist()}


class MapHead(ImageHead):
    """A head with a value for each sample of the image: ``of_image[name]`` is ``[C, *S]``, of the file in the end.

    Over tiles a sample has the mean of what its tiles say, each weighted by how far the sample lies from its border.
    """

    def describe(self, features: Sequence[Tensor], images: ImageBatch, detections: list[Instances]) -> None:
        whole = interpolate(self(features, images), images.tensor.shape[2:])
        for own, shape, found in zip(whole, images.spatial_shapes, detections):
            found.of_image[self.name] = own[(slice(None), *(slice(0, side) for side in shape))]

    def to_file(self, found: Instances, place: Place) -> None:
        found.of_image[self.name] = interpolate(found.of_image[self.name][None], place.spatial_shape)[0]

    def mirror(self, found: Instances, across: AxisMap, info: ModelInfo) -> None:
        found.of_image[self.name] = found.of_image[self.name].flip(-1)

    def merge(
        self, merged: Instances, parts: Sequence[Instances], slices: Sequence[Slices], spatial_shape: tuple[int, ...]
    ) -> None:
        values = [part.of_image[self.name] for part in parts]
        total = values[0].new_zeros((len(values[0]), *spatial_shape))
        weights = total.new_zeros(spatial_shape)
        for own, where in zip(values, slices):
            inside = _distance_from_border(own)
            total[(slice(None), *where)] += own * inside
            weights[where] += inside
        merged.of_image[self.name] = total / weights

    def written_of_image(self, found: Instances) -> dict[str, Any]:
        return {}


def _distance_from_border(values: Tensor) -> Tensor:
    """``[*S]``: samples to the nearest border along each axis, one at least, multiplied."""
    weights = torch.ones((), dtype=values.dtype)
    for side in values.shape[1:]:
        steps = torch.arange(1, side + 1, dtype=values.dtype)
        weights = weights[..., None] * steps.minimum(steps.flip(0))
    return weights


HeadBuilder = Callable[[ModelConfig, Sequence[tuple[int, ...]]], Head | None]
"""Makes a head for a config and the strides of the pyramid's levels, or None where the config has no such head."""


def heads_of(model: nn.Module) -> Mapping[str, Head]:
    """The heads of a model by name, in the order in which they look."""
    return cast(Mapping[str, Head], model.heads)
