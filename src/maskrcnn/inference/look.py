"""One look of a model: from samples that it sees as a whole to the objects in them, in the samples' coordinates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from maskrcnn.data.transforms.samples import prepare_part
from maskrcnn.inference.mirroring import describe_mirrored, detect_mirrored
from maskrcnn.inference.options import Settings
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.head import MASK_QUALITY, Place, heads_of
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.ops.boxes import clip_boxes
from maskrcnn.regions import AxisMap
from maskrcnn.structures import ImageBatch, ImageSource, Instances, batch_images

Spacing = Sequence[float] | None


@dataclass(frozen=True, eq=False)
class Look:
    """How a model looks at whole images, or at tiles of them.

    Attributes:
        model: in evaluation mode, on ``device``.
        info: what its checkpoint says of it.
    """

    model: MaskRCNN
    info: ModelInfo
    device: str | torch.device
    settings: Settings

    def prepare(self, images: Sequence[Tensor], spacing: Spacing) -> tuple[ImageBatch, AxisMap]:
        """Images ``[C, *S]`` of one shape, after :func:`maskrcnn.data.transforms.regrid.whole_file`, as one input,
        and the map from their coordinates to those of the input."""
        prepared = [prepare_part(image, spacing, self.settings.preprocess) for image in images]
        batch = batch_images([tensor for tensor, _ in prepared], self.settings.preprocess.size_divisor)
        batch.sources = [self._source(image, to_input) for image, (_, to_input) in zip(images, prepared)]
        return batch.to(self.device), prepared[0][1]

    def find(self, images: Sequence[Tensor], spacings: Sequence[Spacing]) -> list[Instances]:
        """The objects of each image, on the CPU. Images of one prepared shape run as one batch."""
        p = self.settings.preprocess
        prepared = [prepare_part(image, spacing, p) for image, spacing in zip(images, spacings)]
        by_shape: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for index, (tensor, _) in enumerate(prepared):
            by_shape[tuple(tensor.shape)].append(index)
        results: list[Instances] = [Instances(torch.zeros(0))] * len(images)
        for members in by_shape.values():
            batch = batch_images([prepared[i][0] for i in members], p.size_divisor)
            batch.sources = [self._source(images[i], prepared[i][1]) for i in members]
            for i, found in zip(members, self._detect(batch.to(self.device))):
                own = self._to_file(found, prepared[i][1], images[i])
                results[i] = rescored(own, self.settings.detection.score_threshold)
        return results

    def _source(self, image: Tensor, to_input: AxisMap) -> ImageSource:
        return ImageSource(image, to_input, self.settings.preprocess.pixel_mean, self.settings.preprocess.pixel_std)

    def describe(self, view: Tensor, spacing: Spacing, given: Instances) -> Instances:
        """Read from a view what the heads see of objects that somebody else found.

        Args:
            view: ``[C, *S]``.
            spacing: of the view, x first, or None.
            given: the objects, in coordinates of the view; where labels are 0 they get the
                likeliest class, and its probability as score.

        Returns:
            The objects, on the CPU.
        """
        channels = list(view.split(1)) if self.settings.preprocess.each_channel else [view]
        batch, to_input = self.prepare(channels, spacing)
        boxes, labels = to_input.boxes(given.boxes).to(self.device), given.labels.to(self.device)
        looks = [Instances(boxes, labels) for _ in channels]
        features = self.model.backbone(batch.tensor)
        if not given.labels.any():
            self._classify(features, looks)
        self.model.describe(features, batch, looks)
        if self.settings.flip:
            describe_mirrored(self.model, batch, looks, self.info)
        if len(looks) > 1:
            for head in heads_of(self.model).values():
                head.average(looks)
        seen = self._to_file(looks[0], to_input, view)
        seen.outputs.pop(MASK_QUALITY, None)  # the scores are somebody else's
        return seen

    def _detect(self, images: ImageBatch) -> list[Instances]:
        if self.settings.flip:
            return detect_mirrored(self.model, images, self.info, self.settings.detection)
        found: list[Instances] = self.model(images, self.settings.detection)
        return found

    def _classify(self, features: Sequence[Tensor], looks: Sequence[Instances]) -> None:
        """Give objects the class that is likeliest in all looks together."""
        probability = torch.stack(self.model.classify(features, [look.boxes for look in looks])).mean(0)
        for look in looks:
            look.labels, look.scores = probability.argmax(1) + 1, probability.amax(1)

    def _to_file(self, found: Instances, to_input: AxisMap, image: Tensor) -> Instances:
        """Detections in the coordinates of the image ``[C, *S]`` that was prepared, on the CPU."""
        place = Place(to_input.inverse(), tuple(image.shape[1:]), self.settings.mask_threshold)
        own = found.to("cpu")
        own.boxes = clip_boxes(place.back.boxes(own.boxes), place.spatial_shape)
        for head in heads_of(self.model).values():
            head.to_file(own, place)
        return own


def rescored(found: Instances, threshold: float) -> Instances:
    """Objects whose masks are doubtful get lower scores, and may fall below the threshold.

    Args:
        found: objects, some with ``outputs["mask_quality"]``.
        threshold: of scores.

    Returns:
        Those that are left, best first; ``found`` itself where nobody judged their masks.
    """
    quality = found.outputs.pop(MASK_QUALITY, None)
    if quality is None:
        return found
    found.scores = found.scores * quality
    order = found.scores.argsort(descending=True, stable=True)
    return found[order[found.scores[order] >= threshold]]
