"""Images far larger than what a model was trained on: cut into overlapping tiles, predicted and put together again.

A tile is a window of the file's samples. The predictor treats it as an image of its own, so it is resized as any image
is. How the tiles' objects become those of the image stands in ``merging.py``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from maskrcnn.inference.tiling.memory import return_freed_memory
from maskrcnn.inference.tiling.merging import merge_tiles
from maskrcnn.inference.tiling.options import AUTO, OFF, OVERLAP, SMALLEST_TILE, check_tiles
from maskrcnn.inference.tiling.tile_detections import NO_HEADS
from maskrcnn.models.head import Head, Slices
from maskrcnn.ops.boxes import pairwise_coverage
from maskrcnn.structures import Instances

AUTO_FROM = 1.5  # times the tile that a model's header names: only images with a longer side are tiled by themselves
TILES_AT_ONCE = 4
RETURN_AFTER = 8  # times as many tiles what they have freed goes back to the system


@dataclass(frozen=True)
class Tiling:
    """Which images are cut into tiles, and how."""

    tile: int  # longest side of a tile in samples: of the file, or of the grid of a model that has one
    overlap: float = OVERLAP  # the part of a tile that neighbours share
    above: float = 0.0  # images with a longer side than this are tiled

    def applies_to(self, spatial_shape: Sequence[int]) -> bool:
        """Whether an image without a grid is cut."""
        return self.tile_shape(spatial_shape) is not None

    def tile_shape(self, spatial_shape: Sequence[int], sides: Sequence[float] | None = None) -> tuple[int, ...] | None:
        """The samples of a tile of an image along each axis; None: the image is not cut.

        Args:
            spatial_shape: of the image, tensor order.
            sides: how long a tile is along each axis, as a part of ``tile``; by default as long
                along all.
        """
        sides = sides or (1.0,) * len(spatial_shape)
        tiles = tuple(max(1, round(side * self.tile)) for side in sides)
        limits = (max(side * self.above, tile) for side, tile in zip(sides, tiles))
        return tiles if any(extent > limit for extent, limit in zip(spatial_shape, limits)) else None


def choose_tiling(tile: int | str, overlap: float, notes: Mapping[str, Any]) -> Tiling | None:
    """What a user's wish means for a model; None: no image is tiled.

    Args:
        tile: samples; ``"auto"``: as the model's header says (``tile`` in its notes), for images
            that are more than 1.5 times as long, and never for a model whose header says nothing;
            ``"off"``.
        overlap: the part of a tile that neighbours share.
        notes: of the model's header.

    Returns:
        The tiling; None: no image is tiled.

    Raises:
        UsageError: another word, or a number out of range.
    """
    check_tiles(tile, overlap)
    if tile == OFF:
        return None
    if tile == AUTO:
        own = notes.get("tile")
        return Tiling(own, overlap, AUTO_FROM * own) if isinstance(own, int) and own >= SMALLEST_TILE else None
    return Tiling(int(tile), overlap)


def tile_starts(extent: int, tile: int, overlap: int) -> list[int]:
    """Choose where tiles begin along an axis: evenly spread.

    Args:
        extent: samples along the axis.
        tile: samples of a tile.
        overlap: samples that neighbours share at least.

    Returns:
        The first sample of each tile.
    """
    if extent <= tile:
        return [0]
    count = -(-(extent - overlap) // (tile - overlap))
    return [round(k * (extent - tile) / (count - 1)) for k in range(count)]


def tile_slices(spatial_shape: Sequence[int], tile: int | Sequence[int], overlap: float = OVERLAP) -> list[Slices]:
    """Cut an image into tiles, all of one shape.

    Args:
        spatial_shape: of the image, tensor order.
        tile: extents of a tile in samples, or the one along every axis; an axis that is shorter is
            not cut.
        overlap: the part of a tile that neighbours share, 0 up to but not 1.

    Returns:
        Of each tile its slices, tensor order.
    """
    tile = (tile,) * len(spatial_shape) if isinstance(tile, int) else tile
    shared = [min(round(overlap * side), side - 1) for side in tile]
    starts = [tile_starts(*axis) for axis in zip(spatial_shape, tile, shared)]
    return [
        tuple(slice(start, min(start + side, extent)) for start, side, extent in zip(corner, tile, spatial_shape))
        for corner in itertools.product(*starts)
    ]


def predict_tiles(
    predict: Callable[[Sequence[Tensor]], list[Instances]],
    image: Tensor,
    tile: int | Sequence[int],
    overlap: float = OVERLAP,
    margin: float = 2.0,
    tiles_at_once: int = TILES_AT_ONCE,
    heads: Mapping[str, Head] = NO_HEADS,
) -> Instances:
    """Find the objects of an image tile by tile.

    Args:
        predict: from images to the objects in each, in its own coordinates and inside it, with
            labels and scores.
        image: ``[C, *S]``.
        tile: see :func:`tile_slices`.
        overlap: see :func:`tile_slices`.
        margin: samples from a border within which an object counts as touching it.
        tiles_at_once: tiles that are given to ``predict`` together.
        heads: of the model, which know what becomes of their outputs.

    Returns:
        The objects, best first, in coordinates of the image.
    """
    shape = tuple(image.shape[1:])
    slices = tile_slices(shape, tile, overlap)
    found: list[Instances] = []
    for first in range(0, len(slices), tiles_at_once):
        batch = slices[first : first + tiles_at_once]
        found += predict([image[(slice(None), *where)] for where in batch])
        if first % (RETURN_AFTER * tiles_at_once) == 0:
            return_freed_memory()
    return merge_tiles(found, slices, shape, margin, heads)


def best_views(boxes: Tensor, views: Sequence[Slices]) -> list[tuple[Slices, Tensor]]:
    """The views of an image in which its objects are best seen, and the indices of those objects.

    Each object is seen in the view that holds most of its box; of equal ones in the one whose middle is nearest.

    Args:
        boxes: ``[N, 2D]`` in coordinates of the image.
        views: slices in tensor order.
    """
    corners = [[s.start for s in reversed(view)] + [s.stop for s in reversed(view)] for view in views]
    windows = boxes.new_tensor(corners)
    inside = pairwise_coverage(boxes, windows)
    distance = torch.cdist(_centres(boxes), _centres(windows))
    chosen = (inside - 1e-6 * distance).argmax(1)
    members = [(chosen == index).nonzero().flatten() for index in range(len(views))]
    return [(view, own) for view, own in zip(views, members) if len(own)]


def _centres(boxes: Tensor) -> Tensor:
    low, high = boxes.chunk(2, -1)
    return (low + high) / 2
