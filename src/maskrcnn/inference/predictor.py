"""From the samples of files to the objects in them, in the coordinates of the files."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from maskrcnn.checkpoints.ours import ModelInfo, load_checkpoint
from maskrcnn.data.transforms import prepare_image
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.ops.boxes import clip_boxes
from maskrcnn.ops.masks import paste_mask
from maskrcnn.regions import AxisMap, Regions
from maskrcnn.structures import Instances, batch_images


class Predictor:
    """A trained model with all that leads from an image to its objects.

    Args:
        model: in evaluation mode.
        info: what its checkpoint says of it.
        device: where to run.
        mask_threshold: a sample belongs to an object from this probability on.
    """

    def __init__(
        self, model: MaskRCNN, info: ModelInfo, device: str | torch.device = "cpu", mask_threshold: float = 0.5
    ) -> None:
        self.model = model.to(device).eval()
        self.info = info
        self.device = torch.device(device)
        self.mask_threshold = mask_threshold
        self.preprocess = info.config.preprocess

    @staticmethod
    def load(path: str | Path, device: str | torch.device = "cpu", score: float = 0.5) -> Predictor:
        """From a model file, to find what scores at least ``score``.

        Raises CheckpointError, see :func:`maskrcnn.checkpoints.ours.load_checkpoint`.
        """
        predictor = Predictor(*load_checkpoint(path), device=device)
        predictor.adjust(score=score)
        return predictor

    @property
    def class_names(self) -> tuple[str, ...]:
        """Label k is ``class_names[k - 1]``."""
        return self.info.class_names

    def adjust(
        self, score: float | None = None, max_detections: int | None = None, image_size: int | None = None
    ) -> None:
        """Change what is kept (scores from ``score`` on, at most ``max_detections`` an image) or the longer side that
        images are resized to."""
        detection = self.model.config.detection
        if score is not None:
            detection = dataclasses.replace(detection, score_threshold=score)
        if max_detections is not None:
            detection = dataclasses.replace(detection, max_detections=max_detections)
        self.model.config = dataclasses.replace(self.model.config, detection=detection)
        if image_size is not None:
            self.preprocess = dataclasses.replace(self.preprocess, min_size=image_size, max_size=image_size)

    @torch.inference_mode()
    def predict(self, images: Sequence[Tensor]) -> list[Instances]:
        """The objects of each image ``[C, *S]`` (0..255), best first, on the CPU, with regions where there are masks.

        Images of one prepared shape run as one batch; an image's result never depends on its neighbours.
        """
        p = self.preprocess
        prepared = [prepare_image(i, p.min_size, p.max_size, p.pixel_mean, p.pixel_std, p.antialias) for i in images]
        by_shape: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for index, (tensor, _) in enumerate(prepared):
            by_shape[tuple(tensor.shape)].append(index)
        results: list[Instances] = [Instances(torch.zeros(0))] * len(images)
        for members in by_shape.values():
            batch = batch_images([prepared[i][0] for i in members], p.size_divisor)
            for i, found in zip(members, self.model(batch.to(self.device))):
                results[i] = self._to_file(found.to("cpu"), prepared[i][1], tuple(images[i].shape[1:]))
        return results

    def __call__(self, image: Tensor) -> Instances:
        """The objects of one image ``[C, *S]``, see :meth:`predict`."""
        return self.predict([image])[0]

    def _to_file(self, found: Instances, axis_map: AxisMap, spatial_shape: tuple[int, ...]) -> Instances:
        """Detections in the coordinates of the file, with masks as regions."""
        boxes = clip_boxes(axis_map.inverse().boxes(found.boxes), spatial_shape)
        regions = None
        if found.mask_logits is not None:
            regions = paste_regions(found.mask_logits.float().sigmoid(), boxes, spatial_shape, self.mask_threshold)
        return dataclasses.replace(found, boxes=boxes, mask_logits=None, regions=regions)


def paste_regions(masks: Tensor, boxes: Tensor, spatial_shape: Sequence[int], threshold: float = 0.5) -> Regions:
    """Masks ``[N, *M]`` over their boxes ``[N, 2D]`` as regions of the image, one window at a time."""
    windows = (paste_mask(mask, box, spatial_shape) for mask, box in zip(masks, boxes))
    return Regions.from_windows(spatial_shape, ((offset, (w >= threshold).numpy()) for offset, w in windows))
