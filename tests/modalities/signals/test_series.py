from __future__ import annotations

import numpy as np
import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.open import open_dataset
from maskrcnn.modalities.signals.find import find_signals, is_signal
from maskrcnn.modalities.signals.read import read_signal


def write(path, text):
    path.write_text(text)
    return path


def test_a_csv_with_times_has_a_rate(tmp_path):
    rows = "".join(f"{k * 0.02:.2f},{k},{-k}\n" for k in range(50))
    signal = read_signal(write(tmp_path / "a.csv", f"time,up,down\n{rows}"))
    assert signal.rate == pytest.approx(50) and signal.unit == "s" and signal.channel_names == ("up", "down")
    assert signal.samples.shape == (2, 50) and signal.samples[:, 7].tolist() == [7, -7] and signal.kind == "series"
    assert read_signal(tmp_path / "a.csv", 10, 20).samples[0].tolist() == list(range(10, 20))


def test_a_csv_without_times_or_names(tmp_path):
    signal = read_signal(write(tmp_path / "a.csv", "1;2.5\n3;4\n"))
    assert (signal.rate, signal.unit, signal.channel_names) == (1, "samples", ("channel 1", "channel 2"))
    assert signal.samples.tolist() == [[1, 3], [2.5, 4]]
    assert read_signal(write(tmp_path / "b.csv", "x\n1\n2\n3")).samples.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize("text, words", [
    ("a,b\n1,2\n3,four\n5,6\n", "line 3 has 'four' where a number should be"),
    ("a,b\n1,2\n3\n", "line 3 has 1 cells, others have 2"),
    ("a,b\nx,y\n", "line 2 has 'x'"),
    ("a,b,c\n1,2\n", "line 2 has 2 cells but line 1 names 3"),
    ("", "holds no samples"),
    ("a,b\n", "holds no samples"),
    ("time,a\n0,1\n1,1\n2,1\n9,1\n", r"not evenly spaced \(line 5\)"),
    ("time,a\n0,1\n0,1\n", "not evenly spaced"),
    ("time\n0\n1\n", "times but no channel"),
])  # fmt: skip
def test_a_csv_with_a_fault_says_where(tmp_path, text, words):
    with pytest.raises(DataError, match=f"a.csv.*{words}"):
        read_signal(write(tmp_path / "a.csv", text))


def test_gaps_are_filled_in_and_noted(tmp_path):
    signal = read_signal(write(tmp_path / "a.csv", "a,b\n1,nan\n,\n3,2\n"))
    assert signal.samples.tolist() == [[1, 2, 3], [2, 2, 2]]
    assert "1 of 3 samples of channel a" in signal.notes[0] and "2 of 3" in signal.notes[1]


def test_arrays(tmp_path):
    samples = np.arange(12.0).reshape(2, 6)
    np.save(tmp_path / "a.npy", samples)
    np.save(tmp_path / "b.npy", samples.T)
    np.save(tmp_path / "c.npy", samples[0])
    np.savez(tmp_path / "d.npz", samples=samples, rate=20.0, channel_names=["x", "y"])
    np.savez(tmp_path / "e.npz", anything=samples.astype(np.int16))
    for name in ("a.npy", "b.npy", "d.npz", "e.npz"):
        assert read_signal(tmp_path / name).samples.tolist() == samples.tolist()
    assert read_signal(tmp_path / "c.npy").samples.tolist() == [samples[0].tolist()]
    signal = read_signal(tmp_path / "d.npz", 2, 4)
    assert (signal.rate, signal.unit, signal.channel_names, signal.samples.shape) == (20, "s", ("x", "y"), (2, 2))


def test_arrays_that_are_no_signal(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((2, 3, 4)))
    np.save(tmp_path / "b.npy", np.array(["x"]))
    np.save(tmp_path / "c.npy", np.array([{}], dtype=object))
    np.savez(tmp_path / "d.npz", p=np.zeros(3), q=np.zeros(3))
    (tmp_path / "e.npz").write_bytes(b"PK")
    np.save(tmp_path / "f.npy", np.zeros((0,)))
    for name in ("a.npy", "b.npy", "c.npy", "d.npz", "e.npz", "f.npy"):
        with pytest.raises(DataError, match=name):
            read_signal(tmp_path / name)


def test_a_folder_of_series_with_tables_is_a_data_set(tmp_path):
    for name in ("a", "b", "c"):
        write(tmp_path / f"{name}.csv", "time,x\n" + "".join(f"{k / 10},{k}\n" for k in range(100)))
    write(tmp_path / "a.intervals.csv", "start,end,label\n1,2,peak\n1.5,3,dip\n9,12,dip\n")
    np.savez(tmp_path / "d.npz", samples=np.zeros((3, 40)))
    write(tmp_path / "d.intervals.csv", "start_sample,end_sample,label\n10,20,dip\n")
    write(tmp_path / "c.intervals.csv", "start,end,label\nx,2,peak\n")
    write(tmp_path / "c.csv", "time,x\n0,1\n1,?\n")
    data = open_dataset(tmp_path)
    assert [r.image_id for r in data] == ["a", "d"] and data.class_names == ("dip", "peak")
    assert data[0].boxes.tolist() == [[10, 20], [15, 30], [90, 100]] and data[0].labels.tolist() == [2, 1, 1]
    assert data[1].boxes.tolist() == [[10, 20]] and data[1].sampling_rate == 1
    assert [data.read_image(r).shape for r in data] == [(1, 100), (3, 40)]
    assert any("b.csv was left out: it has no table" in p for p in data.problems)
    assert any("c.csv was left out" in p and "line 3 has '?'" in p for p in data.problems)
    assert find_signals(tmp_path) == [tmp_path / n for n in ("a.csv", "b.csv", "c.csv", "d.npz")]


def test_tables_of_other_things_are_no_signals(tmp_path):
    write(tmp_path / "labels.csv", "start,end,label\n1,2,x\n")
    write(tmp_path / "via.csv", "filename,file_size\na.png,12\n")
    write(tmp_path / "numbers.csv", "start,end\n1,2\n")
    np.save(tmp_path / "picture.npy", np.zeros((100, 100)))
    assert not any(is_signal(path) for path in tmp_path.iterdir()) and find_signals(tmp_path) == []


def test_a_folder_of_pictures_with_an_array_is_none_of_series(tmp_path, write_coco):
    write_coco([])
    np.save(tmp_path / "cache.npy", np.zeros(100))
    folder = next(path.parent for path in tmp_path.rglob("*.json"))
    np.save(folder / "cache.npy", np.zeros(100))
    assert open_dataset(folder)[0].boxes.shape == (0, 4)
