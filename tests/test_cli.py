"""The command line from outside: help, exit codes, and sentences in place of tracebacks."""

import json
import os
import re
import subprocess
import sys

import pytest
import torch

from maskrcnn.apps.cli import COMMANDS
from maskrcnn.apps.cli.demo import PICTURES
from maskrcnn.ops.boxes import pairwise_iou
from maskrcnn.planning.recipe import Recipe
from maskrcnn.pretrained import shipped_models
from tiny import save_photo, write_coco

ASTRONAUT = (20, 14, 365, 512)  # x1, y1, x2, y2 of the person in the photo, by eye; the helmet reaches to 510
NOSE = (222, 115)  # by eye
POSITIONAL = {
    "inputs": "FILE|FOLDER",
    "checkpoint": "FILE",
    "data": "DATA",
    "detections": "DETECTIONS",
    "name": "NAME",
    "folder": "FOLDER",
}
OF_COMMAND = {
    (command, "out"): "OUT"
    for command in ("convert", "compose", "synthetic", "compose-songs", "synthetic-people", "export")
}
OF_COMMAND["export", "model"] = "NAME|FILE"  # positional in these commands alone

needs_shipped_model = pytest.mark.skipif(not shipped_models(), reason="no model is shipped yet")


def run_process(*arguments, **options):
    command = [sys.executable, "-m", "maskrcnn", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


def test_a_process_predicts_and_exits_with_0(tiny_file, tmp_path):
    photo = save_photo(tmp_path / "photo.png")
    done = run_process("predict", photo, "--model", tiny_file, "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(rf"{re.escape(str(photo))}: \d+ objects", done.stdout.splitlines()[0])


def test_a_process_whose_input_failed_exits_with_1_and_no_traceback(tiny_file, tmp_path):
    (tmp_path / "text.png").write_text("no image")
    done = run_process("predict", tmp_path / "text.png", "--model", tiny_file, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert done.stderr.startswith(f"failed: {tmp_path / 'text.png'} is not an image") and done.stderr.count("\n") == 1


def test_a_process_that_cannot_start_exits_with_2_and_one_sentence(tmp_path):
    done = run_process("predict", tmp_path / "gone.png", "--out", tmp_path / "out")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"maskrcnn: {tmp_path / 'gone.png'} does not exist.\n"


def test_help_does_not_wait_for_torch():
    code = "import sys, maskrcnn.apps.cli\ntry: maskrcnn.apps.cli.main()\nfinally: print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True)
    assert done.stdout.endswith("False\n")


def test_help_lists_the_commands(maskrcnn):
    outcome = maskrcnn("--help")
    assert outcome.code == 0
    assert all(command in outcome.out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_explains_every_flag(maskrcnn, command):
    outcome = maskrcnn(command, "--help-all")
    assert (outcome.code, outcome.err) == (0, "")
    text = " ".join(outcome.out.replace("│", " ").split())
    assert " ".join(COMMANDS[command].__doc__.split(".")[0].split()) in text
    fields = [*COMMANDS[command].__dataclass_fields__]
    if "recipe" in fields:  # a record of flags of its own
        fields[fields.index("recipe") : fields.index("recipe") + 1] = [*Recipe.__dataclass_fields__]
    for field in fields:
        flag = f"--{field.strip('_').replace('_', '-')} "
        assert POSITIONAL.get(field, OF_COMMAND.get((command, field), flag)) in text
    assert "None" not in text and "(default: )" not in text


@pytest.mark.parametrize("arguments", [[], ["paint"], ["predict", "x.png", "--colour"], ["train", "data"]])
def test_what_is_no_command_exits_with_2(maskrcnn, arguments):
    outcome = maskrcnn(*arguments)
    assert outcome.code == 2
    assert outcome.err


def test_predict_without_an_image_says_how_it_is_used(refused):
    assert "maskrcnn predict PHOTO" in refused("predict")


def test_an_empty_folder_is_refused(refused, tiny_file, tmp_path):
    (tmp_path / "photos").mkdir()
    sentence = refused("predict", tmp_path / "photos", "--model", tiny_file, "--out", tmp_path / "out")
    assert f"no images in {tmp_path / 'photos'}" in sentence


@pytest.mark.parametrize("command", ["predict", "evaluate", "train"])
def test_an_unknown_model_is_refused_and_the_others_are_listed(refused, tmp_path, command):
    given = save_photo(tmp_path / "photo.png") if command == "predict" else write_coco(tmp_path / "data")
    sentence = refused(command, given, "--model", "cats", "--out", tmp_path / "out")
    assert "no model cats" in sentence
    assert all(name in sentence for name in shipped_models())


@pytest.mark.parametrize("command", ["predict", "evaluate", "train"])
def test_a_file_that_is_no_model_is_refused(refused, tmp_path, command):
    given = save_photo(tmp_path / "photo.png") if command == "predict" else write_coco(tmp_path / "data")
    (tmp_path / "notes.txt").write_text("no model")
    sentence = refused(command, given, "--model", tmp_path / "notes.txt", "--out", tmp_path / "out")
    assert f"{tmp_path / 'notes.txt'} is no safetensors file" in sentence


@pytest.mark.parametrize("command", ["predict", "evaluate", "train"])
def test_results_that_would_replace_a_file_are_refused(refused, tiny_file, tmp_path, command):
    given = save_photo(tmp_path / "photo.png") if command == "predict" else write_coco(tmp_path / "data")
    (tmp_path / "out").write_text("precious")
    sentence = refused(command, given, "--model", tiny_file, "--out", tmp_path / "out")
    assert str(tmp_path / "out") in sentence
    assert (tmp_path / "out").read_text() == "precious"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="nothing is forbidden to this user")
def test_a_folder_that_may_not_be_written_is_refused(refused, tiny_file, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    photo = save_photo(tmp_path / "photo.png")
    sentence = refused("predict", photo, "--model", tiny_file, "--out", tmp_path / "locked" / "out")
    assert str(tmp_path / "locked") in sentence


def test_a_full_disk_is_a_sentence(maskrcnn, tiny_file, tmp_path, monkeypatch):
    def fill_disk(*rest, **options):
        raise OSError(28, "No space left on device", str(tmp_path / "out" / "photo.png"))

    photo = save_photo(tmp_path / "photo.png")
    monkeypatch.setattr("PIL.Image.Image.save", fill_disk)
    outcome = maskrcnn("predict", photo, "--model", tiny_file, "--out", tmp_path / "out")
    assert outcome.code == 1
    where = f"{tmp_path / 'out' / 'photo.png'}: No space left on device"
    assert outcome.err.startswith(f"failed: {photo}: what was found in it could not be written ({where})")


def test_interrupting_is_no_traceback(maskrcnn, tiny_file, tmp_path, monkeypatch):
    def interrupt(*rest, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("maskrcnn.modalities.images.predict.read_image", interrupt)
    photo = save_photo(tmp_path / "photo.png")
    outcome = maskrcnn("predict", photo, "--model", tiny_file, "--out", tmp_path / "out")
    assert (outcome.code, outcome.err) == (130, "maskrcnn: stopped; 0 of 1 inputs are done.\n")


def test_models_lists_what_is_shipped(maskrcnn):
    outcome = maskrcnn("models")
    assert outcome.code == 0
    assert all(f"{name}: " in outcome.out for name in shipped_models())
    assert shipped_models() or "No model is shipped" in outcome.out


def test_the_card_of_a_model_that_is_not_shipped_is_refused(refused):
    assert "no shipped model cats" in refused("models", "cats")


@needs_shipped_model
@pytest.mark.parametrize("name", shipped_models())
def test_each_shipped_model_has_a_card(maskrcnn, name):
    outcome = maskrcnn("models", name)
    assert outcome.code == 0
    assert len(outcome.out) > 500


def test_the_demo_without_its_models_is_refused(refused, tmp_path, monkeypatch):
    monkeypatch.setattr("maskrcnn.pretrained.FOLDER", tmp_path)
    assert "No model is shipped" in refused("demo", "--out", tmp_path / "demo")
    assert not (tmp_path / "demo").exists()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """What the demo found, by model and file, and what it printed."""
    out = tmp_path_factory.mktemp("demo") / "demo"
    done = run_process("demo", "--out", out)
    assert done.returncode == 0, done.stderr
    found = {}
    for model in PICTURES:
        for row in json.loads((out / model / "predictions.json").read_text()):
            found.setdefault((model, row["file_name"].rpartition("/")[2]), []).append(row)
    return out, done.stdout, found


@needs_shipped_model
def test_the_demo_finds_the_astronaut_and_her_face(demo):
    out, printed, found = demo
    assert str(out / "people" / "astronaut.png") in printed
    best = max(found["people", "astronaut.jpg"], key=lambda person: person["score"])
    assert best["score"] >= 0.7
    x, y, width, height = best["bbox"]
    box = torch.tensor([[x, y, x + width, y + height]])
    assert pairwise_iou(box, torch.tensor([ASTRONAUT], dtype=torch.float32)).item() > 0.6
    nose = best["keypoints"][:2]
    assert abs(nose[0] - NOSE[0]) < 30 and abs(nose[1] - NOSE[1]) < 30


@needs_shipped_model
def test_the_demo_follows_a_person_in_its_clip(demo):
    pytest.importorskip("av")
    content = json.loads((demo[0] / "clip" / "leaving.json").read_text())
    (person,) = content["annotations"]
    assert sum(box is not None for box in person["bboxes"]) >= 10 and person["keypoints"][0] is not None
    assert (demo[0] / "clip" / "leaving.mp4").stat().st_size > 20_000


@needs_shipped_model
def test_the_demo_finds_many_nuclei(demo):
    found = demo[2]["nuclei", "cells.jpg"]
    assert len(found) >= 70 and {row["category"] for row in found} == {"nucleus"}
    assert (demo[0] / "nuclei" / "tissue.png").stat().st_size > 10_000
