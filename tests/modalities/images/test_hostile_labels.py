"""What a label file says of itself is no reason to take memory, to die, or to turn one label into another."""

import json
import math
import resource
from pathlib import Path

import pytest

from maskrcnn.data.class_names import usable_names
from maskrcnn.data.parsing.numbers import finite_numbers, identity, truth, whole_number
from maskrcnn.errors import DataError
from maskrcnn.jobs.convert import convert_dataset
from maskrcnn.modalities.open import open_dataset

SQUARE = [4, 4, 24, 4, 24, 24, 4, 24]
BOX = [4, 4, 24, 24]
FORMATS = ("coco", "yolo", "labelme", "label-maps")
SIZES = {
    "a billion": (10**9, 10**9),
    "2 ** 33": (2**33, 40),
    "1e300": (1e300, 1e300),
    "beyond float64": (10**400, 10**400),
    "negative": (-40, -60),
    "text": ("forty", "sixty"),
    "exchanged": (60, 40),
    "infinite": (math.inf, math.inf),
}


def write_coco(folder, save_image, names=("cat", "dog"), **image):
    save_image(folder / "images" / "a.png")
    content = {
        "images": [{"id": 1, "file_name": "a.png", **image}],
        "annotations": [
            {"id": k, "image_id": 1, "category_id": k, "bbox": [4, 4, 20, 20], "segmentation": [SQUARE]}
            for k in range(1, len(names) + 1)
        ],
        "categories": [{"id": k, "name": name} for k, name in enumerate(names, start=1)],
    }
    path = folder / "labels.json"
    path.write_text(json.dumps(content))
    return path


def write_labelme(folder, save_image, height, width):
    save_image(folder / "a.png")
    points = [[4, 4], [24, 4], [24, 24], [4, 24]]
    shape = {"label": "cat", "points": points, "shape_type": "polygon"}
    content = {"shapes": [shape], "imagePath": "a.png", "imageHeight": height, "imageWidth": width}
    (folder / "a.json").write_text(json.dumps(content))
    return folder


def write_voc(folder, save_image, height, width):
    save_image(folder / "a.png")
    corners = "<xmin>5</xmin><ymin>5</ymin><xmax>24</xmax><ymax>24</ymax>"
    (folder / "a.xml").write_text(
        f"<annotation><filename>a.png</filename><size><width>{width}</width><height>{height}</height></size>"
        f"<object><name>cat</name><bndbox>{corners}</bndbox></object></annotation>"
    )
    return folder


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("write", [write_labelme, write_voc, write_coco])
def test_the_pictures_own_size_decides_and_a_contradiction_is_said(tmp_path, save_image, write, size):
    height, width = SIZES[size]
    if write is write_voc and height == 10**400:
        height, width = "1" + "0" * 400, "1" + "0" * 400
    data = open_dataset(write(tmp_path, save_image, height=height, width=width))
    assert data[0].spatial_shape == (40, 60)
    assert data[0].boxes[0].tolist() == BOX
    (said,) = data.problems
    assert said.startswith("a.png is 60 x 40 pixels, but its labels say ") and len(said) < 200


def test_a_resized_picture_is_refused_as_before(tmp_path, save_image):
    data = open_dataset(write_coco(tmp_path, save_image, height=80, width=120))
    (said,) = data.problems
    assert "was resized and cannot be used" in said
    with pytest.raises(DataError, match="but its labels were drawn on 120 x 80"):
        data.read_image(data[0])


HARD = (
    "",
    " ",
    "a\nb",
    "c\r",
    "\x0bd",
    "e\x85f",
    "g\u2028h",
    " i",
    "i",
    "i ",
    "\ud800",
    "j\udce9",
    "\ufeffk",
    "x" * 5000,
)


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("name", HARD)
def test_no_class_becomes_another_one_in_silence(tmp_path, save_image, name, to):
    data = open_dataset(write_coco(tmp_path / "in", save_image, ("first", name, "last")))
    if name != "i":
        assert any("counts as" in said for said in data.problems)
    convert_dataset(data, tmp_path / "out", to)
    back = open_dataset(tmp_path / "out")
    assert back.class_names == data.class_names
    if to != "label-maps":  # where the same pixels hold one object only
        assert back[0].labels.tolist() == [1, 2, 3]


def test_names_stay_apart():
    names, said = usable_names(["a", "a", " a", "a (2)", "", "class 5", "", "no\nend"])
    assert names == ("a", "a (3)", "a (4)", "a (2)", "class 5 (2)", "class 5", "class 7", "no end")
    assert len(said) == 5
    assert usable_names(["a"] * 60_000)[0][-1] == "a (60000)"  # in a second, not in hours


@pytest.mark.parametrize("name", ["__ignore__", "_background_"])
def test_a_name_that_labelme_keeps_for_itself_is_refused(tmp_path, save_image, name):
    data = open_dataset(write_coco(tmp_path / "in", save_image, (name, "dog")))
    with pytest.raises(DataError, match=name):
        convert_dataset(data, tmp_path / "out", "labelme")
    for to in ("coco", "yolo", "label-maps"):
        convert_dataset(data, tmp_path / to, to)
        assert open_dataset(tmp_path / to).class_names == data.class_names


@pytest.mark.parametrize("to", FORMATS)
def test_a_file_name_of_latin_1_becomes_text_and_that_is_said(tmp_path, save_image, to):
    path = write_coco(tmp_path / "in", save_image)
    images = tmp_path / "in" / "images"
    (images / "a.png").rename(Path(str(images) + "/caf\udce9.png"))
    path.write_text(path.read_text().replace("a.png", "caf\\udce9.png"))
    done = convert_dataset(open_dataset(path), tmp_path / "out", to)
    assert [count for what, count in done.lost.items() if "another name" in what] == [1]
    (record,) = open_dataset(tmp_path / "out")
    assert Path(record.source).name == "café.png"


def test_half_a_character_in_an_id_comes_back(tmp_path, save_image):
    path = write_coco(tmp_path / "in", save_image)
    content = json.loads(path.read_text())
    content["images"][0]["id"] = "\ud800"
    for annotation in content["annotations"]:
        annotation["image_id"] = "\ud800"
    path.write_text(json.dumps(content))
    convert_dataset(open_dataset(path), tmp_path / "out", "coco")
    assert open_dataset(tmp_path / "out")[0].image_id == "\ud800"


@pytest.mark.parametrize("name", ["../secret.png", "../../secret.png", "{tmp}/secret.png"])
@pytest.mark.parametrize("write", ["coco", "labelme", "via"])
def test_a_picture_outside_the_folder_is_said_and_copied_only_when_asked(tmp_path, save_image, write, name):
    save_image(tmp_path / "secret.png")
    save_image(tmp_path / "in" / "secret.png")
    name, folder = name.format(tmp=tmp_path), tmp_path / "in" / "deep"
    folder = folder if name.startswith("../..") else folder.parent
    (folder / "secret.png").unlink(missing_ok=True)
    if write == "coco":
        path = write_coco(folder, save_image)
        path.write_text(path.read_text().replace('"a.png"', json.dumps(name)))
    elif write == "labelme":
        path = write_labelme(folder, save_image, 40, 60) if folder.mkdir(exist_ok=True) is None else folder
        (path / "a.json").write_text((path / "a.json").read_text().replace('"a.png"', json.dumps(name)))
    else:
        path = folder / "via.json"
        region = {"shape_attributes": {"name": "rect", "x": 4, "y": 4, "width": 20, "height": 20}}
        folder.mkdir(exist_ok=True)
        path.write_text(json.dumps({"a": {"filename": name, "regions": [{**region, "region_attributes": {}}]}}))
    data = open_dataset(path)
    assert any("outside the folder" in said for said in data.problems)
    with pytest.raises(DataError, match="--outside"):
        convert_dataset(data, tmp_path / "out", "coco")
    assert convert_dataset(data, tmp_path / "asked", "coco", outside=True).images == 1


@pytest.mark.parametrize(
    "text",
    [
        "names: [0x" + "f" * 100_000 + "]\ntrain: images\n",
        "names: [a]\ntrain: images\nkpt_shape: [1000000000, 3]\n",
        "names: [" + "a, " * 60_000 + "a]\ntrain: images\n",
        "names: [a]\ntrain: images\nkpt_shape: [0x" + "f" * 100_000 + ", 3]\n",
        "names: {0: a, 0x" + "f" * 100_000 + ": b}\ntrain: images\n",
    ],
)
def test_what_yaml_says_takes_no_more_memory_than_what_is_there(tmp_path, save_image, text):
    save_image(tmp_path / "images" / "a.png")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 .5 .5 .2 .2\n")
    (tmp_path / "data.yaml").write_text(text)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        data = open_dataset(tmp_path)
    except DataError as error:
        assert len(str(error)) < 500
    else:
        assert len(data[0]) == 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # KiB


def test_yaml_holds_names_as_they_are_written(tmp_path, save_image):
    save_image(tmp_path / "images" / "a.png")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("3 .5 .5 .2 .2\n")
    (tmp_path / "data.yaml").write_text("names: [yes, 010, 1e3, no, 12:30, 2020-01-01, ~]\ntrain: images\n")
    assert open_dataset(tmp_path).class_names == ("yes", "010", "1e3", "no", "12:30", "2020-01-01", "~")


def test_keypoints_that_nobody_labelled_take_no_memory(tmp_path, save_image):
    path = write_coco(tmp_path, save_image)
    content = json.loads(path.read_text())
    content["categories"][0]["keypoints"] = [str(k) for k in range(60_000)]
    path.write_text(json.dumps(content))
    data = open_dataset(path)
    assert data.keypoint_names == ()
    assert any(said.startswith("Keypoints were left out: 60000 are named") for said in data.problems)


@pytest.mark.parametrize("field", ["bbox", "segmentation", "area", "keypoints"])
@pytest.mark.parametrize("value", [10**400, 1e308, -(10**400)])
def test_numbers_beyond_float64_are_said(tmp_path, save_image, field, value):
    path = write_coco(tmp_path / "in", save_image)
    content = json.loads(path.read_text())
    content["categories"][0]["keypoints"] = ["nose"]
    numbers = {"bbox": [value, 4, 20, 20], "segmentation": [[value, *SQUARE[1:]]], "area": value}
    content["annotations"][0][field] = numbers.get(field, [value, 4, 2])
    path.write_text(json.dumps(content))
    data = open_dataset(path)
    assert field == "area" or any(said.startswith("Annotation 1 of a.png: ") for said in data.problems)
    convert_dataset(data, tmp_path / "out", "coco")


def test_one_reader_of_numbers():
    assert [whole_number(v) for v in (3, 3.0, "3", "3.0", " 3 ", -1)] == [3, 3, 3, 3, 3, -1]
    assert [whole_number(v) for v in (True, 3.5, "x", "", None, math.nan, 1e300, 10**400, "1e3", [3])] == [None] * 10
    assert identity(1) == identity(1.0) == identity("1") == 1
    assert [identity(v) for v in ("007", "a", None, True, math.nan)] == ["007", "a", None, None, None]
    assert [truth(v) for v in (0, "0", "false", None, False, 0.0)] == [False] * 6
    assert [truth(v) for v in (1, "1", "True", True, 1.0)] == [True] * 5
    assert [truth(v) for v in ("maybe", [], math.nan)] == [None] * 3
    assert finite_numbers([10**400]) is None and finite_numbers(["1", 2.5], 2).tolist() == [1, 2.5]
