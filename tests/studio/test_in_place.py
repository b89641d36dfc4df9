"""YOLO, Pascal VOC and CVAT: one object is changed where it lies, and everything else stays as it was, to the byte."""

import json
import re

import numpy as np
import pytest

from maskrcnn.modalities.open import open_dataset
from studio_client import box, labels_of

ROBOFLOW = """# made by hand
train: ../train/images
val: ../valid/images

nc: 2
names: ['cat', 'no']  # in this order

roboflow:
  workspace: someone
  license: CC BY 4.0
"""
ROWS = "0 0.5 0.5 0.25 0.5\n1 0.1 0.1 0.3 0.1 0.300000 0.5\nnot a row\n\n0  0.25 0.25 0.1 0.1\n"


@pytest.fixture
def yolo(tmp_path, save_image):
    """A data set as Roboflow exports it for YOLO."""
    for split in ("train", "valid"):
        for name in "ab":
            save_image(tmp_path / split / "images" / f"{name}.png")
            (tmp_path / split / "labels").mkdir(exist_ok=True)
            (tmp_path / split / "labels" / f"{name}.txt").write_text(ROWS)
    (tmp_path / "data.yaml").write_text(ROBOFLOW)
    (tmp_path / "README.roboflow.txt").write_text("Animals - v1\n")
    return tmp_path


def files_of(folder):
    kept = [path for path in folder.rglob("*") if path.is_file() and ".maskrcnn" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in kept}


def objects_of(client, number):
    return {one.pop("id"): one for one in client.get(f"/api/images/{number}").json()["objects"]}


def names_of(client):
    return [line["name"] for line in client.get("/api/images").json()["images"]]


def saved(client):
    answer = client.post("/api/saving").json()
    assert answer["error"] == "" and answer["unsaved"] == 0
    return answer


def test_a_row_of_yolo_is_changed_and_nothing_else(yolo, open_studio):
    before = files_of(yolo)
    client = open_studio(yolo)
    assert client.get("/api/project").json()["converted_from"] == ""
    assert names_of(client) == [f"{split}/images/{name}.png" for split in ("train", "valid") for name in "ab"]
    lines = client.get("/api/images").json()["images"]
    assert [line["objects"] for line in lines] == [3] * 4  # those of valid, too
    objects = objects_of(client, 3)
    assert [one["class"] for one in objects.values()] == ["cat", "no", "cat"]
    assert objects[1]["box"] == [22.5, 10, 37.5, 30] and objects[2]["parts"] == [[[6, 4, 18, 4, 18, 20]]]
    client.draw(3, (1, {**objects[1], "box": [30, 10, 45, 30]}))
    saved(client)
    after = files_of(yolo)
    assert after.pop("valid/labels/a.txt").decode() == ROWS.replace("0 0.5 0.5 0.25 0.5", "0 0.625 0.5 0.25 0.5")
    del before["valid/labels/a.txt"]
    assert after == before
    client.draw(3, (2, {**objects[2], "class": "cat"}))
    saved(client)
    assert "\n0 0.1 0.1 0.3 0.1 0.300000 0.5\n" in (yolo / "valid/labels/a.txt").read_text()  # its own numbers
    for _ in range(2):
        client.post("/api/images/3/undo")
    saved(client)
    assert (yolo / "valid/labels/a.txt").read_text() == ROWS


def test_what_is_drawn_is_written_as_yolo_has_it(yolo, open_studio):
    client = open_studio(yolo)
    mask = {"box": [3, 4, 6, 6], "runs": [0, 2, 1, 3]}
    client.draw(1, (None, box(6, 4, 18, 12)), (None, {"class": "no", "mask": mask}), (3, None))
    assert saved(client)["notes"] == []
    assert (yolo / "train/labels/a.txt").read_text().startswith(ROWS.replace("0  0.25 0.25 0.1 0.1\n", ""))
    data = open_dataset(yolo)[0]
    assert np.allclose(data.boxes[2], [6, 4, 18, 12], atol=1e-4)
    covered = data.regions.mask(3)
    assert covered.sum() == 5 and covered[4, 3:5].all() and covered[5, 3:6].all()


def test_what_yolo_cannot_hold_is_said(yolo, open_studio):
    client = open_studio(yolo)
    limits = client.get("/api/saving").json()["limits"]
    assert {"holes", "parts", "crowd", "keypoints"} <= limits.keys() and "mask" not in limits
    ring, hole = [10, 10, 30, 10, 30, 30, 10, 30], [15, 15, 20, 15, 20, 20, 15, 20]
    client.draw(1, (None, {"class": "cat", "parts": [[ring, hole]], "attributes": ["truncated"]}))
    notes = saved(client)["notes"]
    assert any(note.startswith("1 objects in several parts or with holes") for note in notes)
    assert any(note.startswith("1 objects whose marks") for note in notes)
    assert open_dataset(yolo)[0].regions.areas()[-1] == 400 - 25  # to the pixel all the same
    assert client.get("/api/images/1").json()["objects"][-1]["parts"] == [[ring, hole]]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("names: ['cat', 'no']  # in this order", "names: ['cat', 'no', \"löwe\"]  # in this order"),
        ("names:\n  - cat\n  - no  # really", 'names:\n  - cat\n  - no  # really\n  - "löwe"'),
        ("names:\n- cat\n- no", 'names:\n- cat\n- no\n- "löwe"'),
        ("names:\n  0: cat\n  1: no", 'names:\n  0: cat\n  1: no\n  2: "löwe"'),
        ("names: {0: cat, 1: no}", 'names: {0: cat, 1: no, 2: "löwe"}'),
    ],
)
def test_a_class_is_added_to_the_description_and_the_rest_of_it_stays(yolo, open_studio, written, expected):
    text = ROBOFLOW.replace("names: ['cat', 'no']  # in this order", written)
    (yolo / "data.yaml").write_text(text)
    client = open_studio(yolo)
    client.draw(2, (None, box(1, 1, 5, 5, "löwe")))
    saved(client)
    assert (yolo / "data.yaml").read_text(encoding="utf-8") == text.replace(written, expected).replace("nc: 2", "nc: 3")
    assert (yolo / "train/labels/b.txt").read_text().splitlines()[-1].startswith("2 ")
    client.desk.close()
    assert open_dataset(yolo).class_names == ("cat", "no", "löwe")
    assert [one["class"] for one in objects_of(open_studio(yolo), 2).values()][-1] == "löwe"


@pytest.mark.parametrize("listed", ["cat\r\nno", ""])
def test_yolo_without_a_description_names_classes_in_a_list(tmp_path, save_image, open_studio, listed):
    save_image(tmp_path / "a.png")
    (tmp_path / "a.txt").write_bytes(b"1 0.5 0.5 0.25 0.5\r\n0 0.5 0.5 0.1 0.1")
    if listed:
        (tmp_path / "classes.txt").write_bytes(listed.encode())
    client = open_studio(tmp_path)
    client.draw(1, (None, box(6, 4, 18, 12, "dog")))
    saved(client)
    names = b"cat\r\nno\r\ndog\r\n" if listed else b"class 0\nclass 1\ndog\n"
    assert (tmp_path / "classes.txt").read_bytes() == names
    rows = b"1 0.5 0.5 0.25 0.5\r\n0 0.5 0.5 0.1 0.1\r\n2 0.2 0.2 0.2 0.2"
    assert (tmp_path / "a.txt").read_bytes() == rows


def test_darknet_has_its_classes_in_a_list_and_counts_them(tmp_path, save_image, open_studio):
    save_image(tmp_path / "obj_train_data" / "a.png")
    (tmp_path / "obj_train_data" / "a.txt").write_text("0 0.5 0.5 0.25 0.5\n")
    (tmp_path / "obj.names").write_text("cat\n")
    (tmp_path / "train.txt").write_text("data/obj_train_data/a.png\n")
    (tmp_path / "obj.data").write_text(
        "classes = 1\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n"
    )
    client = open_studio(tmp_path)
    client.draw(1, (None, box(6, 4, 18, 12, "dog")))
    saved(client)
    assert (tmp_path / "obj.names").read_text() == "cat\ndog\n"
    assert (tmp_path / "obj.data").read_text().startswith("classes = 2\ntrain")


def test_poses_of_yolo_keep_their_points(tmp_path, save_image, open_studio):
    save_image(tmp_path / "images" / "a.png")
    (tmp_path / "labels").mkdir()
    row = "0 0.5 0.5 0.5 0.5 0.3333333 0.5 2 0 0 0"
    (tmp_path / "labels" / "a.txt").write_text(f"{row}\n{row}\n")
    (tmp_path / "data.yaml").write_text("path: .\ntrain: images\nnames: [fish]\nkpt_shape: [2, 3]\n")
    client = open_studio(tmp_path)
    objects = objects_of(client, 1)
    assert np.allclose(objects[1]["keypoints"], [[20, 20, 2], [0, 0, 0]], atol=1e-3)
    client.draw(1, (2, {**objects[2], "keypoints": [[20, 20, 2], [30, 10, 1]]}))
    client.draw(1, (None, {"class": "fish", "mask": {"box": [3, 4, 6, 6], "runs": [0, 2, 1, 3]}}))
    assert any("only the box" in note for note in saved(client)["notes"])
    rows = (tmp_path / "labels" / "a.txt").read_text().splitlines()
    assert rows[0] == row and re.fullmatch(r"0 0.5 0.5 0.5 0.5 0.3333333\d* 0.5 2 0.5 0.25 1", rows[1])
    assert rows[2] == "0 0.075 0.125 0.05 0.05 0 0 0 0 0 0"


def test_images_without_labels_are_labelled_in_yolo_where_the_folder_says_so(tmp_path, save_image, open_studio):
    save_image(tmp_path / "images" / "a.png")
    (tmp_path / "data.yaml").write_text("train: images\nnames: [cat]\n")
    client = open_studio(tmp_path)
    client.draw(1, (None, box(6, 4, 18, 12)))
    saved(client)
    assert (tmp_path / "labels" / "a.txt").read_text() == "0 0.2 0.2 0.2 0.2\n"
    assert not (tmp_path / "labels.json").exists()


def test_files_that_draw_in_their_order_keep_it_and_take_another(write_coco, open_studio):
    entries = [{"id": number, "bbox": [k, k, 10, 10]} for k, number in enumerate((300, 100, 200))]
    path = write_coco([*entries, {"id": 400, "image_id": 2, "bbox": [1, 1, 5, 5]}])
    client = open_studio(path)
    objects = objects_of(client, 1)
    in_order = sorted(objects, key=lambda number: (objects[number]["z"], number))
    assert in_order == [300, 100, 200]
    client.draw(1, (300, {**objects[300], "z": 9}), (None, box(20, 20, 30, 30, z=-1)))
    saved(client)
    annotations = labels_of(path)["annotations"]
    assert [one["id"] for one in annotations] == [401, 100, 200, 400, 300]
    client.desk.close()
    (path.parent / ".maskrcnn" / "studio.db").unlink()
    anew = objects_of(open_studio(path), 1)
    assert sorted(anew, key=lambda number: (anew[number]["z"], number)) == [401, 100, 200, 300]


CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <!-- a comment -->
    <job><labels>
      <label>
        <name>cat</name>
        <color>#ff0000</color>
        <attributes>
        </attributes>
      </label>
    </labels></job>
  </meta>
  <image id="0" name="a.png" width="60" height="40">
    <polygon label="cat" source='manual' occluded="1" points="10.00,10.00;30.00,10.00;30.00,30.50" z_order="2">
      <attribute name="colour">bl&#228;ck</attribute>
      <attribute name="truncated">false</attribute>
    </polygon>
    <points label="eye" source="manual" occluded="0" points="5.00,5.00" z_order="0">
    </points>
    <box label="cat" occluded="0" xtl="1.50" ytl="2.00" xbr="11.50" ybr="9.00" z_order="-1"></box>
    <mask label="cat" occluded="0" rle="0, 2, 1, 3" left="40" top="20" width="3" height="2" z_order="0"/>
    <polygon label="cat" points="1,20;5,20;5,25" group_id="4" z_order="0"/>
    <polygon label="cat" points="1,30;5,30;5,35" group_id="4" z_order="0"/>
    <tag label="night" source="manual"></tag>
  </image>
  <image id="1" name="b.png" width="60" height="40"/>
</annotations>
"""


@pytest.fixture
def cvat(tmp_path, save_image):
    for name in "abc":
        save_image(tmp_path / "images" / f"{name}.png")
    (tmp_path / "annotations.xml").write_text(CVAT, encoding="utf-8")
    return tmp_path


def test_an_element_of_cvat_is_changed_and_nothing_else(cvat, open_studio):
    file = cvat / "annotations.xml"
    client = open_studio(cvat)
    assert client.get("/api/project").json()["saving"]["format"] == "CVAT"
    objects = objects_of(client, 1)
    assert [one["z"] for one in objects.values()] == [2, -1, 0, 0]
    assert objects[1]["parts"] == [[[10, 10, 30, 10, 30, 30.5]]] and objects[2]["box"] == [1.5, 2, 11.5, 9]
    assert objects[3]["mask"] == {"box": [40, 20, 43, 22], "runs": [0, 2, 1, 3]} and len(objects[4]["parts"]) == 2
    client.draw(1, (2, {**objects[2], "box": [2, 2, 12, 9]}))
    saved(client)
    now = file.read_text(encoding="utf-8")
    [line] = [line for line in now.splitlines() if "<box" in line]
    assert re.search('xtl="2" ytl="2" xbr="12" ybr="9"', line) and 'z_order="-1"' in line
    assert now.replace(line, next(line for line in CVAT.splitlines() if "<box" in line)) == CVAT
    client.draw(1, (1, {**objects[1], "attributes": ["truncated"], "z": 5}))
    saved(client)
    now = file.read_text(encoding="utf-8")
    assert '<attribute name="truncated">true</attribute>' in now and 'z_order="5"' in now
    assert 'points="10.00,10.00;30.00,10.00;30.00,30.50"' in now and ">bläck</attribute>" in now
    client.post("/api/images/1/undo")
    client.post("/api/images/1/undo")
    saved(client)
    assert file.read_text(encoding="utf-8") == CVAT


def test_what_is_drawn_is_written_as_cvat_has_it(cvat, open_studio):
    file = cvat / "annotations.xml"
    client = open_studio(cvat)
    assert [name.rpartition("/")[2] for name in names_of(client)] == ["a.png", "b.png", "c.png"]
    hole = [[20, 20, 40, 20, 40, 36, 20, 36], [25, 25, 30, 25, 30, 30, 25, 30]]
    client.draw(2, (None, {"class": "dög & co", "parts": [hole]}), (None, box(1, 1, 5, 5, z=3)))
    client.draw(3, (None, {"class": "cat", "parts": [[[1, 1, 9, 1, 9, 9]], [[11, 1, 19, 1, 19, 9]]]}))
    client.draw(1, (3, None))
    assert saved(client)["notes"] == []
    data = open_dataset(cvat)
    assert not any("left out" in note and "points" not in note for note in data.problems)
    assert data.class_names[:2] == ("cat", "dög & co")
    assert [len(data[k]) for k in range(3)] == [3, 2, 1]
    assert data[1].regions.areas()[0] == 320 - 25 and data[2].regions.areas()[0] > 50
    text = file.read_text(encoding="utf-8")
    assert 'rle="0, 2, 1, 3"' not in text and "<!-- a comment -->" in text and 'z_order="3"' in text
    client.desk.close()
    (cvat / ".maskrcnn" / "studio.db").unlink()
    again = open_studio(cvat)
    assert [one["class"] for one in objects_of(again, 2).values()] == ["dög & co", "cat"]
    assert len(objects_of(again, 3)[1]["parts"]) == 2


VOC = """<annotation verified="yes">
\t<folder>images</folder>
\t<filename>{name}.png</filename>
\t<size><width>60</width><height>40</height><depth>3</depth></size>
\t<object>
\t\t<name>cat</name>
\t\t<pose>Left</pose>
\t\t<truncated>0</truncated>
\t\t<difficult>1</difficult>
\t\t<bndbox><xmin>11</xmin><ymin>6</ymin><xmax>20</xmax><ymax>15</ymax></bndbox>
\t\t<part><name>head</name><bndbox><xmin>12</xmin><ymin>7</ymin><xmax>13</xmax><ymax>9</ymax></bndbox></part>
\t</object>
\t<!-- between -->
\t<object><name>dog</name><bndbox><xmin>no</xmin></bndbox></object>
\t<object>
\t\t<name>dog</name>
\t\t<bndbox><xmin>31</xmin><ymin>6</ymin><xmax>40</xmax><ymax>15</ymax></bndbox>
\t\t<polygon><x1>30.5</x1><y1>5</y1><x2>40</x2><y2>5</y2><x3>40</x3><y3>15</y3></polygon>
\t</object>
</annotation>
"""


@pytest.fixture
def voc(tmp_path, save_image):
    (tmp_path / "Annotations").mkdir()
    for name in "abc":
        save_image(tmp_path / "JPEGImages" / f"{name}.png")
    for name in "ab":
        (tmp_path / "Annotations" / f"{name}.xml").write_text(VOC.format(name=name))
    return tmp_path


def test_an_object_of_voc_is_changed_and_nothing_else(voc, open_studio):
    before = files_of(voc)
    client = open_studio(voc)
    assert client.get("/api/project").json()["saving"]["format"] == "Pascal VOC"
    objects = objects_of(client, 1)
    assert [(one["class"], one["attributes"]) for one in objects.values()] == [("cat", ["difficult"]), ("dog", [])]
    assert objects[1]["box"] == [10, 5, 20, 15] and objects[2]["parts"] == [[[30.5, 5, 40, 5, 40, 15]]]
    client.draw(1, (1, {**objects[1], "box": [12, 5, 22, 15], "class": "lion"}))
    saved(client)
    after = files_of(voc)
    text = after.pop("Annotations/a.xml").decode()
    back = text.replace("lion", "cat").replace("<xmin>13<", "<xmin>11<").replace("<xmax>22<", "<xmax>20<")
    assert back == VOC.format(name="a")
    del before["Annotations/a.xml"]
    assert after == before
    client.post("/api/images/1/undo")
    saved(client)
    assert (voc / "Annotations" / "a.xml").read_text() == VOC.format(name="a")


def test_what_is_drawn_is_written_as_voc_has_it(voc, open_studio):
    client = open_studio(voc)
    ring, hole = [10, 20, 30, 20, 30, 38, 10, 38], [15, 25, 20, 25, 20, 30, 15, 30]
    client.draw(2, (None, {"class": "a & b", "parts": [[ring, hole]], "attributes": ["crowd"]}), (1, None))
    client.draw(3, (None, box(1.3, 1, 5, 5)))
    notes = saved(client)["notes"]
    assert [any(word in note for note in notes) for word in ("crowd", "holes", "rounded")] == [True] * 3
    text = (voc / "Annotations" / "b.xml").read_text()
    assert "<xmin>no</xmin>" in text and "<!-- between -->" in text and "<pose>Left</pose>" not in text
    data = open_dataset(voc)
    by_name = {data[k].file_name: data[k] for k in range(len(data))}
    assert data.class_names == ("a & b", "cat", "dog") and [len(by_name[f"{k}.png"]) for k in "abc"] == [2, 2, 1]
    assert by_name["b.png"].regions.areas()[1] == 20 * 18 - 25 and by_name["c.png"].boxes.tolist() == [[1, 1, 5, 5]]
    client.desk.close()
    (voc / ".maskrcnn" / "studio.db").unlink()
    assert [one["box"] for one in objects_of(open_studio(voc), 3).values()] == [[1, 1, 5, 5]]


@pytest.mark.parametrize(
    "style", [{"separators": (",", ":")}, {"indent": 4}, {"indent": "\t"}, {"ensure_ascii": False}, {}]
)
def test_json_is_written_as_it_was(write_coco, open_studio, style):
    path = write_coco([{"id": 1, "bbox": [1, 2, 10, 8], "note": "ä"}])
    text = json.dumps(labels_of(path), **style) + ("\n" if style else "")
    path.write_bytes(text.encode())
    client = open_studio(path)
    client.draw(1, (1, None))
    saved(client)
    assert path.read_bytes() != text.encode()
    client.post("/api/images/1/undo")
    saved(client)
    assert path.read_bytes() == text.encode()
