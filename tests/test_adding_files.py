"""The format of docs/adding-files.md and the kind of file of docs/adding-kinds.md are folders that these pages print,
found by being there."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import maskrcnn.modalities
import maskrcnn.modalities.images.formats
from maskrcnn import load
from maskrcnn.errors import DataError, UsageError
from maskrcnn.jobs.options import known_files
from maskrcnn.modalities import table, words
from maskrcnn.modalities.images.labels.formats import label_formats
from maskrcnn.modalities.kinds import fit_to_kind
from maskrcnn.modalities.listing import list_formats
from maskrcnn.modalities.open import open_dataset
from maskrcnn.modalities.signals.recording_format import recording_formats
from maskrcnn.modalities.volumes.scan_format import scan_formats
from maskrcnn.models.variants import VARIANTS
from maskrcnn.planning.fingerprint import take_fingerprint
from test_docstrings import too_long, unexplained
from tiny_signals import save_tiny_signal_model, tiny_signal_config

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = "".join((DOCS / name).read_text(encoding="utf-8") for name in ("adding-files.md", "adding-kinds.md"))
BLOCKS = re.findall(r"```python\n# (\S+)\n(.*?)```", PAGES, re.DOTALL)


@pytest.fixture
def added(tmp_path, monkeypatch):
    """The page's folders, beside those of the package for as long as a test lasts."""
    for name, text in BLOCKS:
        path = tmp_path / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        (path.parent / "__init__.py").write_text("")
    formats, modalities = maskrcnn.modalities.images.formats, maskrcnn.modalities
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path / "package" / "formats")])
    monkeypatch.setattr(modalities, "__path__", [*modalities.__path__, str(tmp_path / "package" / "modalities")])
    list_formats.cache_clear(), table.wings.cache_clear()
    yield tmp_path
    list_formats.cache_clear(), table.wings.cache_clear()
    for name in [name for name in sys.modules if ".box_table" in name or ".spectra" in name]:
        del sys.modules[name]


def test_the_pages_explain_their_functions_as_the_package_does():
    assert len(BLOCKS) == 6
    assert not [line for name, text in BLOCKS for line in unexplained(name, text) + too_long(name, text)]


def test_a_format_is_added_by_a_folder(added, save_image):
    save_image(added / "set" / "a.png", 40, 60)
    wrong = ["a.png\t1\t1\tx\t9\tcat", "a.png", "b.png\t4\t5\t10\t20\tcat"]
    (added / "set" / "boxes.tsv").write_text("\n".join(["a.png\t4\t5\t10\t20\tcat", *wrong]))
    assert label_formats()[-1].short == "box tables"
    data = open_dataset(added / "set")
    assert data.class_names == ("cat",) and data[0].boxes.tolist() == [[4, 5, 14, 25]]
    assert len(data.problems) == len(wrong)
    assert all("boxes.tsv" in told and "was left out" in told for told in data.problems)
    assert "with tabs between them" in data.problems[1] and "put the picture there" in data.problems[2]


@pytest.mark.parametrize("text, said", [("a.png\n", "with tabs between them"), ("", "is empty: write a row")])
def test_a_table_of_which_no_row_can_be_used_is_one_sentence(added, save_image, text, said):
    save_image(added / "set" / "a.png", 40, 60)
    (added / "set" / "boxes.tsv").write_text(text)
    with pytest.raises(DataError, match=said) as raised:
        open_dataset(added / "set")
    assert "boxes.tsv" in str(raised.value) and "\n" not in str(raised.value)


def write_spectra(folder: Path, count: int = 3) -> Path:
    folder.mkdir()
    for k in range(count):
        values = np.random.default_rng(k).normal(size=200)
        values[50 + k : 60 + k] += 5
        (folder / f"{k}.spectrum").write_text("\n".join(map(str, values)))
        (folder / f"{k}.peaks").write_text(f"{50 + k} {59 + k} high\n")
    return folder


def test_a_kind_of_file_is_added_by_a_folder(added):
    data = open_dataset(write_spectra(added / "set"))
    assert data.kind == "spectrum" and data.class_names == ("high",) and len(data) == 3
    assert data[1].boxes.tolist() == [[51, 61]] and not data.problems
    config = fit_to_kind(VARIANTS["signal_fpn"](1), data)
    assert config.in_channels == 1 and config.preprocess.spacing == (1.0,) and config.preprocess.standardise
    assert take_fingerprint(data).unit == "channels"


@pytest.mark.parametrize(
    "name, text, said",
    [
        ("0.peaks", "50 59", "'50 59' is no peak: write its first sample"),
        ("0.peaks", "50 soon high", "'50 soon high' is no peak"),
        ("0.peaks", "59 50 high", "'59 50 high' is no peak"),
        ("other.peaks", "50 59 high", "has no other.spectrum beside it: put it there"),
    ],
)
def test_labels_that_cannot_be_used_are_left_out_and_said(added, name, text, said):
    folder = write_spectra(added / "set")
    (folder / name).write_text(text)
    data = open_dataset(folder)
    assert len(data) == (2 if name == "0.peaks" else 3)
    assert len(data.problems) == 1 and said in data.problems[0] and str(folder / name) in data.problems[0]
    for path in folder.glob("?.peaks"):
        path.write_text("50 59")
    with pytest.raises(DataError, match="no labels that can be used: .* is no peak: write"):
        open_dataset(folder)


@pytest.mark.parametrize("text, said", [("1\nhigh", "holds 'high' instead"), ("", "nothing"), ("1\n2", "ends before")])
def test_a_spectrum_that_cannot_be_used_is_one_sentence(added, text, said):
    folder = write_spectra(added / "set")
    (folder / "0.spectrum").write_text(text)
    with pytest.raises(DataError, match=said) as raised:
        open_dataset(folder)[0]
    assert str(folder / "0.spectrum") in str(raised.value)


@pytest.fixture
def peak_model(tmp_path):
    preprocess = dataclasses.replace(tiny_signal_config().preprocess, spacing=(1.0,))
    return save_tiny_signal_model(tmp_path / "peaks.safetensors", kind="spectrum", preprocess=preprocess)


def test_its_files_are_predicted(added, tmp_path, peak_model, maskrcnn):
    folder, out = write_spectra(added / "set"), tmp_path / "out"
    (folder / "3.spectrum").write_text("1\nhigh")
    done = maskrcnn("predict", folder, "--model", peak_model, "--out", out, "--score", 0.01)
    assert done.code == 1 and f"failed: {folder / '3.spectrum'} holds 'high' instead of a number" in done.err
    assert done.out.splitlines()[-1].endswith(f" objects in 3 spectra; predictions.json is in {out}")
    assert [path.name for path in out.iterdir() if not path.name.startswith(".")] == ["predictions.json"]
    found = json.loads((out / "predictions.json").read_text())
    assert set(found) == {str(folder / f"{k}.spectrum") for k in range(3)} and any(found.values())
    assert all(0 <= peak["first"] <= peak["last"] < 200 for peaks in found.values() for peak in peaks)


def test_a_program_looks_at_one_of_them(added, peak_model):
    file = write_spectra(added / "set") / "0.spectrum"
    found = load(peak_model, score=0.01)(file)
    assert len(found.to_dict()["objects"]) == len(found) > 0 and found.to_dict()["kind"] == "spectrum"
    with pytest.raises(UsageError, match="no pictures of spectra"):
        found.draw()


def test_positions_are_first_and_last_sample(added):
    from maskrcnn.modalities.spectra.predict import first_and_last

    assert first_and_last([50, 60], 200) == {"first": 50, "last": 59}
    assert first_and_last([199.7, 200], 200) == {"first": 199, "last": 199}


def test_a_job_that_is_stopped_names_what_is_there(added, tmp_path, peak_model, maskrcnn, monkeypatch):
    def stop(path, found, noun):
        raise KeyboardInterrupt

    monkeypatch.setattr("maskrcnn.apps.cli.console.tell_count", stop)
    done = maskrcnn("predict", write_spectra(added / "set"), "--model", peak_model, "--out", tmp_path / "out")
    assert done.err.strip().endswith(f"predictions.json in {tmp_path / 'out'} holds what was found in them.")


def test_flags_that_it_does_not_have_are_refused(added, tmp_path, peak_model, refused):
    folder = write_spectra(added / "set")
    for flag in (("--cutouts",), ("--flip",), ("--image-size", 64)):
        said = refused("predict", folder, "--model", peak_model, "--out", tmp_path / "out", *flag)
        assert flag[0] in said and "not for" in said and "spectra" in said


def test_lists_of_files_name_it(added):
    (added / "empty").mkdir()
    with pytest.raises(DataError, match=r"looked for: COCO json .*, spectra \(NAME.spectrum\) with NAME.peaks, scans"):
        open_dataset(added / "empty")
    assert words.list_beside_pictures() == "recordings, spectra or scans"
    assert words.list_kinds_of_files() == "images, recordings, spectra or scans"
    assert re.match(r"images, recordings \(.*\), spectra or scans \(.*\)$", words.list_files())


def test_without_it_lists_are_as_ever():
    recordings, scans = ", ".join(f.short for f in recording_formats()), ", ".join(f.short for f in scan_formats())
    assert (
        f"Images, recordings ({recordings}) or scans ({scans}), or folders of them (with their subfolders); videos, "
        "cameras (0 is the first), and streams (rtsp://...)."
    ) == known_files.FILES
    assert known_files.LABELLED.endswith(" Or labelled recordings or scans (docs/formats.md).")
    assert words.list_beside_pictures() == "recordings or scans"
    assert words.list_what_is_looked_for().endswith(
        f", recordings with labels of the same name ({recordings}), scans (images/ and labels/, or imagesTr/ and "
        f"labelsTr/, with {scans})"
    )
