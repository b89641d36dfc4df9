"""Formats are found by listing folders, are light to ask, and only those that may be meant are asked."""

import json
import subprocess
import sys
from pathlib import Path

import maskrcnn
from maskrcnn.modalities.images.labels.formats import FOLDER, LabelFormat, label_formats
from maskrcnn.modalities.listing import list_formats
from maskrcnn.modalities.open import open_dataset

PACKAGE = Path(maskrcnn.__file__).parent
FORMATS = sorted(path.name for path in (PACKAGE / "modalities" / "images" / "formats").iterdir() if path.is_dir())
ABOUTS = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in PACKAGE.rglob("about.py")]
LISTED = f"""
import importlib, json, sys
for name in {ABOUTS}:
    importlib.import_module(name)
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""


def test_each_folder_is_a_format():
    listed = [known.package.rpartition(".")[2] for known in label_formats()]
    assert sorted(listed) == [name for name in FORMATS if not name.startswith("_")]
    orders = [known.order for known in label_formats()]
    assert orders == sorted(set(orders))


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
