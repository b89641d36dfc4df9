"""From an image to its objects: the graphs, and between them what chooses, sorts and suppresses. The twin of
``maskrcnn.models`` around the parts that became graphs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from maskrcnn_runtime import boxes as b
from maskrcnn_runtime.archive import Archive
from maskrcnn_runtime.boxes import Array
from maskrcnn_runtime.masks import Mask
from maskrcnn_runtime.samples import cut_out, cut_out_finely, interpolate, read_masks

CANDIDATES, FIELD_NMS, FIELD_SMALLEST = 8, 0.7, 1e-2  # of the class field's own proposals
NEVER = -20.0  # logits of what does not count
AT_ONCE = 4  # close-ups: a small computer has little memory


@dataclass(frozen=True)
class Found:
    """The objects of an image, best first.

    Attributes:
        boxes: float32 ``[N, 2D]``, x first.
        labels: int64 ``[N]``, 1..K.
        scores: float32 ``[N]``, 0..1.
        masks: what each covers; None for a model without masks.
        keypoints: float32 ``[N, P, D + 1]``, x first, then score; None for a model without.
        outputs: rows that later steps make masks of, by name.
    """

    boxes: Array
    labels: Array
    scores: Array
    masks: list[Mask] | None = None
    keypoints: Array | None = None
    outputs: dict[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, index: Array) -> Found:
        """The objects at ``index``, bool or int64."""
        chosen = np.arange(len(self))[index]
        return Found(
            self.boxes[chosen],
            self.labels[chosen],
            self.scores[chosen],
            None if self.masks is None else [self.masks[k] for k in chosen],
            None if self.keypoints is None else self.keypoints[chosen],
            {name: rows[chosen] for name, rows in self.outputs.items()},
        )


@dataclass(frozen=True)
class Source:
    """What an input was made from, for close-ups: samples ``[H, W, C]``, and the input's samples for one of them, x
    first."""

    samples: Array
    scale: tuple[float, ...]


class Network:
    """The walk of ``MaskRCNN.forward`` over graphs, an image at a time."""

    def __init__(self, archive: Archive) -> None:
        self.config, self.graphs, self.strides = archive.config, archive.graphs, archive.strides
        self.ndim = int(self.config["ndim"])

    def __call__(self, x: Array, shape: Sequence[int], detection: dict[str, Any], source: Source) -> Found:
        """The objects of an input.

        Args:
            x: float32 ``[1, C, *S]``, normalised and padded.
            shape: of the image before padding, tensor order.
            detection: which boxes are kept, as in the config.
            source: what it was made from.

        Returns:
            Objects in coordinates of the input; masks are still ``outputs``.
        """
        pyramid = self.graphs["pyramid"]
        outputs = self.graphs["body"](x)[-len(pyramid.inputs) :]  # without the first resolution, which it may also give
        made = pyramid(*outputs)
        count = len(made) // 3
        levels, logits, deltas = made[:count], made[count : 2 * count], made[2 * count :]
        proposals = self._propose(levels, logits, deltas, x.shape[2:], shape)
        reading: list[Array] = []
        if self.config["box_head"]["field"]:
            reading = self._read_field(x, outputs[-2:])
            proposals = np.concatenate([proposals, self._of_field(*reading, shape)])
        found = self._detect(levels, proposals, reading, shape, detection)
        return self._describe(levels, found, x, source)

    def _propose(
        self, levels: Sequence[Array], logits: Sequence[Array], deltas: Sequence[Array], padded: Any, shape: Any
    ) -> Array:
        anchors, selection = self.config["anchors"], self.config["selection"]
        boxes, scores, groups = [], [], []
        for k, (level, own, moves) in enumerate(zip(levels, logits, deltas)):
            stride = self.strides[k]
            if anchors["padded_stride"]:
                stride = tuple(size // n for size, n in zip(padded, level.shape[2:]))
            cells = b.cell_anchors(anchors["sizes"][k], anchors["shapes"], anchors["rounded"])
            places = b.grid_anchors(cells, level.shape[2:], stride)
            best = _best(own[0], selection["pre_nms"])
            boxes.append(b.decode_boxes(moves[0][best], places[best], (1.0,) * places.shape[1]))
            scores.append(own[0][best])
            groups.append(np.full(len(best), k))
        clipped, score, group = (
            b.clip_boxes(np.concatenate(boxes), shape),
            np.concatenate(scores),
            np.concatenate(groups),
        )
        kept = b.are_larger(clipped, selection["min_box_size"])
        if selection["score_threshold"] > 0:
            kept &= 1 / (1 + np.exp(-score)) >= selection["score_threshold"]
        clipped, score, group = clipped[kept], score[kept], group[kept]
        return clipped[b.grouped_nms(clipped, score, group, selection["nms_threshold"])][: selection["post_nms"]]

    def _read_field(self, x: Array, outputs: Sequence[Array]) -> list[Array]:
        """Logits ``[1, A, K]`` and boxes ``[1, A, 2D]`` of the class field, of one or two looks."""
        own, f = self.graphs["field"](*outputs), self.config["box_head"]["field"]
        if f["rescaled"] is None:
            return own
        steps = [size // n for size, n in zip(x.shape[2:], outputs[-1].shape[2:])]
        shape = [step * max(round(f["rescaled"] * size / step), 1) for size, step in zip(x.shape[2:], steps)]
        smaller = interpolate(x[0], shape, antialias=self.ndim == 2)[None]
        logits, boxes = self.graphs["field"](*self.graphs["body"](smaller)[-2:])
        ratio = [a / n for a, n in zip(x.shape[2:], shape)][::-1]
        if f["handover"] is not None:
            low, high = b.corners(own[1])
            large = (high - low).prod(-1) ** (1 / self.ndim) > f["handover"]
            own = [np.where(large[..., None], np.float32(NEVER), own[0]), own[1].copy()]
            own[1][large, self.ndim :] = own[1][large, : self.ndim]
        enlarged = boxes * np.array([*ratio, *ratio], dtype=np.float32)
        return [np.concatenate([own[0], logits], 1), np.concatenate([own[1], enlarged], 1)]

    def _of_field(self, logits: Array, boxes: Array, shape: Sequence[int]) -> Array:
        """The boxes of the field's surest anchors, of any class."""
        most = self.config["box_head"]["field"]["proposals"]
        if most == 0:
            return np.zeros((0, 2 * self.ndim), dtype=np.float32)
        surest = logits[0].max(1)
        best = _best(surest, CANDIDATES * most)
        places, sure = b.clip_boxes(boxes[0][best], shape), surest[best]
        large = b.are_larger(places, FIELD_SMALLEST)
        places, sure = places[large], sure[large]
        return places[b.nms(places, sure, FIELD_NMS)[:most]]

    def _detect(
        self, levels: Sequence[Array], proposals: Array, reading: Sequence[Array], shape: Any, detection: dict[str, Any]
    ) -> Found:
        if len(proposals) == 0:
            return Found(proposals, np.zeros(0, np.int64), np.zeros(0, np.float32))
        logits, deltas = self._pooled("box", self.config["box_head"]["pool"], levels, proposals, reading)
        odds = np.exp(logits - logits.max(-1, keepdims=True))
        scores = (odds / odds.sum(-1, keepdims=True))[:, 1:]
        row, column = np.nonzero(scores > detection["score_threshold"])
        own = deltas[row, column if deltas.shape[1] > 1 else 0]
        boxes = b.clip_boxes(b.decode_boxes(own, proposals[row], b.default_weights(self.ndim)), shape)
        large = b.are_larger(boxes, detection["min_box_size"])
        found = Found(boxes[large], column[large] + 1, scores[row, column][large])
        kept = b.grouped_nms(found.boxes, found.scores, found.labels, detection["nms_threshold"])
        return found[kept[: detection["max_detections"]]]

    def _pooled(
        self, name: str, pool: dict[str, Any], levels: Sequence[Array], boxes: Array, further: Sequence[Array] = ()
    ) -> list[Array]:
        """What a graph that pools says of boxes ``[R, 2D]``, in their order; in the graph they are sorted by level."""
        count = len(set(self.strides[:-1]))
        finest = round(math.log2(math.prod(self.strides[0])) / self.ndim)
        of = b.assign_levels(boxes, count, finest, pool["canonical_size"], pool["epsilon_inside"])
        order = np.argsort(of, kind="stable")
        sorted_boxes = [boxes[order[of[order] == k]] for k in range(count)]
        outputs = self.graphs[name](*levels[:count], *sorted_boxes, *further)
        back = np.argsort(order, kind="stable")
        return [rows[back] for rows in outputs]

    def _describe(self, levels: Sequence[Array], found: Found, x: Array, source: Source) -> Found:
        outputs: dict[str, Array] = {}
        config = self.config
        if config["mask_head"] and len(found):
            logits = self._pooled("mask", config["mask_head"]["pool"], levels, found.boxes)[0]
            rows = np.arange(len(found))
            own = logits[:, 0] if logits.shape[1] == 1 else logits[rows, found.labels - 1]
            outputs["mask"] = _sigmoid(own)
            if config["closeup_mask_head"]:
                outputs |= self._look_closely(found, outputs["mask"], x, source)
        if config["keypoint_head"] and len(found):
            outputs |= self._points(levels, found, x)
        return replace(found, outputs=outputs)

    def _points(self, levels: Sequence[Array], found: Found, x: Array) -> dict[str, Array]:
        """Heatmap logits, and the regions that they lie over."""
        own = self.config["keypoint_head"]
        if own["closeup"] is None:
            logits = self._pooled("keypoint", own["pool"], levels, found.boxes)[0]
            return {"heatmaps": logits, "heatmap_regions": found.boxes}
        regions = b.cube_around(found.boxes, own["closeup"]["margin"])
        cuts = cut_out(x[0], regions, (own["closeup"]["size"],) * self.ndim)
        return {"heatmaps": self._closeups("keypoint", cuts), "heatmap_regions": regions}

    def _closeups(self, name: str, cuts: Array) -> Array:
        return np.concatenate([self.graphs[name](cuts[k : k + AT_ONCE])[0] for k in range(0, len(cuts), AT_ONCE)])

    def _look_closely(self, found: Found, masks: Array, x: Array, source: Source) -> dict[str, Array]:
        """Finer masks as probabilities over regions, not a number where an object is too small to gain by it."""
        own, p = self.config["closeup_mask_head"], self.config["preprocess"]
        size = (own["size"],) * self.ndim
        low, high = b.corners(found.boxes)
        wanted = np.flatnonzero((high - low).prod(-1) ** (1 / self.ndim) >= own["smallest"])
        regions = b.cuboid_around(found.boxes, own["margin"], own["narrowest"])
        rows = None
        for first in range(0, len(wanted), AT_ONCE):
            some = wanted[first : first + AT_ONCE]
            cuts = self._cuts(x, regions[some], size, source, p)
            given = [
                read_masks(m, found.boxes[some], regions[some], size) for m in (np.ones_like(masks[some]), masks[some])
            ]
            seen = np.concatenate([cuts, np.stack(given, 1) * 2 - 1], 1).astype(np.float32)
            told = _sigmoid(self.graphs["closeup_mask"](seen)[0])
            if rows is None:
                rows = np.full((len(found), *told.shape[1:]), np.nan, dtype=np.float32)
            rows[some] = told
        return {} if rows is None else {"closeup_mask": rows, "closeup_regions": regions}

    def _cuts(self, x: Array, regions: Array, size: Any, source: Source, p: dict[str, Any]) -> Array:
        """The input where regions lie; where that would enlarge them, what it was made from."""
        low, high = b.corners(regions)
        enlarged = ((high - low) < np.array(size[::-1])).any(1) & (min(source.scale) < 1)
        cuts = np.empty((len(regions), x.shape[1], *size), dtype=np.float32)
        cuts[~enlarged] = cut_out(x[0], regions[~enlarged], size)
        if enlarged.any():
            inverse = np.float32([1 / s for s in source.scale] * 2)
            samples = np.moveaxis(source.samples, -1, 0)
            finer = regions[enlarged] * inverse
            cuts[enlarged] = cut_out_finely(samples, finer, size, p["pixel_mean"], p["pixel_std"])
        return cuts


def _best(scores: Array, most: int) -> Array:
    """Indices of the highest scores, best first."""
    if most < len(scores):
        some = np.argpartition(-scores, most - 1)[:most]
        return some[np.argsort(-scores[some], kind="stable")]
    return np.argsort(-scores, kind="stable")


def _sigmoid(x: Array) -> Array:
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))
