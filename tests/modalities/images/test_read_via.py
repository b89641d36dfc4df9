"""VIA: projects and exports of versions 1 and 2."""

import json

import numpy as np
import pytest
from pycocotools import mask as pycoco

from maskrcnn.errors import DataError
from maskrcnn.modalities.open import open_dataset

SHAPE = (40, 60)
POLYGON = {"name": "polygon", "all_points_x": [3, 21, 11], "all_points_y": [4, 6, 31]}
SHAPES = [
    POLYGON,
    {"name": "rect", "x": 30, "y": 10, "width": 10, "height": 5},
    {"name": "circle", "cx": 30, "cy": 25, "r": 6},
    {"name": "ellipse", "cx": 30, "cy": 20, "rx": 12, "ry": 4, "theta": 1.571},
    {"name": "polyline", "all_points_x": [40, 50, 50, 40], "all_points_y": [30, 30, 35, 35]},
]


def region(shape, **attributes):
    return {"shape_attributes": shape, "region_attributes": attributes}


def export(**images):
    return {
        f"{name}.png7345": {"filename": f"{name}.png", "size": 7345, "regions": regions, "file_attributes": {}}
        for name, regions in images.items()
    }


@pytest.fixture
def write(tmp_path, save_image):
    def write(content, name="via_export_json.json"):
        for image in "ab":
            save_image(tmp_path / f"{image}.png")
        (tmp_path / name).write_text(json.dumps(content) if isinstance(content, dict) else content)
        return tmp_path / name

    return write


def covered(record):
    return [record.regions.mask(i) for i in range(len(record))]


def check_shapes(dataset):
    record = dataset[0]
    masks = covered(record)
    expected = pycoco.decode(pycoco.frPyObjects([[3, 4, 21, 6, 11, 31]], *SHAPE))[..., 0].astype(bool)
    assert np.array_equal(masks[0], expected)
    assert record.boxes[1].tolist() == [30, 10, 40, 15]
    assert masks[1].sum() == 50
    assert masks[2].sum() == pytest.approx(np.pi * 36, rel=0.05)
    upright = masks[3]  # the ellipse is turned by a right angle
    assert upright.sum() == pytest.approx(np.pi * 48, rel=0.05)
    assert upright.any(1).sum() == pytest.approx(24, abs=1) and upright.any(0).sum() == pytest.approx(8, abs=1)
    assert masks[4].sum() == 50


def test_every_shape_of_an_export(write):
    path = write(export(a=[region(shape, animal="cat") for shape in SHAPES], b=[]))
    for opened in (path, path.parent):
        dataset = open_dataset(opened)
        assert dataset.class_names == ("cat",)
        assert [len(record) for record in dataset] == [5, 0]
        check_shapes(dataset)


def test_a_project_and_its_default_path(write, save_image):
    project = {
        "_via_settings": {"ui": {}, "core": {"buffer_size": 18, "filepath": {}, "default_filepath": "photos/"}},
        "_via_img_metadata": export(c=[region(POLYGON, type="dog", note="x")]),
        "_via_attributes": {"region": {"type": {"type": "dropdown", "options": {"dog": ""}}}, "file": {}},
        "_via_data_format_version": "2.0.10",
        "_via_image_id_list": ["c.png7345"],
    }
    path = write(project, "via_project.json")
    save_image(path.parent / "photos" / "c.png")
    dataset = open_dataset(path)
    assert dataset.class_names == ("dog",)
    assert dataset[0].source == str(path.parent / "photos" / "c.png")


def test_regions_of_version_1_are_a_table_and_a_checkbox_is_one_too(write):
    regions = {"0": region(POLYGON, animal={"cat": True, "dog": False}), "1": region(SHAPES[2], animal={"dog": True})}
    entry = {"fileref": "", "size": 7345, "filename": "a.png", "base64_img_data": "", "file_attributes": {}}
    dataset = open_dataset(write({"a.png7345": entry | {"regions": regions}}))
    assert dataset.class_names == ("cat", "dog")
    assert dataset[0].labels.tolist() == [1, 2]


@pytest.mark.parametrize("mark", ["", "#"])
def test_csv(write, mark):
    def cell(value):
        return '"' + json.dumps(value, separators=(",", ":")).replace('"', '""') + '"'

    columns = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"
    rows = [f'a.png,7345,"{{}}",5,{k},{cell(shape)},{cell({"animal": "cat"})}' for k, shape in enumerate(SHAPES)]
    path = write("\n".join([mark + columns, *rows, 'b.png,7345,"{}",0,0,"{}","{}"', ""]), "via_export_csv.csv")
    for opened in (path, path.parent):
        dataset = open_dataset(opened)
        assert [len(record) for record in dataset] == [5, 0]
        check_shapes(dataset)


def test_regions_without_a_class_are_objects(write):
    dataset = open_dataset(write(export(a=[region(POLYGON), region(POLYGON)])))
    assert dataset.class_names == ("object",)
    assert dataset.problems == []
    dataset = open_dataset(write(export(a=[region(POLYGON), region(POLYGON, kind="cat")])))
    assert dataset.class_names == ("cat", "object")
    assert dataset.problems == ["Regions without 'kind' are of the class 'object' (1)."]


def test_of_several_attributes_a_usual_name_is_the_class(write):
    regions = [region(POLYGON, occluded="no", Class="cat"), region(POLYGON, occluded="yes", Class="dog")]
    assert open_dataset(write(export(a=regions))).class_names == ("cat", "dog")


def test_rectangles_alone_are_boxes(write):
    dataset = open_dataset(write(export(a=[region(SHAPES[1], animal="cat")])))
    assert not dataset.has_masks
    assert dataset[0].boxes.tolist() == [[30, 10, 40, 15]]


BROKEN = {
    "point": ({"name": "point", "cx": 3, "cy": 4}, "is a point"),
    "no shape": ({}, "has no shape"),
    "two points": ({"name": "polygon", "all_points_x": [1, 2], "all_points_y": [3, 4]}, "without three finite points"),
    "uneven": ({"name": "polygon", "all_points_x": [1, 2, 3], "all_points_y": [3, 4]}, "without three finite points"),
    "no radius": ({"name": "circle", "cx": 3, "cy": 4}, "has no finite cx, cy, r"),
    "negative": ({"name": "circle", "cx": 3, "cy": 4, "r": -1}, "has no finite cx, cy, r"),
    "outside": ({"name": "circle", "cx": 300, "cy": 4, "r": 2}, "covers no pixel"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_region_is_named_and_the_rest_is_read(write, fault):
    broken, sentence = BROKEN[fault]
    dataset = open_dataset(write(export(a=[region(broken, animal="cat"), region(POLYGON, animal="cat")])))
    (problem,) = dataset.problems
    assert problem.startswith("a.png: region 1 ") and sentence in problem and problem.endswith("was left out.")
    assert len(dataset[0]) == 1


def test_missing_and_unreadable_images_are_named(write):
    path = write(export(a=[region(POLYGON)], b=[], c=[]))
    (path.parent / "b.png").write_bytes(b"no image")
    dataset = open_dataset(path)
    assert len(dataset) == 1
    assert [problem[:5] for problem in dataset.problems] == ["b.png", "c.png"]
    (path.parent / "a.png").unlink()
    with pytest.raises(DataError, match=r"None of the 3 images of .*via_export_json\.json"):
        open_dataset(path)
