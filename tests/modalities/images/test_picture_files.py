"""One finder of pictures for all readers: names as every system and tool writes them, and never another picture."""

import json
import shutil
import unicodedata
from pathlib import Path

import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.images.labels.folders import lies_outside, set_folder
from maskrcnn.modalities.images.labels.picture_files import PictureFinder
from maskrcnn.modalities.open import open_dataset

NFC, NFD = (unicodedata.normalize(form, "Köln é.png") for form in ("NFC", "NFD"))
FOUND = {  # where the picture lies in the data set, and how a label file names it
    "as it is": ("images/a.png", "a.png"),
    "backslashes": ("images/a.png", "images\\a.png"),
    "a folder too many": ("images/a.png", "images/1/a.png"),
    "a folder too few": ("images/deep/a.png", "a.png"),
    "another machine": ("images/a.png", "/home/ann/project/images/a.png"),
    "another Windows machine": ("images/sub/a.png", "D:\\data\\project\\images\\sub\\a.png"),
    "beside": ("images/a.png", "../images/a.png"),
    "composed": ("images/" + NFD, NFC),
    "decomposed": ("images/" + NFC, NFD),
    "per cent": ("images/a b.png", "a%20b.png"),
    "case of the suffix": ("images/a.PNG", "a.png"),
    "case of the name": ("images/A.png", "a.png"),
    "a server": ("images/a.png", "https://example.org/data/a.png"),
    "a signed address": ("images/a.png", "https://example.org/data/a.png?token=1%2F2"),
    "a store": ("images/a.png", "s3://bucket/data/a.png"),
    "Label Studio's own folder": ("images/a b.png", "/data/local-files/?d=data/a%20b.png"),
}


def write_coco(folder, name):
    content = {
        "images": [{"id": 1, "file_name": name}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [4, 4, 20, 20]}],
        "categories": [{"id": 1, "name": "cat"}],
    }
    (folder / "labels.json").write_text(json.dumps(content))
    return folder / "labels.json"


def write_labelme(folder, name):
    shape = {"label": "cat", "points": [[4, 4], [24, 24]], "shape_type": "rectangle"}
    (folder / "a.json").write_text(json.dumps({"shapes": [shape], "imagePath": name}))
    return folder / "a.json"


def write_via(folder, name):
    shape = {"name": "rect", "x": 4, "y": 4, "width": 20, "height": 20}
    region = {"shape_attributes": shape, "region_attributes": {"class": "cat"}}
    (folder / "via.json").write_text(json.dumps({"a": {"filename": name, "regions": [region]}}))
    return folder / "via.json"


def write_voc(folder, name):
    (folder / "annotations").mkdir()
    corners = "<xmin>5</xmin><ymin>5</ymin><xmax>24</xmax><ymax>24</ymax>"
    text = f"<annotation><filename>{name.replace('&', '&amp;')}</filename><object><name>cat</name>"
    text += f"<bndbox>{corners}</bndbox></object></annotation>"
    (folder / "annotations" / "x.xml").write_text(text, encoding="utf-8")
    return folder


def write_cvat(folder, name):
    box = '<box label="cat" xtl="4" ytl="4" xbr="24" ybr="24"/>'
    text = f'<annotations><image name="{name}" width="60" height="40">{box}</image></annotations>'
    (folder / "annotations.xml").write_text(text, encoding="utf-8")
    return folder


def write_datumaro(folder, name):
    labels = {"label": {"labels": [{"name": "cat"}]}}
    box = {"type": "bbox", "bbox": [4, 4, 20, 20], "label_id": 0}
    item = {"id": "x", "image": {"path": name}, "annotations": [box]}
    (folder / "annotations").mkdir()
    (folder / "annotations" / "default.json").write_text(json.dumps({"categories": labels, "items": [item]}))
    return folder


def write_label_studio(folder, name):
    value = {"x": 100 / 15, "y": 10, "width": 100 / 3, "height": 50, "rotation": 0, "rectanglelabels": ["cat"]}
    result = {"type": "rectanglelabels", "original_width": 60, "original_height": 40, "value": value}
    (folder / "tasks.json").write_text(json.dumps([{"data": {"image": name}, "annotations": [{"result": [result]}]}]))
    return folder / "tasks.json"


WRITERS = (write_coco, write_labelme, write_via, write_voc, write_cvat, write_datumaro, write_label_studio)


@pytest.mark.parametrize("case", FOUND)
@pytest.mark.parametrize("write", WRITERS)
def test_a_picture_is_found_however_it_is_named(tmp_path, save_image, write, case):
    place, name = FOUND[case]
    save_image(tmp_path / place)
    (record,) = open_dataset(write(tmp_path, name))
    assert Path(record.source).samefile(tmp_path / place)
    assert [[round(float(c), 3) for c in box] for box in record.boxes] == [[4, 4, 24, 24]]


@pytest.mark.parametrize("write", WRITERS)
def test_what_is_nowhere_is_named_as_it_was_looked_for(tmp_path, save_image, write):
    save_image(tmp_path / "images" / "b.png")
    with pytest.raises(DataError, match=r"a\.png"):
        open_dataset(write(tmp_path, "a.png"))


def test_a_picture_of_another_split_is_none(tmp_path, save_image):
    save_image(tmp_path / "images" / "train2017" / "1.png")
    finder = PictureFinder([tmp_path / "images" / "val2017", tmp_path], below=tmp_path, split="val2017")
    assert finder.find("1.png") is None
    assert finder.find("val/1.png") is None
    assert PictureFinder([tmp_path], below=tmp_path).find("1.png") == tmp_path / "images" / "train2017" / "1.png"


def test_of_several_pictures_of_one_name_none_is_guessed(tmp_path, save_image):
    for folder in ("monday", "tuesday"):
        save_image(tmp_path / folder / "1.png")
    finder = PictureFinder([tmp_path / "images"], below=tmp_path)
    assert finder.find("1.png") is None
    assert finder.find("C:\\x\\tuesday\\1.PNG") == tmp_path / "tuesday" / "1.png"
    assert finder.remarks() == [
        "Pictures of another spelling or folder count as those that the labels name (1), such as "
        f"{tmp_path / 'tuesday' / '1.png'} for C:\\x\\tuesday\\1.PNG."
    ]


def test_two_names_never_share_a_picture_that_neither_names_exactly(tmp_path, save_image):
    save_image(tmp_path / "1.png")
    finder = PictureFinder([tmp_path], below=tmp_path)
    assert finder.find("monday/1.png") == tmp_path / "1.png"
    assert finder.find("tuesday/1.png") is None
    assert finder.find("1.png") == tmp_path / "1.png"


@pytest.mark.parametrize("name", ["", "a\0.png", "x" * 5000, "\ud800.png", "..", "/"])
def test_a_name_that_is_none_is_not_found(tmp_path, save_image, name):
    save_image(tmp_path / "a.png")
    assert PictureFinder([tmp_path], below=tmp_path).find(name) is None


PLACES = [  # of labels and of a picture, and whether that is outside
    ("in/a.json", "in/x.png", False),
    ("in/a.json", "in/deep/x.png", False),
    ("in/annotations/a.json", "in/images/x.png", False),
    ("in/labels/a.json", "in/x.png", False),
    ("in/coco/a.json", "in/images/x.png", False),
    ("in/train/a.json", "in/train/x.png", False),
    ("in/a.json", "x.png", True),
    ("in/deep/a.json", "in/x.png", True),
    ("in/a.json", "in-other/x.png", True),
]


@pytest.mark.parametrize(("labels", "picture", "outside"), PLACES)
def test_what_lies_outside(tmp_path, labels, picture, outside):
    (tmp_path / labels).parent.mkdir(parents=True)
    (tmp_path / labels).touch()
    assert lies_outside(tmp_path / picture, tmp_path / labels) == outside


def test_a_link_to_a_picture_elsewhere_belongs_to_the_set(tmp_path, save_image):
    real = save_image(tmp_path / "store" / "a.png")
    (tmp_path / "in" / "images").mkdir(parents=True)
    (tmp_path / "in" / "images" / "a.png").symlink_to(real)
    data = open_dataset(write_coco(tmp_path / "in", "a.png"))
    assert data.problems == []


def test_the_folder_of_a_set():
    assert set_folder(Path("/x/annotations/a.json")) == Path("/x")
    assert set_folder(Path("/x/annotations/xmls/a.xml")) == Path("/x")
    assert set_folder(Path("/x/a.json")) == Path("/x")


LAYOUTS = {  # where the json lies, where the pictures, what is opened
    "cvat": ("annotations/instances_default.json", "images/default", ""),
    "coco": ("annotations/instances_val2017.json", "val2017", ""),
    "ultralytics": ("annotations/instances_val2017.json", "images/val2017", ""),
    "a split": ("annotations/instances_val2017.json", "images/val2017", ":val2017"),
    "a split in short": ("annotations/instances_val2017.json", "val2017", ":val"),
    "beside": ("labels.json", ".", ""),
    "captions as well": ("annotations/instances_val2017.json", "val2017", ""),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_root_of_a_coco_set_opens(tmp_path, save_image, layout):
    place, pictures, split = LAYOUTS[layout]
    save_image(tmp_path / pictures / "a.png")
    write_coco(tmp_path, "a.png")
    (tmp_path / place).parent.mkdir(exist_ok=True)
    shutil.move(tmp_path / "labels.json", tmp_path / place)
    if "captions" in layout:
        (tmp_path / "annotations" / "captions_val2017.json").write_text('{"images": [], "annotations": []}')
    assert len(open_dataset(f"{tmp_path}{split}")) == 1


def test_a_root_of_several_splits_names_them(tmp_path, save_image):
    for split in ("train2017", "val2017"):
        save_image(tmp_path / split / f"{split}.png")
        write_coco(tmp_path, f"{split}.png")
        (tmp_path / "annotations").mkdir(exist_ok=True)
        shutil.move(tmp_path / "labels.json", tmp_path / "annotations" / f"instances_{split}.json")
    with pytest.raises(DataError, match=r"the one to open: .*_train2017\.json, .*_val2017\.json"):
        open_dataset(tmp_path)
    assert open_dataset(f"{tmp_path}:val")[0].file_name == "val2017.png"
