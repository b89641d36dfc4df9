"""Lists grow as a job goes, and are whole after each step of it, on a full disk too."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from maskrcnn.data.parsing.spreadsheets import path_cell, quoted, unquoted
from maskrcnn.files import LONGEST_NAME, atomic_write, shortened
from maskrcnn.inference.results.lists import ResultLists
from maskrcnn.inference.results.names import FreeNames, cutout_name, write_table
from maskrcnn.modalities.signals.tables.interval_tables import read_table


def read(folder: Path) -> tuple[list[dict], list[list[str]]]:
    with (folder / "summary.csv").open(newline="", encoding="utf-8") as file:
        return json.loads((folder / "predictions.json").read_text(encoding="utf-8")), list(csv.reader(file))


def test_both_are_whole_after_each_addition(tmp_path):
    lists = ResultLists(tmp_path, ("file", "n"))
    expected: list[dict] = []
    for k, count in enumerate((0, 2, 1, 0, 3)):
        entries = [{"file": f"ü{k}", "n": n} for n in range(count)]
        lists.add(entries, [list(entry.values()) for entry in entries])
        expected += entries
        listed, rows = read(tmp_path)
        assert listed == expected == lists.entries()
        assert rows == [["file", "n"], *([entry["file"], str(entry["n"])] for entry in expected)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["predictions.json", "summary.csv"]


def test_nothing_at_all_is_a_list_and_a_table(tmp_path):
    ResultLists(tmp_path, ("file",)).close()
    assert read(tmp_path) == ([], [["file"]])


def test_lists_of_an_earlier_job_are_replaced_with_the_first_addition(tmp_path):
    first = ResultLists(tmp_path, ("file",))
    first.add([{"file": "a" * 99}], [["a" * 99]])
    second = ResultLists(tmp_path, ("file",))
    assert read(tmp_path)[0] == [{"file": "a" * 99}]
    second.add([{"file": "b"}], [["b"]])
    assert read(tmp_path) == ([{"file": "b"}], [["file"], ["b"]])


def test_half_a_surrogate_pair_is_json(tmp_path):
    lists = ResultLists(tmp_path, ("file",))
    lists.add([{"file": "\ud800"}], [["\ud800"]])
    assert read(tmp_path)[0] == [{"file": "\ud800"}]


FULL = """
    import resource, signal, sys
    from pathlib import Path
    from maskrcnn.inference.results.lists import ResultLists
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    lists = ResultLists(Path(sys.argv[1]), ("file",))
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
    done = 0
    for k in range(100):
        try:
            lists.add([{"file": "x" * 100}], [["x" * int(sys.argv[2])]])
            done += 1
        except OSError:
            pass
    print(done)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs limits of a Unix")
@pytest.mark.parametrize("cell", [10, 300])  # the list or the table is full first
def test_a_full_disk_leaves_both_whole_and_equal(tmp_path, cell):
    run = [sys.executable, "-c", textwrap.dedent(FULL), str(tmp_path), str(cell)]
    printed = subprocess.run(run, capture_output=True, text=True, check=True)
    done = int(printed.stdout)
    assert 5 < done < 50
    listed, rows = read(tmp_path)
    assert len(listed) == len(rows) - 1 == done


@pytest.mark.parametrize(
    "text", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", "\t=1", "'=1", "''=1", "=\n", "-cat", "+-"]
)
def test_what_would_be_a_formula_gets_a_quote_and_comes_back(text):
    assert quoted(text) == f"'{text}"
    assert unquoted(quoted(text)) == text


@pytest.mark.parametrize("text", ["cat", "-", "+", "-1.5", "+3", "-1e-7", "", "a=b", "'", "'cat'", "it's"])
def test_what_is_none_stays_as_it_is(text):
    assert quoted(text) == unquoted(text) == text


def test_a_file_whose_name_is_a_formula_is_the_same_file_and_no_formula():
    assert path_cell("=1+1.png") == "./=1+1.png"
    assert path_cell("a/=1.png") == "a/=1.png"
    assert path_cell("-1") == "-1"


def test_no_table_holds_a_formula_and_classes_come_back(tmp_path):
    write_table(tmp_path / "t.csv", ["start", "end", "label"], [[0, 1, "=1+1"], [1, 2, "-"], [-2.5, 3, "+x"]])
    text = (tmp_path / "t.csv").read_text()
    assert text.splitlines() == ["start,end,label", "0,1,'=1+1", "1,2,-", "-2.5,3,'+x"]
    assert [row.name for row in read_table(tmp_path / "t.csv", [])] == ["=1+1", "-", "+x"]


@pytest.mark.parametrize("letter", ["m", "é", "字"])
def test_names_fit_any_disk(tmp_path, letter):
    names = FreeNames((".instances",))
    taken = [names.take(letter * 255) for _ in range(12)]
    assert len(set(taken)) == 12
    for name in taken:
        for file in (f"{name}.instances.nii.gz", f"{cutout_name(name, 123, letter * 255)}.nii.gz"):
            with atomic_write(tmp_path / file) as beside:
                beside.write_text("there")
            assert (tmp_path / file).read_text() == "there"


def test_long_names_that_differ_at_their_ends_stay_apart():
    assert shortened("m" * 300 + "1", 100) != shortened("m" * 300 + "2", 100)
    assert len(os.fsencode(shortened("字" * 300, 100))) <= 100
    assert shortened("m" * 100, 100) == "m" * 100


def test_a_name_as_long_as_a_disk_allows_is_written_whole_or_not(tmp_path):
    path = tmp_path / ("m" * (LONGEST_NAME - 4) + ".png")
    with atomic_write(path) as beside:
        beside.write_bytes(b"1")
    with pytest.raises(ValueError, match="broken"), atomic_write(path) as beside:
        beside.write_bytes(b"2")
        raise ValueError("broken off")
    assert path.read_bytes() == b"1"
    assert list(tmp_path.iterdir()) == [path]
