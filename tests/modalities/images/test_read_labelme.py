"""LabelMe: files as version 5 writes them."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as pycoco

from maskrcnn.errors import DataError
from maskrcnn.modalities.open import open_dataset

SHAPE = (40, 60)


def shape(label, points, shape_type="polygon", group_id=None, **more):
    """In the order and with the keys of LabelMe 5.5."""
    return {
        "label": label,
        "points": points,
        "group_id": group_id,
        "description": "",
        "shape_type": shape_type,
        "flags": {},
        "mask": None,
        **more,
    }


def encode(mask):
    """As LabelMe's ``img_arr_to_b64``: a PNG of 0 and 1."""
    file = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture
def write(tmp_path, save_image):
    def write(name, shapes, **changes):
        save_image(tmp_path / f"{name}.jpg")
        content = {
            "version": "5.5.0",
            "flags": {},
            "shapes": shapes,
            "imagePath": f"{name}.jpg",
            "imageData": None,
            "imageHeight": SHAPE[0],
            "imageWidth": SHAPE[1],
        } | changes
        (tmp_path / f"{name}.json").write_text(json.dumps(content, indent=2))
        return tmp_path

    return write


TRIANGLE = [[3.2, 4.1], [20.7, 6.0], [11.5, 30.9]]
SQUARE = [[30.0, 10.0], [40.0, 10.0], [40.0, 20.0], [30.0, 20.0]]


def test_every_shape_that_covers_an_area(write):
    brush = np.random.default_rng(0).random((7, 9)) > 0.3
    folder = write(
        "a",
        [
            shape("cat", TRIANGLE),
            shape("dog", [[50.0, 30.5], [41.0, 22.0]], "rectangle"),
            shape("cat", [[30.0, 20.0], [30.0, 26.0]], "circle"),
            shape("dog", [[12.4, 5.6], [20.4, 11.6]], "mask", mask=encode(brush)),
        ],
    )
    dataset = open_dataset(folder)
    record = dataset[0]
    assert dataset.class_names == ("cat", "dog")
    assert dataset.has_masks
    assert record.labels.tolist() == [1, 2, 1, 2]
    assert record.file_name == "a.jpg"
    polygon = pycoco.decode(pycoco.frPyObjects([np.ravel(TRIANGLE).tolist()], *SHAPE))[..., 0]
    assert np.array_equal(record.regions.mask(0), polygon.astype(bool))
    assert record.boxes[1].tolist() == [41, 22, 50, 30.5]
    assert record.regions.areas()[2] == pytest.approx(np.pi * 36, rel=0.05)
    placed = np.zeros(SHAPE, bool)
    placed[6:13, 12:21] = brush
    assert np.array_equal(record.regions.mask(3), placed)
    assert dataset.problems == ["Rectangles count as masks, like other outlines (1 of 4 objects)."]


def test_shapes_of_one_label_and_group_are_one_object(write):
    other = [[50.0, 30.0], [55.0, 30.0], [55.0, 35.0], [50.0, 35.0]]
    shapes = [shape("cat", SQUARE, group_id=1), shape("dog", SQUARE, group_id=1), shape("cat", other, group_id=1)]
    record = open_dataset(write("a", [*shapes, shape("cat", SQUARE), shape("cat", other)]))[0]
    assert record.labels.tolist() == [1, 2, 1, 1]
    assert record.regions.areas().tolist() == [125, 100, 100, 25]
    assert record.boxes[0].tolist() == [30, 10, 55, 35]


def test_nothing_but_rectangles_are_boxes(write):
    dataset = open_dataset(write("a", [shape("cat", [[5.25, 6.0], [20.0, 30.75]], "rectangle")]))
    assert not dataset.has_masks
    assert dataset[0].regions is None
    assert dataset[0].boxes.tolist() == [[5.25, 6, 20, 30.75]]
    assert dataset.problems == []


def test_an_image_without_shapes_is_an_image_and_a_list_orders_the_classes(write):
    write("a", [])
    folder = write("b", [shape("cat", SQUARE)])
    (folder / "labels.txt").write_text("__ignore__\n_background_\ndog\ncat\n")
    dataset = open_dataset(folder)
    assert [len(record) for record in dataset] == [0, 1]
    assert dataset.class_names == ("dog", "cat")
    assert dataset[1].labels.tolist() == [2]


def test_paths_of_windows_and_other_folders(write, save_image):
    folder = write("a", [shape("cat", SQUARE)], imagePath="..\\photos\\a.jpg")
    assert open_dataset(folder / "a.json")[0].source == str(folder / "a.jpg")  # its own name is beside the file
    save_image(folder / "images" / "z.jpg")
    write("b", [shape("cat", SQUARE)], imagePath="images\\z.jpg")
    assert open_dataset(folder / "b.json")[0].source == str(folder / "images" / "z.jpg")


BROKEN = {
    "a point": (shape("cat", [[3.0, 4.0]], "point"), "is a point, which covers no area"),
    "a line": (shape("cat", [[3.0, 4.0], [9.0, 9.0]], "line"), "is a line, which covers no area"),
    "two points": (shape("cat", [[3.0, 4.0], [9.0, 9.0]]), "is a polygon without 3 finite points"),
    "not a number": (shape("cat", [[3.0, float("nan")], [9.0, 9.0], [9, 1]]), "is a polygon without 3 finite points"),
    "no label": ({"points": SQUARE}, "has no label"),
    "ignored": (shape("__ignore__", SQUARE), "is __ignore__, which is no class"),
    "text": ("cat", "has no label"),
    "no picture": (shape("cat", [[3, 4], [5, 6]], "mask", mask="AAAA"), "has a mask that is no picture"),
    "far away": (shape("cat", [[3, 4], [1e9, 6], [3, 30]]), "has a corner more than a million pixels away"),
    "huge": (shape("cat", [[3, 4], [1e12, 6]], "circle"), "lies or reaches more than a million pixels away"),
    "no kind": (shape("cat", [[3, 4], [5, 6]], ["x"]), "is a ['x'] without 3 finite points"),
    "outside": (shape("cat", [[300, 4], [350, 6], [320, 30]]), "covers no pixel"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_shape_is_named_and_the_rest_is_read(write, fault):
    broken, sentence = BROKEN[fault]
    folder = write("a", [broken, shape("cat", SQUARE)])
    dataset = open_dataset(folder)
    (problem,) = dataset.problems
    assert len(dataset[0]) == 1
    assert problem.startswith(f"{folder / 'a.json'}: shape 1 {sentence}") and problem.endswith("was left out.")


def test_a_broken_file_or_a_missing_image_is_named_and_the_rest_is_read(write):
    write("a", [shape("cat", SQUARE)])
    write("b", [])
    folder = write("c", [])
    (folder / "d.json").write_text('{"shapes": [')
    (folder / "b.jpg").unlink()
    (folder / "c.json").write_text("{}")
    dataset = open_dataset(folder)
    assert len(dataset) == 1
    assert [str(folder / f"{name}.json") in problem for name, problem in zip("bcd", dataset.problems)] == [True] * 3


def test_no_image_at_all_is_refused(write):
    folder = write("a", [shape("cat", SQUARE)])
    (folder / "a.jpg").unlink()
    with pytest.raises(DataError, match=r"none of 1 LabelMe files can be used.*a\.jpg, which is not there"):
        open_dataset(folder)
