"""A format that is not read is named, with a way to get its labels out; nothing else is taken for one."""

import json
import tarfile

import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.images.labels.unsupported import UNREAD, unread_format
from maskrcnn.modalities.open import open_dataset

SHAPES = [{"label": "cat", "points": []}]
JSONS = {
    "panoptic": {"images": [], "categories": [], "annotations": [{"image_id": 1, "segments_info": []}]},
    "panoptic json": {"images": [], "annotations": [], "categories": [{"id": 1, "name": "sky", "isthing": 0}]},
    "captions": {"images": [], "annotations": [{"image_id": 1, "caption": "a cat"}]},
    "results": [{"image_id": 1, "category_id": 2, "score": 0.5, "bbox": [1, 2, 3, 4]}],
    "Create ML": [{"image": "a.png", "annotations": [{"label": "cat", "coordinates": {"x": 1, "y": 2}}]}],
    "VIA 3": {"project": {}, "config": {}, "attribute": {}, "file": {}, "metadata": {}, "view": {}},
    "Supervisely": {"description": "", "size": {"height": 40, "width": 60}, "objects": []},
    "Darwin": {"version": "2.0", "item": {"name": "a.png"}, "annotations": []},
    "Cityscapes": {"imgHeight": 1024, "imgWidth": 2048, "objects": SHAPES},
    "Labelbox": [{"data_row": {"id": "x"}, "media_attributes": {}}],
    "BDD100K": [{"name": "a.jpg", "labels": []}],
    "SuperAnnotate": {"metadata": {"name": "a.jpg"}, "instances": []},
    "GeoJSON": {"type": "FeatureCollection", "features": []},
    "backup": {"name": "task", "labels": [], "jobs": []},
}


@pytest.mark.parametrize("name", JSONS)
def test_a_json_of_another_tool_is_named(tmp_path, name):
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(JSONS[name]))
    for opened in (path, tmp_path):
        with pytest.raises(DataError, match=r"labels\.json is .*, which is not read: .*docs/formats\.md") as raised:
            open_dataset(opened)
        assert name.split()[0].lower() in str(raised.value).lower()


def test_a_folder_of_one_json_for_each_picture_is_named(tmp_path):
    (tmp_path / "annotations").mkdir()
    for k in range(3):
        (tmp_path / "annotations" / f"{k}.json").write_text(json.dumps(JSONS["Darwin"]))
    with pytest.raises(DataError, match="Darwin"):
        open_dataset(tmp_path)
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        archive.add(tmp_path / "annotations")
    with pytest.raises(DataError, match="unpack it"):
        open_dataset(tmp_path / "all.tar")


def test_archives_tables_and_folders_are_named(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "export.zip").write_bytes(b"PK\x03\x04 and so on")
    (tmp_path / "a" / "boxes.csv").write_text("ImageID,Source,LabelName,Confidence,XMin\n")
    for name, words in (("export.zip", "unpack it"), ("boxes.csv", "Open Images")):
        with pytest.raises(DataError, match=words):
            open_dataset(tmp_path / "a" / name)
    with pytest.raises(DataError, match=r"packed files: unpack .*export\.zip"):
        open_dataset(tmp_path / "a")
    for folder, words in (("gtFine/train", "Cityscapes"), ("ds/ann", "Supervisely"), ("training/label_2", "KITTI")):
        place = tmp_path / words
        (place / folder).mkdir(parents=True)
        (place / "meta.json").write_text("{}")
        with pytest.raises(DataError, match=words):
            open_dataset(place)
    (tmp_path / "lines.ndjson").write_text(json.dumps(JSONS["Labelbox"][0]) + "\n{}\n")
    with pytest.raises(DataError, match="Labelbox"):
        open_dataset(tmp_path / "lines.ndjson")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig", "latin-1"])
def test_json_in_another_encoding(write_coco, encoding):
    path = write_coco([{"bbox": [4, 4, 20, 20]}])
    text = path.read_text().replace('"cat"', '"chaton né"')
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    path.write_bytes((mark + text).encode(encoding))
    if encoding == "latin-1":
        with pytest.raises(DataError, match="UTF-8"):
            open_dataset(path)
    else:
        assert open_dataset(path).class_names[0] == "chaton né"


def test_what_is_read_is_in_no_row_of_the_table(tmp_path, write_coco):
    path = write_coco([{"bbox": [4, 4, 20, 20], "segmentation": [[1, 1, 9, 1, 9, 9]]}])
    assert unread_format(path) is None and unread_format(path.parent) is None
    content = json.loads(path.read_text())
    content["categories"][0]["isthing"] = 1  # detectron2 writes it beside instances as well
    path.write_text(json.dumps(content))
    assert len(open_dataset(path)[0]) == 1


def test_every_row_says_what_to_do():
    assert all(known.name and known.way_out and not known.way_out.endswith(".") for known in UNREAD)
    assert len({known.name for known in UNREAD}) == len(UNREAD)
