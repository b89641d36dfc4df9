"""What nothing looks at is counted, and what is not read is named with a way out."""

from __future__ import annotations

import numpy as np
import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.images.read.pictures import read_image
from maskrcnn.modalities.inputs import left_aside
from maskrcnn.modalities.open import open_dataset
from maskrcnn.modalities.signals.find import find_signals
from maskrcnn.modalities.signals.read import read_signal
from maskrcnn.modalities.table import wing_of
from maskrcnn.modalities.volumes.find import find_volumes
from maskrcnn.modalities.volumes.read import read_volume
from signal_files import beat, write_marks, write_record


def fill(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text("anything")
    return folder


def test_files_that_belong_to_nothing_are_counted_by_suffix(tmp_path):
    fill(tmp_path, "b.mnc", "c.mnc", "a.mnc", "README", "a.json", "a.bval", ".hidden", "v.vtk")
    np.save(tmp_path / "a.npy", np.zeros((3, 4, 5)))
    fill(tmp_path / "sub", "d.mnc"), fill(tmp_path / "out", "e.mnc")
    told = left_aside([tmp_path], find_volumes(tmp_path), wing_of("volume"), tmp_path / "out")
    assert told == "skipped: 4 .mnc, 1 without a suffix, 1 .vtk."
    assert left_aside([tmp_path / "a.npy"], [tmp_path / "a.npy"], wing_of("volume"), tmp_path / "out") == ""


def test_what_belongs_to_a_recording_is_not_passed_over(tmp_path):
    write_record(tmp_path, "one")
    write_marks(tmp_path, "one", beat(200))
    fill(tmp_path, "one.xws", "two.vhdr")
    told = left_aside([tmp_path], find_signals(tmp_path), wing_of("wfdb"), tmp_path / "out")
    assert told == "skipped: 1 .vhdr."
    assert any("skipped: 1 .vhdr." in problem for problem in open_dataset(tmp_path).problems)


def test_a_data_set_of_scans_says_what_it_passes_over(tmp_path):
    for name in ("images", "labels"):
        fill(tmp_path / name, "b.mnc")
        np.save(tmp_path / name / "a.npy", np.ones((3, 4, 5), np.uint8))
    problems = open_dataset(tmp_path).problems
    assert [f"{tmp_path / n}: skipped: 1 .mnc." in problems for n in ("images", "labels")] == [True, True]


@pytest.mark.parametrize("name, words", [
    ("a.vhdr", "export it as EDF"), ("a.MAT", "save it as npz"), ("a.m4a", "save it as WAV"),
    ("a.xlsx", "save it as csv"),
    ("a.czi", "OME-TIFF"), ("a.mnc", "mnc2nii"), ("a.TextGrid", "Audacity"), ("a.fastq", "FASTA"),
])  # fmt: skip
def test_what_is_not_read_is_named_with_a_way_out(tmp_path, name, words):
    path = fill(tmp_path, name) / name
    for read in (read_signal, read_volume, read_image):
        with pytest.raises(DataError, match=f"{name} is .*, which is not read; .*{words}"):
            read(path)
