"""What the Makefile does where the data that its targets need are not there, and what docs/data.md says of them."""

import os
import re
import shutil
import subprocess

import pytest

from documents import ROOT, make_targets, read_document
from maskrcnn.pretrained import shipped_models

FOLDERS = ["animals", "coco", "dna", "ecg_qtdb", "hippocampus", "nuclei", "spoken_digits", "volumes"]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A checkout in which nothing was made yet, with empty folders in the place of the data."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    for name in FOLDERS:
        (folder / "data" / name).mkdir(parents=True)
    (folder / "data" / "ecg_qtdb" / "RECORDS").touch()
    return folder


def make(checkout, *arguments):
    # `make test` hands down its flags and level, and a make inside another says which folder it enters.
    alone = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return subprocess.run(["make", *arguments], cwd=checkout, env=alone, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def used(checkout):
    """The folders of data that each target's commands name, those of what it is made from too."""
    found = {}
    for target in make_targets():
        told = make(checkout, "-n", target, f"DATA={checkout / 'data'}")
        assert told.returncode == 0, told.stderr
        found[target] = set(re.findall(rf"{re.escape(str(checkout / 'data'))}/(\w+)", told.stdout))
    return found


def test_the_targets_use_every_folder(used):
    assert set().union(*used.values()) == set(FOLDERS)
    assert used["train-people"] == {"animals", "coco"} and used["demo"] == used["test"] == set()


def test_a_target_whose_data_are_missing_ends_at_once_with_one_sentence(checkout, used):
    for target, folders in used.items():
        for flags in ([], ["-n"]) if target in ("train-ecg", "evaluate-people") else (["-n"],):
            told = make(checkout, *flags, target, "DATA=/nonexistent")
            if not folders:
                assert told.returncode == 0, (target, told.stderr)
                continue
            assert (told.returncode, told.stdout, told.stderr.count("\n")) == (2, "", 1), (target, told)
            named = re.search(r"There is no /nonexistent/(\w+): docs/data\.md says", told.stderr)
            assert named and named[1] in folders, (target, told.stderr)


def test_each_folder_that_a_target_uses_is_asked_for(checkout, used, tmp_path):
    for folder in FOLDERS:
        some = tmp_path / folder
        shutil.copytree(checkout / "data", some)
        shutil.rmtree(some / folder)
        for target, folders in used.items():
            told = make(checkout, "-n", target, f"DATA={some}")
            assert told.returncode == (2 if folder in folders else 0), (target, folder, told.stderr)


def test_several_goals_are_looked_at_together(checkout):
    told = make(checkout, "-n", "demo", "train-ecg", "DATA=/nonexistent")
    assert told.returncode == 2 and "/nonexistent/ecg_qtdb" in told.stderr


def test_the_page_has_every_folder_and_every_shipped_model():
    page = read_document("docs/data.md")
    assert not [name for name in FOLDERS if f"`{name}/" not in page]
    assert re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE) == shipped_models()


def test_the_page_names_targets_that_are_there():
    named = set(re.findall(r"`make ([\w-]+)`", read_document("docs/data.md")))
    assert {f"{verb}-{name}" for verb in ("train", "evaluate") for name in ("people", "ecg", "digits")} <= named
    assert named <= make_targets()
