"""Small sound data sets for the doctor, and the faults that tests plant in them, each a function of the json content.

A fault is planted in a data set of 24 pictures of 96 x 128 pixels with three bright shapes each (one a quadrant but the
last), of three classes. Only what a fault says may be found.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from maskrcnn.regions import Regions
from maskrcnn.rle import regions_to_rle

CLASSES = ("disc", "brick", "wedge")
HEIGHT, WIDTH = 96, 128
COLORS = ((230, 70, 60), (60, 200, 90), (70, 90, 235))

Content = dict[str, Any]
Plant = Callable[[Content, Path], None]


def draw_picture(seed: int, count: int = 3) -> tuple[np.ndarray, list[tuple[int, np.ndarray]]]:
    """Pixels ``[H, W, 3]`` and (class 0.., polygon ``[n, 2]``) of each shape."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(20, 110, (6, 8, 3)).astype(np.uint8)
    pixels = np.array(Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)).astype(np.int64)
    pixels = np.clip(pixels + generator.integers(-6, 7, pixels.shape), 0, 255).astype(np.uint8)
    shapes = []
    for k in range(count):
        kind = (seed + k) % len(CLASSES)
        x = 32 + 64 * (k % 2) + generator.integers(-7, 8)
        y = 24 + 48 * (k // 2) + generator.integers(-4, 5)
        w, h = generator.integers(11, 20), generator.integers(10, 17)
        angles = np.linspace(0, 2 * np.pi, (24, 4, 3)[kind], endpoint=False) + (0, np.pi / 4, np.pi / 6)[kind]
        polygon = np.stack([x + w * np.cos(angles), y + h * np.sin(angles)], 1).round(1)
        pixels[fill(polygon)] = np.array(COLORS[kind]) + generator.integers(-20, 20, 3)
        shapes.append((kind, polygon))
    return pixels, shapes


def fill(polygon: np.ndarray) -> np.ndarray:
    """bool ``[H, W]``: the pixels whose centres a convex polygon ``[n, 2]`` holds."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    inside = np.ones((HEIGHT, WIDTH), bool)
    for a, b in zip(polygon, np.roll(polygon, -1, axis=0)):
        inside &= (b[0] - a[0]) * (rows - a[1]) - (b[1] - a[1]) * (columns - a[0]) >= 0
    return inside


def write_set(folder: Path, count: int = 24, first: int = 0) -> Path:
    """A sound set of ``count`` pictures ``000.png`` ... with a COCO json beside them; the path of the json."""
    folder.mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for k in range(first, first + count):
        pixels, shapes = draw_picture(k)
        Image.fromarray(pixels).save(folder / f"{k:03}.png")
        images.append({"id": k, "file_name": f"{k:03}.png", "height": HEIGHT, "width": WIDTH})
        for kind, polygon in shapes:
            (x1, y1), (x2, y2) = polygon.min(0), polygon.max(0)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": k,
                    "category_id": kind + 1,
                    "bbox": [float(x1), float(y1), float(x2 - x1), float(y2 - y1)],
                    "segmentation": [polygon.ravel().tolist()],
                    "iscrowd": 0,
                }
            )
    categories = [{"id": k, "name": name} for k, name in enumerate(CLASSES, 1)]
    path = folder / "labels.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


def plant(path: Path, *faults: Plant) -> Path:
    """Change the set of ``path``; faults touch images and annotations of their own."""
    content = json.loads(path.read_text())
    for fault in faults:
        fault(content, path.parent)
    path.write_text(json.dumps(content))
    return path


def first_of(content: Content, position: int) -> Content:
    """The first annotation of the image at ``position``."""
    image_id = content["images"][position]["id"]
    return next(a for a in content["annotations"] if a["image_id"] == image_id)


def missing(content, folder):
    (folder / content["images"][0]["file_name"]).unlink()


def truncated(content, folder):
    path = folder / content["images"][1]["file_name"]
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[: len(data) // 2])


def other_size(content, folder):
    path = folder / content["images"][2]["file_name"]
    with Image.open(path) as image:
        smaller = image.convert("RGB").resize((image.width // 2, image.height // 2))
    path.unlink()
    smaller.save(path)


def duplicate(content, folder):
    copy_image(
        content, folder, 3, "copy.jpg", lambda image: image.resize((image.width * 3 // 4, image.height * 3 // 4))
    )


def copy_image(content, folder, position, name, change):
    """A further image with the labels of the one at ``position``, scaled to its new size."""
    entry = content["images"][position]
    with Image.open(folder / entry["file_name"]) as image:
        changed = change(image.convert("RGB"))
    changed.save(folder / name, quality=90)
    new = max(image["id"] for image in content["images"]) + 1
    content["images"].append(entry | {"id": new, "file_name": name, "height": changed.height, "width": changed.width})
    fx, fy = changed.width / entry["width"], changed.height / entry["height"]
    for a in [a for a in content["annotations"] if a["image_id"] == entry["id"]]:
        x, y, w, h = a["bbox"]
        parts = [(np.array(p).reshape(-1, 2) * [fx, fy]).ravel().tolist() for p in a["segmentation"]]
        box = [x * fx, y * fy, w * fx, h * fy]
        number = len(content["annotations"]) + 10**6
        content["annotations"].append(a | {"id": number, "image_id": new, "bbox": box, "segmentation": parts})


def unlabelled(content, folder):
    image_id = content["images"][4]["id"]
    content["annotations"] = [a for a in content["annotations"] if a["image_id"] != image_id]


def box_outside(content, folder):
    first_of(content, 5)["bbox"][0] += 2000


def box_without_area(content, folder):
    first_of(content, 6)["bbox"][2] = 0


def box_and_mask(content, folder):
    box = first_of(content, 7)["bbox"]
    box[:] = [box[0], box[1], box[2] / 3, box[3] / 3]


def crossing(content, folder):
    annotation = first_of(content, 8)
    x, y, w, h = annotation["bbox"]
    annotation["segmentation"] = [[x, y, x + w, y + h, x + w, y, x, y + h]]


def not_a_number(content, folder):
    first_of(content, 9)["bbox"][1] = math.nan


def nameless_category(content, folder):
    first_of(content, 10)["category_id"] = 99


def rare_class(content, folder):
    content["categories"].append({"id": 50, "name": "rarity"})
    for position in (11, 12):
        first_of(content, position)["category_id"] = 50


def empty_class(content, folder):
    content["categories"].append({"id": 51, "name": "nobody"})


def lost_label(content, folder):
    content["annotations"].append(first_of(content, 13) | {"id": 777777, "image_id": 424242})


def twice(content, folder):
    content["annotations"].append(first_of(content, 14) | {"id": 888888})


def wrong_rle(content, folder):
    first_of(content, 15)["segmentation"] = {"size": [3, 4], "counts": [2, 5, 5]}


def no_mask(content, folder):
    first_of(content, 16)["segmentation"] = []


def blank(content, folder):
    entry = content["images"][17]
    path = folder / entry["file_name"]
    path.unlink()
    Image.new("RGB", (entry["width"], entry["height"]), (90, 90, 90)).save(path)


def same_id(content, folder):
    with Image.open(folder / content["images"][18]["file_name"]) as image:
        image.convert("RGB").rotate(90, expand=True).save(folder / "again.png")
    content["images"].append(content["images"][18] | {"file_name": "again.png"})


FAULTS: dict[str, Plant] = {  # by the code of the finding
    "image-missing": missing,
    "image-unreadable": truncated,
    "image-size": other_size,
    "image-duplicate": duplicate,
    "image-unlabelled": unlabelled,
    "image-blank": blank,
    "image-entry": same_id,
    "box-outside": box_outside,
    "box-empty": box_without_area,
    "box-mask-disagree": box_and_mask,
    "polygon-crossing": crossing,
    "not-a-number": not_a_number,
    "category-unknown": nameless_category,
    "class-few": rare_class,
    "class-empty": empty_class,
    "label-without-image": lost_label,
    "object-twice": twice,
    "mask-unreadable": wrong_rle,
    "mask-missing": no_mask,
}


def move_everything(content: Content, how: Callable[[np.ndarray], np.ndarray]) -> None:
    """Polygons and boxes of all objects, each point ``[n, 2]`` through ``how`` and cut to its image."""
    shapes = {image["id"]: (image["width"], image["height"]) for image in content["images"]}
    for a in content["annotations"]:
        limit = np.array(shapes[a["image_id"]])
        parts = [np.clip(how(np.array(part).reshape(-1, 2)), 0, limit) for part in a["segmentation"]]
        points = np.concatenate(parts)
        low, high = points.min(0), points.max(0)
        a["segmentation"] = [part.ravel().tolist() for part in parts]
        a["bbox"] = [*low.tolist(), *(high - low).tolist()]


def write_label_maps(folder: Path, count: int = 24) -> Path:
    """The same pictures as a folder of label maps."""
    for k in range(count):
        pixels, shapes = draw_picture(k)
        numbers = np.zeros((HEIGHT, WIDTH), np.uint16)
        for number, (_, polygon) in enumerate(shapes, 1):
            numbers[fill(polygon)] = number
        for name, array in (("images", pixels), ("labels", numbers)):
            (folder / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(folder / name / f"{k:03}.png")
    return folder


def to_rle(content: Content, folder: Path) -> None:
    """Masks as run lengths of the pixels whose centres the polygons hold."""
    for a in content["annotations"]:
        polygon = np.array(a["segmentation"][0]).reshape(-1, 2)
        a["segmentation"] = regions_to_rle(Regions.from_masks([fill(polygon)], (HEIGHT, WIDTH)), 0)
