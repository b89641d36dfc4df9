"""Which row of a table belongs to which file."""

from pathlib import Path

import pytest

from maskrcnn.association.design import variable_of
from maskrcnn.association.table import match_rows, read_table
from maskrcnn.errors import DataError


def stem(path):
    return path.name.split(".")[0]


@pytest.mark.parametrize(
    "name", ["s1.nii.gz", "s1", "scans/s1.nii.gz", "scans/s1", "scans\\s1.nii.gz", "../scans/s1.nii.gz"]
)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_files_are_named_as_people_name_them(tmp_path, name, separator):
    paths = [tmp_path / "scans" / f"s{k}.nii.gz" for k in (1, 2)]
    (tmp_path / "tables").mkdir()
    table = tmp_path / "tables" / "t.csv"
    table.write_text(f"\ufeffscore{separator}subject\n7{separator}{name}\n\n", encoding="utf-8")
    found = read_table(table)
    assert found.file_column == "subject" and found.column("score", "--by") == ("7",)
    matched = match_rows(found, paths, stem)
    assert matched.rows == {paths[0]: 0} and matched.without_row == (paths[1],)


def test_two_files_of_one_name_need_more_of_the_path(tmp_path):
    paths = [tmp_path / folder / "t1.nii" for folder in ("a", "b")]
    (tmp_path / "t.csv").write_text("file,x\nt1.nii,1\n")
    with pytest.raises(DataError, match="write more of the path"):
        match_rows(read_table(tmp_path / "t.csv"), paths, stem)
    (tmp_path / "t.csv").write_text("file,x\nb/t1.nii,1\na/t1,2\nc/t1,3\n")
    matched = match_rows(read_table(tmp_path / "t.csv"), paths, stem)
    assert matched.rows == {paths[0]: 1, paths[1]: 0} and matched.without_file == ("c/t1",)


def test_a_quoted_cell_may_hold_the_separator(tmp_path):
    (tmp_path / "t.csv").write_text('file,site\ns1,"Bern, CH"\n')
    assert read_table(tmp_path / "t.csv").column("site", "--by") == ("Bern, CH",)


def test_classes_are_counted_and_one_is_held_against_the_rest():
    three = variable_of("g", ["b", "a", "c", "a"])
    assert three.classes == ("a", "b", "c") and three.counts == {"a": 2, "b": 1, "c": 1}
    one = variable_of("g", ["b", "a", "c", "a"], one="a")
    assert one.classes == ("not a", "a") and one.columns[:, 0].tolist() == [0, 1, 0, 1]
    assert variable_of("g", ["1", "2", "1"], as_classes=True).classes == ("1", "2")
    assert variable_of("g", ["1", "2", "1"]).classes == ()


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"\xff\xfe\x00file")
    with pytest.raises(DataError, match="no table of text"):
        read_table(Path(tmp_path / "t.csv"))
