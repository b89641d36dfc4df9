"""The sound pictures of ``doctor_sets`` as each format has them: ``write(folder) -> what to name to a command``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from doctor_sets import CLASSES, HEIGHT, WIDTH, draw_picture, fill
from maskrcnn.modalities.images.labels.index_maps import voc_palette

COUNT = 24
Shapes = list[tuple[int, np.ndarray]]


def each_picture(folder: Path) -> list[tuple[str, Shapes]]:
    """Saves the pictures as ``folder/000.png`` ...; stem and shapes of each."""
    folder.mkdir(parents=True)
    found = []
    for k in range(COUNT):
        pixels, shapes = draw_picture(k)
        Image.fromarray(pixels).save(folder / f"{k:03}.png")
        found.append((f"{k:03}", shapes))
    return found


def write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def yolo_outlines(folder: Path) -> Path:
    for stem, shapes in each_picture(folder / "images"):
        rows = [f"{kind} " + " ".join(f"{v:.5f}" for v in (p / [WIDTH, HEIGHT]).ravel()) for kind, p in shapes]
        write_text(folder / "labels" / f"{stem}.txt", "\n".join(rows))
    (folder / "data.yaml").write_text(f"train: images\nnames: [{', '.join(CLASSES)}]\n")
    return folder


def yolo_boxes(folder: Path) -> Path:
    for stem, shapes in each_picture(folder / "images"):
        rows = []
        for kind, polygon in shapes:
            low, high = polygon.min(0) / [WIDTH, HEIGHT], polygon.max(0) / [WIDTH, HEIGHT]
            rows.append(f"{kind} " + " ".join(f"{v:.5f}" for v in (*((low + high) / 2), *(high - low))))
        write_text(folder / "labels" / f"{stem}.txt", "\n".join(rows))
    write_text(folder / "classes.txt", "\n".join(CLASSES))
    return folder


def labelme(folder: Path) -> Path:
    for stem, shapes in each_picture(folder):
        drawn = [
            {"label": CLASSES[kind], "points": p.tolist(), "shape_type": "polygon", "group_id": None, "flags": {}}
            for kind, p in shapes
        ]
        content = {"shapes": drawn, "imagePath": f"{stem}.png", "imageHeight": HEIGHT, "imageWidth": WIDTH}
        (folder / f"{stem}.json").write_text(json.dumps(content))
    return folder


def voc_boxes(folder: Path) -> Path:
    for stem, shapes in each_picture(folder / "JPEGImages"):
        objects = ""
        for kind, polygon in shapes:
            (x1, y1), (x2, y2) = polygon.min(0).round() + 1, polygon.max(0).round()
            corners = f"<xmin>{x1:.0f}</xmin><ymin>{y1:.0f}</ymin><xmax>{x2:.0f}</xmax><ymax>{y2:.0f}</ymax>"
            objects += f"<object><name>{CLASSES[kind]}</name><bndbox>{corners}</bndbox></object>"
        size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>"
        text = f"<annotation><filename>{stem}.png</filename>{size}{objects}</annotation>"
        write_text(folder / "Annotations" / f"{stem}.xml", text)
    return folder


def voc_masks(folder: Path) -> Path:
    for stem, shapes in each_picture(folder / "JPEGImages"):
        for name, numbers in (("SegmentationObject", numbered(shapes)), ("SegmentationClass", classed(shapes))):
            (folder / name).mkdir(exist_ok=True)
            image = Image.fromarray(numbers.astype(np.uint8), "P")
            image.putpalette(voc_palette())
            image.save(folder / name / f"{stem}.png")
    write_text(folder / "class_names.txt", "\n".join(["_background_", *CLASSES]))
    return folder


def via_json(folder: Path) -> Path:
    content = {}
    for stem, shapes in each_picture(folder):
        regions = [
            {
                "shape_attributes": {
                    "name": "polygon",
                    "all_points_x": polygon[:, 0].tolist(),
                    "all_points_y": polygon[:, 1].tolist(),
                },
                "region_attributes": {"class": CLASSES[kind]},
            }
            for kind, polygon in shapes
        ]
        content[f"{stem}.png-1"] = {"filename": f"{stem}.png", "size": 1, "regions": regions, "file_attributes": {}}
    (folder / "via.json").write_text(json.dumps(content))
    return folder


def class_maps(folder: Path) -> Path:
    for stem, shapes in each_picture(folder / "images"):
        save_numbers(folder / "classes" / f"{stem}.png", classed(shapes))
    write_text(folder / "classes.txt", "\n".join(CLASSES))
    return folder


def label_maps_of_classes(folder: Path) -> Path:
    for stem, shapes in each_picture(folder / "images"):
        save_numbers(folder / "labels" / f"{stem}.png", numbered(shapes))
        save_numbers(folder / "classes" / f"{stem}.png", classed(shapes))
    write_text(folder / "classes.txt", "\n".join(CLASSES))
    return folder


def object_masks(folder: Path) -> Path:
    for k in range(COUNT):
        pixels, shapes = draw_picture(k)
        own = folder / f"{k:03}"
        save_numbers(own / "images" / f"{k:03}.png", pixels)
        for number, (_, polygon) in enumerate(shapes):
            save_numbers(own / "masks" / f"{number}.png", fill(polygon) * 255)
    return folder


def numbered(shapes: Shapes) -> np.ndarray:
    numbers = np.zeros((HEIGHT, WIDTH), int)
    for number, (_, polygon) in enumerate(shapes, 1):
        numbers[fill(polygon)] = number
    return numbers


def classed(shapes: Shapes) -> np.ndarray:
    numbers = np.zeros((HEIGHT, WIDTH), int)
    for kind, polygon in shapes:
        numbers[fill(polygon)] = kind + 1
    return numbers


def save_numbers(path: Path, numbers: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(numbers.astype(np.uint8)).save(path)


FORMATS: dict[str, Callable[[Path], Path]] = {
    write.__name__: write
    for write in (
        yolo_outlines,
        yolo_boxes,
        labelme,
        voc_boxes,
        voc_masks,
        via_json,
        class_maps,
        label_maps_of_classes,
        object_masks,
    )
}
