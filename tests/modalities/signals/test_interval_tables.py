from __future__ import annotations

import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.signals.tables.interval_tables import find_labels, nearest_samples, read_intervals
from maskrcnn.modalities.signals.tables.intervals import Interval


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
    (tmp_path / "a.txt").write_bytes(b"\xfe\x80\x00\x80")
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


MORE_TABLES = [
    ("start;end;label", "0,5;1;x"),
    ("start\tend\tlabel", "0.5\t1\tx"),
    ("filename,onset,offset,event_label", "a.wav,0.5,1.0,x"),
    ("Selection\tView\tBegin Time (s)\tEnd Time (s)\tSpecies", "1\tSpectrogram\t0.5\t1.0\tx"),
    ("onset,duration,trial_type", "0.5,0.5,x"),
    ("start_ms,end_ms,class_name", "500,1000,x"),
    ("start (ms),duration (s),Category", "500,0.5,x"),
    ("tmin,text,tier,tmax", "0.5,x,words,1.0"),
    ("event_start,event_end,what", "0.5,1.0,x"),
    ("start_sample,end_sample,start_s,end_s,class", "5,10,9,9,x"),
    ("onset_sample,duration_samples,label", "5,5,x"),
    ("start,end,label,", "0.5,1,x,"),
    ("start,end,label", "0:00.5,00:00:01.0,x"),
    ("t0,t1,label", "0.5,1.0,x"),
    ("begin,end,label_id,label_name", "0.5,1,3,x"),
]


@pytest.mark.parametrize("header, rows", MORE_TABLES)
@pytest.mark.parametrize("name", ["a.csv", "a.intervals.csv", "a.tsv"])
def test_tables_as_other_tools_write_them(tmp_path, header, rows, name):
    assert [(i.name, i.parts) for i in read(tmp_path / name, f"{header}\n{rows}\n")[0]] == [("x", ((5, 10),))]


def test_a_guessed_column_of_classes_is_said(tmp_path):
    assert "column 'event_label' was taken" in read(tmp_path / "a.csv", "onset,offset,event_label\n0,1,x\n")[1][0]
    intervals, problems = read(tmp_path / "a.csv", "start,end,score,height\n0,1,0.5,3\n")
    assert intervals[0].name == "object" and "no column of classes was found among 'score', 'height'" in problems[0]


def test_rows_of_other_recordings_are_left_out(tmp_path):
    text = "file,start,end,label\nclips/b.wav,0,1,x\nclips/a.wav,0.5,1,y\n"
    intervals, problems = read(tmp_path / "a.csv", text)
    assert [i.name for i in intervals] == ["y"] and "1 rows name other recordings" in problems[0]
    intervals, problems = read(tmp_path / "c.csv", text)
    assert len(intervals) == 2 and "name b.wav, not c" in problems[0]


@pytest.mark.parametrize("line", ["0.5 1.0 x", "0.5;1.0;x", "0.5,1.0,x", "0.5\t1.0\tx", "0,5 1,0 x"])
def test_label_tracks_with_other_delimiters(tmp_path, line):
    assert read(tmp_path / "a.txt", f"{line}\n")[0] == [Interval("x", ((5, 10),))]
    assert read(tmp_path / "b.txt", f"# made by hand\n{line} y z\n")[0] == [Interval("x y z", ((5, 10),))]


@pytest.mark.parametrize("line", ["0.5,1.0,x", "0.5;1.0;x", "0.5\t1.0\tx"])
def test_a_table_without_headings_is_a_label_track(tmp_path, line):
    assert read(tmp_path / "a.csv", f"{line}\n")[0] == [Interval("x", ((5, 10),))]


def test_a_table_named_as_a_label_track(tmp_path):
    text = "Selection\tBegin Time (s)\tEnd Time (s)\tSpecies\n1\t0.5\t1.0\tx\n"
    assert read(tmp_path / "a.txt", text)[0] == [Interval("x", ((5, 10),))]


@pytest.mark.parametrize("name, text", [
    ("a.txt", "one\ttwo\tx\n"), ("a.txt", "1\t1\tpoint\n"), ("a.csv", "start,end,label\nx,y,z\n2,1,z\n"),
])  # fmt: skip
def test_labels_of_which_no_line_can_be_read_are_no_empty_recording(tmp_path, name, text):
    with pytest.raises(DataError, match=f"{name}: not one of its . lines is an interval; the first fault: line"):
        read(tmp_path / name, text)


@pytest.mark.parametrize("number", ["1e308", "-1e308", "1e400", "9" * 400, "nan"])
@pytest.mark.parametrize("rate", [8000.0, 1e12])
@pytest.mark.parametrize("name, text", [
    ("a.txt", "0.1\t0.2\ta\n0.3\t{}\tb\n"), ("a.csv", "start,end,label\n0.1,0.2,a\n{},0.3,b\n"),
    ("b.csv", "start,duration,label\n0.1,0.2,a\n0.1,{},b\n"),
    ("c.csv", "start_sample,end_sample,label\n1,2,a\n1,{},b\n"),
])  # fmt: skip
def test_numbers_beyond_float64_cost_their_line_only(tmp_path, name, text, number, rate):
    intervals, _ = read(tmp_path / name, text.format(number), rate)
    assert "a" in [i.name for i in intervals]


def test_numbers_are_no_headings(tmp_path):
    assert read(tmp_path / "a.txt", "0\t1\tx\n")[0] == [Interval("x", ((0, 10),))]
