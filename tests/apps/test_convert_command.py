"""`maskrcnn convert` as a user runs it: into each format, and from there into training and evaluation."""

import json

import numpy as np
import pytest
from PIL import Image

from maskrcnn.modalities.open import open_dataset
from tiny import noise, write_coco

FORMATS = ("coco", "yolo", "labelme", "label-maps")


@pytest.mark.parametrize("to", FORMATS)
def test_the_result_opens_trains_and_evaluates(maskrcnn, tiny_file, tmp_path, to):
    data = write_coco(tmp_path / "data")
    outcome = maskrcnn("convert", data, tmp_path / "out", "--to", to)
    said = f"4 images with 4 objects (masks) of 2 classes are in {tmp_path / 'out'} as {to}.\n"
    assert (outcome.code, outcome.out, outcome.err) == (0, said, "")
    for first, second in zip(open_dataset(data), open_dataset(tmp_path / "out")):
        assert np.array_equal(first.regions.mask(0), second.regions.mask(0))
        assert first.labels.tolist() == second.labels.tolist()
    few = ("--epochs", 1, "--batch", 2, "--workers", 0)
    assert maskrcnn("train", tmp_path / "out", "--model", tiny_file, "--out", tmp_path / "run", *few).code == 0
    found = ("evaluate", tmp_path / "out", "--model", tiny_file, "--bootstrap", 0, "--out", tmp_path / "judged")
    assert maskrcnn(*found).code == 0
    assert json.loads((tmp_path / "judged" / "metrics.json").read_text())["objects"] == 4


def test_boxes_and_what_is_lost(maskrcnn, refused, tmp_path):
    data = write_coco(tmp_path / "data", masks=False)
    outcome = maskrcnn("convert", data, tmp_path / "out", "--to", "yolo")
    assert outcome.out.startswith("4 images with 4 objects (boxes) of 2 classes")
    assert not open_dataset(tmp_path / "out").has_masks
    assert "boxes only" in refused("convert", data, tmp_path / "maps", "--to", "label-maps")
    crowd = {"id": 90, "image_id": 0, "category_id": 1, "bbox": [1, 1, 9, 9], "iscrowd": 1}
    data = write_coco(tmp_path / "data", masks=False, annotations_too=[crowd])
    outcome = maskrcnn("convert", data, tmp_path / "more", "--to", "yolo")
    assert outcome.err == "note: 1 crowds, which were left out.\n"


def test_an_image_that_cannot_be_read_is_named_and_the_rest_is_done(maskrcnn, refused, tmp_path):
    data = write_coco(tmp_path / "data")
    (tmp_path / "data" / "images" / "2.png").write_bytes(b"")
    outcome = maskrcnn("convert", data, tmp_path / "out", "--to", "labelme")
    assert outcome.code == 1
    assert outcome.out.startswith("3 images with 3 objects")
    assert outcome.err.startswith(f"failed: {tmp_path / 'data' / 'images' / '2.png'} is empty")
    for path in (tmp_path / "data" / "images").iterdir():
        path.write_bytes(b"")
    assert "none of its images can be converted" in refused("convert", data, tmp_path / "none", "--to", "coco")


def test_a_folder_that_holds_something_is_left_alone(refused, tmp_path):
    data = write_coco(tmp_path / "data")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("precious")
    assert f"{tmp_path / 'out'} holds something already" in refused("convert", data, tmp_path / "out", "--to", "coco")
    assert "is a file" in refused("convert", data, tmp_path / "out" / "thesis.txt", "--to", "coco")


def test_images_of_the_same_name_keep_apart(maskrcnn, tmp_path):
    images = [{"id": k, "file_name": name, "height": 48, "width": 64} for k, name in enumerate(("a/x.png", "b/X.jpg"))]
    boxes = [{"id": k, "image_id": k, "category_id": k + 1, "bbox": [4, 5, 20, 9 + k]} for k in (0, 1)]
    path = write_coco(tmp_path / "data", images=images, annotations=boxes)
    for k, image in enumerate(images):
        (tmp_path / "data" / "images" / image["file_name"]).parent.mkdir()
        Image.fromarray(noise(seed=k)).save(tmp_path / "data" / "images" / image["file_name"])
    assert maskrcnn("convert", path, tmp_path / "out", "--to", "yolo").code == 0
    back = open_dataset(tmp_path / "out")
    assert {record.file_name: record.labels.tolist() for record in back} == {"x.png": [1], "X-2.jpg": [2]}


def test_an_image_that_was_labelled_unturned_is_written_as_it_was_labelled(maskrcnn, tmp_path):
    data = write_coco(tmp_path / "data", count=1)
    path = tmp_path / "data" / "images" / "0.png"
    image = Image.open(path)
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(path, exif=exif)
    for to in FORMATS:
        assert maskrcnn("convert", data, tmp_path / to, "--to", to).code == 0
        back = open_dataset(tmp_path / to)
        assert np.array_equal(back.read_image(back[0]).permute(1, 2, 0).numpy(), np.array(image))


def test_links_share_the_file_and_leave_its_rights(maskrcnn, tmp_path):
    data = write_coco(tmp_path / "data")
    source = tmp_path / "data" / "images" / "0.png"
    source.chmod(0o600)
    assert maskrcnn("convert", data, tmp_path / "out", "--to", "coco", "--link").code == 0
    assert (tmp_path / "out" / "images" / "0.png").samefile(source)
    assert source.stat().st_mode & 0o777 == 0o600
    assert maskrcnn("convert", data, tmp_path / "copied", "--to", "coco").code == 0
    assert not (tmp_path / "copied" / "images" / "0.png").samefile(source)


def test_the_animals_come_back_pixel_for_pixel(maskrcnn, tmp_path):
    from pathlib import Path

    animals = Path(__file__).parents[2].parent / "shared" / "data" / "animals" / "valid"
    if not animals.is_dir():
        pytest.skip("the shared data is not here (../shared/data)")
    assert maskrcnn("convert", animals, tmp_path / "yolo", "--to", "yolo", "--link").code == 0
    first = {Path(record.source).name: record for record in open_dataset(animals)}
    for record in open_dataset(tmp_path / "yolo"):
        own = first.pop(record.file_name)
        for i in range(len(own)):
            assert np.array_equal(own.regions.window(i), record.regions.window(i))
            assert np.array_equal(own.regions.offsets[i], record.regions.offsets[i])
    assert not first
