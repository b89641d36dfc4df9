from __future__ import annotations

import pytest

from maskrcnn.data.interval_tables import find_labels, nearest_samples, read_intervals
from maskrcnn.data.intervals import Interval
from maskrcnn.errors import DataError


def read(path, text, rate=10):
    path.write_text(text)
    problems: list[str] = []
    return read_intervals(path, rate, problems), problems


def test_an_audacity_label_track(tmp_path):
    text = "0.5\t1.0\tone\n\\\t300.0\t2000.0\n1.0\t2.5\ttwo words\n\n3,0\t4,0\t\n"
    intervals, problems = read(tmp_path / "a.txt", text)
    assert intervals == [
        Interval("one", ((5, 10),)),
        Interval("two words", ((10, 25),)),
        Interval("object", ((30, 40),)),
    ]
    assert problems == []


def test_rows_that_are_no_interval_are_named_by_line(tmp_path):
    intervals, problems = read(tmp_path / "a.txt", "1\t1\tpoint\n2\t1\tback\nx\t2\ttext\n0\tnan\tnan\n0\t1\tgood\n")
    assert [i.name for i in intervals] == ["good"]
    for line, what in enumerate(("is a point", "ends before it starts", "two numbers", "not finite"), start=1):
        assert f"line {line} " in problems[line - 1] and what in problems[line - 1]


TABLES = [
    ("start,end,label", "0.5,1,x"),
    ("start_sample,end_sample,label", "5,10,x"),
    ("Class,Onset,Offset", "x,0.5,1.0"),
    ("label,end,start,by", "x,1,0.5,me"),
]


@pytest.mark.parametrize("header, rows", TABLES)
def test_a_csv_of_seconds_or_of_samples(tmp_path, header, rows):
    assert read(tmp_path / "a.csv", f"{header}\n{rows}\n")[0] == [Interval("x", ((5, 10),))]


def test_rows_of_one_object_are_its_parts(tmp_path):
    text = "start,end,label,object\n0,1,x,7\n3,4,x,7\n0,1,x,8\n0.5,2,y,\n0,1,y,\n"
    found = read(tmp_path / "a.csv", text)[0]
    assert [i.parts for i in found] == [((0, 10), (30, 40)), ((0, 10),), ((5, 20),), ((0, 10),)]


def test_no_label_column_and_no_rows(tmp_path):
    assert read(tmp_path / "a.csv", "start,end\n0,1\n")[0] == [Interval("object", ((0, 10),))]
    assert read(tmp_path / "a.csv", "")[0] == [] and read(tmp_path / "a.txt", "")[0] == []


def test_a_csv_of_something_else(tmp_path):
    with pytest.raises(DataError, match="a.csv is no table of intervals"):
        read(tmp_path / "a.csv", "x,y\n1,2\n")


def test_text_that_is_none(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(DataError, match="cannot be read as text"):
        read_intervals(tmp_path / "a.txt", 1, [])


def test_samples_are_those_whose_centre_lies_inside():
    for low in (0.0, 0.3, 0.5, 0.7, 3.49):
        for high in (low + 0.1, low + 1, low + 2.25):
            inside = [k for k in range(10) if low <= k + 0.5 < high]
            first, behind = nearest_samples(low, high)
            assert list(range(first, behind)) == (inside or [int(low)])


def test_labels_lie_beside_the_recording(tmp_path):
    assert find_labels(tmp_path / "a.wav") is None
    for name in ("a.csv", "a.intervals.csv", "a.txt"):
        (tmp_path / name).write_text("")
        assert find_labels(tmp_path / "a.wav") == tmp_path / name
    assert find_labels(tmp_path / "a.csv") == tmp_path / "a.txt"
