"""YOLO: the layouts of Ultralytics, Roboflow and LabelImg."""

import numpy as np
import pytest
import yaml
from pycocotools import mask as pycoco

from maskrcnn.errors import DataError
from maskrcnn.modalities.open import open_dataset

SHAPE = (40, 60)
TRIANGLE = [6.0, 4.0, 21.0, 6.0, 12.0, 31.0]


def outline(label, points):
    values = np.reshape(points, (-1, 2)) / SHAPE[::-1]
    return " ".join([str(label), *(f"{value:.6f}" for value in values.ravel())])


def box(label, x1, y1, x2, y2):
    values = [(x1 + x2) / 2 / 60, (y1 + y2) / 2 / 40, (x2 - x1) / 60, (y2 - y1) / 40]
    return " ".join([str(label), *(f"{value:.6f}" for value in values)])


@pytest.fixture
def write(tmp_path, save_image):
    """``write({"images/train/a.jpg": rows}, data.yaml's content)``; rows None: no label file."""

    def write(images, description=None, labels_of=lambda path: path.replace("images/", "labels/")):
        for name, rows in images.items():
            save_image(tmp_path / name)
            label = (tmp_path / labels_of(name)).with_suffix(".txt")
            label.parent.mkdir(parents=True, exist_ok=True)
            if rows is not None:
                label.write_text("\n".join(rows))
        if description is not None:
            (tmp_path / "data.yaml").write_text(yaml.safe_dump(description))
        return tmp_path

    return write


def ultralytics(write, **description):
    images = {
        "images/train/a.jpg": [outline(1, TRIANGLE), outline(0, [30, 10, 40, 10, 40, 20, 30, 20])],
        "images/train/b.jpg": None,
        "images/val/c.jpg": [outline(0, TRIANGLE)],
    }
    names = {0: "cat", 1: "dog", 2: "eel"}
    return write(
        images, {"path": "coco8-seg", "train": "images/train", "val": "images/val", "names": names} | description
    )


def test_outlines(write):
    folder = ultralytics(write)
    dataset = open_dataset(folder)
    first, second = dataset
    assert dataset.class_names == ("cat", "dog", "eel")
    assert dataset.has_masks
    assert first.labels.tolist() == [2, 1]
    expected = pycoco.decode(pycoco.frPyObjects([TRIANGLE], *SHAPE))[..., 0].astype(bool)
    assert np.array_equal(first.regions.mask(0), expected)
    assert first.boxes[1].tolist() == [30, 10, 40, 20]
    assert len(second) == 0
    assert dataset.problems == ["Images without a label file count as without objects (1 of 2)."]


def test_a_split_is_named(write):
    folder = ultralytics(write)
    for path in (f"{folder}:val", f"{folder}/data.yaml:val", f"{folder}:valid", folder / "images" / "val"):
        assert [record.file_name for record in open_dataset(path)] == ["c.jpg"]
    for path in (folder, folder / "data.yaml", f"{folder}:train", folder / "images" / "train"):
        assert len(open_dataset(path)) == 2
    assert open_dataset(folder / "images" / "val").class_names == ("cat", "dog", "eel")
    with pytest.raises(DataError, match=r"names no split test; it names train, val"):
        open_dataset(f"{folder}:test")


def test_roboflow(write):
    images = {"train/images/a.jpg": [box(0, 3, 4, 21, 30)], "valid/images/b.jpg": [box(1, 30.5, 10, 45, 20)]}
    content = {"train": "../train/images", "val": "../valid/images", "test": "../test/images", "nc": 2}
    folder = write(images, content | {"names": ["cat", "dog"], "roboflow": {"version": 1}})
    dataset = open_dataset(folder)
    assert not dataset.has_masks
    assert dataset[0].regions is None
    assert np.allclose(dataset[0].boxes, [[3, 4, 21, 30]], atol=1e-4)
    for path in (f"{folder}:val", folder / "valid"):
        dataset = open_dataset(path)
        assert dataset.class_names == ("cat", "dog")
        assert dataset[0].labels.tolist() == [2]
        assert np.allclose(dataset[0].boxes, [[30.5, 10, 45, 20]], atol=1e-4)


def test_labelimg_has_images_and_labels_in_one_folder(write):
    folder = write({"a.jpg": [box(1, 3, 4, 21, 30)], "b.jpg": []}, labels_of=lambda path: path)
    (folder / "classes.txt").write_text("cat\ndog\n")
    dataset = open_dataset(folder)
    assert dataset.class_names == ("cat", "dog")
    assert [record.labels.tolist() for record in dataset] == [[2], []]


def test_without_a_list_classes_are_numbers(write):
    dataset = open_dataset(write({"images/a.jpg": [box(2, 3, 4, 21, 30)]}))
    assert dataset.class_names == ("class 0", "class 1", "class 2")
    assert dataset[0].labels.tolist() == [3]


def test_a_split_may_be_a_list_of_images_or_several_folders(write):
    folder = ultralytics(write, train=["images/train", "images/val"], val="val.txt")
    (folder / "val.txt").write_text("./images/train/b.jpg\n./images/val/c.jpg\n./images/val/gone.jpg\n")
    assert [record.file_name for record in open_dataset(folder)] == ["a.jpg", "b.jpg", "c.jpg"]
    dataset = open_dataset(f"{folder}:val")
    assert [record.file_name for record in dataset] == ["b.jpg", "c.jpg"]
    assert "gone.jpg is listed in" in dataset.problems[0]


def test_boxes_among_outlines_have_no_mask(write):
    dataset = open_dataset(write({"images/a.jpg": [outline(0, TRIANGLE), box(0, 30, 10, 40, 20)]}))
    assert dataset.has_masks
    assert dataset[0].regions.areas()[1] == 0
    assert dataset.problems == ["In a.jpg, 1 of 2 objects come without a mask."]


def test_poses(write):
    row = box(0, 3, 4, 21, 30) + " 0.1 0.2 2 0 0 0 0.5 0.5 1"
    content = {"train": "images", "val": "images", "kpt_shape": [3, 3], "names": ["person"]}
    dataset = open_dataset(write({"images/a.jpg": [row]}, content))
    assert dataset.keypoint_names == ("1", "2", "3")
    assert np.allclose(dataset[0].keypoints, [[[6, 8, 2], [0, 0, 0], [30, 20, 1]]])


def test_a_keypoint_far_away_is_named(write):
    rows = [box(0, 3, 4, 21, 30) + f" {x} 0.2 {v}" for x, v in ((0.5, "1e300"), ("1e300", 2))]
    content = {"train": "images", "kpt_shape": [1, 3], "names": ["person"]}
    dataset = open_dataset(write({"images/a.jpg": rows}, content))
    assert len(dataset[0]) == 1
    assert "row 2 has numbers far beyond 1" in dataset.problems[0]


BROKEN = {
    "text": ("cat 0.5 0.5 0.1 0.1", "is not made of finite numbers"),
    "not a number": ("0 nan 0.5 0.1 0.1", "is not made of finite numbers"),
    "unknown class": ("3 0.5 0.5 0.1 0.1", "is of the unknown class 3"),
    "negative class": ("-1 0.5 0.5 0.1 0.1", "is of the unknown class -1"),
    "huge class": ("1e30 0.5 0.5 0.1 0.1", "is of the unknown class 1e30"),
    "far away": ("0 1e30 0.5 0.1 0.1 0.7 0.7", "has numbers far beyond 1"),
    "half a class": ("0.5 0.5 0.5 0.1 0.1", "is of the unknown class 0.5"),
    "four numbers": ("0 0.5 0.5 0.1", "has 4 numbers, which is neither a box nor an outline"),
    "odd": ("0 0.5 0.5 0.1 0.1 0.7 0.7 0.3", "has 8 numbers, which is neither a box nor an outline"),
    "outside": ("0 1.2 1.2 1.3 1.2 1.3 1.3", "covers no pixel"),
    "pixels": ("0 12 8 40 8 40 30", "has numbers far beyond 1"),
    "a pose": ("0 .26 .42 .31 .47 .2 .3 2 .4 .3 2 .4 .5 2 .2 .5 1", "looks like a box with 4 keypoints"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_row_is_named_and_the_rest_is_read(write, fault):
    row, sentence = BROKEN[fault]
    folder = write({"images/a.jpg": [outline(0, TRIANGLE), row]}, {"train": "images", "names": ["cat", "dog", "eel"]})
    dataset = open_dataset(folder)
    (problem,) = dataset.problems
    assert problem.startswith(f"{folder / 'labels' / 'a.txt'}: row 2 {sentence}") and problem.endswith("was left out.")
    assert len(dataset[0]) == 1


def test_a_box_outside_and_an_unreadable_image_are_named(write):
    images = {"images/a.jpg": [box(0, 90, 4, 95, 30), box(0, 3, 4, 21, 30)], "images/b.jpg": [box(0, 1, 2, 3, 4)]}
    folder = write(images)
    (folder / "images" / "b.jpg").write_bytes(b"")
    dataset = open_dataset(folder)
    assert len(dataset) == 1
    assert len(dataset[0]) == 1
    assert "b.jpg is empty" in dataset.problems[0]
    assert dataset.problems[1] == "a.jpg: objects that cover nothing of the image were left out (1)."


UNUSABLE = {
    "names: [a": "is not complete yaml",
    "- a": "has no list named 'names'",
    "names: {1: a, 2: b}": "other than 0, 1, 2",
    "{names: [[&a [x, x], *a]], train: images}": "a name under 'names' that is no text",
    "names: [a]": "names no split train; it names none",
    "{names: [a], train: gone}": "there are no images in",
    "{names: [a], train: images, kpt_shape: 5}": "'kpt_shape' must be a number",
    "!!python/object/apply:os.system ['false']": "has no list named 'names'",
}


@pytest.mark.parametrize("text", UNUSABLE)
def test_a_description_that_is_none_is_refused(write, text):
    folder = write({"images/a.jpg": [box(0, 3, 4, 21, 30)]})
    (folder / "data.yaml").write_text(text)
    with pytest.raises(DataError, match=r"data\.yaml") as raised:
        open_dataset(folder / "data.yaml")
    assert UNUSABLE[text] in str(raised.value)


def test_images_without_a_single_label_file_are_refused(write):
    folder = write({"images/a.jpg": None}, {"train": "images", "names": ["a"]})
    with pytest.raises(DataError, match=r"None of the 1 images .* has a label file such as .*labels/a\.txt"):
        open_dataset(folder)
