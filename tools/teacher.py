"""The SSDLite teacher looked at a photo several times: whole and in overlapping crops, each also mirrored, then fused.

The detector squeezes every photo to 300 x 300, so a crop shows it the same objects larger. What a view found in a box
that ends at an inner border of its crop is part of something larger, and is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from maskrcnn.files import atomic_write
from maskrcnn.ops.boxes import are_larger, pairwise_iou
from maskrcnn.ops.nms import grouped_nms
from ssdlite import SSDLite

LOWEST_SCORE = 0.02  # what scores less is never a label and moves no average precision
BORDER = 0.02  # of a crop's side: a box that ends so near to an inner border is cut by it
SAVE_EVERY = 100  # photos
MOST = 100  # detections a photo, as COCO counts them


class View(NamedTuple):
    """A part of the photo, in units of its sides, perhaps mirrored left to right."""

    x1: float
    y1: float
    x2: float
    y2: float
    mirrored: bool


class Found(NamedTuple):
    """Detections of one photo: boxes float32 `[N, 4]` (x1, y1, x2, y2, px), scores `[N]`, COCO ids and views `[N]`."""

    boxes: Tensor
    scores: Tensor
    labels: Tensor
    views: Tensor


def make_views(crop: float = 0.6) -> list[View]:
    """Whole, whole mirrored, then the four corners of `crop` times the sides, plain and mirrored."""
    parts = [(0.0, 0.0, 1.0, 1.0)]
    parts += [(x, y, x + crop, y + crop) for y in (0.0, 1 - crop) for x in (0.0, 1 - crop)]
    return [View(*part, mirrored) for part in parts for mirrored in (False, True)]


VIEW_SETS = {"plain": 1, "flip": 2, "crops": 10}  # how many of `make_views()` each uses


def look(model: SSDLite, photo: Tensor, view: View) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes `[K, 4]` (px of the whole `photo`, uint8 `[H, W, 3]`), scores and COCO ids that `model` finds in `view`."""
    height, width = photo.shape[:2]
    x1, y1, x2, y2 = (round(v * side) for v, side in zip(view[:4], (width, height) * 2, strict=True))
    part = photo[y1:y2, x1:x2]
    found, scores, labels = model.detect(part.flip(1) if view.mirrored else part, LOWEST_SCORE)
    boxes = found[:, [1, 0, 3, 2]]
    if view.mirrored:
        boxes = torch.stack([x2 - x1 - boxes[:, 2], boxes[:, 1], x2 - x1 - boxes[:, 0], boxes[:, 3]], 1)
    boxes = boxes + boxes.new_tensor([x1, y1, x1, y1])
    whole = is_whole(boxes, (x1, y1, x2, y2), (height, width)) & are_larger(boxes, 1.0)
    return boxes[whole], scores[whole], labels[whole]


def is_whole(boxes: Tensor, window: Sequence[float], spatial_shape: Sequence[int]) -> Tensor:
    """Bool `[N]`: boxes `[N, 4]` that lie in `window` (x1, y1, x2, y2) and end at none of its inner borders.

    Where the window's border is the photo's own (`spatial_shape`: height, width), a box may end there.
    """
    x1, y1, x2, y2 = window
    height, width = spatial_shape
    dx, dy = BORDER * (x2 - x1), BORDER * (y2 - y1)
    low = boxes.new_tensor([x1 + dx if x1 > 0 else -1, y1 + dy if y1 > 0 else -1])
    high = boxes.new_tensor([x2 - dx if x2 < width else width + 1, y2 - dy if y2 < height else height + 1])
    return (boxes[:, :2] >= low).all(1) & (boxes[:, 2:] <= high).all(1)


def look_all(model: SSDLite, photo: Tensor, views: Sequence[View]) -> Found:
    """What all `views`, numbered from 0, find; not yet fused."""
    seen = [look(model, photo, view) for view in views]
    numbers = [torch.full((len(scores),), k) for k, (_, scores, _) in enumerate(seen)]
    boxes, scores, labels = (torch.cat(column) for column in zip(*seen, strict=True))
    return Found(boxes, scores, labels, torch.cat(numbers))


def fuse(
    found: Found, views: Sequence[View], spatial_shape: Sequence[int], iou: float = 0.55, absence: float = 0.5
) -> Found:
    """One detection for each object, best first, at most MOST.

    Suppression picks the leaders. A leader's box becomes the mean, weighted by score, of the best box of each view
    that overlaps it by `iou` (box voting, Gidaris and Komodakis 2015). Its score is the mean over the views that found
    it, in which a view that could have seen it whole and did not counts as `absence` of a view with score 0.
    """
    if len(found.scores) == 0:
        return found
    leaders = grouped_nms(found.boxes, found.scores, found.labels, iou)
    overlap = pairwise_iou(found.boxes, found.boxes[leaders])
    overlap = overlap * (found.labels[:, None] == found.labels[leaders])
    overlap, owner = overlap.max(1)
    height, width = spatial_shape
    total = torch.zeros(len(leaders))
    count, boxes = torch.zeros(len(leaders)), torch.zeros(len(leaders), 4)
    for number, view in enumerate(views):
        window = [v * side for v, side in zip(view[:4], (width, height) * 2, strict=True)]
        mine = ((found.views == number) & (overlap >= iou)).nonzero()[:, 0]
        order = mine[found.scores[mine].argsort(stable=True)]  # of several in one view the best is written last
        best = torch.full((len(leaders),), -1)
        for member in order.tolist():
            best[owner[member]] = member
        has = best >= 0
        score = torch.where(has, found.scores[best], 0.0)
        total += score
        boxes += score[:, None] * found.boxes[best]
        count += torch.where(has, 1.0, absence * is_whole(found.boxes[leaders], window, spatial_shape))
    scores = total / count
    order = scores.argsort(descending=True, stable=True)[:MOST]
    return Found(
        (boxes / total[:, None])[order], scores[order], found.labels[leaders][order], found.views[leaders][order]
    )


def read_photo(path: Path) -> Tensor:
    """uint8 `[H, W, 3]`, RGB."""
    with Image.open(path) as file:
        return torch.from_numpy(np.array(file.convert("RGB")))


def cached_looks(model: SSDLite, photos: Sequence[Path], views: Sequence[View], cache: Path) -> Iterator[Found]:
    """What `views` find in each photo, as :func:`look_all`.

    Looking takes long, so it is kept in folder `cache`: a file for each part of the photo, known by its borders and the
    names of the photos. After a change of the weights the folder must go.
    """
    parts = list(dict.fromkeys(view[:4] for view in views))
    kept = [_cached_part(model, photos, part, cache) for part in parts]
    numbers = torch.full((2 * len(parts),), -1)  # of the plain and the mirrored view of each part, among `views`
    for number, view in enumerate(views):
        numbers[2 * parts.index(view[:4]) + view.mirrored] = number
    for looks in zip(*kept, strict=True):
        shifted = [found._replace(views=numbers[2 * k + found.views]) for k, found in enumerate(looks)]
        found = Found(*(torch.cat(column) for column in zip(*shifted, strict=True)))
        yield Found(*(column[found.views >= 0] for column in found))


def _cached_part(model: SSDLite, photos: Sequence[Path], part: tuple[float, ...], cache: Path) -> list[Found]:
    """What the plain view (0) and the mirrored one (1) of a part find in each photo."""
    file = cache / ("part_" + "_".join(f"{v:.2f}" for v in part) + ".npz")
    known = _load(file) if file.is_file() else {}
    views = [View(*part, mirrored=mirrored) for mirrored in (False, True)]
    missing = [path for path in photos if path.name not in known]
    for k, path in enumerate(missing, start=1):
        known[path.name] = look_all(model, read_photo(path), views)
        if k % SAVE_EVERY == 0 or k == len(missing):
            print(f"  {file}: {k} of {len(missing)} photos", flush=True)
            _save(file, known)
    return [known[path.name] for path in photos]


def _save(file: Path, looks: dict[str, Found]) -> None:
    columns = [torch.cat(column).numpy() for column in zip(*looks.values(), strict=True)]
    counts = np.array([len(found.scores) for found in looks.values()])
    with atomic_write(file) as path:
        np.savez(path, names=np.array(list(looks)), counts=counts, **dict(zip(Found._fields, columns, strict=True)))


def _load(file: Path) -> dict[str, Found]:
    with np.load(file) as content:
        counts = content["counts"].tolist()
        columns = [torch.from_numpy(content[name]).split(counts) for name in Found._fields]
        return {str(n): Found(*found) for n, *found in zip(content["names"], *columns, strict=True)}
