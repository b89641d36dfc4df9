"""Doors of files that are known by their suffix."""

import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.single_files import SingleFiles

FILES = SingleFiles("spectrum", ".spectrum", ".peaks")


def test_files_are_found_as_in_other_wings(tmp_path):
    names = [
        "b.spectrum",
        "a.SPECTRUM",
        ".hidden.spectrum",
        "a.peaks",
        "sub/c.spectrum",
        "out/d.spectrum",
        ".h/e.spectrum",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "folder.spectrum").mkdir()
    found = [tmp_path / name for name in ("a.SPECTRUM", "b.spectrum", "sub/c.spectrum")]
    assert FILES.find_files([tmp_path, tmp_path / "b.spectrum"], tmp_path / "out") == found
    assert FILES.find_files([tmp_path / "a.peaks"]) == [tmp_path / "a.peaks"]
    assert FILES.find_own([tmp_path / "a.peaks", tmp_path / "b.spectrum", tmp_path / "gone"]) == [found[1]]
    with pytest.raises(DataError, match="gone does not exist"):
        FILES.find_files([tmp_path / "gone"])


def test_what_is_one_and_what_is_labelled(tmp_path):
    assert (FILES.kind_of(tmp_path / "a.spectrum"), FILES.kind_of(tmp_path / "a.peaks")) == ("spectrum", "")
    assert not FILES.is_labelled(tmp_path) and not FILES.is_part(tmp_path / "a.spectrum")
    (tmp_path / "a.peaks").write_text("")
    assert FILES.is_labelled(tmp_path) and not FILES.is_labelled(tmp_path / "a.peaks")
    assert FILES.stem_of(tmp_path / "a.b.spectrum") == "a.b"
