from __future__ import annotations

import struct

import numpy as np
import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.signals.formats.wfdb.annotations import SYMBOLS, read_marks

END = b"\0\0"


def word(code, value=0):
    return struct.pack("<H", code << 10 | value)


def note(text):
    return word(22) + word(63, len(text)) + text.encode() + b"\0" * (len(text) % 2)


def read(path, content):
    path.write_bytes(content)
    return read_marks(path)


def test_it_reads_what_wfdb_writes(tmp_path):
    wfdb = pytest.importorskip("wfdb")
    random = np.random.default_rng(0)
    known = [s for s in SYMBOLS if s]
    samples = np.cumsum(random.choice([1, 50, 1023, 1024, 70_000, 3_000_000], 400))
    symbols = [known[k] for k in random.integers(0, len(known), 400)]
    numbers = random.integers(0, 128, 400)
    options = {"num": numbers, "chan": random.integers(0, 3, 400), "subtype": random.integers(-128, 128, 400)}
    aux = ["(AFIB" if random.random() < 0.1 else "" for _ in range(400)]
    wfdb.wrann("a", "atr", samples, symbols, aux_note=aux, fs=360, write_dir=str(tmp_path), **options)
    marks, theirs = read_marks(tmp_path / "a.atr"), wfdb.rdann(str(tmp_path / "a"), "atr")
    assert marks.samples == samples.tolist() == theirs.sample.tolist()
    assert marks.symbols == symbols == theirs.symbol and marks.rate == theirs.fs == 360
    assert marks.numbers == numbers.tolist() == theirs.num.tolist()


def test_a_number_holds_until_the_next(tmp_path):
    marks = read(tmp_path / "a.q1c", word(39, 5) + word(60, 1) + word(1, 5) + word(40, 5) + word(60, 255) + END)
    assert marks.numbers == [1, 1, -1] and marks.symbols == ["(", "N", ")"] and marks.samples == [5, 10, 15]


def test_a_note_about_the_file_is_none_and_an_unknown_one_is_passed_over(tmp_path):
    marks = read(tmp_path / "a.atr", note("## something else") + note("## time resolution: 250") + word(1, 7) + END)
    assert (marks.samples, marks.symbols, marks.rate) == ([7], ["N"], 250)
    assert read(tmp_path / "a.atr", END).samples == [] and read(tmp_path / "a.atr", word(50, 3) + END).symbols == [""]


DAMAGED = [b"", b"\1", word(1, 7), word(63, 40) + END, word(59) + struct.pack("<hH", -5, 0) + word(1) + END]


@pytest.mark.parametrize("content", DAMAGED)
def test_what_is_cut_off_or_damaged(tmp_path, content):
    with pytest.raises(DataError, match="a.atr"):
        read(tmp_path / "a.atr", content)


def test_no_file(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_marks(tmp_path / "a.atr")
