"""A file of labels that names pictures decides what a folder is, whatever else lies in it."""

import json
import shutil

import numpy as np
import pytest

from maskrcnn.modalities.images.labels.formats import label_formats
from maskrcnn.modalities.open import open_dataset
from tiny_signals import write_wav

BOX = {"x": 4, "y": 5, "width": 20, "height": 10}
POINTS = [[4, 5], [24, 15]]
COCO = {
    "images": [{"id": 1, "file_name": "a.png", "height": 40, "width": 60}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [4, 5, 20, 10], "iscrowd": 0}],
    "categories": [{"id": 1, "name": "cat"}],
}
LABELME = {"imagePath": "a.png", "shapes": [{"label": "cat", "points": POINTS, "shape_type": "rectangle"}]}
VIA_REGION = {"shape_attributes": {"name": "rect", **BOX}, "region_attributes": {"class": "cat"}}
VALUE = {"x": 10, "y": 10, "width": 50, "height": 50, "rectanglelabels": ["cat"]}
RESULT = {"type": "rectanglelabels", "original_width": 60, "original_height": 40, "value": VALUE, "id": "r"}
STUDIO = [{"id": 1, "data": {"image": "a.png"}, "annotations": [{"result": [RESULT]}]}]
DATUMARO_BOX = {"id": 0, "type": "bbox", "label_id": 0, "bbox": [4, 5, 20, 10]}
DATUMARO = {
    "categories": {"label": {"labels": [{"name": "cat"}]}},
    "items": [{"id": "a", "image": {"path": "a.png", "size": [40, 60]}, "annotations": [DATUMARO_BOX]}],
}
CVAT = """<annotations><image id="0" name="a.png" width="60" height="40">
<box label="cat" xtl="4" ytl="5" xbr="24" ybr="15"/></image></annotations>"""
VOC = """<annotation><filename>a.png</filename><size><width>60</width><height>40</height></size><object>
<name>cat</name><bndbox><xmin>5</xmin><ymin>6</ymin><xmax>24</xmax><ymax>15</ymax></bndbox></object></annotation>"""
VIA_HEAD = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"
VIA_ROW = '"a.png",1,"{}",1,0,"{""name"":""rect"",""x"":4,""y"":5,""width"":20,""height"":10}","{""class"":""cat""}"'
NAMING = {
    "_annotations.coco.json": json.dumps(COCO),
    "labels.json": json.dumps(COCO),
    "annotations/instances_train.json": json.dumps(COCO),
    "a.json": json.dumps(LABELME),
    "via.json": json.dumps({"a.png1": {"filename": "a.png", "regions": [VIA_REGION]}}),
    "via.csv": f"{VIA_HEAD}\n{VIA_ROW}\n",
    "tasks.json": json.dumps(STUDIO),
    "datumaro.json": json.dumps(DATUMARO),
    "annotations.xml": CVAT,
    "a.xml": VOC,
    "data.yaml": "train: .\nnames: [cat]\n",
}


def write_recording(folder):
    """A sound that a label track lies beside."""
    write_wav(folder / "sound.wav", np.random.default_rng(0).normal(0, 0.1, 1000))
    (folder / "sound.txt").write_text("0.1\t0.2\tbark\n")


@pytest.mark.parametrize("name", NAMING)
def test_labels_that_name_pictures_win_over_recordings(tmp_path, save_image, name):
    save_image(tmp_path / "a.png", 40, 60)
    if name == "data.yaml":  # labels of YOLO lie in files of their own
        (tmp_path / "a.txt").write_text("0 0.2 0.3 0.2 0.3\n")
    write_recording(tmp_path)
    assert open_dataset(tmp_path).kind == "audio"
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(NAMING[name])
    data = open_dataset(tmp_path)
    assert data.kind == "image" and data.class_names == ("cat",) and len(data[0]) == 1
    aside = f"{tmp_path}: its recordings were left out, since there are labels that name images."
    assert data.problems.count(aside) == 1
    (tmp_path / "sound.wav").unlink(), (tmp_path / "sound.txt").unlink()
    assert aside not in open_dataset(tmp_path).problems


def test_every_format_whose_labels_name_pictures_is_tried():
    names = {known.short for known in label_formats() if known.names_pictures or known.is_content}
    assert names == {"COCO", "Pascal VOC", "YOLO", "CVAT", "LabelMe", "VIA", "Label Studio", "Datumaro"}


def test_labels_win_over_scans(tmp_path, save_image):
    nibabel = pytest.importorskip("nibabel")
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
        nibabel.Nifti1Image(np.ones((8, 8, 8), np.int16), np.eye(4)).to_filename(tmp_path / folder / "s.nii.gz")
    save_image(tmp_path / "images" / "a.png", 40, 60)
    assert open_dataset(tmp_path).kind == "volume"
    (tmp_path / "_annotations.coco.json").write_text(json.dumps(COCO))
    data = open_dataset(tmp_path)
    assert data.kind == "image" and len(data[0]) == 1
    assert f"{tmp_path}: its scans were left out, since there are labels that name images." in data.problems


def test_a_split_that_the_labels_name_is_theirs(tmp_path, save_image):
    save_image(tmp_path / "images" / "a.png", 40, 60)
    write_recording(tmp_path)
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances_val.json").write_text(json.dumps(COCO))
    assert open_dataset(f"{tmp_path}:val").kind == "image"


@pytest.mark.parametrize("text", ["{}", "[", json.dumps({"rate": 8000}), json.dumps(STUDIO)])
def test_a_json_that_names_no_picture_that_is_there_changes_nothing(tmp_path, save_image, text):
    """Among them the tasks of a tool that labels sounds as well as pictures, where no picture lies."""
    write_recording(tmp_path)
    (tmp_path / "sound.json").write_text(text)
    assert open_dataset(tmp_path).kind == "audio"
    if text != json.dumps(STUDIO):
        save_image(tmp_path / "photo.png")  # of the microphone
        assert open_dataset(tmp_path).kind == "audio"
    shutil.rmtree(tmp_path)
