"""CVAT for images, Label Studio and Datumaro: what their own packages wrote, and every shape by hand.

The packed masks were written by label_studio_sdk 2.1.2 (``brush.mask2rle``) and cvat_sdk 2.80.0
(``masks.encode_mask``); the Datumaro item has the form that datumaro 1.13.12 exports.
"""

import json

import numpy as np
import pytest
from pycocotools import mask as pycoco

from maskrcnn.errors import DataError
from maskrcnn.modalities.images.formats.label_studio.brush import unpack_opacity
from maskrcnn.modalities.open import open_dataset

SHAPE = (40, 60)
TWO_SQUARES = np.zeros(SHAPE, bool)  # what both packages packed
TWO_SQUARES[4:24, 4:24] = TWO_SQUARES[30:33, 50:60] = True
TWO_SQUARES[10, 10] = False
LABEL_STUDIO_RLE = [
    *(0, 0, 37, 128, 57, 27, 255, 3, 207, 0, 201, 255, 250, 124, 3, 39, 255, 233, 240, 12, 159, 255, 167, 192, 50, 127),
    *(254, 159, 0, 201, 255, 250, 124, 3, 39, 255, 233, 240, 12, 47, 255, 24, 6, 51, 255, 211, 224, 25, 63, 255, 79),
    *(128, 100, 255, 253, 62, 1, 147, 255, 244, 248, 6, 79, 255, 211, 224, 25, 63, 255, 79, 128, 100, 255, 253, 62, 1),
    *(147, 255, 244, 248, 6, 79, 255, 211, 224, 25, 63, 255, 79, 128, 100, 255, 253, 62, 1, 147, 255, 244, 248, 6, 79),
    *(255, 211, 224, 25, 63, 255, 131, 123, 128, 98, 127, 253, 142, 1, 137, 255, 246, 56, 6, 39, 255, 224, 209, 224, 0),
]
CVAT_RLE = [0, 20, *[36, 20] * 5, 36, 6, 1, 13, *[36, 20] * 13, 418, 10, 46, 10, 46, 10]


def covered(polygon):
    return pycoco.decode(pycoco.merge(pycoco.frPyObjects([polygon], *SHAPE))).astype(bool)


def masks(data):
    (record,) = data
    names = [data.class_names[label - 1] for label in record.labels]
    return list(zip(names, (record.regions.mask(k) for k in range(len(record)))))


# ---- CVAT


@pytest.fixture
def cvat(tmp_path, save_image):
    save_image(tmp_path / "images" / "default" / "a.png")

    def write(shapes, labels=("dog", "cat")):
        names = "".join(f"<label><name>{name}</name></label>" for name in labels)
        image = f'<image id="0" name="a.png" subset="default" width="60" height="40">{shapes}</image>'
        meta = f"<version>1.1</version><meta><task><labels>{names}</labels></task></meta>"
        text = f'<?xml version="1.0" encoding="utf-8"?><annotations>{meta}{image}</annotations>'
        (tmp_path / "annotations.xml").write_text(text)
        return tmp_path

    return write


def test_cvat_masks_are_those_of_its_sdk(cvat):
    text = ", ".join(map(str, CVAT_RLE))
    folder = cvat(f'<mask label="cat" rle="{text}" left="4" top="4" width="56" height="29"/>')
    for path in (folder, folder / "annotations.xml"):
        data = open_dataset(path)
        assert (data.class_names, data.problems) == (("dog", "cat"), [])
        ((name, mask),) = masks(data)
        assert name == "cat" and np.array_equal(mask, TWO_SQUARES)


def test_every_shape_of_cvat(cvat):
    shapes = """
        <polygon label="cat" points="4.00,4.00;24.00,4.00;24.00,24.00"/>
        <polygon label="dog" points="1,1;5,1;5,5" group_id="7"/>
        <polygon label="dog" points="30,30;35,30;35,35" group_id="7"/>
        <box label="cat" xtl="30.0" ytl="4.0" xbr="50.0" ybr="14.0" rotation="90.0"/>
        <ellipse label="cat" cx="20" cy="30" rx="9" ry="4"/>
        <tag label="dog"/>
    """
    data = open_dataset(cvat(shapes))
    assert data.problems == []
    found = masks(data)
    assert [name for name, _ in found] == ["cat", "dog", "cat", "cat"]
    assert np.array_equal(found[0][1], covered([4, 4, 24, 4, 24, 24]))
    assert np.array_equal(found[1][1], covered([1, 1, 5, 1, 5, 5]) | covered([30, 30, 35, 30, 35, 35]))
    assert np.array_equal(found[2][1], covered([35, -1, 45, -1, 45, 19, 35, 19]))  # turned about (40, 9)
    rows, columns = np.indices(SHAPE) + 0.5
    assert (found[3][1] ^ (((columns - 20) / 9) ** 2 + ((rows - 30) / 4) ** 2 < 1)).sum() <= 12


def test_a_box_beside_a_polygon_of_its_group_is_its_box(cvat):
    polygon = '<polygon label="cat" points="4,4;24,4;24,24" group_id="{0}"/>'
    box = '<box label="cat" xtl="4" ytl="4" xbr="24" ybr="24" group_id="{0}"/>'
    for group in (3, 0):  # datumaro writes group 0 where nothing says which belong together
        data = open_dataset(cvat((polygon + box).format(group)))
        ((_, mask),) = masks(data)
        assert np.array_equal(mask, covered([4, 4, 24, 4, 24, 24]))
    apart = '<box label="cat" xtl="14" ytl="4" xbr="34" ybr="24" group_id="0"/>'
    assert len(open_dataset(cvat(polygon.format(0) + apart))[0]) == 2


def test_boxes_of_cvat_alone_are_boxes(cvat):
    data = open_dataset(cvat('<box label="dog" xtl="4" ytl="5" xbr="24.5" ybr="24" group_id="0"/>'))
    assert not data.has_masks and data[0].boxes.tolist() == [[4, 5, 24.5, 24]]


CVAT_BROKEN = {
    '<polyline label="cat" points="1,1;5,5;9,9"/>': "is a polyline",
    '<skeleton label="cat"><points points="1,1"/></skeleton>': "is a skeleton",
    '<polygon label="cat" points="1,1;5,x;9,9"/>': "without three finite points",
    '<polygon points="1,1;5,1;9,9"/>': "has no label",
    '<box label="cat" xtl="1" ytl="1" xbr="1e999" ybr="4"/>': "has no finite",
    '<ellipse label="cat" cx="5" cy="5" rx="0" ry="3"/>': "without radii",
    '<mask label="cat" rle="1, 2" left="0" top="0" width="9" height="9"/>': "run lengths are not those of 9 x 9",
    '<mask label="cat" rle="1, x" left="0" top="0" width="9" height="9"/>': "no whole numbers",
    f'<mask label="cat" rle="1" left="0" top="0" width="{10**9}" height="{10**9}"/>': "far larger than its image",
    f'<mask label="cat" rle="1" left="{10**400}" top="0" width="1" height="1"/>': "no whole numbers",
}


@pytest.mark.parametrize("shape", CVAT_BROKEN)
def test_a_broken_shape_of_cvat_is_named_and_the_rest_is_read(cvat, shape):
    data = open_dataset(cvat(shape + '<polygon label="dog" points="4,4;24,4;24,24"/>'))
    assert len(data[0]) == 1
    (said,) = data.problems
    assert said.startswith("a.png: shape 1 ") and CVAT_BROKEN[shape] in said and said.endswith("was left out.")


def test_a_video_of_cvat_and_xml_of_entities_are_refused(tmp_path, save_image):
    save_image(tmp_path / "a.png")
    (tmp_path / "annotations.xml").write_text('<annotations><track id="0" label="cat"/></annotations>')
    with pytest.raises(DataError, match="tracks of a video"):
        open_dataset(tmp_path)
    bomb = '<!DOCTYPE a [<!ENTITY b "c">]><annotations><image name="&b;"/></annotations>'
    (tmp_path / "annotations.xml").write_text(bomb)
    with pytest.raises(DataError, match="declares a document type"):
        open_dataset(tmp_path)


# ---- Label Studio


@pytest.fixture
def label_studio(tmp_path, save_image):
    save_image(tmp_path / "images" / "a.png")

    def write(results, **task):
        whole = {"original_width": 60, "original_height": 40, "image_rotation": 0, "from_name": "l", "to_name": "i"}
        results = [{**whole, "id": f"r{k}", **result} for k, result in enumerate(results)]
        usual = {"id": 1, "data": {"image": "/data/upload/1/0a1b2c3d-a.png"}, "annotations": [{"result": results}]}
        (tmp_path / "project-1.json").write_text(json.dumps([{**usual, **task}]))
        return tmp_path

    return write


def brush(rle, name="cat"):
    return {"type": "brushlabels", "value": {"format": "rle", "rle": rle, "brushlabels": [name]}}


def polygon(points, name="cat"):
    return {"type": "polygonlabels", "value": {"points": points, "closed": True, "polygonlabels": [name]}}


TRIANGLE = [[100 / 15, 10], [40, 10], [40, 60]]


def test_brushes_of_label_studio_are_those_of_its_sdk(label_studio):
    data = open_dataset(label_studio([brush(LABEL_STUDIO_RLE)]))
    assert data.problems == []
    ((name, mask),) = masks(data)
    assert name == "cat" and np.array_equal(mask, TWO_SQUARES)


def pack(values, most):
    """Values one by one, in runs of ``most``, as the browser packs what is no run."""
    bits = f"{len(values):032b}{7:05b}{2:04b}{3:04b}{7:04b}{15:04b}"
    for k in range(0, len(values), most):
        part = values[k : k + most]
        bits += f"0{3:02b}{len(part) - 1:016b}" + "".join(f"{value:08b}" for value in part)
    bits += "0" * (-len(bits) % 8)
    return [int(bits[k : k + 8], 2) for k in range(0, len(bits), 8)]


@pytest.mark.parametrize("most", [1, 3, 4, 1000, 60_000])
def test_values_that_are_no_run_are_unpacked(most):
    values = np.random.default_rng(0).integers(0, 256, (*SHAPE, 4))
    assert np.array_equal(unpack_opacity(pack(values.ravel().tolist(), most), SHAPE), values[..., 3])


def test_every_shape_of_label_studio(label_studio):
    turned = {"x": 50, "y": 50, "width": 20, "height": 25, "rotation": 90, "rectanglelabels": ["dog"]}
    ellipse = {"x": 50, "y": 50, "radiusX": 15, "radiusY": 10, "rotation": 0, "ellipselabels": ["dog"]}
    shape = {"id": "x", "type": "polygon", "value": {"points": TRIANGLE}}
    label = {"id": "x", "type": "labels", "value": {"labels": ["eel"]}}
    choice = {"type": "choices", "value": {"choices": ["good"]}}
    results = [
        polygon(TRIANGLE),
        {"type": "rectanglelabels", "value": turned},
        {"type": "ellipselabels", "value": ellipse},
        *(shape, label, choice),
    ]
    found = masks(open_dataset(label_studio(results)))
    assert [name for name, _ in found] == ["cat", "dog", "dog", "eel"]
    assert np.array_equal(found[0][1], covered([4, 4, 24, 4, 24, 24]))
    assert np.array_equal(found[1][1], covered([30, 20, 30, 32, 20, 32, 20, 20]))  # clockwise about (30, 20)
    rows, columns = np.indices(SHAPE) + 0.5
    assert (found[2][1] ^ (((columns - 30) / 9) ** 2 + ((rows - 20) / 4) ** 2 < 1)).sum() <= 12
    assert np.array_equal(found[3][1], found[0][1])


def test_json_min_of_label_studio(tmp_path, save_image):
    save_image(tmp_path / "images" / "a.png")
    region = {"points": TRIANGLE, "polygonlabels": ["cat"], "original_width": 60, "original_height": 40}
    tasks = [{"id": 1, "image": "/data/upload/1/a.png", "label": [region], "annotator": 1}]
    (tmp_path / "min.json").write_text(json.dumps(tasks))
    ((name, mask),) = masks(open_dataset(tmp_path))
    assert name == "cat" and np.array_equal(mask, covered([4, 4, 24, 4, 24, 24]))


def test_the_annotation_that_counts_is_said(label_studio):
    whole = {"original_width": 60, "original_height": 40}
    first, last = ({"result": [{**whole, **polygon(TRIANGLE, name)}]} for name in ("first", "last"))
    cancelled = {**first, "was_cancelled": True}
    for annotations, expected, said in (
        ([first, last], "last", True),
        ([{**first, "ground_truth": True}, last], "first", True),
        ([last, cancelled], "last", False),
    ):
        data = open_dataset(label_studio([], annotations=annotations))
        assert masks(data)[0][0] == expected
        assert bool(data.problems) == said


def test_tasks_that_nobody_labelled_are_counted(label_studio):
    folder = label_studio([polygon(TRIANGLE)])
    tasks = json.loads((folder / "project-1.json").read_text())
    open_task = {"id": 2, "data": {"image": "b.png"}, "annotations": [], "predictions": []}
    (folder / "project-1.json").write_text(json.dumps([*tasks, open_task]))
    assert open_dataset(folder).problems == ["Tasks that nobody labelled were left out (1 of 2)."]
    (folder / "project-1.json").write_text(json.dumps([open_task]))
    with pytest.raises(DataError, match="nobody has labelled any"):
        open_dataset(folder)


LABEL_STUDIO_BROKEN = {
    "brush of another size": ({**brush(LABEL_STUDIO_RLE), "original_width": 30}, "is a brush mask of 30 x 40 pixels"),
    "brush cut off": (brush(LABEL_STUDIO_RLE[:50]), "cut off before its end"),
    "brush of a billion values": (brush([255] * 40), "is a brush mask of 4294967295 values"),
    "brush of nothing": (brush(None), "cut off before its end"),
    "brush of texts": (brush(["x"]), "cut off before its end"),
    "two points": (polygon(TRIANGLE[:2]), "without three finite points"),
    "far away": (polygon([[1e300, 1], *TRIANGLE]), "more than a million pixels away"),
    "turned": ({**polygon(TRIANGLE), "image_rotation": 90}, "turned around"),
    "keypoint": ({"type": "keypointlabels", "value": {"x": 1, "y": 2, "keypointlabels": ["cat"]}}, "is not read"),
    "no numbers": ({"type": "rectanglelabels", "value": {"x": "a", "rectanglelabels": ["cat"]}}, "is not read"),
}


@pytest.mark.parametrize("case", LABEL_STUDIO_BROKEN)
def test_a_broken_region_of_label_studio_is_named_and_the_rest_is_read(label_studio, case):
    result, words = LABEL_STUDIO_BROKEN[case]
    data = open_dataset(label_studio([result, polygon(TRIANGLE, "dog")]))
    assert len(data[0]) == 1
    (said,) = data.problems
    assert said.startswith("a.png: region 1 ") and words in said


# ---- Datumaro


@pytest.fixture
def datumaro(tmp_path, save_image):
    save_image(tmp_path / "images" / "train" / "a.png")

    def write(annotations, **item):
        usual = {"attributes": {"is_crowd": False}, "group": 0, "label_id": 1, "z_order": 0}
        found = [{"id": k, **usual, **a} for k, a in enumerate(annotations)]
        image = {"path": "a.png", "size": list(SHAPE)}
        labels = [{"name": name, "parent": "", "attributes": []} for name in ("dog", "cat")]
        content = {
            "dm_format_version": "1.0",
            "media_type": 2,
            "infos": {},
            "categories": {"label": {"labels": labels, "label_groups": [], "attributes": []}},
            "items": [{"id": "a", "annotations": found, "attr": {"frame": 0}, "image": image, **item}],
        }
        (tmp_path / "annotations").mkdir(exist_ok=True)
        (tmp_path / "annotations" / "train.json").write_text(json.dumps(content))
        return tmp_path

    return write


RLE = pycoco.encode(np.asfortranarray(TWO_SQUARES.astype(np.uint8)))
RLE = {"size": list(SHAPE), "counts": RLE["counts"].decode()}


def test_every_shape_of_datumaro(datumaro):
    annotations = [
        {"type": "mask", "rle": RLE},
        {"type": "polygon", "points": [4, 4, 24, 4, 24, 24], "label_id": 0},
        {"type": "ellipse", "points": [11, 26, 29, 34]},
        {"type": "polygon", "points": [1, 1, 5, 1, 5, 5], "group": 5},
        {"type": "bbox", "bbox": [0.5, 0.5, 5, 5], "group": 5},
        {"type": "label"},
    ]
    data = open_dataset(datumaro(annotations))
    assert data.class_names == ("dog", "cat")
    assert data.problems == ["a.png: annotation 6 is of the type label, which covers no area, and was left out."]
    found = masks(data)
    assert [name for name, _ in found] == ["cat", "dog", "cat", "cat"]
    assert np.array_equal(found[0][1], TWO_SQUARES)
    assert np.array_equal(found[1][1], covered([4, 4, 24, 4, 24, 24]))
    rows, columns = np.indices(SHAPE) + 0.5
    assert (found[2][1] ^ (((columns - 20) / 9) ** 2 + ((rows - 30) / 4) ** 2 < 1)).sum() <= 12
    assert np.array_equal(found[3][1], covered([1, 1, 5, 1, 5, 5]))
    assert data[0].boxes[3].tolist() == [0.5, 0.5, 5.5, 5.5]


@pytest.mark.parametrize("image", [{"path": ""}, {}, {"path": "a.png"}])
def test_a_picture_of_datumaro_by_its_path_or_its_id(datumaro, image):
    folder = datumaro([{"type": "bbox", "bbox": [4, 4, 20, 20], "attributes": {"is_crowd": True}}], image=image)
    for path in (folder, f"{folder}:train", folder / "annotations" / "train.json"):
        (record,) = open_dataset(path)
        assert record.boxes.tolist() == [[4, 4, 24, 24]] and record.crowd.tolist() == [True]


DATUMARO_BROKEN = {
    "unknown label": ({"type": "bbox", "bbox": [1, 1, 5, 5], "label_id": 9}, "unknown label 9"),
    "no label": ({"type": "bbox", "bbox": [1, 1, 5, 5], "label_id": None}, "unknown label None"),
    "no numbers": ({"type": "bbox", "bbox": [1, 1, "x", 5]}, "without its finite numbers"),
    "a billion": ({"type": "mask", "rle": {"size": [10**9, 10**9], "counts": "x"}}, "cannot be read"),
    "no run lengths": ({"type": "mask", "rle": None}, "cannot be read"),
    "a cuboid": ({"type": "cuboid_3d", "points": [1, 2, 3]}, "is not read"),
}


@pytest.mark.parametrize("case", DATUMARO_BROKEN)
def test_a_broken_annotation_of_datumaro_is_named_and_the_rest_is_read(datumaro, case):
    annotation, words = DATUMARO_BROKEN[case]
    data = open_dataset(datumaro([annotation, {"type": "polygon", "points": [4, 4, 24, 4, 24, 24]}]))
    assert len(data[0]) == 1
    (said,) = data.problems
    assert said.startswith("a.png: annotation 1 ") and words in said


# ---- LabelMe of MIT


def test_polygons_in_xml(tmp_path, save_image):
    save_image(tmp_path / "Images" / "a.png")
    (tmp_path / "Annotations").mkdir()
    corners = ((4, 4), (24, 4), (24, 24))
    points = "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in corners)
    flat = "".join(f"<x{k}>{x}</x{k}><y{k}>{y}</y{k}>" for k, (x, y) in enumerate(corners, start=1))
    box = "<bndbox><xmin>5</xmin><ymin>5</ymin><xmax>24</xmax><ymax>24</ymax></bndbox>"
    for text in (f"<polygon><username>ann</username>{points}</polygon>", f"{box}<polygon>{flat}</polygon>"):
        xml = f"<annotation><filename>a.png</filename><object><name>cat</name>{text}</object></annotation>"
        (tmp_path / "Annotations" / "a.xml").write_text(xml)
        ((name, mask),) = masks(open_dataset(tmp_path))
        assert name == "cat" and np.array_equal(mask, covered([4, 4, 24, 4, 24, 24]))
