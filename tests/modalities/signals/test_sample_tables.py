"""Tables of samples as spreadsheets, pandas, oscilloscopes and monitors write them."""

from __future__ import annotations

import numpy as np
import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.signals.find import is_signal
from maskrcnn.modalities.signals.read import read_signal

WAVE = [round(np.sin(k / 9), 4) for k in range(60)]
OTHER = [round(np.cos(k / 9), 4) for k in range(60)]


def write(path, rows, head=""):
    path.write_text(head + "".join(f"{row}\n" for row in rows))
    return path


def comma(value):
    return str(value).replace(".", ",")


@pytest.mark.parametrize("heading, step", [
    ("time_ms", "4"), ("Time [ms]", "4"), ("t (ms)", "4"), ("milliseconds", "4"), ("Time [sec]", "0.004"),
    ("Time (s)", "0.004"), ("elapsed_time_us", "4000"), ("timestamp (ns)", "4000000"), ("Timestamp", "0.004"),
    ("time_min", "6.6666666667e-5"), ("time", "0.004"), ("Zeit [s]", "0.004"), ("abscissa [ms]", "4"),
    ("seconds", "0.004"), ("timeMs", "4"),
])  # fmt: skip
def test_a_column_of_times_gives_the_rate(tmp_path, heading, step):
    rows = [f"{k * float(step):.12g},{x},{y}" for k, (x, y) in enumerate(zip(WAVE, OTHER))]
    signal = read_signal(write(tmp_path / "a.csv", rows, f"{heading},a,b\n"))
    assert signal.rate == pytest.approx(250, rel=1e-4) and signal.unit == "s" and signal.channel_names == ("a", "b")
    assert signal.samples[0].numpy() == pytest.approx(WAVE, abs=1e-6)
    assert any("taken for times" in note for note in signal.notes) == (heading not in ("time", "Time (s)", "seconds"))


def test_a_date_and_a_time_of_day_are_one_moment(tmp_path):
    rows = [f"2024-01-02,10:00:{k * 0.004:06.3f},{x}" for k, x in enumerate(WAVE)]
    signal = read_signal(write(tmp_path / "a.csv", rows, "Date,Time,ECG\n"))
    assert signal.rate == pytest.approx(250, rel=1e-3) and signal.channel_names == ("ECG",)


def test_quoted_cells_with_decimal_commas(tmp_path):
    rows = [f'"{comma(x)}","{comma(y)}"' for x, y in zip(WAVE, OTHER)]
    signal = read_signal(write(tmp_path / "a.csv", rows, '"a","b"\n'))
    assert signal.samples.numpy() == pytest.approx(np.array([WAVE, OTHER]), abs=1e-6)


@pytest.mark.parametrize("moment", [
    lambda k: f"2024-02-03T04:05:{k * 0.004 + 1:09.6f}", lambda k: f"2024-02-03 04:05:{k * 0.004 + 1:09.6f}Z",
    lambda k: f"2024/02/03 04:05:{k * 0.004 + 1:06.3f}",
    lambda k: f"'0:{k * 0.004:06.3f}'", lambda k: f"00:00:{k * 0.004:06.3f}", lambda k: str(1706900000000 + 4 * k),
    lambda k: str(1706900000000000 + 4000 * k), lambda k: f"{1706900000 + 0.004 * k:.3f}",
])  # fmt: skip
def test_times_of_day_and_since_1970(tmp_path, moment):
    path = write(tmp_path / "a.csv", [f"{moment(k)},{x}" for k, x in enumerate(WAVE)], "timestamp,a\n")
    assert is_signal(path)
    assert read_signal(path).rate == pytest.approx(250, rel=1e-3)


def test_physionet_s_own_csv(tmp_path):
    """Rounded to milliseconds, of 360 samples a second, with a line of units."""
    rows = [f"'0:{k / 360:06.3f}',{x}" for k, x in enumerate(WAVE)]
    signal = read_signal(write(tmp_path / "a.csv", rows, "'Elapsed time','MLII'\n'hh:mm:ss.mmm','mV'\n"))
    assert signal.rate == pytest.approx(360, rel=0.01) and signal.channel_names == ("MLII",)
    assert signal.samples.shape == (1, 60)


def test_a_missing_row_among_rounded_times_is_found(tmp_path):
    rows = [f"{k / 360:.3f},{x}" for k, x in enumerate(WAVE) if k != 30]
    with pytest.raises(DataError, match=r"not evenly spaced \(line 32\)"):
        read_signal(write(tmp_path / "a.csv", rows, "time,a\n"))


@pytest.mark.parametrize("head", [",a,b", "index,a,b", "Unnamed: 0,a,b", "'sample #',a,b", "Sample Index,a,b", ""])
def test_running_numbers_are_no_channel(tmp_path, head):
    rows = [f"{k},{x},{y}" for k, (x, y) in enumerate(zip(WAVE, OTHER))]
    signal = read_signal(write(tmp_path / "a.csv", rows, f"{head}\n" if head else ""))
    assert len(signal.samples) == 2 and any("counts the rows" in note for note in signal.notes)
    assert signal.samples[1].numpy() == pytest.approx(OTHER, abs=1e-6)


def test_running_numbers_that_begin_again(tmp_path):
    rows = [f"{k % 20},{x}" for k, x in enumerate(WAVE)]  # as OpenBCI writes them
    signal = read_signal(write(tmp_path / "a.csv", rows, "%Sample Rate = 250 Hz\nSample Index, EXG Channel 0\n"))
    assert signal.channel_names == ("EXG Channel 0",) and signal.rate == 250


def test_a_channel_that_rises_stays_one(tmp_path):
    signal = read_signal(write(tmp_path / "a.csv", [f"{k},{x}" for k, x in enumerate(WAVE)], "up,a\n"))
    assert len(signal.samples) == 2 and signal.notes == ()


LAYOUTS = {
    "semicolons": (";", comma, ""), "tabs": ("\t", comma, ""), "points": (";", str, ""), "trailing": (",", str, ","),
    "two": (",", str, ",,"),
    "trailing semicolons": (";", comma, ";"), "spaces": ("  ", str, ""), "bars": ("|", str, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("named", [True, False])
def test_delimiters_and_decimal_commas(tmp_path, name, named):
    delimiter, number, tail = LAYOUTS[name]
    rows = [f"{number(x)}{delimiter}{number(y)}{tail}" for x, y in zip(WAVE, OTHER)]
    path = write(tmp_path / "a.csv", rows, f"a{delimiter}b{tail}\n" if named else "")
    assert is_signal(path)
    signal = read_signal(path)
    assert signal.samples.numpy() == pytest.approx(np.array([WAVE, OTHER]), abs=1e-6)
    assert signal.channel_names == (("a", "b") if named else ("channel 1", "channel 2"))


@pytest.mark.parametrize("head", ["", "a\n"])
def test_one_column_with_decimal_commas(tmp_path, head):
    signal = read_signal(write(tmp_path / "a.csv", [f"{x:.4f}".replace(".", ",") for x in WAVE], head))
    assert signal.samples.numpy() == pytest.approx(np.array([WAVE]), abs=1e-6)
    assert any("decimal points" in note for note in signal.notes)


@pytest.mark.parametrize("values", [(f"{k % 9},{k % 7}" for k in range(60)), ("36,5", "36,7", "36,6")])
def test_one_column_or_two_is_not_guessed_where_nothing_tells(tmp_path, values):
    rows = list(values)
    with pytest.raises(DataError, match="one column with decimal commas or two of whole numbers"):
        read_signal(write(tmp_path / "a.csv", rows))
    assert read_signal(write(tmp_path / "b.csv", rows, "a\n")).samples.shape[0] == 1
    assert read_signal(write(tmp_path / "c.csv", rows, "a,b\n")).samples.shape[0] == 2


def test_two_columns_of_whole_numbers_stay_two(tmp_path):
    signal = read_signal(write(tmp_path / "a.csv", [f"{k * 7 % 31},{95 + k * 5 % 17}" for k in range(60)]))
    assert signal.samples.shape == (2, 60)


def test_files_of_excel_and_of_numpy(tmp_path):
    (tmp_path / "a.csv").write_bytes(("sep=;\na;b\n" + "".join(f"{x};{y}\n" for x, y in zip(WAVE, OTHER))).encode())
    (tmp_path / "b.csv").write_bytes(("a\tb\n" + "".join(f"{x}\t{y}\n" for x, y in zip(WAVE, OTHER))).encode("utf-16"))
    np.savetxt(tmp_path / "c.csv", np.stack([WAVE, OTHER], 1), header="a b")
    for name in "abc":
        signal = read_signal(tmp_path / f"{name}.csv")
        assert signal.samples.shape == (2, 60) and signal.channel_names == ("a", "b")


@pytest.mark.parametrize("column, value", [("fs", 250), ("sr", 250), ("Sampling Rate (Hz)", 250), ("rate_kHz", 0.25)])
def test_a_column_that_says_the_rate(tmp_path, column, value):
    signal = read_signal(write(tmp_path / "a.csv", [f"{x},{value}" for x in WAVE], f"a,{column}\n"))
    assert signal.rate == 250 and signal.channel_names == ("a",) and "250 Hz" in signal.notes[0]


@pytest.mark.parametrize("beside", [
    {"sr": 250}, {"FS": 250.0}, {"sampling_rate": [250]}, {"sfreq": 250}, {"dt": 0.004}, {"dt_ms": 4},
    {"time": np.arange(60) / 250}, {"t_ms": np.arange(60) * 4}, {"timestamps": 1.7e12 + 4.0 * np.arange(60)},
])  # fmt: skip
@pytest.mark.parametrize("turned", [False, True])
def test_arrays_with_a_rate_by_any_usual_name(tmp_path, beside, turned):
    samples = np.array([WAVE, OTHER])
    np.savez(tmp_path / "a.npz", signal=samples.T if turned else samples, **beside)
    signal = read_signal(tmp_path / "a.npz")
    assert signal.rate == pytest.approx(250, rel=1e-3) and signal.samples.shape == (2, 60)
    assert any("[T, C]" in note for note in signal.notes) == turned


def test_names_say_which_axis_holds_channels(tmp_path):
    np.savez(tmp_path / "a.npz", samples=np.zeros((5, 3)), ch_names=list("vwxyz"))
    np.savez(tmp_path / "b.npz", samples=np.zeros((3, 5)), channels=list("vwxyz"))
    np.savez(tmp_path / "c.npz", samples=np.zeros((5, 3)), time=np.arange(3) / 10)
    assert [tuple(read_signal(tmp_path / f"{n}.npz").samples.shape) for n in "abc"] == [(5, 3), (5, 3), (5, 3)]


@pytest.mark.parametrize("text", [
    "time,a\n0,1\n1e300,2\n", "time,a\n0,1\ninf,2\n", "time,a\n0,1\n1e-300,2\n2e-300,1\n", "time,a\n1e400,1\n1e400,2\n",
    "fs,a\n1e300,1\n1e300,2\n", "# rate = 1e300\na,b\n1,2\n3,4\n",
])  # fmt: skip
def test_times_and_rates_beyond_any_recording_are_refused(tmp_path, text):
    with pytest.raises(DataError, match="a.csv"):
        read_signal(write(tmp_path / "a.csv", [], text))


@pytest.mark.parametrize("rate", [1e300, 1e-300, 5e-324])
def test_a_rate_of_an_array_beyond_any_recording_is_refused(tmp_path, rate):
    np.savez(tmp_path / "a.npz", samples=np.zeros(60), rate=rate)
    with pytest.raises(DataError, match="a.npz says .* no sampling rate"):
        read_signal(tmp_path / "a.npz")
