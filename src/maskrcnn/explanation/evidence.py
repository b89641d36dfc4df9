"""Saliency of each detection: which part of an image convinced the model of it, in the image's own coordinates."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import torch
from torch import Tensor

from maskrcnn.data.transforms.contrast import stretch_contrast
from maskrcnn.data.transforms.geometry import flip_map
from maskrcnn.data.transforms.samples import prepare_image
from maskrcnn.errors import UsageError
from maskrcnn.explanation.attribution import Attribution
from maskrcnn.explanation.occlusion import hide
from maskrcnn.inference.mirroring import X, mirror_tensor
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.tiling.tiles import tile_slices
from maskrcnn.ops.boxes import clip_boxes
from maskrcnn.ops.nd import interpolate
from maskrcnn.structures import ImageBatch, Instances, batch_images

Slices = tuple[slice, ...]


@dataclass(frozen=True)
class Evidence:
    """Where one object's score comes from.

    Attributes:
        box: ``[2D]``, in coordinates of the image.
        label: 1..K.
        score: as it was found, 0..1.
        view: what the model looked at, slices of the image in tensor order: the whole image, or of a tiled one the
            tile that holds most of the object.
        heat: float32 ``[*V]``, of the view's samples: what each adds to the log odds of the label; below 0 where it
            speaks against it, to first order and on average over partly faded images.
        seen_again: the probability of the label in the box, read from the view once more. It differs from ``score``,
            which the box's proposal had, by little unless the object is in doubt or cut by its tile.
    """

    box: Tensor
    label: int
    score: float
    view: Slices
    heat: Tensor
    seen_again: float

    def on_image(self, spatial_shape: Sequence[int]) -> Tensor:
        """The heat as ``[*S]`` of the whole image; 0 where the view does not reach."""
        whole = torch.zeros(tuple(spatial_shape))
        whole[self.view] = self.heat
        return whole


class Explanation(Sequence[Evidence]):
    """The evidence for each object of one image; a map is made when its object is asked for, and not kept.

    Args:
        predictor: its model, preprocessing, tiling and mirroring are those that found the objects.
        image: ``[C, *S]``, 0..255.
        found: objects in coordinates of the image, with labels and scores.
    """

    def __init__(self, predictor: Predictor, image: Tensor, found: Instances) -> None:
        self.predictor, self.found = predictor, found
        self.image = stretch_contrast(image) if predictor.preprocess.stretch else image
        self.spatial_shape = tuple(image.shape[1:])

    def __len__(self) -> int:
        return len(self.found)

    @overload
    def __getitem__(self, index: int) -> Evidence: ...
    @overload
    def __getitem__(self, index: slice) -> Explanation: ...
    def __getitem__(self, index: int | slice) -> Evidence | Explanation:
        if isinstance(index, slice):
            some = copy.copy(self)  # whose image is stretched already
            some.found = self.found[index]
            return some
        i = range(len(self))[index]
        view, score = self.view_of(i), float(self.found.scores[i])
        box, label = self._box_in(view, i), self._label(i)
        sights = self._sights(self.image[(slice(None), *view)])
        heat = torch.stack([sight.heat(box, label) for sight in sights]).mean(0)
        seen_again = sum(sight.score(box, label) for sight in sights) / len(sights)
        return Evidence(self.found.boxes[i].detach().cpu(), label, score, view, heat, seen_again)

    def __iter__(self) -> Iterator[Evidence]:
        return (self[i] for i in range(len(self)))

    def view_of(self, i: int) -> Slices:
        """What the model looks at for object ``i``: all, or the tile that holds most of its box, and that most in its
        middle."""
        tiling = self.predictor.tiling
        if tiling is None or not tiling.applies_to(self.spatial_shape):
            return tuple(slice(0, side) for side in self.spatial_shape)
        low, high = (corner.flip(-1).tolist() for corner in self.found.boxes[i].double().cpu().chunk(2))

        def held(view: Slices) -> tuple[float, float]:
            sides = [min(b, w.stop) - max(a, w.start) for a, b, w in zip(low, high, view)]
            off = [(a + b) / 2 - (w.start + w.stop) / 2 for a, b, w in zip(low, high, view)]
            return math.prod(max(0.0, side) for side in sides), -math.hypot(*off)

        return max(tile_slices(self.spatial_shape, tiling.tile, tiling.overlap), key=held)

    def score_without(self, i: int, part: Tensor) -> float:
        """The probability of object ``i`` in its box with ``part`` of its view (bool ``[*V]``) painted over.

        The colour is the mean that the model's preprocessing subtracts. With nothing hidden, ``seen_again``.
        """
        view = self.view_of(i)
        hidden = hide(self.image[(slice(None), *view)], part, self.predictor.preprocess.pixel_mean)
        sights = self._sights(hidden)
        return sum(sight.score(self._box_in(view, i), self._label(i)) for sight in sights) / len(sights)

    def _sights(self, view: Tensor) -> list[_Sight]:
        """A view as the model sees it, and mirrored too if that is how objects were found."""
        ways = (False, True) if self.predictor.flip else (False,)
        return [_Sight(self.predictor, view, way) for way in ways]

    def _box_in(self, view: Slices, i: int) -> Tensor:
        """The box ``[2D]`` in coordinates of its view, and inside it."""
        start = self.found.boxes.new_tensor([where.start for where in reversed(view)])
        inside = self.found.boxes[i].detach() - torch.cat([start, start])
        return clip_boxes(inside[None], [where.stop - where.start for where in view])[0]

    def _label(self, i: int) -> int:
        return int(self.found.labels[i])


class _Sight:
    """One look of a model at one view: from the view's samples to the model's grid and back."""

    def __init__(self, predictor: Predictor, view: Tensor, flip: bool) -> None:
        p = predictor.preprocess
        prepared, axis_map = prepare_image(view, p.min_size, p.max_size, p.pixel_mean, p.pixel_std, p.antialias)
        batch = batch_images([prepared], p.size_divisor)
        self.flip, self.shape = flip, tuple(view.shape[1:])
        self.axis_map = axis_map.then(flip_map(batch.spatial_shapes[0], (X,))) if flip else axis_map
        batch = ImageBatch(mirror_tensor(batch), batch.spatial_shapes) if flip else batch
        self.attribution = Attribution(predictor.model, batch.to(predictor.device))
        self.device = predictor.device

    def score(self, box: Tensor, label: int) -> float:
        """The probability 0..1."""
        log_odds = self.attribution.log_odds(self.axis_map.boxes(box).to(self.device), label)
        return 1 / (1 + math.exp(-log_odds)) if log_odds > -700 else 0.0

    def heat(self, box: Tensor, label: int) -> Tensor:
        """``[*V]`` on the CPU, what each sample of the view adds."""
        heat = self.attribution.heat(self.axis_map.boxes(box).to(self.device), label).cpu()
        heat = heat.flip(-1) if self.flip else heat
        # what a sample of the model's grid holds is shared by those of the file that it stands for
        return interpolate(heat[None, None], self.shape)[0, 0] * (heat.numel() / math.prod(self.shape))


def explain(predictor: Predictor, image: Tensor, found: Instances | None = None) -> Explanation:
    """Which part of an image convinced the model of each object: ``explain(predictor, image)[0].heat``.

    Args:
        predictor: a trained model.
        image: ``[C, *S]``, 0..255.
        found: its objects, as ``predictor(image)`` gave them; None: find them.

    Returns:
        The evidence for each object; a map is made when its object is asked for.

    Raises:
        UsageError: a model that tells the class of every sample and finds no objects.
    """
    if not predictor.model.finds_objects:
        raise UsageError("This model tells the class of every sample: there is no object of which to ask why.")
    return Explanation(predictor, image, predictor(image) if found is None else found)
