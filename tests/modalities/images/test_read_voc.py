"""Pascal VOC: the devkit's layout, and those of labelme, CVAT and Roboflow."""

import numpy as np
import pytest
from PIL import Image

from maskrcnn.errors import DataError
from maskrcnn.modalities.images.labels.index_maps import voc_palette
from maskrcnn.modalities.open import open_dataset

SHAPE = (40, 60)
XML = """<annotation>
\t<folder>VOC2012</folder>
\t<filename>{name}.jpg</filename>
\t<source><database>The VOC2007 Database</database></source>
\t<size><width>60</width><height>40</height><depth>3</depth></size>
\t<segmented>1</segmented>
{objects}
</annotation>
"""
OBJECT = """\t<object>
\t\t<name>{0}</name><pose>Left</pose><truncated>0</truncated><difficult>0</difficult>
\t\t<bndbox><xmin>{1}</xmin><ymin>{2}</ymin><xmax>{3}</xmax><ymax>{4}</ymax></bndbox>
\t\t<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>
\t</object>"""


def xml(name, *objects):
    return XML.format(name=name, objects="\n".join(OBJECT.format(*values) for values in objects))


def save_picture(path, numbers):
    """With a palette, as in VOC."""
    path.parent.mkdir(exist_ok=True)
    picture = Image.fromarray(numbers.astype(np.uint8), "P")
    picture.putpalette(voc_palette())
    picture.save(path)


@pytest.fixture
def boxes(tmp_path, save_image):
    (tmp_path / "Annotations").mkdir()
    for name, objects in (
        ("a", [("dog", 1, 1, 60, 40), ("cat", 11, 6, 20, 10)]),
        ("b", []),
        ("c", [("cat", 2, 2, 5, 5)]),
    ):
        save_image(tmp_path / "JPEGImages" / f"{name}.jpg")
        (tmp_path / "Annotations" / f"{name}.xml").write_text(xml(name, *objects))
    main = tmp_path / "ImageSets" / "Main"
    main.mkdir(parents=True)
    (main / "val.txt").write_text("c\n")
    (main / "dog_train.txt").write_text("a  1\nb -1\n")
    return tmp_path


@pytest.fixture
def masks(tmp_path, save_image):
    objects, classes = np.zeros(SHAPE, int), np.zeros(SHAPE, int)
    objects[5:15, 5:20] = 1
    objects[5:15, 20:30] = 2  # touches the first
    objects[30:36, 40:50] = 3
    classes[5:15, 5:30] = 15
    classes[30:36, 40:50] = 8
    for picture in (objects, classes):
        picture[4, 4:31] = picture[15, 4:31] = 255
    save_image(tmp_path / "JPEGImages" / "a.jpg")
    save_picture(tmp_path / "SegmentationObject" / "a.png", objects)
    save_picture(tmp_path / "SegmentationClass" / "a.png", classes)
    return tmp_path, objects, classes


def test_boxes_count_pixels_from_1(boxes):
    dataset = open_dataset(boxes)
    assert dataset.class_names == ("cat", "dog")
    assert not dataset.has_masks
    assert [len(record) for record in dataset] == [2, 0, 1]
    assert dataset[0].labels.tolist() == [2, 1]
    assert dataset[0].boxes.tolist() == [[0, 0, 60, 40], [10, 5, 20, 10]]
    assert dataset.problems == []


def test_a_0_says_that_a_tool_counted_from_0(boxes):
    (boxes / "Annotations" / "c.xml").write_text(xml("c", ("cat", 0, 3, 60, 40)))
    assert open_dataset(boxes)[0].boxes.tolist() == [[1, 1, 60, 40], [11, 6, 20, 10]]


def test_a_split_is_a_list(boxes):
    assert [record.file_name for record in open_dataset(f"{boxes}:val")] == ["c.jpg"]
    assert [record.file_name for record in open_dataset(f"{boxes}:dog_train")] == ["a.jpg"]
    with pytest.raises(DataError, match=r"has no list test\.txt"):
        open_dataset(f"{boxes}:test")


def test_xml_beside_the_images(tmp_path, save_image):
    save_image(tmp_path / "a_jpg.rf.01.jpg")
    (tmp_path / "a_jpg.rf.01.xml").write_text(xml("a_jpg.rf.01", ("cat", 11, 6, 20, 10)))
    assert open_dataset(tmp_path)[0].boxes.tolist() == [[10, 5, 20, 10]]


def test_pictures_of_objects_come_through_exactly(masks):
    folder, objects, _ = masks
    dataset = open_dataset(folder)
    record = dataset[0]
    assert dataset.has_masks
    assert len(dataset.class_names) == 20
    assert [dataset.class_names[label - 1] for label in record.labels] == ["person", "person", "cat"]
    for i in range(3):
        assert np.array_equal(record.regions.mask(i), objects == i + 1)
    assert dataset.problems == []


def test_pictures_of_colours_and_a_labelmap_of_cvat(masks):
    folder, objects, _ = masks
    for name in ("SegmentationObject", "SegmentationClass"):
        picture = Image.open(folder / name / "a.png").convert("RGB")
        picture.save(folder / name / "a.png")
    lines = ["# label:color_rgb:parts:actions", "background:0,0,0::", "woman:192,128,128::", "lynx:64,0,0::"]
    (folder / "labelmap.txt").write_text("\n".join(lines))
    dataset = open_dataset(folder)
    assert dataset.class_names == ("lynx", "woman")
    assert dataset[0].labels.tolist() == [2, 2, 1]
    assert np.array_equal(dataset[0].regions.mask(0), objects == 1)


def test_class_names_of_labelme(masks):
    folder, _, classes = masks
    save_picture(folder / "SegmentationClass" / "a.png", np.where(classes == 15, 1, np.where(classes == 8, 2, classes)))
    (folder / "class_names.txt").write_text("_background_\nperson\ncat\n")
    dataset = open_dataset(folder)
    assert dataset.class_names == ("person", "cat")
    assert dataset[0].labels.tolist() == [1, 1, 2]
    (folder / "class_names.txt").write_text("_background_\nperson\n")
    with pytest.raises(DataError, match=r"a\.png holds the class number 2, which has no name"):
        open_dataset(folder)[0]


def test_pictures_of_classes_alone_give_connected_parts(masks):
    folder, objects, _ = masks
    (folder / "SegmentationObject" / "a.png").unlink()
    dataset = open_dataset(folder)
    record = dataset[0]
    assert [dataset.class_names[label - 1] for label in record.labels] == ["person", "cat"]
    assert np.array_equal(record.regions.mask(0), (objects == 1) | (objects == 2))
    assert "each connected part of a class is one object" in dataset.problems[0]


def test_images_with_boxes_only_are_counted_and_left_out(masks):
    folder, _, _ = masks
    (folder / "Annotations").mkdir()
    for name in "ab":
        (folder / "Annotations" / f"{name}.xml").write_text(xml(name))
    assert open_dataset(folder).problems == [
        f"Images of {folder / 'Annotations'} with boxes but no masks were left out (1)."
    ]


BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;">]><annotation>&y;</annotation>'
BROKEN = {
    "cut off": ("<annotation><filename>a.jpg</fil", "is not complete xml"),
    "entities": (BOMB, "declares a document type"),
    "another kind": ("<svg/>", "is no annotation of Pascal VOC"),
    "no image": (xml("gone"), "labels gone.jpg, which is not there"),
    "no bytes": ("", "is not complete xml"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_file_is_named_and_the_rest_is_read(boxes, fault):
    text, sentence = BROKEN[fault]
    (boxes / "Annotations" / "z.xml").write_text(text)
    dataset = open_dataset(boxes)
    (problem,) = dataset.problems
    assert problem.startswith(str(boxes / "Annotations" / "z.xml")) and sentence in problem
    assert len(dataset) == 3


def test_a_broken_object_is_named_and_the_rest_is_read(boxes):
    path = boxes / "Annotations" / "c.xml"
    path.write_text(xml("c", ("cat", 1, "x", 5, 5), ("", 1, 1, 5, 5), ("cat", 100, 1, 105, 5), ("cat", 2, 2, 5, 5)))
    dataset = open_dataset(boxes)
    assert len(dataset[2]) == 1
    assert dataset.problems == [
        f"{path}: object 1 has no box of four finite numbers and was left out.",
        f"{path}: object 2 has no name and was left out.",
        "c.jpg: objects that cover nothing of the image were left out (1).",
    ]


def test_nothing_that_can_be_used_is_refused(boxes):
    for path in (boxes / "JPEGImages").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="none of 3 xml files can be used; the first fault: .*a.xml"):
        open_dataset(boxes)
