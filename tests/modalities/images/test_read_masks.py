"""Folders of one mask file an object, and class maps without objects."""

import numpy as np
import pytest
from PIL import Image

from maskrcnn.errors import DataError
from maskrcnn.modalities.open import open_dataset

SHAPE = (40, 60)


def save(path, numbers):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(numbers).save(path)


def masks(count=3):
    """Boolean masks; the last two overlap."""
    found = np.zeros((count, *SHAPE), bool)
    for k in range(count):
        found[k, 5 + 8 * k : 15 + 8 * k, 5:20] = True
    return found


@pytest.fixture
def bowl(tmp_path, save_image):
    """As Kaggle's stage1_train: ID/images/ID.png and ID/masks/HASH.png, 8 bits of 0 and 255."""
    for name, count in (("00ae65c1", 3), ("02903040", 1)):
        save_image(tmp_path / name / "images" / f"{name}.png")
        for k, mask in enumerate(masks(count)):
            save(tmp_path / name / "masks" / f"{k}0adc36.png", mask.astype(np.uint8) * 255)
    return tmp_path


def test_each_file_is_an_object(bowl):
    dataset = open_dataset(bowl)
    assert dataset.class_names == ("object",)
    assert [record.file_name for record in dataset] == ["00ae65c1.png", "02903040.png"]
    assert dataset.max_objects() == 3
    for i, mask in enumerate(masks()):
        assert np.array_equal(dataset[0].regions.mask(i), mask)
    assert dataset.problems == []


def test_colours_and_empty_masks(bowl):
    path = bowl / "02903040" / "masks" / "00adc36.png"
    save(path, np.dstack([masks(1)[0].astype(np.uint8) * 200] * 3))
    save(path.with_name("empty.png"), np.zeros(SHAPE, np.uint8))
    record = open_dataset(bowl)[1]
    assert np.array_equal(record.regions.mask(0), masks(1)[0])
    assert len(record) == 1


def test_what_is_amiss_with_a_folder_is_said(bowl, save_image):
    save_image(bowl / "later" / "images" / "later.png")
    (bowl / "empty").mkdir()
    dataset = open_dataset(bowl)
    assert len(dataset) == 2
    assert dataset.problems == [
        f"{bowl / 'empty'} has 0 images in images/ and was left out.",
        f"{bowl / 'later'} has no masks/ and was left out.",
    ]
    save(bowl / "02903040" / "masks" / "z.png", np.zeros((4, 5), np.uint8))
    with pytest.raises(DataError, match=r"z\.png is 5 x 4 pixels but .*02903040\.png 60 x 40"):
        dataset[1]


def semantic(folder, save_image, numbers, name="classes"):
    save_image(folder / "images" / "a.jpg")
    save(folder / name / "a.png", numbers)
    return folder


@pytest.mark.parametrize("name", ["classes", "masks"])
def test_connected_parts_of_classes_are_objects_and_that_is_said(tmp_path, save_image, name):
    numbers = np.zeros(SHAPE, np.uint8)
    numbers[2:8, 2:8] = numbers[8, 8] = 3  # touches at a corner
    numbers[2:8, 8:12] = 1
    numbers[20:25, 30:40] = 3
    numbers[25] = 255
    dataset = open_dataset(semantic(tmp_path, save_image, numbers, name))
    record = dataset[0]
    assert dataset.class_names == ("class 1", "class 3")
    assert dataset.problems == [
        f"{tmp_path / name} names classes, not objects: each connected part of a class counts as one object."
    ]
    assert record.labels.tolist() == [2, 1, 2]
    assert record.regions.areas().tolist() == [37, 24, 50]
    assert dataset.max_objects() == 3
    (tmp_path / "classes.txt").write_text("road\ncar\nman\n")
    dataset = open_dataset(tmp_path)
    assert dataset.class_names == ("road", "car", "man")
    assert dataset[0].labels.tolist() == [3, 1, 3]


def test_black_and_white_is_one_class(tmp_path, save_image):
    dataset = open_dataset(semantic(tmp_path, save_image, masks(1)[0].astype(np.uint8) * 255, "masks"))
    assert dataset.class_names == ("object",)
    assert np.array_equal(dataset[0].regions.mask(0), masks(1)[0])


def test_label_maps_with_class_maps(tmp_path, save_image):
    objects, classes = np.zeros(SHAPE, np.uint16), np.zeros(SHAPE, np.uint8)
    objects[2:8, 2:8], classes[2:8, 2:8] = 1, 2
    objects[2:8, 8:12], classes[2:8, 8:12] = 300, 1
    save(tmp_path / "labels" / "a.png", objects)
    semantic(tmp_path, save_image, classes)
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    dataset = open_dataset(tmp_path)
    assert dataset.class_names == ("cat", "dog")
    assert dataset[0].labels.tolist() == [2, 1]
    save(tmp_path / "classes" / "a.png", np.full(SHAPE, 3, np.uint8))
    with pytest.raises(DataError, match=r"a\.png holds the class 3, but classes\.txt names 2"):
        dataset[0]
    (tmp_path / "classes" / "a.png").unlink()
    assert open_dataset(tmp_path).problems[0].endswith("has no class map in classes/ and was left out.")
