"""From the samples of files to the objects in them, in the coordinates of the files."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from maskrcnn.checkpoints.lookup import load_model
from maskrcnn.config import DetectionConfig, PreprocessConfig
from maskrcnn.data.transforms.geometry import resize_shape
from maskrcnn.data.transforms.regrid import grid_scale, whole_file, window_shape
from maskrcnn.inference.appearance import telling_appearance
from maskrcnn.inference.channels import fuse_channels
from maskrcnn.inference.keep import in_pieces, of_classes
from maskrcnn.inference.look import Look, Spacing
from maskrcnn.inference.options import AS_THE_MODEL_SAYS, SHOWN, PredictOptions, Settings, settings_of
from maskrcnn.inference.tiling.options import OVERLAP
from maskrcnn.inference.tiling.tile_detections import move_to_image
from maskrcnn.inference.tiling.tiles import Tiling, best_views, predict_tiles, tile_slices
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.head import HeadBuilder, heads_of
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.regions import AxisMap
from maskrcnn.regions import paste_regions as paste_regions  # its old place, by which others know it
from maskrcnn.structures import ImageBatch, Instances


@dataclass(frozen=True, eq=False)
class Predictor:
    """A trained model with all that leads from an image to its objects. Nothing about it changes: several threads may
    share one.

    Attributes:
        model: is put on ``device`` and into evaluation mode.
        info: what its checkpoint says of it.
        device: where to run.
        options: what a call wants that brings none of its own.
    """

    model: MaskRCNN
    info: ModelInfo
    device: str | torch.device = "cpu"
    options: PredictOptions = AS_THE_MODEL_SAYS

    def __post_init__(self) -> None:
        self.model.to(self.device).eval()

    @staticmethod
    def load(
        path: str | Path,
        device: str | torch.device = "cpu",
        options: PredictOptions = SHOWN,
        heads: Mapping[str, HeadBuilder] | None = None,
    ) -> Predictor:
        """Load a predictor from a model file, or by the name of a model that is shipped or
        published.

        Args:
            path: of the file, or the name.
            device: ``cpu``, ``cuda`` or ``mps``.
            options: what every call wants unless it says otherwise.
            heads: builders of the heads in it that the package does not have, by name.

        Returns:
            The predictor.

        Raises:
            UsageError, CheckpointError: see :func:`maskrcnn.checkpoints.lookup.load_model`.
        """
        return Predictor(*load_model(path, heads=heads), device, options)

    def with_options(self, **changes: Any) -> Predictor:
        """A predictor of the same model (not a copy) whose options differ by ``changes``, fields of
        :class:`PredictOptions`.

        Raises:
            UsageError: options that do not fit the model.
        """
        changed = dataclasses.replace(self, options=dataclasses.replace(self.options, **changes))
        _ = changed.settings
        return changed

    @property
    def class_names(self) -> tuple[str, ...]:
        """Label k is ``class_names[k - 1]``."""
        return self.info.class_names

    @cached_property
    def settings(self) -> Settings:
        """What the predictor's own options mean for its model."""
        return settings_of(self.options, self.info)

    @property
    def detection(self) -> DetectionConfig:
        return self.settings.detection

    @property
    def preprocess(self) -> PreprocessConfig:
        return self.settings.preprocess

    @property
    def tiling(self) -> Tiling | None:
        return self.settings.tiling

    @property
    def flip(self) -> bool:
        return self.settings.flip

    def __call__(self, image: Tensor, spacing: Spacing = None, options: PredictOptions | None = None) -> Instances:
        """The objects of one image ``[C, *S]``, see :meth:`predict`."""
        return self.predict([image], [spacing], options)[0]

    def predict(
        self,
        images: Sequence[Tensor],
        spacings: Sequence[Spacing] | None = None,
        options: PredictOptions | None = None,
    ) -> list[Instances]:
        """Find the objects of several images.

        Images of one prepared shape run as one batch; an image's result never depends on its
        neighbours. Images that the options want in tiles are predicted tile by tile.

        Args:
            images: ``[C, *S]`` each, 0..255 for pictures.
            spacings: of each image, x first, where its file says one, see
                :mod:`maskrcnn.data.transforms.regrid`.
            options: what this call wants, instead of the predictor's own options.

        Returns:
            Of each image its objects, best first, on the CPU, with regions where there are masks.

        Raises:
            UsageError: options that do not fit the model.
        """
        return [found for found, _ in self.predict_leads(images, spacings, options)]

    @torch.inference_mode()
    def predict_leads(
        self,
        images: Sequence[Tensor],
        spacings: Sequence[Spacing] | None = None,
        options: PredictOptions | None = None,
    ) -> list[tuple[Instances, list[Instances]]]:
        """Find objects as :meth:`predict` does, and beside it in each channel by itself.

        Args:
            images: ``[C, *S]`` each.
            spacings: of each image, x first.
            options: what this call wants, instead of the predictor's own options.

        Returns:
            Of each image its objects, and those of each channel if the model sees one at a time;
            else none of these.
        """
        settings = self._settings(options)
        spacings = spacings or [None] * len(images)
        if not settings.preprocess.each_channel:
            found = self._predict(images, spacings, settings)
            return [(in_pieces(of_classes(own, settings.labels), settings), []) for own in found]
        return [self._predict_channels(image, spacing, settings) for image, spacing in zip(images, spacings)]

    @torch.inference_mode()
    def masks(
        self,
        image: Tensor,
        boxes: Tensor,
        labels: Tensor | None = None,
        spacing: Spacing = None,
        options: PredictOptions | None = None,
    ) -> Instances:
        """What the model sees of objects that somebody else found: a person who drew a box, a tracker, a teacher.

        The first stage does not look. Masks, points and whatever further heads give are those of the boxes as they are;
        an image that the options want in tiles is seen in the tile that holds most of each box.

        Args:
            image: ``[C, *S]``, 0..255 for pictures.
            boxes: ``[N, 2D]`` in coordinates of the image.
            labels: int64 ``[N]``, 1..K; None: the class that the model thinks most likely in each box.
            spacing: of the image, x first, where its file says one.
            options: what this call wants, instead of the predictor's own options; scores and classes do not count.

        Returns:
            N objects in the order of ``boxes``, on the CPU, with the probability of the label as score where the model
            chose it; what heads say of images as a whole is left out.
        """
        settings = self._settings(options)
        whole = whole_file(image, settings.preprocess)
        given = Instances(boxes.float().cpu(), *(() if labels is None else (labels.cpu(),)))
        shape = tuple(whole.shape[1:])
        tile = self._tile_shape(whole, spacing, settings)
        overlap = OVERLAP if settings.tiling is None else settings.tiling.overlap
        views = tile_slices(shape, shape if tile is None else tile, overlap)
        parts, order = [], []
        for view, members in best_views(given.boxes, views) or [(views[0], torch.arange(0))]:
            start = [s.start for s in view]
            inside = move_to_image(given[members], [-at for at in start], shape, {})
            seen = self._look(settings).describe(whole[(slice(None), *view)], spacing, inside)
            parts.append(move_to_image(seen, start, shape, heads_of(self.model)))
            order.append(members)
        joined = Instances.join(parts)[torch.cat(order).argsort()]
        return in_pieces(dataclasses.replace(joined, boxes=given.boxes), settings)

    @torch.inference_mode()
    def mask_probabilities(self, image: Tensor, boxes: Tensor, labels: Tensor) -> Tensor:
        """Read the masks of objects that somebody else found, before they are pasted.

        Args:
            image: ``[C, *S]``, 0..255, seen as a whole.
            boxes: ``[N, 2D]``, in coordinates of the image.
            labels: int64 ``[N]``, 1..K: of the model's classes. Class-agnostic masks do not depend
                on them.

        Returns:
            ``[N, *M]``, 0..1, each over its own box.

        Raises:
            ValueError: the model draws no masks.
        """
        batch, axis_map = self.prepare(whole_file(image, self.preprocess))
        features = self.model.backbone(batch.tensor)
        found = Instances(axis_map.boxes(boxes.float()).to(self.device), labels.to(self.device))
        self.model.describe(features, batch, [found])
        if found.mask_logits is None:
            raise ValueError("this model draws no masks")
        return found.mask_logits.float().sigmoid().cpu()

    def prepare(self, image: Tensor, spacing: Spacing = None) -> tuple[ImageBatch, AxisMap]:
        """One image ``[C, *S]``, after :func:`maskrcnn.data.transforms.regrid.whole_file`, as the model's input, and
        the map from its coordinates to those of the input."""
        return self._look(self.settings).prepare([image], spacing)

    def _settings(self, options: PredictOptions | None) -> Settings:
        return self.settings if options is None else settings_of(options, self.info)

    def _look(self, settings: Settings) -> Look:
        left_out = settings.without & heads_of(self.model).keys()
        model = self.model.without(left_out) if left_out else self.model
        model = telling_appearance(model) if settings.appearance else model
        return Look(model, self.info, self.device, settings)

    def _predict_channels(
        self, image: Tensor, spacing: Spacing, settings: Settings
    ) -> tuple[Instances, list[Instances]]:
        """What is found in all channels of ``[C, *S]`` together, and in each by itself."""
        threshold = settings.detection.score_threshold
        # what several channels see a little of may be something
        lower = settings.with_score(threshold / 2) if len(image) > 1 else settings
        apart = self._predict(list(image.split(1)), [spacing] * len(image), lower)
        apart = [of_classes(found, settings.labels) for found in apart]
        fused = fuse_channels(apart, threshold)
        for head in heads_of(self.model).values():
            head.merge(fused, apart, [tuple(slice(0, side) for side in image.shape[1:])] * len(apart), image.shape[1:])
        return fused, apart

    def _predict(self, images: Sequence[Tensor], spacings: Sequence[Spacing], settings: Settings) -> list[Instances]:
        # Whole, before it is cut: a tile of nothing but background has no range of its own.
        images = [whole_file(image, settings.preprocess) for image in images]
        tiles = [self._tile_shape(image, spacing, settings) for image, spacing in zip(images, spacings)]
        at_once = [k for k, tile in enumerate(tiles) if tile is None]
        whole = iter(self._look(settings).find([images[k] for k in at_once], [spacings[k] for k in at_once]))
        return [
            next(whole) if tile is None else self._predict_tiled(image, spacing, tile, settings)
            for image, spacing, tile in zip(images, spacings, tiles)
        ]

    def tile_shape(self, image: Tensor, spacing: Spacing = None) -> tuple[int, ...] | None:
        """How the image ``[C, *S]`` is cut into tiles, in samples of its own, tensor order; None: not at all."""
        return self._tile_shape(image, spacing, self.settings)

    def _tile_shape(self, image: Tensor, spacing: Spacing, settings: Settings) -> tuple[int, ...] | None:
        shape, p, tiling = image.shape[1:], settings.preprocess, settings.tiling
        if tiling is None or p.spacing is None:
            return None if tiling is None else tiling.tile_shape(shape)
        window = window_shape(p, len(shape))
        sides = [side / max(window) / scale for side, scale in zip(window, grid_scale(spacing, p))]
        return tiling.tile_shape(shape, sides)

    def _predict_tiled(self, image: Tensor, spacing: Spacing, tile: Sequence[int], settings: Settings) -> Instances:
        """The objects of one image, from those of its tiles."""
        p = settings.preprocess
        if p.spacing is None:
            tile_shape = [min(pair) for pair in zip(tile, image.shape[1:])]
            resized = resize_shape(tile_shape, p.min_size, p.max_size, round_down=not p.antialias)
            coarsest = max(old / new for old, new in zip(tile_shape, resized))
        else:
            coarsest = 1 / min(grid_scale(spacing, p))
        margin = 2 * max(1.0, coarsest)  # of the network's own samples
        predict = lambda tiles: self._look(settings).find(tiles, [spacing] * len(tiles))  # noqa: E731
        overlap = OVERLAP if settings.tiling is None else settings.tiling.overlap
        return predict_tiles(predict, image, tile, overlap, margin, heads=heads_of(self.model))
