"""Records of monitors: channels of several rates, channels that are no leads, segments, and headers that lie."""

from __future__ import annotations

import numpy as np
import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.open import open_dataset
from maskrcnn.modalities.signals.find import find_signals
from maskrcnn.modalities.signals.read import read_record_signal, read_signal
from signal_files import RATE, beat, write_marks, write_record

wfdb = pytest.importorskip("wfdb")


def write_frames(folder, name, frames=50, counts=(4, 1, 2), units=("mV", "mmHg", "mV"), names=("II", "ABP", "RESP")):
    """A record with several samples a frame, 100 frames a second; returns what the package wfdb reads of it."""
    generator = np.random.default_rng(0)
    wfdb.wrsamp(
        name, fs=100, units=list(units), sig_name=list(names), fmt=["16"] * len(names), write_dir=str(folder),
        e_p_signal=[generator.integers(-400, 400, frames * count) / 200 for count in counts],
        samps_per_frame=list(counts), adc_gain=[200.0] * len(names), baseline=[0] * len(names),
    )  # fmt: skip
    return wfdb.rdrecord(str(folder / name), smooth_frames=False).e_p_signal


def test_several_samples_a_frame_are_all_read(tmp_path):
    written = write_frames(tmp_path, "one")
    signal = read_signal(tmp_path / "one")
    assert signal.rate == 400 and signal.samples.shape == (3, 200)
    np.testing.assert_allclose(signal.samples[0], written[0], atol=1e-6)
    np.testing.assert_allclose(signal.samples[1, ::4], written[1], atol=1e-6)
    np.testing.assert_allclose(signal.samples[2, ::2], written[2], atol=1e-6)
    assert any("ABP, RESP have other rates; they were interpolated to 400 Hz" in note for note in signal.notes)
    part = read_signal(tmp_path / "one", 43, 129)
    np.testing.assert_allclose(part.samples[0], written[0][43:129], atol=1e-6)


def test_annotations_of_frames_lie_at_their_samples(tmp_path):
    write_frames(tmp_path, "one", frames=1000)
    write_marks(tmp_path, "one", beat(500))
    write_marks(tmp_path, "one", beat(200), "pu0")
    marks = (tmp_path / "one.q1c").read_bytes()
    assert b"time resolution: 250" in marks  # write_marks says a rate of its own: 250 a second
    assert open_dataset(tmp_path)[0].boxes[0].tolist() == [800, 833]
    wfdb.wrann("one", "abc", np.array([100, 105, 110]), list("(p)"), write_dir=str(tmp_path))  # counts frames
    assert open_dataset(f"{tmp_path}:abc")[0].boxes[0].tolist() == [400, 441]


def test_channels_that_are_no_leads_have_no_vote(tmp_path):
    wfdb.wrsamp(
        "one", fs=RATE, units=["mmHg", "mV", "mV", "mV"], sig_name=["ABP", "II", "RESP", "V"], fmt=["16"] * 4,
        p_signal=np.random.default_rng(0).standard_normal((1000, 4)), write_dir=str(tmp_path),
    )  # fmt: skip
    signal = read_signal(tmp_path / "one")
    assert signal.samples.shape == (4, 1000) and signal.leads == (1, 3)
    assert signal.lead_samples().equal(signal.samples[[1, 3]])
    assert "channels ABP, RESP are no leads" in signal.notes[0]
    write_marks(tmp_path, "one", beat(200))
    assert read_record_signal(open_dataset(tmp_path)[0]).equal(signal.samples[[1, 3]])


def test_segments_are_no_records_of_their_own(tmp_path):
    parts = [write_record(tmp_path, f"one_{k}", length, seed=k) for k, length in ((1, 300), (2, 200))]
    (tmp_path / "one.hea").write_text(f"one/2 2 {RATE} 500\none_1 300\none_2 200\n")
    write_record(tmp_path, "two")
    assert [path.stem for path in find_signals(tmp_path)] == ["one", "two"]
    signal = read_signal(tmp_path / "one")
    np.testing.assert_allclose(signal.samples[:, :300], parts[0], atol=1e-6)
    np.testing.assert_allclose(signal.samples[:, 300:], parts[1], atol=1e-6)
    assert find_signals(tmp_path / "one_2.hea") == [tmp_path / "one_2.hea"]  # named, it is one


@pytest.mark.parametrize("header, words", [
    ("one/2 2 250 9999\none_1 300\none_2 200\n", "says 9999 samples but its segments have 500"),
    ("one/2 2 250 700\none_1 300\none_2 400\n", "one_2.hea has 400 samples, but it is shorter"),
    ("one/2 2 250 600\none_1 300\none 300\n", "one.hea as a segment"),
    ("one/2 2 250 600\none_1 300\ngone 300\n", "gone.hea does not exist"),
    ("one/2 2 1e300 500\none_1 300\none_2 200\n", "plain numbers"),
])  # fmt: skip
def test_segments_that_are_not_what_the_record_says(tmp_path, header, words):
    for k, length in ((1, 300), (2, 200)):
        write_record(tmp_path, f"one_{k}", length)
    (tmp_path / "one.hea").write_text(header)
    with pytest.raises(DataError, match=words):
        read_signal(tmp_path / "one")


def test_files_of_samples_are_no_annotations(tmp_path):
    write_record(tmp_path, "one")
    (tmp_path / "one.dat").rename(tmp_path / "one.xyz")
    header = tmp_path / "one.hea"
    header.write_text(header.read_text().replace("one.dat", "one.xyz"))
    (tmp_path / "one.bak").write_text("anything")
    with pytest.raises(DataError, match="no record has a file of annotations"):
        open_dataset(tmp_path)
    write_marks(tmp_path, "one", beat(200), "ann")
    assert len(open_dataset(tmp_path)[0].boxes) == 3


HEADER = (
    "one 2 {fs} {length}\none.dat {fmt} {gain}/mV 12 {zero} 0 0 0 MLII\none.dat {fmt} {gain}/mV 12 {zero} 0 0 0 V5\n"
)
USUAL = {"fs": "250", "length": "1000", "fmt": "212", "gain": "200(0)", "zero": "0"}


@pytest.mark.parametrize("field, value", [
    ("fs", "1e300"), ("fs", "1e-300"), ("fs", "9" * 400), ("fs", "0"), ("fs", "nan"), ("length", "9" * 30),
    ("length", "-5"), ("fmt", "212x1000000000"), ("fmt", "212x" + "9" * 30), ("fmt", "212+" + "9" * 30),
    ("fmt", "212:" + "9" * 15), ("fmt", "999"),
])  # fmt: skip
def test_headers_of_no_record_are_refused(tmp_path, field, value):
    write_record(tmp_path, "one")
    (tmp_path / "one.hea").write_text(HEADER.format(**USUAL | {field: value}))
    with pytest.raises(DataError, match="one.hea"):
        read_signal(tmp_path / "one")


@pytest.mark.parametrize("field, value", [
    ("gain", "1e-300(0)"), ("gain", "1e300(0)"), ("gain", "200(999999999999)"), ("gain", "9" * 400), ("zero", "9" * 30),
])  # fmt: skip
def test_gains_and_baselines_beyond_float_are_refused_or_gaps(tmp_path, field, value):
    write_record(tmp_path, "one")
    (tmp_path / "one.hea").write_text(HEADER.format(**USUAL | {field: value}))
    try:
        assert read_signal(tmp_path / "one").samples.isfinite().all()
    except DataError as error:
        assert "one.hea" in str(error)


@pytest.mark.parametrize("note", ["9" * 90, "0." + "0" * 80 + "1"])
def test_a_time_resolution_beyond_any_recording_is_refused(tmp_path, note):
    write_record(tmp_path, "one")
    write_marks(tmp_path, "one", beat(200))
    path = tmp_path / "one.q1c"
    text = f"## time resolution: {note}".encode()
    text += b" " * (len(text) % 2)
    body = path.read_bytes()
    start = body.index(b"## time")
    old = int.from_bytes(body[start - 2 : start], "little")
    length = old & 0x3FF
    path.write_bytes(
        body[: start - 2]
        + ((old & ~0x3FF) | len(text)).to_bytes(2, "little")
        + text
        + body[start + length + length % 2 :]
    )
    with pytest.raises(DataError, match="no sampling rate"):
        open_dataset(tmp_path)


def test_a_record_of_points_only_is_no_record_of_nothing(tmp_path):
    for name, marks in (("one", beat(200)), ("two", [(100, "N", 0), (300, "N", 0)])):
        write_record(tmp_path, name)
        write_marks(tmp_path, name, marks)
    data = open_dataset(tmp_path)
    assert [record.image_id for record in data] == ["one"]
    assert any("two.hea was left out: its two.q1c marks points only" in problem for problem in data.problems)
