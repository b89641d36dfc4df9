"""What heads that find an object's keypoints share: their loss, and what becomes of points on the way to the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from maskrcnn.keypoint_names import mirror_keypoints
from maskrcnn.losses.keypoint import keypoint_loss, keypoints_of
from maskrcnn.losses.terms import Term
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.head import LossInputs, ObjectHead, Place
from maskrcnn.ops.keypoints import keep_inside
from maskrcnn.regions import AxisMap
from maskrcnn.structures import Instances


class PointHead(ObjectHead):
    """(features, boxes) to heatmap logits ``[R, P, *M]``, each over the region of its box.

    Attributes:
        num_keypoints: P.
        decode: from heatmap logits and regions ``[R, 2D]`` to points ``[R, P, D + 1]``.
    """

    num_keypoints: int
    decode: Callable[[Tensor, Tensor], Tensor]

    def regions(self, boxes: Tensor) -> Tensor:
        """Where the heatmaps of boxes ``[R, 2D]`` lie: over the boxes themselves."""
        return boxes

    def attach(self, logits: Tensor, detections: list[Instances]) -> None:
        """Give each detection its points; heatmaps are not kept."""
        points = self.decode(logits, self.regions(torch.cat([found.boxes for found in detections])))
        for own, found in zip(points.split([len(d) for d in detections]), detections):
            found.keypoints = own

    def losses(self, inputs: LossInputs) -> dict[str, Term]:
        """On the positive proposals of objects with a labelled point; only they go through the head, and where
        ``keypoint_samples`` are fewer, that many of them, evenly apart in their order."""
        config = inputs.config
        boxes, keypoints = [], []
        for image, target in zip(inputs.samples, inputs.targets):
            points = keypoints_of(target, self.num_keypoints)[image.matched]
            labelled = (points[..., -1] > 0).any(-1).nonzero()[:, 0]
            if config.keypoint_samples is not None and config.keypoint_samples < len(labelled):
                labelled = labelled[torch.arange(config.keypoint_samples) * len(labelled) // config.keypoint_samples]
            boxes.append(image.boxes[: len(image.matched)][labelled])
            keypoints.append(points[labelled])
        regions = self.regions(torch.cat(boxes))
        return keypoint_loss(self(inputs.features, boxes), torch.cat(keypoints), regions, config.keypoint_weight)

    def to_file(self, found: Instances, place: Place) -> None:
        """Points that lie outside the file are moved to its border, with score 0."""
        if found.keypoints is not None:
            found.keypoints = keep_inside(_moved(found.keypoints, place.back), place.spatial_shape)

    def mirror(self, found: Instances, across: AxisMap, info: ModelInfo) -> None:
        """Left and right keypoints change places, told by their names.

        Args:
            found: the objects of an image; they are changed.
            across: from the image to its mirror image.
            info: of the model, which names keypoints.
        """
        if found.keypoints is not None:
            swapped = list(mirror_keypoints(info.keypoint_names)) or slice(None)
            found.keypoints = _moved(found.keypoints, across)[:, swapped]

    def average(self, looks: Sequence[Instances]) -> None:
        points = [look.keypoints for look in looks if look.keypoints is not None]
        if len(points) == len(looks):
            looks[0].keypoints = sum(points[1:], points[0]) / len(points)


def _moved(keypoints: Tensor, axis_map: AxisMap) -> Tensor:
    return torch.cat([axis_map.points(keypoints[..., :-1]), keypoints[..., -1:]], -1)
