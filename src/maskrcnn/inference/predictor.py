"""From the samples of files to the objects in them, in the coordinates of the files."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from maskrcnn.checkpoints.lookup import load_model
from maskrcnn.checkpoints.ours import ModelInfo
from maskrcnn.data.geometry import resize_shape
from maskrcnn.data.regrid import grid_scale, whole_file, window_shape
from maskrcnn.data.transforms import mirror_keypoints, prepare_part
from maskrcnn.inference.channels import fuse_channels
from maskrcnn.inference.mirroring import detect_mirrored
from maskrcnn.inference.tile_options import OVERLAP
from maskrcnn.inference.tiling import choose_tiling, predict_tiles
from maskrcnn.models.heads.mask import MaskHead
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.ops.boxes import clip_boxes
from maskrcnn.ops.keypoints import keep_inside
from maskrcnn.ops.masks import mask_spans
from maskrcnn.regions import AxisMap, Regions
from maskrcnn.structures import ImageBatch, Instances, batch_images

ROWS_AT_ONCE = 16_384  # of the windows of masks that are pasted together: a few megabytes


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
        self.tiling = choose_tiling("auto", OVERLAP, self._tile_notes())
        self.flip = False

    @staticmethod
    def load(path: str | Path, device: str | torch.device = "cpu", score: float = 0.5) -> Predictor:
        """From a model file or a name that :func:`maskrcnn.checkpoints.lookup.load_model` knows, to find what scores
        at least ``score``.

        Raises UsageError or CheckpointError as that does.
        """
        predictor = Predictor(*load_model(path), device=device)
        predictor.adjust(score=score)
        return predictor

    def _tile_notes(self) -> dict[str, object]:
        """What the header says of tiles; a model with a grid of its own cuts files into windows as it learned from."""
        p = self.info.config.preprocess
        return (
            {"tile": max(window_shape(p, self.info.config.ndim))} | self.info.notes
            if p.spacing is not None
            else self.info.notes
        )

    @property
    def class_names(self) -> tuple[str, ...]:
        """Label k is ``class_names[k - 1]``."""
        return self.info.class_names

    def adjust(
        self,
        score: float | None = None,
        max_detections: int | None = None,
        image_size: int | None = None,
        tile: int | str | None = None,
        overlap: float = OVERLAP,
        flip: bool | None = None,
    ) -> None:
        """Change what is kept (scores from ``score`` on, at most ``max_detections`` an image), the longer side that
        images are resized to, which images are cut into tiles, or whether each is also seen mirrored.

        Args:
            tile: longest side of a tile in samples of the file, for images that are longer; ``"auto"``, as it is at
                first: what the model's header says, for images of more than 1.5 times that; ``"off"``. In a tiled image
                ``max_detections`` is the cap for each tile: there may be any number of objects in the whole.
            overlap: with ``tile``: the part of a tile that neighbours share; an object up to that size is always seen
                whole.
            flip: see :func:`maskrcnn.inference.mirroring.detect_mirrored`: better, and takes twice as long.

        Raises:
            UsageError: see :func:`maskrcnn.inference.tiling.choose_tiling`.
        """
        detection = self.model.config.detection
        if score is not None:
            detection = dataclasses.replace(detection, score_threshold=score)
        if max_detections is not None:
            detection = dataclasses.replace(detection, max_detections=max_detections)
        self.model.config = dataclasses.replace(self.model.config, detection=detection)
        if image_size is not None:
            self.preprocess = dataclasses.replace(self.preprocess, min_size=image_size, max_size=image_size)
        if tile is not None:
            self.tiling = choose_tiling(tile, overlap, self._tile_notes())
        self.flip = self.flip if flip is None else flip

    @torch.inference_mode()
    def predict(
        self, images: Sequence[Tensor], spacings: Sequence[Sequence[float] | None] | None = None
    ) -> list[Instances]:
        """The objects of each image ``[C, *S]`` (0..255 for pictures), best first, on the CPU, with regions where there
        are masks.

        Images of one prepared shape run as one batch; an image's result never depends on its neighbours. Images that
        :attr:`tiling` applies to are predicted tile by tile.

        Args:
            spacings: of each image, x first, where its file says one, see :mod:`maskrcnn.data.regrid`.
        """
        return [found for found, _ in self.predict_leads(images, spacings)]

    @torch.inference_mode()
    def predict_leads(
        self, images: Sequence[Tensor], spacings: Sequence[Sequence[float] | None] | None = None
    ) -> list[tuple[Instances, list[Instances]]]:
        """As :meth:`predict`, and beside it what was found in each channel by itself, if the model sees one at a time;
        else nothing."""
        spacings = spacings or [None] * len(images)
        if not self.preprocess.each_channel:
            return [(found, []) for found in self._predict(images, spacings)]
        threshold = self.model.config.detection.score_threshold
        apart = [self.predict_channels(image, spacing) for image, spacing in zip(images, spacings)]
        return [(fuse_channels(channels, threshold), channels) for channels in apart]

    @torch.inference_mode()
    def predict_channels(self, image: Tensor, spacing: Sequence[float] | None = None) -> list[Instances]:
        """What a model that sees one channel at a time finds in each channel of ``[C, *S]``."""
        configured = self.model.config
        if len(image) > 1:  # what several channels see a little of may be something
            lower = dataclasses.replace(configured.detection, score_threshold=configured.detection.score_threshold / 2)
            self.model.config = dataclasses.replace(configured, detection=lower)
        try:
            return self._predict(list(image.split(1)), [spacing] * len(image))
        finally:
            self.model.config = configured

    def _predict(self, images: Sequence[Tensor], spacings: Sequence[Sequence[float] | None]) -> list[Instances]:
        # Whole, before it is cut: a tile of nothing but background has no range of its own.
        images = [whole_file(image, self.preprocess) for image in images]
        tiles = [self._tile_shape(image, spacing) for image, spacing in zip(images, spacings)]
        at_once = [k for k, tile in enumerate(tiles) if tile is None]
        whole = iter(self._predict_whole([images[k] for k in at_once], [spacings[k] for k in at_once]))
        return [
            next(whole) if tile is None else self._predict_tiled(image, spacing, tile)
            for image, spacing, tile in zip(images, spacings, tiles)
        ]

    def _tile_shape(self, image: Tensor, spacing: Sequence[float] | None) -> tuple[int, ...] | None:
        """How this image is cut, in samples of its own; None: not at all."""
        shape, p = image.shape[1:], self.preprocess
        if self.tiling is None or p.spacing is None:
            return None if self.tiling is None else self.tiling.tile_shape(shape)
        window = window_shape(p, len(shape))
        sides = [side / max(window) / scale for side, scale in zip(window, grid_scale(spacing, p))]
        return self.tiling.tile_shape(shape, sides)

    def _predict_tiled(self, image: Tensor, spacing: Sequence[float] | None, tile: Sequence[int]) -> Instances:
        """The objects of one image, from those of its tiles."""
        p = self.preprocess
        if p.spacing is None:
            tile_shape = [min(pair) for pair in zip(tile, image.shape[1:])]
            resized = resize_shape(tile_shape, p.min_size, p.max_size, round_down=not p.antialias)
            coarsest = max(old / new for old, new in zip(tile_shape, resized))
        else:
            coarsest = 1 / min(grid_scale(spacing, p))
        margin = 2 * max(1.0, coarsest)  # of the network's own samples
        predict = lambda tiles: self._predict_whole(tiles, [spacing] * len(tiles))  # noqa: E731
        return predict_tiles(predict, image, tile, self.tiling.overlap if self.tiling else OVERLAP, margin)

    def _predict_whole(self, images: Sequence[Tensor], spacings: Sequence[Sequence[float] | None]) -> list[Instances]:
        """The objects of each image, seen as a whole."""
        prepared = [prepare_part(image, spacing, self.preprocess) for image, spacing in zip(images, spacings)]
        by_shape: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for index, (tensor, _) in enumerate(prepared):
            by_shape[tuple(tensor.shape)].append(index)
        results: list[Instances] = [Instances(torch.zeros(0))] * len(images)
        for members in by_shape.values():
            batch = batch_images([prepared[i][0] for i in members], self.preprocess.size_divisor)
            for i, found in zip(members, self._detect(batch.to(self.device))):
                results[i] = self._to_file(found.to("cpu"), prepared[i][1], tuple(images[i].shape[1:]))
        return results

    def _detect(self, images: ImageBatch) -> list[Instances]:
        if not self.flip:
            return self.model(images)
        return detect_mirrored(self.model, images, mirror_keypoints(self.info.keypoint_names) or None)

    def __call__(self, image: Tensor, spacing: Sequence[float] | None = None) -> Instances:
        """The objects of one image ``[C, *S]``, see :meth:`predict`."""
        return self.predict([image], [spacing])[0]

    def masks_of(self, image: Tensor, boxes: Tensor, labels: Tensor) -> Regions:
        """The masks that the mask head draws of objects somebody else found, see :meth:`mask_probabilities`."""
        masks = self.mask_probabilities(image, boxes, labels)
        return paste_regions(masks, boxes, tuple(image.shape[1:]), self.mask_threshold)

    @torch.inference_mode()
    def mask_probabilities(self, image: Tensor, boxes: Tensor, labels: Tensor) -> Tensor:
        """Masks ``[N, *M]``, 0..1, each over its own box, of objects somebody else found: a teacher or a person.

        Args:
            image: ``[C, *S]``, 0..255.
            boxes: ``[N, 2D]``, in coordinates of the image.
            labels: int64 ``[N]``, 1..K: of the model's classes. A class-agnostic mask head does not look at them.

        Raises:
            KeyError: the model has no mask head.
        """
        batch, axis_map = self.prepare(whole_file(image, self.preprocess))
        features = self.model.backbone(batch.tensor)
        found = Instances(axis_map.boxes(boxes.float()).to(self.device), labels.to(self.device))
        head = cast(MaskHead, self.model.heads["mask"])
        head.attach(head(features, [found.boxes]), [found])
        assert found.mask_logits is not None
        return found.mask_logits.float().sigmoid().cpu()

    def prepare(self, image: Tensor) -> tuple[ImageBatch, AxisMap]:
        """One image ``[C, *S]``, after :func:`maskrcnn.data.regrid.whole_file`, as the model's input, and the map from
        its coordinates to those of the input."""
        prepared, axis_map = prepare_part(image, None, self.preprocess)
        return batch_images([prepared], self.preprocess.size_divisor).to(self.device), axis_map

    def _to_file(self, found: Instances, axis_map: AxisMap, spatial_shape: tuple[int, ...]) -> Instances:
        """Detections in the coordinates of the file, with masks as regions."""
        back = axis_map.inverse()
        boxes = clip_boxes(back.boxes(found.boxes), spatial_shape)
        keypoints = found.keypoints
        if keypoints is not None:
            keypoints = torch.cat([back.points(keypoints[..., :-1]), keypoints[..., -1:]], -1)
            keypoints = keep_inside(keypoints, spatial_shape)
        regions = None
        if found.mask_logits is not None:
            regions = paste_regions(found.mask_logits.float().sigmoid(), boxes, spatial_shape, self.mask_threshold)
        return dataclasses.replace(found, boxes=boxes, mask_logits=None, regions=regions, keypoints=keypoints)


def paste_regions(masks: Tensor, boxes: Tensor, spatial_shape: Sequence[int], threshold: float = 0.5) -> Regions:
    """Masks ``[N, *M]`` over their boxes ``[N, 2D]`` as regions of the image: outlines only, no window is filled."""
    low, high = clip_boxes(boxes, spatial_shape).chunk(2, -1)
    rows = (high - low).ceil().add(1)[:, 1:].prod(1)
    together = torch.unique_consecutive(rows.cumsum(0) // ROWS_AT_ONCE, return_counts=True)[1].tolist() or [0]
    some = zip(masks.split(together), boxes.split(together))
    found = [mask_spans(own, its_boxes, spatial_shape, threshold) for own, its_boxes in some]
    spans, counts = (torch.cat(parts).cpu().numpy() for parts in zip(*found))
    return Regions.from_spans(spatial_shape, spans, counts)
