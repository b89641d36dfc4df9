"""Labels are opened, one object is changed, and everything else stays as it was."""

import base64
import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from maskrcnn.modalities.open import open_dataset
from studio_client import box, labels_of

RLE = {"size": [40, 60], "counts": [5, 3, 37, 3, 2352]}


@pytest.fixture
def coco(write_coco):
    """A file with much that the studio does not know."""
    annotations = [
        {"bbox": [1.5, 2.25, 10.0, 8.0], "area": 80, "note": "keep"},
        {"bbox": [3, 3, 20, 20], "segmentation": [[3, 3, 23, 3, 23.5, 23, 3, 23.125]], "area": 399.25},
        {"bbox": [0, 0, 2, 40], "segmentation": RLE, "iscrowd": 1, "area": 6, "attributes": {"occluded": True}},
        {"bbox": [90, 90, 5, 5]},  # outside the image: nobody can see it, so nobody takes it away
        {"image_id": 2, "bbox": [5, 5, 10, 10], "category_id": 8},
    ]
    path = write_coco(annotations, info={"year": 2026}, licenses=[{"id": 1}])
    content = labels_of(path)
    content["images"][0]["flickr_url"] = "x"
    path.write_text(json.dumps(content, indent=4))
    return path


def test_coco_keeps_what_nobody_touched(coco, open_studio):
    before = labels_of(coco)
    client = open_studio(coco)
    image = client.get("/api/images/1").json()
    assert [one["id"] for one in image["objects"]] == [100, 101, 102]
    assert image["objects"][2]["attributes"] == ["crowd"]
    moved = {**image["objects"][0], "box": [2.5, 2.25, 12.5, 10.25]}
    del moved["id"]
    assert client.draw(1, (100, moved), seq=image["seq"]).status_code == 200
    assert client.post("/api/saving").status_code == 200
    after = labels_of(coco)
    assert after["annotations"][0] == {**before["annotations"][0], "bbox": [2.5, 2.25, 10.0, 8.0], "area": 80.0}
    after["annotations"][0] = before["annotations"][0]
    assert after == before
    assert coco.read_text().startswith("{\n    ")


def test_coco_undone_is_the_file_as_it_was(coco, open_studio):
    before = labels_of(coco)
    client = open_studio(coco)
    objects = {one.pop("id"): one for one in client.get("/api/images/1").json()["objects"]}
    client.draw(1, (101, None))
    client.draw(1, (102, {**objects[102], "class": "dog"}))
    client.draw(1, (None, box(1, 1, 9, 9, "horse")))
    client.post("/api/saving")
    changed = labels_of(coco)
    assert [a["id"] for a in changed["annotations"]] == [100, 102, 103, 104, 105]
    assert changed["annotations"][1] == {**before["annotations"][2], "category_id": 8}
    assert changed["categories"] == [*before["categories"], {"id": 9, "name": "horse"}]
    for _ in range(3):
        client.post("/api/images/1/undo")
    client.post("/api/saving")
    undone = labels_of(coco)
    by_id = lambda content: {a["id"]: a for a in content["annotations"]}  # noqa: E731
    assert by_id(undone) == by_id(before)


def test_a_bare_folder_becomes_coco_that_opens_again(photos, open_studio):
    client = open_studio(photos)
    ring = [[10, 10, 30, 10, 30, 30, 10, 30], [15, 15, 20, 15, 20, 20, 15, 20]]
    assert client.draw(1, (None, {"class": "cat", "parts": [[ring[0]]]})).status_code == 200
    assert client.draw(1, (None, {"class": "dog", "parts": [ring]})).status_code == 200
    assert (
        client.draw(3, (None, {"class": "cat", "mask": {"box": [2, 3, 5, 5], "runs": [1, 2, 1, 2]}})).status_code == 200
    )
    client.put("/api/images/2/status", {"status": "done"})
    saved = client.post("/api/saving").json()
    assert saved["unsaved"] == 0 and not saved["error"]
    content = labels_of(photos / "labels.json")
    assert [entry["file_name"] for entry in content["images"]] == ["a.png", "b.png", "deep/c.png"]
    assert content["annotations"][0]["segmentation"] == [ring[0]]
    data = open_dataset(photos / "labels.json")
    assert [len(data[k]) for k in range(3)] == [2, 0, 1] and data.problems == []
    assert data[0].regions.areas().tolist() == [400, 400 - 25]
    assert data[2].regions.mask(0)[3:5, 2:5].tolist() == [[False, True, True], [False, True, True]]
    client.desk.close()
    again = open_studio(photos)
    lines = again.get("/api/images").json()["images"]
    assert [(line["status"], line["objects"]) for line in lines] == [("draft", 2), ("done", 0), ("draft", 1)]
    shutil.rmtree(photos / ".maskrcnn")
    again.desk.close()
    anew = open_studio(photos)  # the labels alone
    parts = [one["parts"] for one in anew.get("/api/images/1").json()["objects"]]
    assert parts[0] == [[ring[0]]]


@pytest.fixture
def labelme(tmp_path, save_image):
    """Two images of LabelMe with shapes of each kind."""
    folder = tmp_path / "labelme"
    for k, name in enumerate("ab"):
        save_image(folder / f"{name}.png", seed=k)
    file = io.BytesIO()
    Image.fromarray(np.array([[255, 0], [255, 255]], np.uint8)).convert("1").save(file, "PNG")
    painted = base64.b64encode(file.getvalue()).decode()
    shapes = [
        {
            "label": "cat",
            "points": [[1.25, 2.0], [10, 2], [10, 12.5]],
            "group_id": None,
            "shape_type": "polygon",
            "flags": {},
        },
        {"label": "eye", "points": [[5, 5]], "group_id": None, "shape_type": "point", "flags": {}, "score": 1},
        {
            "label": "dog",
            "points": [[20, 20], [30, 30]],
            "group_id": 4,
            "shape_type": "rectangle",
            "flags": {"odd": True},
        },
        {"label": "cat", "points": [[40, 5], [50, 5], [50, 15]], "group_id": 2, "shape_type": "polygon", "flags": {}},
        {"label": "cat", "points": [[41, 20], [50, 20], [50, 29]], "group_id": 2, "shape_type": "polygon", "flags": {}},
        {"label": "fur", "points": [[3, 3], [4, 4]], "mask": painted, "shape_type": "mask", "description": "soft"},
    ]
    for name in "ab":
        content = {
            "version": "5.0.1",
            "flags": {"x": False},
            "shapes": shapes,
            "imagePath": f"{name}.png",
            "imageData": None,
            "imageHeight": 40,
            "imageWidth": 60,
        }
        (folder / f"{name}.json").write_text(json.dumps(content, indent=2))
    return folder


def test_labelme_keeps_what_nobody_touched(labelme, open_studio):
    before = labels_of(labelme / "a.json")
    other = (labelme / "b.json").read_bytes()
    client = open_studio(labelme)
    objects = {one.pop("id"): one for one in client.get("/api/images/1").json()["objects"]}
    assert [one["class"] for one in objects.values()] == ["cat", "dog", "cat", "fur"]
    assert [len(one["parts"]) for one in objects.values()] == [1, 0, 2, 0]
    client.draw(1, (2, {**objects[2], "box": [20, 20, 31, 30]}))
    client.draw(1, (None, box(5, 30, 9, 39, "new")))
    client.post("/api/saving")
    after = labels_of(labelme / "a.json")
    new = after["shapes"].pop()
    assert (new["label"], new["points"], new["shape_type"]) == ("new", [[5, 30], [9, 39]], "rectangle")
    assert after["shapes"][2] == {
        **before["shapes"][2],
        "points": [[20, 20], [31, 30]],
        "group_id": None,
        "description": "",
    }
    after["shapes"][2] = before["shapes"][2]
    assert after == before
    assert (labelme / "b.json").read_bytes() == other
    client.draw(1, (3, {**objects[3], "class": "lion"}))
    client.post("/api/saving")
    lions = [shape for shape in labels_of(labelme / "a.json")["shapes"] if shape["label"] == "lion"]
    assert [{**shape, "label": "cat"} for shape in lions] == before["shapes"][3:5]
    client.draw(1, (1, None), (3, None), (4, None), seq=10)
    client.post("/api/saving")
    assert [shape["label"] for shape in labels_of(labelme / "a.json")["shapes"]] == ["eye", "dog", "new"]


def test_roboflow_is_saved_where_it_lay(coco, open_studio, tmp_path):
    folder = tmp_path / "train"
    shutil.copytree(tmp_path / "images", folder)
    shutil.copy(coco, folder / "_annotations.coco.json")
    client = open_studio(folder)
    client.draw(2, (None, box(1, 1, 5, 5, "cat")))
    client.post("/api/saving")
    assert len(labels_of(folder / "_annotations.coco.json")["annotations"]) == 6
    assert not (folder / "labels.json").exists()


def test_what_is_not_edited_where_it_lies_becomes_coco_as_a_whole(tmp_path, save_image, open_studio):
    ellipse = {"name": "ellipse", "cx": 30, "cy": 20, "rx": 10, "ry": 5}
    drawn = {"a.png": [("cat", ellipse), ("dog", {**ellipse, "cx": 15})], "b.png": [("dog", ellipse)]}
    content = {}
    for name, shapes in drawn.items():
        save_image(tmp_path / name)
        regions = [{"shape_attributes": own, "region_attributes": {"label": label}} for label, own in shapes]
        content[name] = {"filename": name, "size": -1, "regions": regions, "file_attributes": {}}
    (tmp_path / "via_export.json").write_text(json.dumps(content))
    before = open_dataset(tmp_path)
    client = open_studio(tmp_path)
    assert client.get("/api/project").json()["converted_from"] == "VIA"
    client.draw(2, (None, box(1, 1, 5, 5, "cat")))
    client.post("/api/saving")
    after = open_dataset(tmp_path / "labels.json")
    assert after.class_names == before.class_names and [len(after[k]) for k in range(2)] == [2, 2]
    assert np.array_equal(after[0].regions.mask(1), before[0].regions.mask(1))
    assert np.allclose(after[0].boxes, before[0].boxes)
    client.desk.close()
    again = open_studio(tmp_path)  # the file that was saved, though the other still lies there
    assert again.get("/api/project").json()["saving"]["format"] == "COCO"
    assert len(again.get("/api/images/2").json()["objects"]) == 2


def test_labels_that_were_taken_away_are_written_anew(photos, open_studio):
    client = open_studio(photos)
    client.draw(1, (None, box(1, 1, 5, 5)))
    client.desk.close()
    before = labels_of(photos / "labels.json")
    (photos / "labels.json").unlink()
    open_studio(photos).desk.close()
    assert labels_of(photos / "labels.json") == before


def test_labels_that_another_program_changed_are_read_anew_where_nobody_has_worked(coco, open_studio):
    client = open_studio(coco)
    assert len(client.get("/api/images/1").json()["objects"]) == 3
    client.draw(2, (None, box(1, 1, 5, 5)))
    client.desk.close()
    content = labels_of(coco)
    content["annotations"] = [one for one in content["annotations"] if one["id"] != 101]
    coco.write_text(json.dumps(content))
    again = open_studio(coco)
    assert [one["id"] for one in again.get("/api/images/1").json()["objects"]] == [100, 102]
    assert len(again.get("/api/images/2").json()["objects"]) == 2
