"""Pictures of numbers, in grey, palette and colours."""

import numpy as np
import pytest
from PIL import Image

from maskrcnn.errors import DataError
from maskrcnn.masks.components import class_of_each
from maskrcnn.modalities.images.labels.index_maps import read_label_map, voc_index, voc_palette
from maskrcnn.regions import Regions

KNOWN = {0: (0, 0, 0), 1: (128, 0, 0), 2: (0, 128, 0), 3: (128, 128, 0), 15: (192, 128, 128), 255: (224, 224, 192)}


def test_the_palette_is_that_of_voc():
    palette = np.reshape(voc_palette(), (-1, 3))
    for place, colour in KNOWN.items():
        assert tuple(palette[place]) == colour
    assert voc_index(palette).tolist() == list(range(256))
    colours = np.random.default_rng(0).integers(0, 256, (50, 3))
    assert len(set(voc_index(colours).tolist())) == 50


def test_palette_and_colours_give_the_same_numbers(tmp_path):
    numbers = np.array([[0, 1, 255], [20, 3, 0]], np.uint8)
    picture = Image.fromarray(numbers, "P")
    picture.putpalette(voc_palette())
    picture.save(tmp_path / "palette.png")
    picture.convert("RGB").save(tmp_path / "colours.png")
    assert np.array_equal(read_label_map(tmp_path / "palette.png"), numbers)
    assert np.array_equal(read_label_map(tmp_path / "colours.png", colours=True), numbers)
    with pytest.raises(DataError, match=r"colours\.png holds colours"):
        read_label_map(tmp_path / "colours.png")


def test_the_class_of_an_object_is_that_of_most_of_its_pixels():
    objects = np.array([[1, 1, 1, 0], [2, 2, 0, 3]])
    classes = np.array([[7, 7, 9, 9], [4, 4, 9, 0]])
    assert class_of_each(Regions.from_label_map(objects), classes).tolist() == [7, 4, 0]
