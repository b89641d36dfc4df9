"""Labels as people's tools write them: read with the right value, or said, in every format that shares the kind."""

import json
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image
from pycocotools import mask as pycoco

from maskrcnn.errors import DataError
from maskrcnn.jobs.convert import convert_dataset
from maskrcnn.modalities.images.read.find import find_images
from maskrcnn.modalities.images.read.pictures import read_image
from maskrcnn.modalities.open import open_dataset

SHAPE = (40, 60)
SQUARE = [4, 4, 24, 4, 24, 24, 4, 24]
FULL = np.zeros(SHAPE, np.uint8)
FULL[4:24, 4:24] = 1


def runs(number=int):
    flat = FULL.ravel(order="F")
    edges = np.concatenate([[0], np.flatnonzero(np.diff(flat)) + 1, [flat.size]])
    return {"size": [number(side) for side in SHAPE], "counts": [number(run) for run in np.diff(edges)]}


def compressed():
    rle = pycoco.encode(np.asfortranarray(FULL))
    return {"size": list(SHAPE), "counts": rle["counts"].decode()}


SEGMENTATIONS = {
    "polygon": [SQUARE],
    "a polygon without its list": SQUARE,
    "points": [[[4, 4], [24, 4], [24, 24], [4, 24]]],
    "points without a list": [[4, 4], [24, 4], [24, 24], [4, 24]],
    "run lengths": runs(),
    "float run lengths": runs(float),
    "run lengths in a list": [runs()],
    "compressed in a list": [compressed()],
}


@pytest.mark.parametrize("kind", SEGMENTATIONS)
def test_a_mask_in_any_form(write_coco, kind):
    data = open_dataset(write_coco([{"bbox": [4, 4, 20, 20], "segmentation": SEGMENTATIONS[kind]}]))
    assert data.problems == []
    assert np.array_equal(data[0].regions.mask(0), FULL)


@pytest.mark.parametrize("kind", [float, str, lambda k: f"{k}.0"])
@pytest.mark.parametrize("field", ["image_id", "category_id", "id", "all"])
def test_ids_in_any_form(write_coco, kind, field):
    path = write_coco([{"bbox": [4, 4, 20, 20], "segmentation": [SQUARE]}])
    content = json.loads(path.read_text())
    for annotation in content["annotations"]:
        for name in ("image_id", "category_id"):
            annotation[name] = kind(annotation[name]) if field in (name, "all") else annotation[name]
    if field in ("id", "all"):
        for entry in [*content["images"], *content["categories"]]:
            entry["id"] = kind(entry["id"])
    path.write_text(json.dumps(content))
    data = open_dataset(path)
    assert (data.problems, data.category_ids, data[0].labels.tolist()) == ([], (3, 8), [1])


@pytest.mark.parametrize(
    ("value", "crowd"), [("0", 0), ("false", 0), (None, 0), (0.0, 0), ("1", 1), (True, 1), ("x", 0)]
)
def test_crowds_in_any_form(write_coco, value, crowd):
    data = open_dataset(write_coco([{"bbox": [4, 4, 20, 20], "iscrowd": value}, {"bbox": [4, 4, 20, 21]}]))
    assert data[0].crowd.tolist() == [bool(crowd), False]
    assert len(data.problems) == (value == "x")


def test_a_class_of_nothing_but_crowds_is_named(write_coco, maskrcnn):
    cats = [{"bbox": [4, 4 + k, 20, 9], "iscrowd": 1} for k in range(3)]
    path = write_coco([*cats, {"bbox": [30, 4, 9, 9], "category_id": 8}])
    (said,) = open_dataset(path).problems
    assert said.startswith("All objects of 'cat' are marked as crowds (3")
    out = maskrcnn("doctor", path, "--quick").out
    assert "Classes of which every object is marked as a crowd" in out and "cat: 3" in out


@pytest.mark.parametrize("lack", ["bbox", "null"])
def test_the_doctor_needs_no_boxes(write_coco, maskrcnn, lack):
    annotation = {"segmentation": [SQUARE]} | ({} if lack == "bbox" else {"bbox": None})
    path = write_coco([annotation, {"image_id": 2, **annotation}])
    assert "Traceback" not in maskrcnn("doctor", path, "--quick").out


def test_a_heading_of_roboflow_is_no_second_class(write_coco):
    categories = [
        {"id": 2, "name": "cell", "supercategory": "none"},
        {"id": 3, "name": "cell", "supercategory": "cell"},
    ]
    data = open_dataset(write_coco([{"bbox": [4, 4, 20, 20]}], categories=categories))
    assert data.class_names == ("cell",)
    assert data.problems == ["The category 'cell' is a heading and counts as no class."]


# ---- past the border

FAR = [[10, 5], [90, 5], [90, 35], [10, 35]]  # 30 of 80 columns lie beyond the image's 60


def past_coco(folder):
    flat = [c for point in FAR for c in point]
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [flat], "bbox": [10, 5, 50, 30]}
    content = {"images": [{"id": 1, "file_name": "a.png"}], "annotations": [annotation]}
    (folder / "a.json").write_text(json.dumps({**content, "categories": [{"id": 1, "name": "cat"}]}))
    return folder / "a.json"


def past_labelme(folder):
    shape = {"label": "cat", "points": FAR, "shape_type": "polygon"}
    (folder / "a.json").write_text(json.dumps({"shapes": [shape], "imagePath": "a.png"}))
    return folder


def past_via(folder):
    points = {"name": "polygon", "all_points_x": [p[0] for p in FAR], "all_points_y": [p[1] for p in FAR]}
    region = {"shape_attributes": points, "region_attributes": {"class": "cat"}}
    (folder / "via.json").write_text(json.dumps({"a": {"filename": "a.png", "regions": [region]}}))
    return folder


def past_yolo(folder):
    (folder / "a.txt").write_text("0 " + " ".join(f"{x / 60} {y / 40}" for x, y in FAR) + "\n")
    (folder / "classes.txt").write_text("cat\n")
    return folder


def past_cvat(folder):
    points = ";".join(f"{x},{y}" for x, y in FAR)
    image = f'<image name="a.png"><polygon label="cat" points="{points}"/></image>'
    (folder / "annotations.xml").write_text(f"<annotations>{image}</annotations>")
    return folder


def past_circle(folder):
    shape = {"label": "cat", "points": [[60, 20], [75, 20]], "shape_type": "circle"}
    (folder / "a.json").write_text(json.dumps({"shapes": [shape], "imagePath": "a.png"}))
    return folder


@pytest.mark.parametrize("write", [past_coco, past_labelme, past_via, past_yolo, past_cvat, past_circle])
def test_an_outline_past_the_border_is_cut_and_that_is_said(tmp_path, save_image, write):
    save_image(tmp_path / "a.png")
    data = open_dataset(write(tmp_path))
    assert data[0].boxes[0][2] == 60
    (said,) = data.problems
    assert "border" in said and "cut off" in said


# ---- YOLO


def write_yolo(folder, save_image, text, lists=()):
    save_image(folder / "images" / "train" / "a.png")
    (folder / "labels" / "train").mkdir(parents=True)
    (folder / "labels" / "train" / "a.txt").write_text("1 0.233333 0.35 0.333333 0.5\n")
    (folder / "data.yaml").write_text(text)
    for name, content in lists:
        (folder / name).write_text(content)
    return folder


NAMES = "names: [cat, dog]\n"
SPLITS = {
    "backslashes": "train: images\\train\n" + NAMES,
    "of another machine": "train: /content/data/x/images/train\n" + NAMES,
    "of another Windows machine": "train: C:\\Users\\ann\\x\\images\\train\n" + NAMES,
    "too high": "train: ../images/train\n" + NAMES,
    "a dead path": "path: /content/x\ntrain: images/train\n" + NAMES,
    "text keys": "train: images/train\nnames: {'0': cat, '1': dog}\n",
    "a list": "train: train.txt\n" + NAMES,
    "a list of another machine": "train: far.txt\n" + NAMES,
}


@pytest.mark.parametrize("case", SPLITS)
def test_a_split_is_found_wherever_it_was_made(tmp_path, save_image, case):
    lists = [("train.txt", "./images/train/a.png\n"), ("far.txt", "D:\\x\\images\\train\\a.png\n")]
    data = open_dataset(write_yolo(tmp_path, save_image, SPLITS[case], lists))
    assert data.class_names == ("cat", "dog") and data[0].labels.tolist() == [2]
    assert np.allclose(data[0].boxes, [[4, 4, 24, 24]], atol=1e-3)


def test_the_root_of_cvats_yolo_1_1(tmp_path, save_image):
    save_image(tmp_path / "obj_train_data" / "a.png")
    (tmp_path / "obj_train_data" / "a.txt").write_text("1 0.233333 0.35 0.333333 0.5\n")
    (tmp_path / "obj.names").write_text("cat\ndog\n")
    (tmp_path / "obj.data").write_text("classes = 2\ntrain = data/train.txt\nnames = data/obj.names\n")
    (tmp_path / "train.txt").write_text("data/obj_train_data/a.png\n")
    for path in (tmp_path, tmp_path / "obj.data", tmp_path / "obj_train_data"):
        data = open_dataset(path)
        assert data.class_names == ("cat", "dog") and data[0].labels.tolist() == [2]


def test_a_line_without_a_name_keeps_its_number(tmp_path, save_image):
    save_image(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("2 0.233333 0.35 0.333333 0.5\n")
    (tmp_path / "classes.txt").write_text("cat\n\ndog\n\n")
    data = open_dataset(tmp_path)
    assert data.class_names == ("cat", "class 2", "dog") and data[0].labels.tolist() == [3]


# ---- VOC and LabelMe in folders


def write_xml(path, name, box=(5, 5, 24, 24)):
    path.parent.mkdir(parents=True, exist_ok=True)
    corners = "".join(f"<{c}>{v}</{c}>" for c, v in zip(("xmin", "ymin", "xmax", "ymax"), box))
    text = f"<object><name>cat</name><bndbox>{corners}</bndbox></object>"
    path.write_text(f"<annotation><filename>{name}</filename>{text}</annotation>")


def write_json(path, name):
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = {"label": "cat", "points": [[4, 4], [24, 24]], "shape_type": "rectangle"}
    path.write_text(json.dumps({"shapes": [shape], "imagePath": name}))


FOLDERS = [
    ("Annotations", "JPEGImages"),
    ("annotations", "images"),
    ("annotations/xmls", "images"),
    ("labels", "images"),
    ("xml", "img"),
    ("Annotations/cam1", "JPEGImages/cam1"),
    ("cam1", "cam1"),
    ("ann", "."),
]


@pytest.mark.parametrize(("write", "suffix"), [(write_xml, ".xml"), (write_json, ".json")])
@pytest.mark.parametrize(("labels", "images"), FOLDERS)
def test_labels_and_pictures_in_folders(tmp_path, save_image, write, suffix, labels, images):
    for name in ("a", "b"):
        save_image(tmp_path / images / f"{name}.png")
        write(tmp_path / labels / f"{name}{suffix}", f"{name}.png")
    for path in (tmp_path, tmp_path / labels):
        data = open_dataset(path)
        assert [record.boxes.tolist() for record in data] == [[[4, 4, 24, 24]]] * 2


def test_pictures_of_one_name_in_two_folders_keep_their_labels(tmp_path, save_image):
    for folder, box in (("", (5, 5, 24, 24)), ("cam2/", (11, 11, 30, 30))):
        save_image(tmp_path / "JPEGImages" / folder / "a.png", seed=len(folder))
        write_xml(tmp_path / "Annotations" / folder / "a.xml", "a.png", box)
    (tmp_path / "ImageSets" / "Main").mkdir(parents=True)
    (tmp_path / "ImageSets" / "Main" / "val.txt").write_text("cam2/a\n")
    boxes = {record.source: record.boxes[0].tolist() for record in open_dataset(tmp_path)}
    images = tmp_path / "JPEGImages"
    assert boxes == {str(images / "a.png"): [4, 4, 24, 24], str(images / "cam2" / "a.png"): [10, 10, 30, 30]}
    assert [record.boxes[0].tolist() for record in open_dataset(f"{tmp_path}:val")] == [[10, 10, 30, 30]]


def test_one_corner_beyond_the_border_moves_no_other_box(tmp_path, save_image):
    for name, box in (("a", (-3, 5, 24, 24)), ("b", (5, 5, 24, 24))):
        save_image(tmp_path / f"{name}.png")
        write_xml(tmp_path / f"{name}.xml", f"{name}.png", box)
    data = open_dataset(tmp_path)
    assert data[1].boxes.tolist() == [[4, 4, 24, 24]]
    assert data.problems == ["a.png: what passes the image's border was cut off (1 objects)."]


@pytest.mark.parametrize("other", ["{}", "[1]", '{"shapes": 3}', "{ damaged", '{"images": []}'])
@pytest.mark.parametrize("name", ["_config.json", "zz.json"])
def test_a_foreign_json_beside_labelme_files_is_named(tmp_path, save_image, other, name):
    save_image(tmp_path / "a.png")
    write_json(tmp_path / "a.json", "a.png")
    (tmp_path / name).write_text(other)
    data = open_dataset(tmp_path)
    assert len(data) == 1 and name in data.problems[0]


@pytest.mark.parametrize("kind", ["rotation", "quadrilateral", "freehand", "oriented_rectangle"])
def test_any_shape_of_three_corners_or_more_is_an_outline(tmp_path, save_image, kind):
    save_image(tmp_path / "a.png")
    shape = {"label": "cat", "points": [[4, 14], [14, 4], [24, 14], [14, 24]], "shape_type": kind}
    (tmp_path / "a.json").write_text(json.dumps({"shapes": [shape], "imagePath": "a.png"}))
    corners = [[4, 14, 14, 4, 24, 14, 14, 24]]
    expected = pycoco.decode(pycoco.merge(pycoco.frPyObjects(corners, *SHAPE)))
    assert np.array_equal(open_dataset(tmp_path)[0].regions.mask(0), expected)


def test_a_rectangle_of_four_corners_is_their_box_unless_it_is_turned(tmp_path, save_image):
    save_image(tmp_path / "a.png")
    upright = {"label": "cat", "points": [[4, 4], [24, 4], [24, 24], [4, 24]], "shape_type": "rectangle"}
    turned = {"label": "cat", "points": [[4, 14], [14, 4], [24, 14], [14, 24]], "shape_type": "rectangle"}
    (tmp_path / "a.json").write_text(json.dumps({"shapes": [upright, turned], "imagePath": "a.png"}))
    assert open_dataset(tmp_path)[0].areas.tolist()[0] == 400
    assert open_dataset(tmp_path)[0].areas.tolist()[1] < 250


# ---- pictures


@pytest.mark.parametrize("suffix", ["avif", "jfif", "jp2", "jpe", "tga", "webp", "JPG", "heic"])
def test_every_picture_is_seen(tmp_path, save_image, suffix):
    image = tmp_path / "images" / f"a.{suffix}"
    save_image(tmp_path / "images" / "b.png")
    if suffix == "heic":
        image.write_bytes(b"\0\0\0\x18ftypheic")
    else:
        form = {"jfif": "JPEG", "jpe": "JPEG", "JPG": "JPEG"}.get(suffix)
        Image.open(tmp_path / "images" / "b.png").save(image, form)
    (tmp_path / "labels").mkdir()
    for name in ("a", "b"):
        (tmp_path / "labels" / f"{name}.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    assert image in find_images(tmp_path)
    data = open_dataset(tmp_path)
    assert len(data) == 1 + (suffix != "heic")
    assert suffix != "heic" or any("a.heic" in said and "save it as PNG" in said for said in data.problems)


def test_an_original_that_was_saved_anew_is_not_a_second_picture(tmp_path, save_image):
    save_image(tmp_path / "a.jpg")
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic")
    assert find_images(tmp_path) == [tmp_path / "a.jpg"]


@pytest.mark.parametrize("to", ["coco", "yolo", "labelme", "label-maps"])
@pytest.mark.parametrize("name", ["a.jfif", "a.avif", "a.img", "a", "a.tmp.PNG"])
def test_what_convert_writes_it_can_open(tmp_path, save_image, name, to):
    save_image(tmp_path / "in" / "images" / "a.png")
    form = {"a.jfif": "JPEG", "a.avif": "AVIF"}.get(name, "PNG")
    Image.open(tmp_path / "in" / "images" / "a.png").save(tmp_path / "in" / "images" / "new", form)
    (tmp_path / "in" / "images" / "new").rename(tmp_path / "in" / "images" / name)
    content = {"images": [{"id": 1, "file_name": name}], "categories": [{"id": 1, "name": "cat"}]}
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [4, 4, 20, 20], "segmentation": [SQUARE]}
    (tmp_path / "in" / "a.json").write_text(json.dumps({**content, "annotations": [annotation]}))
    convert_dataset(open_dataset(tmp_path / "in" / "a.json"), tmp_path / "out", to)
    (record,) = open_dataset(tmp_path / "out")
    assert np.array_equal(record.regions.mask(0), FULL)


def png_of_16_bits(path, pixels):
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[pixels.shape[2]]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", *pixels.shape[1::-1], 16, kind, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
    ]
    text = b"\x89PNG\r\n\x1a\n"
    for name, body in [*chunks, (b"IEND", b"")]:
        text += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    path.write_bytes(text)


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("channels", [2, 3, 4])
def test_colours_of_16_bits_keep_their_range(tmp_path, bits, channels):
    pixels = np.random.default_rng(0).integers(0, 2**bits, (*SHAPE, channels))
    pixels[0, 0, :] = 2**bits - 1
    if channels in (2, 4):
        pixels[..., -1] = 65535
    png_of_16_bits(tmp_path / "a.png", pixels)
    expected = pixels[..., :3] if channels > 2 else pixels[..., :1].repeat(3, axis=2)
    image = read_image(tmp_path / "a.png").permute(1, 2, 0).numpy()
    assert np.allclose(image, expected * (255 / (2**bits - 1)), atol=1e-3)


@pytest.mark.parametrize("top", [1023, 4095, 65535])
def test_colours_of_16_bits_in_ppm(tmp_path, top):
    pixels = np.random.default_rng(0).integers(0, top + 1, (*SHAPE, 3))
    pixels[0, 0] = top
    (tmp_path / "a.ppm").write_bytes(b"P6\n60 40\n65535\n" + pixels.astype(">u2").tobytes())
    image = read_image(tmp_path / "a.ppm").permute(1, 2, 0).numpy()
    assert np.allclose(image, pixels * (255 / top), atol=1e-3)
    (tmp_path / "a.ppm").write_bytes((tmp_path / "a.ppm").read_bytes()[:-9])
    with pytest.raises(DataError, match="cut off"):
        read_image(tmp_path / "a.ppm")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize("packing", [None, "zlib"])
def test_colours_of_16_bits_in_tiff(tmp_path, order, planes, packing):
    pixels = np.random.default_rng(0).integers(0, 4096, (*SHAPE, 3)).astype(np.uint16)
    config = {"planarconfig": "separate" if planes else "contig", "photometric": "rgb", "compression": packing}
    stored = pixels.transpose(2, 0, 1) if planes else pixels
    tifffile.imwrite(tmp_path / "a.tif", np.ascontiguousarray(stored), byteorder=order, **config)
    image = read_image(tmp_path / "a.tif").permute(1, 2, 0).numpy()
    assert np.allclose(image, pixels.astype(float) * (255 / 4095), atol=16 if planes and packing else 1e-3)


# ---- black and white, and class maps


def shades(soft):
    """Two squares, perhaps with an edge that falls off over some pixels."""
    mask = np.zeros(SHAPE, np.float32)
    mask[4:24, 4:24] = mask[10:30, 34:54] = 255
    for _ in range(3 if soft else 0):
        mask = (mask + np.roll(mask, 1, 0) + np.roll(mask, -1, 0) + np.roll(mask, 1, 1) + np.roll(mask, -1, 1)) / 5
    return mask


FORMS = {
    "grey": (lambda m: Image.fromarray(m.astype(np.uint8)), "png"),
    "RGB": (lambda m: Image.fromarray(m.astype(np.uint8)).convert("RGB"), "png"),
    "RGBA": (lambda m: Image.fromarray(m.astype(np.uint8)).convert("RGBA"), "png"),
    "LA": (lambda m: Image.fromarray(m.astype(np.uint8)).convert("LA"), "png"),
    "float": (lambda m: Image.fromarray(m), "tif"),
    "float to 1": (lambda m: Image.fromarray(m / 255), "tif"),
    "bits": (lambda m: Image.fromarray(m > 127), "png"),
    "JPEG": (lambda m: Image.fromarray(m.astype(np.uint8)), "jpg"),
    "RGB as JPEG": (lambda m: Image.fromarray(m.astype(np.uint8)).convert("RGB"), "jpg"),
    "white on nothing": (
        lambda m: Image.merge("LA", (Image.new("L", (60, 40), 255), Image.fromarray(m.astype(np.uint8)))),
        "png",
    ),
}


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("layout", ["masks", "mask files"])
def test_black_and_white_in_any_form(tmp_path, save_image, form, soft, layout):
    make, suffix = FORMS[form]
    picture, folder = (
        (tmp_path, tmp_path / "masks") if layout == "masks" else (tmp_path / "a", tmp_path / "a" / "masks")
    )
    if soft and form == "float":
        pytest.skip("fractions of 255 are refused, see below")
    save_image(picture / "images" / "a.png")
    folder.mkdir(parents=True)
    make(shades(soft)).save(folder / f"a.{suffix}")
    data = open_dataset(tmp_path)
    assert data.class_names == ("object",)
    expected = shades(soft) >= 127.5
    (record,) = data
    assert len(record) == (2 if layout == "masks" else 1)
    covered = np.any([record.regions.mask(k) for k in range(len(record))], axis=0)
    assert np.array_equal(covered, expected)
    assert any("JPEG" in said for said in data.problems) == ("JPEG" in form)


def test_classes_in_jpeg_and_fractions_are_refused(tmp_path, save_image):
    save_image(tmp_path / "images" / "a.png")
    (tmp_path / "masks").mkdir()
    classes = (np.indices(SHAPE).sum(0) // 10 % 3).astype(np.uint8) * 60
    Image.fromarray(classes).save(tmp_path / "masks" / "a.jpg")
    with pytest.raises(DataError, match="JPEG or WebP"):
        open_dataset(tmp_path)[0]
    (tmp_path / "masks" / "a.jpg").unlink()
    Image.fromarray(shades(True)).save(tmp_path / "masks" / "a.tif")
    with pytest.raises(DataError, match="holds fractions"):
        open_dataset(tmp_path)[0]


def test_numbers_of_classes_stay_numbers(tmp_path, save_image):
    save_image(tmp_path / "images" / "a.png")
    (tmp_path / "masks").mkdir()
    classes = np.zeros(SHAPE, np.uint8)
    classes[2:10, 2:10], classes[2:10, 20:30], classes[20:30, 2:12], classes[12:14] = 1, 2, 7, 255
    for form in ("L", "RGB", "RGBA"):
        Image.fromarray(classes).convert(form).save(tmp_path / "masks" / "a.png")
        data = open_dataset(tmp_path)
        assert data.class_names == ("class 1", "class 2", "class 7") and sorted(data[0].labels.tolist()) == [1, 2, 3]
