from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.open import open_dataset
from maskrcnn.modalities.signals.find import find_signals, is_signal
from maskrcnn.modalities.signals.read import read_record_signal, read_signal
from signal_files import RATE, beat, write_marks, write_record

pytest.importorskip("wfdb")
QTDB = Path(__file__).resolve().parents[4] / "shared" / "data" / "ecg_qtdb"


@pytest.fixture
def record(tmp_path):
    """A folder with the record ``one``, two beats of it labelled."""
    write_record(tmp_path, "one")
    write_marks(tmp_path, "one", [*beat(200, t_onset=False), *beat(500)])
    return tmp_path


@pytest.mark.parametrize("name", ["one", "one.hea", "one.dat"])
def test_a_record_is_read_in_millivolts_by_any_of_its_names(tmp_path, name):
    written = write_record(tmp_path, "one")
    signal = read_signal(tmp_path / name)
    np.testing.assert_allclose(signal.samples.numpy(), written, atol=1e-6)
    assert (signal.rate, signal.channel_names, signal.kind, signal.unit) == (RATE, ("MLII", "V5"), "wfdb", "s")
    part = read_signal(tmp_path / name, 100, 250)
    np.testing.assert_array_equal(part.samples.numpy(), signal.samples[:, 100:250].numpy())
    assert read_signal(tmp_path / name, 900).samples.shape == (2, 100)


def test_a_folder_of_records_is_a_data_set(record):
    data = open_dataset(record)
    assert (len(data), data.class_names, data.has_masks, data.problems) == (1, ("P", "QRS", "T"), True, [])
    one = data[0]
    assert (one.image_id, one.file_name, one.spatial_shape, one.group) == ("one", "one.hea", (1000,), "one")
    assert (one.sampling_rate, one.spacing) == (RATE, (1 / RATE,))
    assert one.extent.tolist() == [200, 621]
    assert one.labels.tolist() == [1, 2, 3, 1, 2, 3] and not one.crowd.any()
    assert one.boxes.tolist()[:3] == [[200, 221], [230, 251], [280, 321]]
    assert one.unknown_sides.tolist()[:3] == [[False, False], [False, False], [True, False]]
    assert np.flatnonzero(one.regions.mask(2)).tolist() == list(range(300, 321))
    assert one.areas.tolist() == one.regions.areas().tolist()
    assert data.read_image(one).shape == (2, 1000) and data.max_objects() == 6


@pytest.mark.parametrize("name", ["one", "one.hea", "one:q1c", "one.hea:q1c", "", ":q1c", "RECORDS", "train.txt:q1c"])
def test_a_data_set_is_a_record_a_folder_or_a_list_and_an_annotator(record, name):
    for list_name in ("RECORDS", "train.txt"):
        (record / list_name).write_text("one\n")
    path = f"{record}{name}" if name[:1] in ("", ":") else f"{record}/{name}"
    assert [r.image_id for r in open_dataset(path)] == ["one"]


def test_manual_waves_come_before_automatic_ones(record):
    write_marks(record, "one", beat(100), "pu0")
    assert len(open_dataset(record)[0]) == 6
    assert len(open_dataset(f"{record}:pu0")[0]) == 3


def test_an_annotator_of_points_only_is_named(record):
    write_marks(record, "one", [(40, "N", 0), (240, "N", 0)], "atr")
    with pytest.raises(DataError, match="atr marks points only.*q1c"):
        open_dataset(f"{record}:atr")


def test_skipped_beats_are_crowds(tmp_path):
    write_record(tmp_path, "one", 2000)
    write_marks(tmp_path, "one", [mark for at in (0, 200, 400, 1000, 1200) for mark in beat(at)])
    one = open_dataset(tmp_path)[0]
    assert one.boxes[one.crowd].tolist() == [[521, 1000]] * 3 and (~one.crowd).sum() == 15


def test_labels_beyond_the_end_are_cut_off_and_noted(tmp_path):
    write_record(tmp_path, "one", 300)
    write_marks(tmp_path, "one", [*beat(200), *beat(400)])
    data = open_dataset(tmp_path)
    assert data[0].boxes.tolist() == [[200, 221], [230, 251], [280, 300]] and data[0].extent.tolist() == [200, 300]
    assert any("cut off (1 intervals)" in p for p in data.problems)
    assert any("beyond the recording's end were left out (3)" in p for p in data.problems)


def test_a_record_that_is_cut_off_says_so(record):
    samples = (record / "one.dat").read_bytes()
    (record / "one.dat").write_bytes(samples[: len(samples) // 2])
    with pytest.raises(DataError, match=r"says 1000 samples but its file of samples holds 500; it is cut off"):
        read_signal(record / "one")
    with pytest.raises(DataError, match="not one record can be used.*cut off"):
        open_dataset(record)


def test_a_header_without_its_samples_says_so(record):
    (record / "one.dat").unlink()
    with pytest.raises(DataError, match=r"one.hea has no samples: one.dat is not beside it"):
        read_signal(record / "one.hea")


def test_one_bad_record_does_not_lose_the_rest(record):
    write_record(record, "two")
    write_marks(record, "two", beat(100))
    (record / "one.dat").write_bytes(b"")
    write_record(record, "three")
    data = open_dataset(record)
    assert [r.image_id for r in data] == ["two"]
    assert len(data.problems) == 2 and "one.hea" in data.problems[0] and "three.q1c" in data.problems[1]


def test_headers_and_annotations_that_are_no_such_files(record):
    (record / "one.q1c").write_bytes(b"")
    with pytest.raises(DataError):
        open_dataset(record)
    (record / "one.hea").write_text("one 2 250 1000\n")
    with pytest.raises(DataError, match="one.hea does not describe the 2 signals"):
        read_signal(record / "one.hea")
    (record / "one.hea").write_text("nonsense\n")
    with pytest.raises(DataError, match="one.hea"):
        read_signal(record / "one.hea")


def test_no_length_in_the_header(record):
    header = (record / "one.hea").read_text().split("\n")
    header[0] = " ".join(header[0].split()[:3])
    (record / "one.hea").write_text("\n".join(header))
    assert read_signal(record / "one").samples.shape == (2, 1000)
    assert read_signal(record / "one", 10, 500).samples.shape == (2, 490)


def test_invalid_samples_are_filled_in_and_noted(tmp_path):
    import wfdb

    samples = np.tile(np.linspace(0, 1, 100), (2, 1)).T
    samples[20:30, 0], samples[:, 1] = np.nan, np.nan
    wfdb.wrsamp(
        "gap", fs=100, units=["mV"] * 2, sig_name=["a", "b"], p_signal=samples, fmt=["16"] * 2,
        adc_gain=[1000.0] * 2, baseline=[0] * 2, write_dir=str(tmp_path),
    )  # fmt: skip
    signal = read_signal(tmp_path / "gap")
    np.testing.assert_allclose(signal.samples[0].numpy(), np.linspace(0, 1, 100), atol=2e-3)
    assert not signal.samples[1].any()
    assert ["10 of 100" in signal.notes[0], "100 of 100" in signal.notes[1]] == [True, True]


def test_annotations_of_another_rate_are_moved(record):
    import wfdb

    write_record(record, "half", 1000, rate=500)
    wfdb.wrann("half", "tmp", np.array([100, 110, 120]), ["(", "p", ")"], fs=250, write_dir=str(record))
    (record / "half.tmp").rename(record / "half.q1c")
    half = next(r for r in open_dataset(record) if r.image_id == "half")
    assert half.boxes.tolist() == [[200, 241]]


def test_finding_signals(record):
    (record / "deeper").mkdir()
    write_record(record / "deeper", "two")
    found = [record / "one.hea", record / "deeper" / "two.hea"]
    assert find_signals(record) == found
    assert find_signals(record, exclude=record / "deeper") == found[:1]
    assert find_signals([record / "one", record / "one.dat"]) == found[:1]
    assert is_signal(record / "one.hea") and is_signal(record / "one.dat") and not is_signal(record / "one.q1c")
    with pytest.raises(DataError, match="does not exist"):
        find_signals(record / "nothing")


def test_a_missing_extra_is_one_sentence(record, monkeypatch):
    import sys

    from maskrcnn.errors import UsageError

    monkeypatch.setitem(sys.modules, "wfdb", None)
    with pytest.raises(UsageError, match=r"wfdb must be installed: pip install 'maskrcnn\[signals\]'\."):
        open_dataset(record)


def test_another_length_than_labelled_is_an_error(record):
    one = open_dataset(record)[0]
    one.spatial_shape = (999,)
    with pytest.raises(DataError, match="has 1000 samples"):
        read_record_signal(one)


def test_the_qt_database():
    if not QTDB.is_dir():
        pytest.skip("../shared/data/ecg_qtdb is not here")
    counts = np.zeros(4, int)
    unknown = 0
    for record in open_dataset(QTDB):
        own = ~record.crowd
        counts += np.bincount(record.labels[own], minlength=4)
        unknown += int(record.unknown_sides.sum())
        assert record.boxes[own].min() == record.extent[0] and record.boxes[own].max() == record.extent[1]
    assert counts.tolist() == [0, 1482, 1638, 1588] and unknown == 957
