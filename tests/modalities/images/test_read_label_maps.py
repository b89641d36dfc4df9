"""Label maps: every number is one object, exactly where it stands."""

import numpy as np
import pytest
from PIL import Image

from maskrcnn.errors import DataError
from maskrcnn.modalities.open import open_dataset


@pytest.fixture
def folder(tmp_path, save_image):
    label_map = np.zeros((40, 60), np.uint16)
    label_map[3:9, 4:20] = 1
    label_map[3:9, 20:25] = 7  # touches the first
    label_map[30:, :5] = 300
    label_map[0, 59] = 300  # a second part
    (tmp_path / "labels").mkdir()
    for name, numbers in (("a", label_map), ("b", np.zeros_like(label_map))):
        save_image(tmp_path / "images" / f"{name}.png")
        Image.fromarray(numbers).save(tmp_path / "labels" / f"{name}.png")
    return tmp_path


def test_each_number_is_an_object(folder):
    dataset = open_dataset(folder)
    label_map = np.array(Image.open(folder / "labels" / "a.png"))
    record = dataset[0]
    assert dataset.class_names == ("object",)
    assert dataset.has_masks
    assert dataset.problems == []
    assert dataset.max_objects() == 3
    assert record.labels.tolist() == [1, 1, 1]
    assert record.boxes[:2].tolist() == [[4, 3, 20, 9], [20, 3, 25, 9]]
    for i, value in enumerate((1, 7, 300)):
        assert np.array_equal(record.regions.mask(i), label_map == value)
    assert len(dataset[1]) == 0
    assert dataset.read_image(record).shape == (3, 40, 60)


def test_images_without_a_partner_are_named(folder, save_image):
    save_image(folder / "images" / "c.png")
    Image.new("L", (60, 40)).save(folder / "labels" / "d.png")
    dataset = open_dataset(folder)
    assert len(dataset) == 2
    assert [problem.split(" has no ")[1] for problem in dataset.problems] == [
        "label map and was left out.",
        "image and was left out.",
    ]


def test_a_label_map_of_colours_or_of_nothing_is_refused(folder):
    Image.new("RGB", (60, 40), "red").save(folder / "labels" / "a.png")
    (folder / "labels" / "b.png").write_bytes(b"")
    dataset = open_dataset(folder)
    with pytest.raises(DataError, match=r"a\.png holds colours"):
        dataset[0]
    with pytest.raises(DataError, match=r"b\.png cannot be read"):
        dataset[1]


def test_no_pair_at_all_is_refused(folder):
    (folder / "images" / "a.png").unlink()
    (folder / "images" / "b.png").unlink()
    with pytest.raises(DataError, match="no image in images/"):
        open_dataset(folder)


def test_real_nuclei(shared_data):
    dataset = open_dataset(shared_data / "nuclei" / "val")
    assert len(dataset) == 64
    assert sum(len(record) for record in dataset) == 3097
    assert dataset.max_objects() == 375
