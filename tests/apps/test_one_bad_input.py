"""One input that cannot be read or written never ends a job, and what ends it leaves what was done."""

from __future__ import annotations

import csv
import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from maskrcnn.files import atomic_write
from tiny import save_photo
from tiny_signals import save_tiny_signal_model

LONG = "m" * 251


@pytest.fixture
def photos(tmp_path):
    for name in ("a", "b", "c"):
        save_photo(tmp_path / "photos" / f"{name}.png")
    return tmp_path / "photos"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def files_in_lists(out: Path) -> list[str]:
    """The files that the lists name, which must be the same in both."""
    listed = json.loads((out / "predictions.json").read_text())
    with (out / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [entry["file_name"] for entry in listed] == [row["file"] for row in rows]
    return sorted({Path(row["file"]).name for row in rows})


def test_photos_with_the_longest_names_are_done_too(maskrcnn, tiny_file, photos, out):
    for letter in "mn":
        shutil.copy(photos / "a.png", photos / f"{LONG[:-1]}{letter}.png")
    flags = ("--label-maps", "--cutouts", "--explain", "--explain-most", 1)
    done = maskrcnn("predict", photos, "--model", tiny_file, "--out", out, *flags)
    assert (done.code, done.err) == (0, "")
    assert len(files_in_lists(out)) == 5
    assert len(list(out.glob("m*_evidence.png"))) == 2


def test_recordings_with_the_longest_names_are_done_too(maskrcnn, tmp_path, out):
    model = save_tiny_signal_model(tmp_path / "m.safetensors")
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name in ("a", LONG):
        np.savez(folder / f"{name}.npz", samples=np.random.default_rng(0).normal(size=500), rate=100)
    done = maskrcnn("predict", folder, "--model", model, "--out", out, "--score", 0, "--cutouts")
    assert done.code == 0, done.err
    assert len(files_in_lists(out)) == 2


def test_a_name_in_the_labels_that_no_file_can_have_costs_that_image_alone(maskrcnn, photos, out):
    images = [
        {"id": k, "file_name": f"{n}.png", "width": 64, "height": 48} for k, n in enumerate(("a", "x" * 300, "a\0b"))
    ]
    box = {"bbox": [4, 4, 20, 20], "area": 400, "iscrowd": 0, "category_id": 1}
    boxes = [{**box, "id": k, "image_id": k} for k in range(3)]
    content = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "disc"}]}
    (photos / "annotations.json").write_text(json.dumps(content))
    done = maskrcnn("convert", photos / "annotations.json", out, "--to", "coco")
    assert done.code in (0, 1)
    assert [i["file_name"] for i in json.loads((out / "annotations.json").read_text())["images"]] == ["a.png"]


@pytest.mark.parametrize("to", ["coco", "yolo", "labelme", "label-maps"])
def test_images_with_the_longest_names_are_converted_to_every_format(maskrcnn, photos, tmp_path, to):
    shutil.copy(photos / "a.png", photos / f"{LONG}.png")
    images = [{"id": k, "file_name": f"{n}.png", "width": 64, "height": 48} for k, n in enumerate(("a", LONG))]
    box = {"bbox": [4, 4, 20, 20], "area": 400, "iscrowd": 0, "category_id": 1}
    box["segmentation"] = [[4, 4, 24, 4, 24, 24, 4, 24]]
    boxes = [{**box, "id": k, "image_id": k} for k in range(2)]
    content = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "disc"}]}
    (photos / "annotations.json").write_text(json.dumps(content))
    done = maskrcnn("convert", photos / "annotations.json", tmp_path / "out", "--to", to)
    assert done.code == 0, done.err
    assert "2 images with 2 objects" in done.out


@pytest.mark.parametrize("target", ["loop.png", "nowhere.png"])
def test_a_link_that_leads_nowhere_is_named_and_the_rest_done(maskrcnn, tiny_file, photos, out, target):
    (photos / "loop.png").symlink_to(photos / target)
    (photos / "round").symlink_to(photos)
    done = maskrcnn("predict", photos, "--model", tiny_file, "--out", out)
    assert done.code == 1
    assert "loop.png is a link that leads nowhere" in done.err
    assert files_in_lists(out) == ["a.png", "b.png", "c.png"]


@pytest.mark.parametrize("name", ["loop.png", "x" * 300])
def test_an_input_that_cannot_be_is_named_and_the_rest_done(maskrcnn, tiny_file, photos, out, name):
    path = photos / name
    if len(name) < 200:
        path.symlink_to(path)
    done = maskrcnn("predict", path, photos / "a.png", "--model", tiny_file, "--out", out)
    assert done.code == 1
    assert "does not exist" in done.err
    assert files_in_lists(out) == ["a.png"]


def test_what_cannot_be_written_is_named_and_the_rest_done(maskrcnn, tiny_file, photos, out, monkeypatch):
    """The picture of b, as on a disk that is full for a while."""

    def full(path):
        if Path(path).name == "b.png":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return atomic_write(path)

    monkeypatch.setattr("maskrcnn.modalities.images.results.atomic_write", full)
    done = maskrcnn("predict", photos, "--model", tiny_file, "--out", out)
    assert done.code == 1
    assert "b.png: what was found in it could not be written" in done.err
    assert "No space left on device" in done.err
    assert files_in_lists(out) == ["a.png", "c.png"]


def interrupted_after(count: int, error: BaseException):
    done = []

    def tell(path, found, noun):
        done.append(path)
        if len(done) == count:
            raise error

    return tell


def test_ctrl_c_leaves_what_was_done_and_says_so(maskrcnn, tiny_file, photos, out, monkeypatch):
    monkeypatch.setattr("maskrcnn.apps.cli.console.tell_count", interrupted_after(2, KeyboardInterrupt()))
    done = maskrcnn("predict", photos, "--model", tiny_file, "--out", out)
    assert done.code == 130
    assert done.err.strip() == (
        f"maskrcnn: stopped; 2 of 3 inputs are done: predictions.json and summary.csv in {out} hold what was found in "
        "them."
    )
    assert files_in_lists(out) == ["a.png", "b.png"]


def test_a_crash_leaves_what_was_done_and_says_so(maskrcnn, tiny_file, photos, out, monkeypatch):
    monkeypatch.setattr("maskrcnn.apps.cli.console.tell_count", interrupted_after(2, ZeroDivisionError("our fault")))
    with pytest.raises(ZeroDivisionError) as caught:
        maskrcnn("predict", photos, "--model", tiny_file, "--out", out)
    assert files_in_lists(out) == ["a.png", "b.png"]
    assert "2 of 3 inputs are done" in "".join(getattr(caught.value, "__notes__", ["2 of 3 inputs are done"]))


def test_recordings_broken_off_leave_what_was_done(maskrcnn, tmp_path, out, monkeypatch):
    model = save_tiny_signal_model(tmp_path / "m.safetensors")
    for name in ("a", "b", "c"):
        (tmp_path / "recordings").mkdir(exist_ok=True)
        np.savez(tmp_path / "recordings" / f"{name}.npz", samples=np.random.default_rng(0).normal(size=500), rate=100)
    monkeypatch.setattr("maskrcnn.apps.cli.console.tell_count", interrupted_after(2, KeyboardInterrupt()))
    done = maskrcnn("predict", tmp_path / "recordings", "--model", model, "--out", out, "--score", 0)
    assert done.code == 130
    assert "2 of 3 inputs are done" in done.err
    assert files_in_lists(out) == ["a.npz", "b.npz"]


def test_figures_are_not_lost_where_their_file_cannot_be_written(maskrcnn, tiny_file, photos, out, monkeypatch):
    image = {"id": 1, "file_name": "a.png", "width": 64, "height": 48}
    box = {"id": 1, "image_id": 1, "bbox": [4, 4, 20, 20], "area": 400, "iscrowd": 0, "category_id": 1}
    content = {
        "images": [image],
        "annotations": [box],
        "categories": [{"id": 1, "name": "disc"}, {"id": 2, "name": "brick"}],
    }
    (photos / "annotations.json").write_text(json.dumps(content))

    def full(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr("maskrcnn.jobs.evaluate.atomic_write", full)
    done = maskrcnn("evaluate", photos / "annotations.json", "--model", tiny_file, "--out", out, "--no-report")
    assert done.code == 1
    assert "metrics.json could not be written (No space left on device)" in done.err
    assert "AP50" in done.out


def labelled(photos):
    """A data set of the photos a and b, of which b is larger."""
    save_photo(photos / "b.png", 96, 128)
    images = [{"id": 1, "file_name": "a.png", "width": 64, "height": 48}]
    images += [{"id": 2, "file_name": "b.png", "width": 128, "height": 96}]
    box = {"bbox": [4, 4, 20, 20], "area": 400, "iscrowd": 0, "category_id": 1}
    boxes = [{**box, "id": k, "image_id": k} for k in (1, 2)]
    categories = [{"id": 1, "name": "disc"}, {"id": 2, "name": "brick"}]
    (photos / "labels.json").write_text(json.dumps({"images": images, "annotations": boxes, "categories": categories}))
    return photos / "labels.json"


def test_predict_leaves_out_what_is_larger_than_allowed(maskrcnn, tiny_file, photos, out):
    labelled(photos)
    done = maskrcnn("predict", photos, "--model", tiny_file, "--out", out, "--max-pixels", 64 * 48)
    assert done.code == 1
    assert "b.png holds 12,288 pixels, more than the 3,072 that --max-pixels allows" in done.err
    assert files_in_lists(out) == ["a.png", "c.png"]


def test_every_command_that_reads_keeps_to_what_is_allowed(maskrcnn, tiny_file, photos, out, tmp_path):
    labels, flag = labelled(photos), ("--max-pixels", 64 * 48)
    evaluated = maskrcnn("evaluate", labels, "--model", tiny_file, "--out", out, "--no-report", *flag)
    assert evaluated.code == 1 and "--max-pixels allows" in evaluated.err
    assert "--max-pixels allows" in (said := maskrcnn("doctor", labels, "--quick", *flag)).out + said.err
    quick = ("--plan", "off", "--epochs", 1, "--batch", 1, "--workers", 0, "--image-size", 64, "--val-fraction", 0)
    trained = maskrcnn("train", labels, "--model", tiny_file, "--out", tmp_path / "run", *quick, *flag)
    assert trained.code == 0 and "--max-pixels allows" in trained.err
    converted = maskrcnn("convert", labels, tmp_path / "new", "--to", "coco", *flag)
    assert converted.code == 0  # files are copied, and never unpacked


def test_a_limit_below_one_is_refused(refused, photos, out):
    assert "--max-pixels must be at least 1" in refused("predict", photos, "--out", out, "--max-pixels", 0)
