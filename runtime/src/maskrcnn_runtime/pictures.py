"""From a picture file to the objects in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageOps

from maskrcnn_runtime.archive import read_archive
from maskrcnn_runtime.boxes import Array, clip_boxes, tile_slices
from maskrcnn_runtime.errors import RuntimeFault
from maskrcnn_runtime.masks import Mask, largest_part, paste, paste_to_border
from maskrcnn_runtime.network import Found, Network, Source
from maskrcnn_runtime.points import DECODERS, keep_inside
from maskrcnn_runtime.samples import extend_to_border, normalise, resize_image, resize_shape, stretch_contrast
from maskrcnn_runtime.tiles import merge_tiles

OVERLAP, AUTO_FROM, MASK_THRESHOLD = 0.25, 1.5, 0.5
MOST_PIXELS = 100_000_000  # of a picture: what a small computer can hold


def read_picture(path: str | Path | BinaryIO) -> Array:
    """Uint8 ``[H, W, 3]``, upright; what is transparent is shown on white.

    Raises:
        RuntimeFault: it cannot be read, or is too large.
    """
    name = path if isinstance(path, (str, Path)) else "The picture"
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with Image.open(path) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise RuntimeFault(
                    f"{name} has {width} x {height} pixels, more than {MOST_PIXELS}; make it smaller first."
                )
            ImageOps.exif_transpose(image, in_place=True)
            if image.has_transparency_data:
                colours = image.convert("RGBA")
                white = Image.new("RGBA", colours.size, "white")
                return np.asarray(Image.alpha_composite(white, colours).convert("RGB"))
            if image.mode.startswith(("I", "F")):
                return _grey(np.asarray(image, dtype=np.float32))
            return np.asarray(image.convert("RGB"))
    except RuntimeFault:
        raise
    except FileNotFoundError:
        raise RuntimeFault(f"{name} does not exist; check the name.") from None
    except Exception as error:  # decoders meet broken bytes with errors of every kind
        raise RuntimeFault(f"{name} cannot be read as a picture ({error}); check the file.") from None
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _grey(values: Array) -> Array:
    """Grey of more than 8 bits as uint8 ``[H, W, 3]``, by its own range."""
    low, high = np.percentile(values, (0.1, 99.9))
    scaled = np.clip((values - low) / max(float(high - low), 1e-6) * 255, 0, 255)
    return np.repeat(np.round(scaled).astype(np.uint8)[..., None], 3, axis=2)


class Model:
    """An exported model that looks at pictures.

    Args:
        path: of the file that ``maskrcnn export`` wrote.
        threads: 0: as many as there are cores.

    Raises:
        RuntimeFault: see :func:`maskrcnn_runtime.archive.read_archive`.
    """

    def __init__(self, path: str | Path, threads: int = 0) -> None:
        archive = read_archive(path, threads)
        self.network, self.config, header = Network(archive), archive.config, archive.header
        if not self.config["finds_objects"]:
            raise RuntimeFault(f"{path} tells the class of every pixel and finds no objects; run it with maskrcnn.")
        self.class_names: tuple[str, ...] = tuple(header["class_names"])
        self.category_ids: tuple[int, ...] = tuple(header["category_ids"]) or tuple(range(1, len(self.class_names) + 1))
        self.keypoint_names: tuple[str, ...] = tuple(header.get("keypoint_names", ()))
        self.skeleton: tuple[tuple[int, int], ...] = tuple(tuple(limb) for limb in header.get("skeleton", ()))
        self.tile: int | None = header["notes"].get("tile")

    def __call__(self, image: Array, score: float | None = 0.5, pieces: bool = False) -> Found:
        """The objects of a picture, best first.

        Args:
            image: uint8 ``[H, W, 3]``.
            score: objects that score less are left out; None: the model's own threshold.
            pieces: islands of a mask are kept; else the largest connected part alone.

        Returns:
            Objects in pixels of the picture.
        """
        detection: dict[str, Any] = dict(self.config["detection"])
        if score is not None:
            detection["score_threshold"] = score
        image = stretch_contrast(image) if self.config["preprocess"]["stretch"] else image
        if self.tile is not None and max(image.shape[:2]) > AUTO_FROM * self.tile:
            found = self._tiled(image, self.tile, detection)
        else:
            found = self._look(image, detection)
        if found.masks is not None and not pieces:
            found = replace(found, masks=[largest_part(mask) for mask in found.masks])
        return found

    def _tiled(self, image: Array, tile: int, detection: dict[str, Any]) -> Found:
        p, shape = self.config["preprocess"], image.shape[:2]
        slices = tile_slices(shape, (tile, tile), OVERLAP)
        seen = [min(tile, side) for side in shape]
        resized = resize_shape(seen, p["min_size"], p["max_size"], not p["antialias"])
        margin = 2 * max(1.0, *(old / new for old, new in zip(seen, resized)))
        return merge_tiles([self._look(image[where], detection) for where in slices], slices, shape, margin)

    def _look(self, image: Array, detection: dict[str, Any]) -> Found:
        """The objects of what is seen as a whole, in its own coordinates."""
        p, shape = self.config["preprocess"], image.shape[:2]
        target = resize_shape(shape, p["min_size"], p["max_size"], not p["antialias"])
        resized = resize_image(image if p["antialias"] else image.astype(np.float32), target, p["antialias"])
        divisor = p["size_divisor"]
        padded = [-(-side // divisor) * divisor for side in target]
        x = np.zeros((1, image.shape[2], *padded), dtype=np.float32)
        x[0, :, : target[0], : target[1]] = normalise(resized, p["pixel_mean"], p["pixel_std"])
        scale = (target[1] / shape[1], target[0] / shape[0])
        found = self.network(x, target, detection, Source(image, scale))
        return self._to_file(found, scale, shape, detection["score_threshold"])

    def _to_file(self, found: Found, scale: tuple[float, ...], shape: Sequence[int], threshold: float) -> Found:
        """Objects of the input in coordinates of what it was made from."""
        back = np.float32([1 / s for s in scale])
        boxes = clip_boxes(found.boxes * np.tile(back, 2), shape)
        outputs, quality = found.outputs, np.ones(len(found), dtype=np.float32)
        masks: list[Mask] | None = [] if self.config["mask_head"] else None
        if "mask" in outputs:
            masks, quality = self._masks(outputs, boxes, np.tile(back, 2), shape)
        points = None
        if self.config["keypoint_head"]:
            points = np.zeros((0, self.config["keypoint_head"]["num_keypoints"], 3), dtype=np.float32)
        if "heatmaps" in outputs:
            decode = DECODERS[self.config["keypoint_head"]["decoding"]]
            points = decode(outputs["heatmaps"], outputs["heatmap_regions"])
            points = keep_inside(points * np.append(back, np.float32(1)), shape)
        own = Found(boxes, found.labels, found.scores * quality, masks, points)
        order = np.argsort(-own.scores, kind="stable")
        return own[order[own.scores[order] >= threshold]]

    def _masks(
        self, outputs: dict[str, Array], boxes: Array, back: Array, shape: Sequence[int]
    ) -> tuple[list[Mask], Array]:
        """What objects cover, finer where they were looked at closely, and what their scores are multiplied by."""
        quality = np.ones(len(boxes), dtype=np.float32)
        finer = np.zeros(len(boxes), dtype=bool)
        if "closeup_mask" in outputs:
            finer = ~np.isnan(outputs["closeup_mask"].reshape(len(boxes), -1)).any(1)
        coarse = np.flatnonzero(~finer)
        masks = dict(zip(coarse, paste_to_border(outputs["mask"][coarse], boxes[coarse], shape, MASK_THRESHOLD)))
        if finer.any():
            own = self.config["closeup_mask_head"]
            where, values = outputs["closeup_regions"][finer] * back, outputs["closeup_mask"][finer]
            if own["rescoring"] > 0:
                flat = values.reshape(len(values), -1)
                inside = flat >= MASK_THRESHOLD
                sureness = (flat * inside).sum(1) / np.maximum(inside.sum(1), 1)
                quality[finer] = np.minimum(sureness / own["sure"], 1) ** own["rescoring"]
            values = extend_to_border(values, where, shape)
            pasted = (paste(mask, box, shape, MASK_THRESHOLD) for mask, box in zip(values, where))
            masks |= dict(zip(np.flatnonzero(finer), pasted))
        return [masks[k] for k in range(len(boxes))], quality
