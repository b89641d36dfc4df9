"""Writes pictures of rendered people, every pixel of whom is labelled: COCO json with DensePose's fields, and IUV."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from maskrcnn.data.coco_keypoints import to_coco_keypoints
from maskrcnn.files import atomic_write
from maskrcnn.jobs.events import Progress, Tell, tell_nobody
from maskrcnn.jobs.options.synthetic import PeopleOptions
from maskrcnn.modalities.images.read.find import find_images
from maskrcnn.modalities.images.synthetic.bodies import JOINTS, Bodies
from maskrcnn.modalities.images.synthetic.people import Person, Picture, draw_picture
from maskrcnn.modalities.images.synthetic.textures import Photos
from maskrcnn.regions import Regions
from maskrcnn.rle import regions_to_rle
from maskrcnn.surfaces.mesh import load_mesh

SURFACE = "anny-24"
GRID = 256  # DensePose's points are told in 256ths of a box
KEPT_EVERY = 100  # pictures: what is made when a run is stopped can be used
FORM = "synthetic_{:06d}"


@dataclass
class PeopleSet:
    """What was made."""

    pictures: int
    people: int


def make_people(options: PeopleOptions, tell: Tell = tell_nobody) -> PeopleSet:
    """Write ``images/synthetic_000001.jpg`` ..., ``iuv/`` of the same names as PNG (part, u and v of each pixel) and
    ``annotations.json`` into ``options.out``. Picture k follows from the seed and k alone.

    Args:
        options: how many pictures to make, how large they are and what people stand before.
        tell: is given :class:`Progress` after each picture.

    Returns:
        How many pictures and people there are now.

    Raises:
        UsageError: the folder holds something already, or the body model is not installed.
    """
    options.check()
    bodies, mesh = Bodies(), load_mesh(SURFACE)
    photos = Photos(find_images(options.photos) if options.photos is not None else [])
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for index in range(options.first, options.first + options.count):
        rng = np.random.default_rng((options.seed, index))
        picture = draw_picture(rng, bodies, mesh, photos, options.size, options.size)
        name = FORM.format(index)
        _write_picture(options.out / "images" / f"{name}.jpg", picture.pixels, quality=int(rng.integers(60, 96)))
        _write_picture(options.out / "iuv" / f"{name}.png", iuv_of(picture))
        images.append({"id": index, "file_name": f"{name}.jpg", "height": options.size, "width": options.size})
        for person in picture.people:
            entry = annotation_of(picture, person, rng, options.points)
            annotations.append({"id": len(annotations) + 1, "image_id": index, "category_id": 1, **entry})
        if len(images) % KEPT_EVERY == 0 or len(images) == options.count:
            _write_labels(options.out, images, annotations)
        tell(Progress("making", len(images), options.count))
    return PeopleSet(len(images), len(annotations))


def _write_labels(out: Path, images: list[dict[str, Any]], annotations: list[dict[str, Any]]) -> None:
    category = {"id": 1, "name": "person", "keypoints": list(JOINTS)}
    info = {"description": "rendered people", "surface": SURFACE}
    content = {"info": info, "images": images, "annotations": annotations, "categories": [category]}
    with atomic_write(out / "annotations.json") as temporary:
        temporary.write_text(json.dumps(content), encoding="utf-8")


def iuv_of(picture: Picture) -> np.ndarray:
    """uint8 ``[H, W, 3]``: the part, and u and v as 255ths."""
    uv = np.rint(picture.uv.clip(0, 1) * 255).astype(np.uint8)
    return np.concatenate([picture.parts[..., None], uv], 2)


def annotation_of(picture: Picture, person: Person, rng: np.random.Generator, points: int) -> dict[str, Any]:
    """A person as COCO and COCO-DensePose have it, without ids.

    Args:
        picture: with them.
        person: one of it.
        rng: draws the points.
        points: how many surface points, at most.

    Returns:
        The annotation.
    """
    regions = Regions.from_masks([person.mask], person.mask.shape)
    x1, y1, x2, y2 = (float(c) for c in regions.boxes()[0])
    rows, columns = np.nonzero(person.mask)
    some = np.sort(rng.permutation(len(rows))[:points])
    rows, columns = rows[some], columns[some]
    keypoints = np.reshape(to_coco_keypoints(person.keypoints[None])[0], (-1, 3))
    keypoints[person.keypoints[:, 2] == 0] = 0
    return {
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": float(person.mask.sum()),
        "iscrowd": 0,
        "segmentation": regions_to_rle(regions, 0),
        "keypoints": np.round(keypoints, 2).reshape(-1).tolist(),
        "num_keypoints": int((person.keypoints[:, 2] > 0).sum()),
        "dp_x": np.round((columns + 0.5 - x1) / (x2 - x1) * GRID, 2).tolist(),
        "dp_y": np.round((rows + 0.5 - y1) / (y2 - y1) * GRID, 2).tolist(),
        "dp_I": picture.parts[rows, columns].tolist(),
        "dp_U": np.round(picture.uv[rows, columns, 0].astype(float), 4).tolist(),
        "dp_V": np.round(picture.uv[rows, columns, 1].astype(float), 4).tolist(),
    }


def _write_picture(path: Path, pixels: np.ndarray, **options: Any) -> None:
    """A file that is written whole, in the form of its suffix."""
    packed = io.BytesIO()
    Image.fromarray(pixels).save(packed, {".jpg": "jpeg", ".png": "png"}[path.suffix], **options)
    with atomic_write(path) as temporary:
        temporary.write_bytes(packed.getvalue())
