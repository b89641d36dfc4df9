"""Formats are found by listing folders, are light to ask, and only those that may be meant are asked."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import maskrcnn
from maskrcnn.modalities.images.labels.formats import FOLDER, LabelFormat, label_formats, written_formats
from maskrcnn.modalities.listing import list_formats
from maskrcnn.modalities.open import open_dataset
from maskrcnn.modalities.signals.read import known_recordings
from maskrcnn.modalities.signals.recording_format import recording_formats
from maskrcnn.modalities.volumes.read import known_scans
from maskrcnn.modalities.volumes.scan_format import scan_formats

PACKAGE = Path(maskrcnn.__file__).parent
LISTS = {"images": label_formats, "signals": recording_formats, "volumes": scan_formats}
ABOUTS = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in PACKAGE.rglob("about.py")]
LISTED = f"""
import importlib, json, sys
for name in {ABOUTS}:
    importlib.import_module(name)
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""


@pytest.mark.parametrize("wing", LISTS)
def test_each_folder_is_a_format(wing):
    folders = [path.parent.name for path in (PACKAGE / "modalities" / wing / "formats").glob("*/__init__.py")]
    listed = [known.package.rpartition(".")[2] for known in LISTS[wing]()]
    assert sorted(listed) == sorted(folders)
    orders = [known.order for known in LISTS[wing]()]
    assert orders == sorted(set(orders))


def test_recordings_and_scans_have_the_functions_that_their_records_promise():
    for known in recording_formats():
        assert callable(known.load("read", "read")) and callable(known.load("read", "open_files"))
        assert known.name in known_recordings()
    for scan in scan_formats():
        assert callable(scan.load("read", "read")) and callable(scan.load("read", "read_labels"))
        assert scan.name in known_scans()


def test_what_says_what_a_format_is_loads_nothing_of_others():
    done = subprocess.run([sys.executable, "-c", LISTED], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert "maskrcnn" in loaded
    foreign = {"torch", "numpy", "PIL", "yaml", "hotcoco", "safetensors", "rich", "tyro", "wfdb", "soundfile", "Bio"}
    assert not loaded & (foreign | {"edfio", "nibabel", "pydicom", "tifffile", "nrrd", "scipy", "pandas"})


def test_a_coco_json_is_offered_to_no_other_reader(write_coco, monkeypatch):
    asked = []

    def ask(known):
        def is_one(content):
            asked.append(known.short)
            return known.is_content(content)

        return is_one

    known = [
        one if one.is_content is None else LabelFormat(**{**vars(one), "is_content": ask(one)})
        for one in list_formats(FOLDER, LabelFormat)
    ]
    monkeypatch.setattr("maskrcnn.modalities.images.labels.formats.label_formats", lambda: tuple(known))
    assert len(open_dataset(write_coco([{"bbox": [4, 4, 20, 20]}]))) == 2
    assert asked == ["COCO"]


def test_help_and_readme_list_what_the_folders_say(maskrcnn):
    told = {name: " ".join(maskrcnn(name, "--help").out.split()) for name in ("evaluate", "convert", "train")}
    plain = {name: re.sub(r"[│\s]+", " ", text) for name, text in told.items()}
    readme = (PACKAGE.parents[1] / "README.md").read_text(encoding="utf-8")
    for known in label_formats():
        assert all(known.short in text for text in plain.values()), known.short
        assert known.short.replace("mask files", "mask file") in readme, known.short
    for name in written_formats():
        assert name in plain["convert"] and name in readme
    help_text = re.sub(r"[│\s]+", " ", maskrcnn("predict", "--help").out)
    assert all(known.short in help_text for known in (*recording_formats(), *scan_formats()))
    assert "objects in images, recordings or scans;" in help_text
    assert "in images, recordings and scans," in maskrcnn("--help").out
