"""The doctor on every format: a sound set has no findings but what the format leaves open, and a fault is named."""

import json

import numpy as np
import pytest
from PIL import Image

from doctor_formats import FORMATS, save_numbers
from doctor_sets import HEIGHT, WIDTH

MAPS = ("class_maps",)  # which have no objects


@pytest.fixture
def doctor(maskrcnn, tmp_path):
    """``doctor(DATA) -> (exit code, findings by code, facts of the data)``, at the pictures' own size."""

    def run(data):
        out = tmp_path / "diagnosis.json"
        outcome = maskrcnn("doctor", data, "--image-size", WIDTH, "--quick", "--json", out)
        assert outcome.err == ""
        content = json.loads(out.read_text())
        return outcome.code, {f["code"]: f for f in content["findings"]}, content["data"]["train"]

    return run


@pytest.mark.parametrize("name", FORMATS)
def test_of_a_sound_set_in_any_format_nothing_is_said(doctor, tmp_path, name):
    code, found, facts = doctor(FORMATS[name](tmp_path / "data"))
    assert (code, set(found)) == (0, set())
    assert (facts["images"], facts["has_masks"]) == (24, not name.endswith("boxes"))
    assert facts["objects"] == (0 if name in MAPS else 72)
    assert name in MAPS or set(facts["classes"].values()) == {72 if name == "object_masks" else 24}


def edit(path, old, new):
    """Replace the first ``old`` in a text file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def add_row(row):
    def add(folder):
        path = folder / "labels" / "003.txt"
        path.write_text(f"{path.read_text()}\n{row}\n")

    return add


def other_size(path):
    with Image.open(path) as image:
        smaller = image.resize((WIDTH // 2, HEIGHT // 2))
    smaller.save(path)


PLANTED = {  # format, what is done to its folder, the findings, and words of the first example
    "yolo unknown class": (
        "yolo_outlines",
        add_row("7 0.1 0.1 0.2 0.2 0.3 0.1"),
        {"reader"},
        "row 4 is of the unknown class 7",
    ),
    "yolo nameless class": ("yolo_boxes", add_row("3 0.5 0.5 0.1 0.1"), {"class-few"}, "class 3: 1"),
    "yolo no number": ("yolo_outlines", add_row("0 0.1 nan 0.2 0.2 0.3 0.3"), {"reader"}, "finite numbers"),
    "yolo outside": ("yolo_boxes", add_row("0 1.6 0.5 0.1 0.1"), {"reader"}, "cover nothing of the image"),
    "yolo over the border": ("yolo_boxes", add_row("0 0.95 0.5 0.4 0.1"), {"reader"}, "was cut off (1 objects)"),
    "yolo no label file": (
        "yolo_boxes",
        lambda folder: (folder / "labels" / "003.txt").unlink(),
        {"image-unlabelled"},
        "003.png",
    ),
    "yolo damaged image": (
        "yolo_outlines",
        lambda folder: truncate(folder / "images" / "003.png"),
        {"image-unreadable"},
        "003.png: is cut off",
    ),
    "yolo no image at all": (
        "yolo_outlines",
        lambda folder: (folder / "images" / "003.png").write_bytes(b"no image"),
        {"reader"},
        "003.png was left out",
    ),
    "labelme damaged json": ("labelme", lambda folder: truncate(folder / "003.json"), {"reader"}, "003.json"),
    "labelme no image": ("labelme", lambda folder: (folder / "003.png").unlink(), {"reader"}, "003.png"),
    "labelme other size": ("labelme", lambda folder: other_size(folder / "003.png"), {"image-size"}, "003.png"),
    "labelme two points": (
        "labelme",
        lambda folder: edit(folder / "003.json", '"shape_type": "polygon"', '"shape_type": "line"'),
        {"reader"},
        "shape 1",
    ),
    "voc damaged xml": (
        "voc_boxes",
        lambda folder: truncate(folder / "Annotations" / "003.xml"),
        {"reader"},
        "003.xml is not complete xml",
    ),
    "voc no image": ("voc_boxes", lambda folder: (folder / "JPEGImages" / "003.png").unlink(), {"reader"}, "003.png"),
    "voc no number": (
        "voc_boxes",
        lambda folder: edit(folder / "Annotations" / "003.xml", "<xmin>", "<xmin>NaN"),
        {"reader"},
        "object 1 has no box",
    ),
    "voc other size": (
        "voc_boxes",
        lambda folder: other_size(folder / "JPEGImages" / "003.png"),
        {"image-size"},
        "003.png",
    ),
    "voc no class picture": (
        "voc_masks",
        lambda folder: (folder / "SegmentationClass" / "003.png").unlink(),
        {"reader"},
        "003.png",
    ),
    "voc unnamed class": (
        "voc_masks",
        lambda folder: save_numbers(folder / "SegmentationClass" / "003.png", np.full((HEIGHT, WIDTH), 9)),
        {"labels-unreadable"},
        "class number 9",
    ),
    "via no image": ("via_json", lambda folder: (folder / "003.png").unlink(), {"reader"}, "003.png is not there"),
    "via no area": (
        "via_json",
        lambda folder: edit(folder / "via.json", '"name": "polygon"', '"name": "point"'),
        {"reader"},
        "region 1",
    ),
    "class map damaged": (
        "class_maps",
        lambda folder: truncate(folder / "classes" / "003.png"),
        {"labels-unreadable"},
        "003.png",
    ),
    "class map missing": (
        "class_maps",
        lambda folder: (folder / "classes" / "003.png").unlink(),
        {"reader"},
        "003.png has no class map",
    ),
    "label map without classes": (
        "label_maps_of_classes",
        lambda folder: (folder / "classes" / "003.png").unlink(),
        {"reader"},
        "no class map in classes/",
    ),
    "label map missing": (
        "label_maps_of_classes",
        lambda folder: (folder / "labels" / "003.png").unlink(),
        {"image-unlabelled"},
        "003.png",
    ),
    "mask of another size": (
        "object_masks",
        lambda folder: other_size(folder / "003" / "masks" / "1.png"),
        {"labels-unreadable"},
        "1.png",
    ),
    "two images in one folder": (
        "object_masks",
        lambda folder: save_numbers(folder / "003" / "images" / "more.png", np.zeros((8, 8))),
        {"reader"},
        "2 images",
    ),
}


@pytest.mark.parametrize("case", PLANTED)
def test_a_fault_in_any_format_is_named(doctor, tmp_path, case):
    name, plant, expected, words = PLANTED[case]
    folder = FORMATS[name](tmp_path / "data")
    plant(folder)
    _, found, _ = doctor(folder)
    assert set(found) == expected
    worst = next(iter(found.values()))  # the worst comes first
    assert worst["count"] == 1 and words in worst["examples"][0]
