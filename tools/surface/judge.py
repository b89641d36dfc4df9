"""Judge the surface head of a model on people whose boxes are given.

    python tools/surface/judge.py MODEL [--rendered FOLDER] [--real people_val.json --photos FOLDER] [--out judged.json]

On rendered people: GPS (geodesic point similarity, Güler et al. 2018) on the mesh of anny-24, and the part of the
people whose GPS is above 0.5, 0.55 ... 0.95, in the mean (AP, were every person found). On real ones: how far the pixel
whose predicted place on the body is nearest to a joint lies from the labelled joint, how often it is nearer to the
other side's, the part at the joints, and the overlap of what is called body with the labelled mask. The head sees no
keypoints. Beside it a template of tubes is painted over the joints that the model finds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import tyro
from people import SETS, by_image, decode_mask
from PIL import Image
from template import paint

from maskrcnn.inference.predictor import Predictor
from maskrcnn.structures import Instances
from maskrcnn.surfaces.distances import load_distances
from maskrcnn.surfaces.mesh import SurfaceMesh, load_mesh
from maskrcnn.surfaces.reading import decode_surface

FINEST = 60  # places along the root of the box's area that are read
NEAR = 0.1  # of the root of the box's area


@dataclass(frozen=True)
class Judge:
    model: Annotated[Path, tyro.conf.Positional]
    """Model with a surface head."""
    rendered: Path | None = None
    """Folder that `maskrcnn synthetic people` made, which the model has not learned from."""
    real: Path | None = None
    """COCO json of real people."""
    photos: Path | None = None
    """Folder of its photos."""
    most: int | None = None
    """Pictures of each to look at; all by default."""
    out: Path | None = None
    """File for the figures."""


class Looks:
    """What a model and a template say of the people in given boxes of an image."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.head = predictor.model.heads["surface"]
        self.joints = predictor.model.heads["keypoint"]

    @torch.inference_mode()
    def __call__(self, image: np.ndarray, boxes: np.ndarray) -> tuple[list[Any], list[Any], list[Any]]:
        """Of each box the window's low corner (y, x) with parts and uv, of the head and of the template, and the
        ordinary mask's probabilities over its box."""
        pixels = torch.from_numpy(image.copy()).movedim(2, 0)
        batch, to_input = self.predictor.prepare(pixels)
        own = torch.from_numpy(boxes).float()
        features = self.predictor.model.backbone(batch.tensor)
        inside = to_input.boxes(own)
        found = Instances(inside, torch.ones(len(own), dtype=torch.int64))
        self.predictor.model.describe(features, batch, [found])
        maps = found.outputs["surface"].float()
        points = found.keypoints
        if points is None or points.ndim != 3:
            raise SystemExit("the model gives no joints")
        places = points.clone()
        places[..., :2] = to_input.inverse().points(points[..., :2])
        regions = self.head.network.regions(own)
        by_head, by_template = [], []
        height, width = image.shape[:2]
        for k in range(len(own)):
            x1, y1, x2, y2 = own[k].tolist()
            low = [max(int(y1), 0), max(int(x1), 0)]
            high = [min(int(np.ceil(y2)), height), min(int(np.ceil(x2)), width)]
            parts, uv = decode_surface(maps[k], self.head.own.coarse, regions[k], low, high)
            by_head.append((low, parts.numpy(), uv.numpy()))
            by_template.append((low, *paint(places[k].numpy(), low, high)))
        masks = list(zip(own, found.mask_logits.sigmoid()))
        return by_head, by_template, masks


def on_rendered(looks: Looks, folder: Path, most: int | None) -> dict[str, dict[str, float]]:
    distances = load_distances("anny-24")
    found: dict[str, list[tuple[float, float]]] = {"head": [], "template": []}
    for image, own in by_image(folder / "annotations.json")[:most]:
        picture = np.asarray(Image.open(folder / "images" / image["file_name"]).convert("RGB"))
        boxes = np.array([a["bbox"] for a in own])
        boxes[:, 2:] += boxes[:, :2]
        by_head, by_template, _ = looks(picture, boxes)
        for k, one in enumerate(own):
            x, y, width, height = one["bbox"]
            columns = np.floor(x + np.array(one["dp_x"]) / 256 * width).astype(int)
            rows = np.floor(y + np.array(one["dp_y"]) / 256 * height).astype(int)
            truth = distances.mesh.vertices_at(np.array(one["dp_I"]), np.column_stack([one["dp_U"], one["dp_V"]]))
            for name, looked in (("head", by_head), ("template", by_template)):
                low, parts, uv = looked[k]
                at = (rows - low[0]).clip(0, parts.shape[0] - 1), (columns - low[1]).clip(0, parts.shape[1] - 1)
                part = parts[at].astype(int)
                similar = distances.similarity(part, uv[(slice(None), *at)].T, truth)
                found[name].append((similar.mean(), (part == one["dp_I"]).mean()))
    result = {}
    for name, rows_of in found.items():
        values = np.array(rows_of)
        gps = values[:, 0]
        steps = np.arange(0.5, 0.96, 0.05)
        result[name] = {
            "people": len(gps),
            "mean GPS": gps.mean(),
            "AP with given boxes": np.mean([(gps >= step).mean() for step in steps]),
            "GPS above 0.5": (gps >= 0.5).mean(),
            "part right": values[:, 1].mean(),
        }
    return result


def on_real(looks: Looks, path: Path, photos: Path, mesh: SurfaceMesh, most: int | None) -> dict[str, dict[str, float]]:
    """On visible joints of real people; the overlap of masks is that of people with any."""
    near: dict[str, list[tuple[bool, bool | None, bool]]] = {"head": [], "template": []}
    overlaps: dict[str, list[float]] = {"head": [], "template": [], "ordinary mask": []}
    apart = np.linalg.norm(mesh.vertices[:, None] - mesh.joints, axis=2)  # metres at rest, [V, 17]
    for image, every in by_image(path)[:most]:
        labelled = [a for a in every if not a.get("iscrowd") and a.get("num_keypoints", 0) > 0]
        if not labelled:
            continue
        picture = np.asarray(Image.open(photos / image["file_name"]).convert("RGB"))
        boxes = np.array([a["bbox"] for a in labelled])
        boxes[:, 2:] += boxes[:, :2]
        by_head, by_template, masks = looks(picture, boxes)
        for k, one in enumerate(labelled):
            joints = np.array(one["keypoints"], float).reshape(17, 3) + [0.5, 0.5, 0]
            mask = decode_mask(one, *picture.shape[:2]).astype(bool)
            size = np.sqrt(one["bbox"][2] * one["bbox"][3])
            for name, looked in (("head", by_head), ("template", by_template)):
                low, parts, uv = looked[k]
                whole = np.zeros_like(mask)
                window = (slice(low[0], low[0] + parts.shape[0]), slice(low[1], low[1] + parts.shape[1]))
                whole[window] = parts > 0
                overlaps[name].append((whole & mask).sum() / max((whole | mask).sum(), 1))
                near[name] += _joints(low, parts, uv, joints, size, mesh, apart)
            region, probabilities = masks[k]
            overlaps["ordinary mask"].append(_overlap(region, probabilities, mask))
    result: dict[str, dict[str, float]] = {}
    for name, rows in near.items():
        sides = [other for _, other, _ in rows if other is not None]
        result[name] = {
            "joints": len(rows),
            "near": np.mean([close for close, _, _ in rows]),
            "left and right confused": np.mean(sides),
            "part right": np.mean([right for _, _, right in rows]),
        }
    for name, values in overlaps.items():
        result.setdefault(name, {})["mask IoU"] = np.mean(values)
    return result


def _overlap(region: torch.Tensor, probabilities: torch.Tensor, mask: np.ndarray) -> float:
    from maskrcnn.regions import paste_regions

    own = paste_regions(probabilities[None], region[None].float(), mask.shape).mask(0)
    return float((own & mask).sum() / max((own | mask).sum(), 1))


def _joints(
    low: list[int], parts: np.ndarray, uv: np.ndarray, joints: np.ndarray, size: float, mesh: SurfaceMesh,
    apart: np.ndarray,
) -> list[tuple[bool, bool | None, bool]]:  # fmt: skip
    """Of each visible joint: near, nearer to the other side's joint, and the right part at it."""
    step = max(1, int(size / FINEST))  # large people need not be read at every pixel
    rows, columns = (step * places for places in np.nonzero(parts[::step, ::step]))
    vertices = mesh.vertices_at(parts[rows, columns].astype(int), uv[:, rows, columns].T)
    found = []
    for k in np.flatnonzero(joints[:, 2] == 2):
        row = int(np.clip(joints[k, 1] - low[0], 0, parts.shape[0] - 1))
        column = int(np.clip(joints[k, 0] - low[1], 0, parts.shape[1] - 1))
        right = int(parts[row, column]) in SETS[k]
        if len(vertices) == 0:
            found.append((False, None, right))
            continue
        best = apart[vertices, k].argmin()
        place = np.array([columns[best] + low[1] + 0.5, rows[best] + low[0] + 0.5])
        away = np.linalg.norm(place - joints[k, :2])
        twin = k if k == 0 else k + 1 if k % 2 else k - 1
        confused = None
        if twin != k and joints[twin, 2] == 2:
            confused = bool(np.linalg.norm(place - joints[twin, :2]) < away)
        found.append((bool(away <= NEAR * size), confused, right))
    return found


def main() -> None:
    flags = tyro.cli(Judge, use_underscores=False, config=(tyro.conf.FlagCreatePairsOff,))
    mesh, looks = load_mesh("anny-24"), Looks(Predictor.load(flags.model))
    figures: dict[str, Any] = {}
    if flags.rendered is not None:
        figures["rendered"] = on_rendered(looks, flags.rendered, flags.most)
    if flags.real is not None:
        figures["real"] = on_real(looks, flags.real, flags.photos or flags.real.parent, mesh, flags.most)
    rounded = json.dumps(figures, default=float, indent=1)
    print(rounded)
    if flags.out is not None:
        flags.out.write_text(rounded)


if __name__ == "__main__":
    main()
