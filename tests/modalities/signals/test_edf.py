"""EDF and BDF, against what edfio reads of the files that it wrote."""

from __future__ import annotations

import numpy as np
import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.open import open_dataset
from maskrcnn.modalities.signals.find import find_signals
from maskrcnn.modalities.signals.read import read_signal

edfio = pytest.importorskip("edfio")
RANGE = (-1, 1)


def write(path, *signals, annotations=None, seconds=10):
    """Signals as (name, rate, unit)."""
    generator = np.random.default_rng(0)
    kind, signal = (edfio.Bdf, edfio.BdfSignal) if path.suffix == ".bdf" else (edfio.Edf, edfio.EdfSignal)
    own = [
        signal(
            generator.uniform(-1, 1, rate * seconds), rate, label=name, physical_dimension=unit, physical_range=(-1, 1)
        )
        for name, rate, unit in signals
    ]
    marks = None if annotations is None else [edfio.EdfAnnotation(*mark) for mark in annotations]
    kind(own, annotations=marks).write(path)
    read = edfio.read_bdf if path.suffix == ".bdf" else edfio.read_edf
    return [signal.data for signal in read(path).signals]


@pytest.mark.parametrize("suffix", ["edf", "EDF", "bdf"])
def test_signals_in_their_units(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    written = write(path, ("ECG I", 250, "mV"), ("ECG II", 250, "mV"))
    signal = read_signal(path)
    np.testing.assert_allclose(signal.samples.numpy(), written, atol=1e-6)
    assert (signal.rate, signal.channel_names, signal.kind, signal.unit) == (250, ("ECG I", "ECG II"), "wfdb", "s")
    assert signal.leads == () and signal.notes == ()
    np.testing.assert_array_equal(read_signal(path, 100, 250).samples, signal.samples[:, 100:250])
    assert find_signals(tmp_path) == [path]


def test_other_channels_are_brought_to_the_rate_of_the_ecg_and_do_not_vote(tmp_path):
    written = write(tmp_path / "a.edf", ("EEG Fpz-Cz", 100, "uV"), ("ECG", 200, "mV"), ("Snore", 500, "uV"))
    signal = read_signal(tmp_path / "a.edf")
    assert signal.rate == 200 and signal.leads == (1,) and signal.samples.shape == (3, 2000)
    np.testing.assert_allclose(signal.samples[1], written[1], atol=1e-6)
    np.testing.assert_allclose(signal.samples[0, ::2], written[0], atol=1e-6)
    assert "EEG Fpz-Cz, Snore are no leads" in signal.notes[0] and "interpolated to 200 Hz" in signal.notes[1]


def test_without_an_ecg_all_channels_are_looked_at_and_that_is_said(tmp_path):
    write(tmp_path / "a.edf", ("EEG Fpz-Cz", 100, "uV"), ("EOG", 100, "uV"))
    signal = read_signal(tmp_path / "a.edf")
    assert signal.leads == () and "none of its channels (EEG Fpz-Cz, EOG) is a lead" in signal.notes[0]


def test_annotations_that_last_are_labels(tmp_path):
    marks = [(1.0, 2.0, "Sleep stage W"), (3.5, 0.5, "arousal@@EEG"), (4.0, None, "Lights off"), (9, 5, "arousal")]
    write(tmp_path / "a.edf", ("ECG", 100, "mV"), annotations=marks)
    data = open_dataset(tmp_path)
    assert data.class_names == ("Sleep stage W", "arousal") and data.kind == "wfdb"
    assert data[0].boxes.tolist() == [[100, 300], [350, 400], [900, 1000]] and data[0].labels.tolist() == [1, 2, 2]
    assert any("points and were left out (1)" in problem for problem in data.problems)
    (tmp_path / "a.intervals.csv").write_text("start,end,label\n1,2,x\n")
    assert open_dataset(tmp_path).class_names == ("x",)


def test_what_has_no_labels_is_left_out(tmp_path):
    write(tmp_path / "a.edf", ("ECG", 100, "mV"), annotations=[(1.0, None, "beat")])
    with pytest.raises(DataError, match="mark points only"):
        open_dataset(tmp_path)
    write(tmp_path / "a.edf", annotations=[(1.0, 2.0, "Sleep stage W")])
    with pytest.raises(DataError, match="a.edf holds annotations only"):
        read_signal(tmp_path / "a.edf")


def test_a_file_that_is_cut_off_or_was_not_closed_is_read_as_far_as_it_goes(tmp_path):
    path = tmp_path / "a.edf"
    whole = write(path, ("ECG", 100, "mV"))
    content = path.read_bytes()
    path.write_bytes(content[:-250])
    signal = read_signal(path)
    np.testing.assert_allclose(signal.samples[0], whole[0][:800], atol=1e-6)
    assert "is cut off before its end (8 of 10 data records" in signal.notes[0]
    path.write_bytes(content[:236] + b"-1      " + content[244:])
    assert read_signal(path).samples.shape == (1, 1000) and read_signal(path).notes == ()


FIELDS = {"records": 236, "duration": 244, "signals": 252, "low": 256 + 104, "high": 256 + 112, "samples": 256 + 216}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", ["1e300", "-1e300", "99999999", "-9999999", "0", "nan", "x", ""])
def test_headers_that_lie_are_refused_or_read_as_finite_numbers(tmp_path, field, value):
    path = tmp_path / "a.edf"
    write(path, ("ECG", 100, "mV"))
    content = bytearray(path.read_bytes())
    width = 4 if field == "signals" else 8
    content[FIELDS[field] : FIELDS[field] + width] = value[:width].ljust(width).encode()
    path.write_bytes(content)
    try:
        signal = read_signal(path)
    except DataError as error:
        assert "a.edf" in str(error)
        return
    assert signal.samples.isfinite().all() and signal.samples.shape[1] <= 1000
