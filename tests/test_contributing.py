"""The how-tos of CONTRIBUTING.md: their code runs as it stands there."""

import importlib
import subprocess
import sys

import numpy as np
import pytest
import torch

from documents import ROOT, inline_code, make_targets, python_blocks, read_document, shell_lines
from maskrcnn import Instances, Record
from maskrcnn.apps.cli import COMMANDS
from tiny import save_tiny_model, write_coco

DOCUMENT = "CONTRIBUTING.md"
COUNT_FOLDERS = ("jobs.options", "jobs", "apps.cli")  # of the three files of the command, as the page has them


@pytest.fixture
def counting():
    """The module of the how-to for a measure."""
    names = {}
    exec(python_blocks(DOCUMENT, "How to add a measure")[0], names)
    return names


def found(*scores):
    return Instances(torch.zeros(len(scores), 4), scores=torch.tensor(scores))


def labelled(count, crowd=None):
    return Record("a.png", 1, "a.png", (4, 4), np.zeros((count, 4)), np.ones(count, dtype=np.int64), crowd=crowd)


def test_the_measure_counts(counting):
    crowd = np.array([True, False, False])
    records, detections = [labelled(3), labelled(3, crowd), labelled(0)], [found(0.5, 0.49), found(0.9), found()]
    assert counting["counting_error"](records, detections) == {"counting/error": (2 + 1 + 0) / 3}
    assert counting["counting_error"]([], []) == {"counting/error": None}


def test_the_measure_is_tried_with_watch(counting, tmp_path, monkeypatch, capsys):
    write_coco(tmp_path)
    save_tiny_model(tmp_path / "best.safetensors")
    monkeypatch.chdir(tmp_path)
    exec(python_blocks(DOCUMENT, "How to add a measure")[1], counting)
    assert len(counting["records"]) == len(counting["detections"]) == 4 and counting["unread"] == []
    printed = capsys.readouterr().out
    assert "'counting/error'" in printed and "'mask/AP'" in printed


@pytest.fixture
def count_command(tmp_path, monkeypatch):
    """The command of the how-to, as if its three files lay in the package."""
    for folder, text in zip(COUNT_FOLDERS, python_blocks(DOCUMENT, "How to add a command"), strict=True):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "count.py").write_text(text)
        package = importlib.import_module(f"maskrcnn.{folder}")
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / folder)])
    monkeypatch.setitem(COMMANDS, "count", importlib.import_module("maskrcnn.apps.cli.count").Count)
    yield
    for folder in COUNT_FOLDERS:
        sys.modules.pop(f"maskrcnn.{folder}.count", None)
        vars(sys.modules[f"maskrcnn.{folder}"]).pop("count", None)


def test_the_command_counts(count_command, maskrcnn, tmp_path):
    labels = write_coco(tmp_path / "data", count=5)
    outcome = maskrcnn("count", labels)
    assert (outcome.code, outcome.out, outcome.err) == (0, "disc: 3 objects\nbrick: 2 objects\n", "")
    assert maskrcnn("count", labels, "--fewest", "3").out == "disc: 3 objects\n"


def test_the_command_explains_itself_and_refuses_slips(count_command, maskrcnn, refused, tmp_path):
    told = " ".join(maskrcnn("count", "--help").out.split())
    assert "Count the labelled objects of each class." in told and "--fewest INT" in told
    assert "gone does not exist" in refused("count", tmp_path / "gone")
    assert "--fewest must be at least 0" in refused("count", tmp_path, "--fewest", "-1")


def test_the_set_up_names_what_there_is():
    commands = shell_lines(DOCUMENT)
    assert [line for line in commands if line.startswith("make")] == [
        "make .venv/installed-test",
        "make lint",
        "make test",
    ]
    targets = make_targets()
    assert {line.removeprefix("make ") for line in commands if line.startswith("make")} <= targets
    for code in inline_code(DOCUMENT):
        if code.startswith("make ") and "NAME" not in code:
            assert code.removeprefix("make ") in targets, code


def test_files_and_folders_that_it_names_are_there():
    made_up = {f"src/maskrcnn/{folder.replace('.', '/')}/count.py" for folder in COUNT_FOLDERS}
    made_up |= {"src/maskrcnn/evaluation/counting.py"}
    paths = [code for code in inline_code(DOCUMENT) if code.startswith(("src/", "tests/", "docs/"))]
    missing = [path for path in paths if path not in made_up and not (ROOT / path).exists()]
    assert paths and not missing
    assert not any((ROOT / path).exists() for path in made_up), "take another example: this one exists now"


def test_the_commands_for_tests_find_tests():
    lines = [line for line in shell_lines(DOCUMENT) if "pytest" in line]
    assert len(lines) == 2
    for line in lines:
        arguments = line.split()[1:]
        done = subprocess.run(
            [sys.executable, *arguments, "--collect-only"], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0 and "test_nms.py" in done.stdout, done.stdout


def test_the_head_is_explained_elsewhere():
    assert "(docs/extending.md)" in read_document(DOCUMENT)
