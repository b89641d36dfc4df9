"""Class maps as people have them: numbers, palettes and colours, lists of classes, and what is wrong with them."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from maskrcnn.data.class_maps.tasks import OBJECTS, SEMANTIC, for_task
from maskrcnn.errors import DataError
from maskrcnn.modalities.open import open_dataset
from maskrcnn.structures import IGNORED

SHAPE = (8, 9)
NUMBERS = np.zeros(SHAPE, np.uint8)
NUMBERS[2:4], NUMBERS[5], NUMBERS[7] = 1, 3, 255
COLOURS = np.zeros((*SHAPE, 3), np.uint8)
COLOURS[2], COLOURS[4] = (0, 128, 192), (64, 0, 128)  # of CamVid: Bicyclist, Car


def make(folder, class_map, classes="", name="a.png", **options):
    """A data set of one black image and its class map, an array, a picture or the bytes of a file."""
    for part in ("images", "classes"):
        (folder / part).mkdir(exist_ok=True)
    Image.fromarray(np.zeros((*SHAPE, 3), np.uint8)).save(folder / "images" / "a.png")
    path = folder / "classes" / name
    if isinstance(class_map, bytes):
        path.write_bytes(class_map)
    else:
        picture = class_map if isinstance(class_map, Image.Image) else Image.fromarray(class_map)
        picture.save(path, **options)
    if classes:
        (folder / "classes.txt").write_text(classes)
    return folder


def opened(folder):
    return for_task(open_dataset(folder), SEMANTIC)


def four_bits(numbers):
    """A grey PNG of four bits a pixel, which Pillow reads but does not write."""
    rows = [[*row, *[0] * (len(row) % 2)] for row in numbers.tolist()]
    packed = b"".join(b"\0" + bytes(row[k] << 4 | row[k + 1] for k in range(0, len(row), 2)) for row in rows)

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", numbers.shape[1], numbers.shape[0], 4, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(packed)) + chunk(b"IEND", b"")


def test_numbers_without_a_list(tmp_path):
    data = opened(make(tmp_path, NUMBERS))
    assert data.class_names == ("class 1", "class 3") and data.background and data.category_ids == (1, 3)
    expected = np.select([NUMBERS == 1, NUMBERS == 3, NUMBERS == 255], [1, 2, IGNORED], 0)
    assert (data[0].class_map == expected).all() and len(data[0]) == 0


def test_lines_of_numbers_and_names_where_0_is_a_class(tmp_path):
    data = opened(make(tmp_path, NUMBERS, "0 sky\n1 road\n3 mud (ignore)\n"))
    assert data.class_names == ("sky", "road") and not data.background and data.category_ids == (0, 1)
    assert (data[0].class_map == np.select([NUMBERS == 0, NUMBERS == 1], [1, 2], IGNORED)).all()


def test_0_is_background_where_the_list_does_not_name_it(tmp_path):
    data = opened(make(tmp_path, NUMBERS, "1: road\n3: tree\n"))
    assert data.class_names == ("road", "tree") and data.background
    assert set(np.unique(data[0].class_map)) == {IGNORED, 0, 1, 2}


def test_as_objects_every_connected_part_counts_as_before(tmp_path):
    data = for_task(open_dataset(make(tmp_path, NUMBERS, "0 sky\n1 road\n3 tree\n")), OBJECTS)
    assert data[0].class_map is None and sorted(data[0].labels.tolist()) == [1, 1, 1, 2, 3]
    assert any("each connected part" in problem for problem in data.problems)
    assert not opened(tmp_path).problems


def test_colours_that_a_list_names(tmp_path):
    lines = "0 0 0 nothing (ignore)\n0 128 192 bike\n64 0 128 car\n"
    data = opened(make(tmp_path, COLOURS, lines))
    assert data.class_names == ("bike", "car") and not data.background
    assert data[0].class_map[2, 0] == 1 and data[0].class_map[4, 0] == 2 and data[0].class_map[0, 0] == IGNORED


def test_the_colours_of_camvid_are_known(tmp_path):
    data = opened(make(tmp_path, COLOURS))
    assert data.class_names == ("Bicyclist", "Car") and "CamVid" in data.problems[0]
    assert data[0].class_map[0, 0] == IGNORED  # black is Void there


def test_the_colours_of_voc_are_known_and_black_is_background(tmp_path):
    colours = np.zeros((*SHAPE, 3), np.uint8)
    colours[1], colours[2], colours[3] = (192, 128, 128), (128, 192, 0), (224, 224, 192)
    data = opened(make(tmp_path, colours))
    assert data.class_names == ("person", "train") and data.background
    assert data[0].class_map[:4, 0].tolist() == [0, 1, 2, IGNORED]


def test_a_palette_s_places_are_its_numbers(tmp_path):
    picture = Image.fromarray(NUMBERS % 4, "P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 9, 9, 9, 0, 255, 0])
    assert opened(make(tmp_path, picture, bits=4)).class_names == ("class 1", "class 3")


def test_cityscapes_as_it_is_unpacked(tmp_path):
    images, maps = tmp_path / "leftImg8bit" / "aachen", tmp_path / "gtFine" / "aachen"
    images.mkdir(parents=True), maps.mkdir(parents=True)
    Image.fromarray(np.zeros((*SHAPE, 3), np.uint8)).save(images / "aachen_0_1_leftImg8bit.png")
    ids = np.zeros(SHAPE, np.uint8)
    ids[1], ids[2] = 7, 26
    Image.fromarray(ids).save(maps / "aachen_0_1_gtFine_labelIds.png")
    Image.fromarray(COLOURS).save(maps / "aachen_0_1_gtFine_color.png")
    data = opened(tmp_path)
    assert len(data.class_names) == 19 and not data.background
    labels = [data.class_names[k - 1] if k > 0 else k for k in data[0].class_map[:3, 0].tolist()]
    assert labels == [IGNORED, "road", "car"]


def test_ade20k_as_it_is_unpacked(tmp_path):
    for part in ("images", "annotations"):
        (tmp_path / part / "training").mkdir(parents=True)
    Image.fromarray(np.zeros((*SHAPE, 3), np.uint8)).save(tmp_path / "images" / "training" / "a.jpg")
    Image.fromarray(NUMBERS % 4).save(tmp_path / "annotations" / "training" / "a.png")
    rows = ["Idx\tRatio\tTrain\tVal\tStuff\tName", *(f"{k}\t0\t1\t1\t0\t{name}" for k, name in NAMES)]
    (tmp_path / "objectInfo150.txt").write_text("\n".join(rows))
    data = opened(tmp_path)
    assert data.class_names == ("wall", "building", "sky") and not data.background
    assert set(np.unique(data[0].class_map)) == {IGNORED, 1, 3}


NAMES = ((1, "wall"), (2, "building, edifice"), (3, "sky"))


def test_four_bit_grey_is_its_numbers(tmp_path):
    data = opened(make(tmp_path, four_bits(NUMBERS % 4)))
    assert data.class_names == ("class 1", "class 3")
    assert (data[0].class_map == np.select([NUMBERS % 4 == 1, NUMBERS % 4 == 3], [1, 2], 0)).all()


def test_what_is_transparent_is_unlabelled(tmp_path):
    grey = NUMBERS % 4
    alpha = np.where(grey == 1, 0, 255).astype(np.uint8)
    data = opened(make(tmp_path, np.stack([grey, grey, grey, alpha], -1)))
    assert data.class_names == ("class 3",) and (data[0].class_map[grey == 1] == IGNORED).all()


def test_a_number_outside_the_list_is_a_sentence(tmp_path):
    data = opened(make(tmp_path, NUMBERS, "0 sky\n1 road\n"))
    with pytest.raises(
        DataError, match=r"a\.png holds the number 3, which .*classes\.txt does not name; add a line `3"
    ):
        data[0]


def test_a_colour_outside_the_list_is_a_sentence(tmp_path):
    data = opened(make(tmp_path, COLOURS, "0 0 0 nothing\n64 0 128 car\n"))
    with pytest.raises(
        DataError, match=r"holds the colour 0 128 192, which .*classes\.txt does not name; add a line `0 128 192"
    ):
        data[0]


def test_colours_of_no_palette_are_a_sentence(tmp_path):
    colours = COLOURS.copy()
    colours[5] = (1, 2, 3)
    with pytest.raises(DataError, match=r"a\.png is in colours, such as 1 2 3, that are of no palette .*RED GREEN"):
        open_dataset(make(tmp_path, colours))


def test_colours_in_a_jpeg_are_a_sentence(tmp_path):
    data = opened(make(tmp_path, COLOURS, "0 0 0 nothing\n64 0 128 car\n0 128 192 bike\n", name="a.jpg"))
    with pytest.raises(DataError, match=r"a\.jpg is a JPEG or WebP, which changes colours"):
        data[0]


def test_colours_in_a_jpeg_without_a_list_are_the_same_sentence(tmp_path):
    with pytest.raises(DataError, match=r"a\.jpg is a JPEG or WebP, which changes colours"):
        open_dataset(make(tmp_path, COLOURS, name="a.jpg"))


def test_a_number_twice_is_a_sentence(tmp_path):
    with pytest.raises(DataError, match=r"classes\.txt has 1 in two lines"):
        open_dataset(make(tmp_path, NUMBERS, "0 sky\n1 road\n1 tree\n"))


def test_a_map_of_another_size_is_a_sentence(tmp_path):
    data = opened(make(tmp_path, NUMBERS[:4]))
    with pytest.raises(DataError, match="9 x 8 pixels but its labels were drawn on 9 x 4"):
        data.read_image(data[0])
