"""The photos of the `everyday` model with the labels that are there, and the COCO files that training reads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from maskrcnn.files import atomic_write

KEPT = ("category_id", "bbox", "area", "iscrowd", "segmentation")  # of a real annotation; keypoints are not needed
Labelled = tuple[dict[str, Any], list[dict[str, Any]]]  # COCO's entry of an image and its annotations


def read_coco(path: Path) -> dict[str, Any]:
    """A COCO json file."""
    return json.loads(path.read_text(encoding="utf-8"))


class Photo(NamedTuple):
    """One photo of the data set to be: COCO's entry, its file, its real annotations and what it was searched for."""

    entry: dict[str, Any]
    file: Path
    real: list[dict[str, Any]]
    exhaustive: set[int]


def gather_photos(data: Path) -> list[Photo]:
    """All photos: those with all classes, those with people only, those without labels."""
    every = read_coco(data / "annotations" / "coco80_train.json")
    people = read_coco(data / "annotations" / "people_train.json")
    known = {image["id"] for image in every["images"]}
    classes = {category["id"] for category in every["categories"]}
    person = {category["id"] for category in people["categories"]}
    photos = _labelled(every, data, classes)
    photos += [photo for photo in _labelled(people, data, person) if photo.entry["id"] not in known]
    for file in sorted((data / "unlabelled").glob("*.jpg")):
        with Image.open(file) as opened:
            width, height = opened.size
        entry = {"id": int(file.stem), "file_name": f"unlabelled/{file.name}", "width": width, "height": height}
        photos.append(Photo(entry, file, [], set()))
    return photos


def _labelled(content: dict[str, Any], data: Path, exhaustive: set[int]) -> list[Photo]:
    own: dict[int, list[dict[str, Any]]] = {image["id"]: [] for image in content["images"]}
    for annotation in content["annotations"]:
        own[annotation["image_id"]].append({k: annotation[k] for k in KEPT})
    entries = [{k: image[k] for k in ("id", "file_name", "width", "height")} for image in content["images"]]
    return [Photo(entry, data / "images" / entry["file_name"], own[entry["id"]], exhaustive) for entry in entries]


def write_coco(path: Path, photos: Sequence[Labelled], categories: Sequence[dict[str, Any]], data: Path) -> None:
    """A COCO file of entries of images with their annotations, and beside it the links by which readers find them."""
    for name in ("images", "unlabelled"):
        link(path.parent / name, data / name)
    annotations = [{"image_id": entry["id"], **a} for entry, own in photos for a in own]
    content = {
        "images": [entry for entry, _ in photos],
        "annotations": [{"id": n, **a} for n, a in enumerate(annotations, start=1)],
        "categories": list(categories),
    }
    with atomic_write(path) as file:
        file.write_text(json.dumps(content), encoding="utf-8")


def link(path: Path, target: Path) -> None:
    """A symbolic link to an existing folder; one that points elsewhere is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() and path.resolve() != target.resolve():
        path.unlink()
    if not path.is_symlink():
        path.symlink_to(target.resolve(), target_is_directory=True)


def partial_photos(photos: Sequence[Photo], classes: set[int]) -> list[Labelled]:
    """Photos with real labels; `annotated_category_ids` says what a photo that was not searched for all was."""
    labelled = [photo for photo in photos if photo.exhaustive]
    return [
        (p.entry if p.exhaustive == classes else {**p.entry, "annotated_category_ids": sorted(p.exhaustive)}, p.real)
        for p in labelled
    ]


def count_examples(photos: Sequence[Labelled]) -> dict[int, dict[str, int]]:
    """Of each class: real objects, pseudo-labels and ignored boxes."""
    counts: dict[int, Counter[str]] = {}
    for _, own in photos:
        for a in own:
            kind = "real" if not a.get("pseudo") else "ignored" if a["iscrowd"] else "pseudo"
            if kind != "real" or not a["iscrowd"]:
                counts.setdefault(a["category_id"], Counter())[kind] += 1
    return {k: dict(count) for k, count in counts.items()}
