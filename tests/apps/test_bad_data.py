"""Faults of a data set are named one by one; what can be used is used; what is no data set is refused in a sentence."""

import json
import math

import pytest

from tiny import write_coco

SQUARE = [[10, 10, 20, 10, 20, 20, 10, 20]]
FAULTS = {  # what to add to a good data set, and what its sentence says
    "missing image": ({"images_too": [{"id": 90, "file_name": "gone.png", "height": 48, "width": 64}]}, "gone.png is"),
    "zero-width box": ({"annotations_too": [{"id": 91, "bbox": [5, 5, 0, 9]}]}, "Annotation 91 of 0.png: its box"),
    "empty polygon": ({"annotations_too": [{"id": 92, "bbox": [5, 5, 9, 9], "segmentation": [[]]}]}, "Annotation 92"),
    "unknown category": (
        {"annotations_too": [{"id": 93, "bbox": [5, 5, 9, 9], "category_id": 77, "segmentation": SQUARE}]},
        "Annotation 93 of 0.png: its category 77",
    ),
    "box outside": ({"annotations_too": [{"id": 94, "bbox": [900, 5, 9, 9]}]}, "Annotation 94 of 0.png: its box"),
    "not a number": (
        {"annotations_too": [{"id": 95, "bbox": [math.nan, 5, 9, 9]}]},
        "Annotation 95 of 0.png: its box is not four finite numbers",
    ),
    "polygon of nothing": (
        {"annotations_too": [{"id": 96, "bbox": [5, 5, 9, 9], "segmentation": [[math.nan] * 6]}]},
        "Annotation 96 of 0.png: 1 of the 1 parts of its polygon",
    ),
}


def write_faulty(folder, *faults):
    lists = {"images_too": [], "annotations_too": []}
    for fault in faults:
        for name, entries in FAULTS[fault][0].items():
            lists[name] += [{"image_id": 0, "category_id": 1} | entry for entry in entries]
    return write_coco(folder, **lists)


def run_evaluate(maskrcnn, tiny_file, data, out):
    return maskrcnn("evaluate", data, "--model", tiny_file, "--out", out, "--bootstrap", 0)


def run_train(maskrcnn, tiny_file, data, out):
    few = ("--epochs", 1, "--batch", 2, "--workers", 0)
    return maskrcnn("train", data, "--model", tiny_file, "--out", out, *few)


@pytest.mark.parametrize("fault", FAULTS)
def test_evaluating_names_a_fault_and_goes_on(maskrcnn, tiny_file, tmp_path, fault):
    outcome = run_evaluate(maskrcnn, tiny_file, write_faulty(tmp_path / "data", fault), tmp_path / "out")
    (note,) = [line for line in outcome.err.splitlines() if FAULTS[fault][1] in line]
    assert note.startswith("note: ") and note.endswith(".")
    assert outcome.code == 0
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["images"] == 4


def test_training_names_all_faults_and_goes_on(maskrcnn, tiny_file, tmp_path):
    outcome = run_train(maskrcnn, tiny_file, write_faulty(tmp_path / "data", *FAULTS), tmp_path / "out")
    assert outcome.code == 0
    for _, sentence in FAULTS.values():
        assert f"note: {sentence}" in outcome.err
    assert f"More about the data, and what to do: maskrcnn doctor {tmp_path / 'data' / 'labels.json'}" in outcome.err
    assert (tmp_path / "out" / "best.safetensors").is_file()


def test_many_faults_do_not_fill_the_screen(maskrcnn, tiny_file, tmp_path):
    gone = [{"id": k, "file_name": f"gone{k}.png", "height": 48, "width": 64} for k in range(100, 150)]
    outcome = run_evaluate(maskrcnn, tiny_file, write_coco(tmp_path / "data", images_too=gone), tmp_path / "out")
    notes = [line for line in outcome.err.splitlines() if line.startswith("note: ")]
    assert len(notes) == 11
    assert notes[-1] == "note: and 40 more faults."


def test_an_unreadable_image_of_the_data_fails_and_the_rest_is_evaluated(maskrcnn, tiny_file, tmp_path):
    data = write_coco(tmp_path / "data")
    (tmp_path / "data" / "images" / "2.png").write_bytes(b"")
    outcome = run_evaluate(maskrcnn, tiny_file, data, tmp_path / "out")
    assert outcome.code == 1
    assert outcome.err.strip().startswith(f"failed: {tmp_path / 'data' / 'images' / '2.png'} is empty")
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["images"] == 3


def test_data_without_one_readable_image_cannot_be_used(maskrcnn, tiny_file, tmp_path):
    data = write_coco(tmp_path / "data")
    for path in (tmp_path / "data" / "images").iterdir():
        path.write_bytes(b"no image")
    for run in (run_evaluate, run_train):
        outcome = run(maskrcnn, tiny_file, data, tmp_path / "out")
        last = outcome.err.splitlines()[-1]
        assert outcome.code == 2
        assert last.startswith("maskrcnn: ") and "4 images can be read" in last


def truncated(folder):
    path = write_coco(folder)
    path.write_text(path.read_text()[:-100])
    return path


def no_coco(folder):
    path = write_coco(folder)
    path.write_text(json.dumps({"shapes": [], "version": "5.0"}))
    return path


def a_list(folder):
    path = write_coco(folder)
    path.write_text("[1, 2, 3]")
    return path


def missing(folder):
    return folder / "gone.json"


def empty_folder(folder):
    folder.mkdir()
    return folder


def empty_file(folder):
    path = write_coco(folder)
    path.write_bytes(b"")
    return path


def an_image(folder):
    return write_coco(folder).parent / "images" / "0.png"


def no_images_there(folder):
    path = write_coco(folder)
    for image in (path.parent / "images").iterdir():
        image.unlink()
    return path


def no_images_listed(folder):
    return write_coco(folder, images=[], annotations=[])


def no_categories(folder):
    return write_coco(folder, categories=[])


UNUSABLE = [
    truncated,
    no_coco,
    a_list,
    missing,
    empty_folder,
    empty_file,
    an_image,
    no_images_there,
    no_images_listed,
    no_categories,
]


@pytest.mark.parametrize("make", UNUSABLE)
@pytest.mark.parametrize("command", ["evaluate", "train"])
def test_what_is_no_data_set_is_refused_in_one_sentence_that_names_it(refused, tiny_file, tmp_path, command, make):
    path = make(tmp_path / "data")
    sentence = refused(command, path, "--model", tiny_file, "--out", tmp_path / "out")
    assert str(path) in sentence
