"""What the columns of a table of samples are, by their names and values: times, a rate, running numbers, channels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from maskrcnn.data.parsing.units import Heading, hertz_in, read_heading, seconds_in

TIMES = frozenset({
    "time", "t", "times", "timestamp", "timestamps", "timepoint", "datetime", "date", "epoch", "unixtime", "elapsed",
    "elapsedtime", "reltime", "relativetime", "timesec", "clock", "utc", "localtime", "recordingtime", "timecode",
    "xvalue", "zeit", "temps", "tiempo", "tempo", "tid", "czas",
})  # fmt: skip
BARE_UNITS = frozenset({
    "sec", "secs", "second", "seconds", "ms", "msec", "msecs", "millis", "milliseconds", "millisecond", "us", "usec",
    "microseconds", "ns", "nanoseconds", "minutes", "hours",
})  # fmt: skip
PLAIN_TIMES = frozenset({"time", "t", "seconds", "time_s", "time (s)", "time [s]"})  # nothing is guessed of these
RATES = frozenset({
    "rate", "samplerate", "samplingrate", "fs", "sr", "sfreq", "srate", "hz", "freq", "frequency", "samplefreq",
    "samplingfreq", "samplefrequency", "samplingfrequency", "samplespersecond",
})  # fmt: skip
PERIODS = frozenset({
    "dt", "deltat", "sampleinterval", "samplinginterval", "sampleperiod", "samplingperiod", "timestep", "tstep",
    "interval", "period",
})  # fmt: skip
COUNTERS = frozenset({
    "", "index", "idx", "i", "n", "k", "no", "nr", "num", "number", "sample", "samples", "samplenumber", "sampleno",
    "samplenr", "sampleindex", "sampleidx", "sampleid", "row", "rowid", "rownumber", "rowindex", "line", "id", "frame",
    "frameindex", "point", "counter", "unnamed0", "seq", "sequence",
})  # fmt: skip
EPOCHS = ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3))  # seconds in one, from so many units since 1970 on
FEWEST_ROWS = 8  # from which a column without a name is known by its values
UNEVEN = 0.1  # of the median step: times further off are not evenly spaced
CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d*)?)")
RATE_IN_WORDS = re.compile(r"([^:=]+?)\s*[:=]\s*([0-9.]+(?:[eE][-+]?\d+)?)\s*([A-Za-z]*)")


@dataclass(frozen=True)
class Roles:
    """What the columns of a table are.

    Attributes:
        channels: columns of samples.
        time: the column of times; None where there is none.
        unit: seconds in one of its unit.
        rate: samples a second that a column says; 0 where none does.
        notes: what was guessed, each to follow the file's name and a colon.
    """

    channels: tuple[int, ...]
    time: int | None = None
    unit: float = 1.0
    rate: float = 0.0
    notes: tuple[str, ...] = ()


def find_roles(names: Sequence[str], table: np.ndarray) -> Roles:
    """The roles of the columns of ``table`` ``[T, columns]``, whose headings are ``names`` (none: it has none)."""
    if not names:
        return _roles_by_values(table)
    headings = [read_heading(name) for name in names]
    channels, notes = list(range(len(headings))), list[str]()
    dates, clocks = (
        [k for k, h in enumerate(headings) if is_time(h) and (h.name == "date") == d] for d in (True, False)
    )
    if dates and clocks:  # a date and a time of day are one moment
        table[:, clocks[0]] += table[:, dates[0]]
        channels.remove(dates[0])
    time = next(iter([*clocks, *dates, *_rising(headings, table)]), None)
    unit = 1.0
    if time is not None:
        unit, guess = unit_of_times(headings[time], table[:, time])
        channels.remove(time)
        if guess or headings[time].text.lower() not in PLAIN_TIMES:
            notes.append(f"column {headings[time].text!r} was taken for times in {_named(unit)}")
    rate = 0.0
    for k, heading in enumerate(headings):
        found = _constant_rate(heading, table[:, k]) if k != time else 0.0
        if found and len(channels) > 1:
            rate, channels = rate or found, [c for c in channels if c != k]
            notes.append(f"column {heading.text!r} was taken for a rate of {found:g} Hz")
    for k in list(channels):
        if headings[k].name in COUNTERS and len(channels) > 1 and counts_up(table[:, k]):
            channels.remove(k)
            notes.append(f"column {headings[k].text or k + 1!r} counts the rows and was taken for no channel")
    return Roles(tuple(channels), time, unit, rate, tuple(notes))


def is_time(heading: Heading) -> bool:
    """Whether a heading is that of a column of times."""
    in_time = not heading.unit or _time_unit(heading.unit) is not None
    return (heading.name in TIMES and in_time) or heading.name in BARE_UNITS


def counts_up(values: np.ndarray) -> bool:
    """Whether values are running numbers: each one more than the one before, or the first number again."""
    if len(values) < 2 or not np.isfinite(values).all() or (values != np.round(values)).any():
        return False
    steps = np.diff(values)
    again = (steps < 0) & (values[1:] == values.min())
    return bool(((steps == 1) | again).all()) and not bool(again.all())


def steady_rate(times: np.ndarray) -> tuple[float, int]:
    """Samples a second of times in seconds, and -1; 0 and the row (from 0) of a step that is another than the rest.

    Times that were rounded, such as milliseconds of 360 samples a second, may be off by one of their last digit.
    """
    with np.errstate(all="ignore"):
        steps = np.diff(times)
        step = float(np.median(steps)) if len(steps) else 0.0
        if not (np.isfinite(step) and step > 0):
            return 0.0, 0
        digit = _last_digit(times)
        allowed = UNEVEN * step + (digit * 1.01 if digit <= step / 2 else 0.0)
        even = np.abs(steps - step) <= allowed
        return (float((len(times) - 1) / (times[-1] - times[0])), -1) if even.all() else (0.0, int(np.argmin(even)) + 1)


def seconds_of(text: str) -> float:
    """Seconds of ``h:mm:ss.sss``, or of a date and time as ISO 8601 writes it. Raises ValueError for anything else."""
    plain = text.strip().strip("'\"[]").strip()
    clock = CLOCK.fullmatch(plain)
    if clock:
        hours, minutes, seconds = clock.groups()
        return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds.replace(",", "."))
    moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", plain.replace("Z", "+00:00").replace("/", "-")))
    return (moment.replace(tzinfo=None) - datetime(1970, 1, 1)).total_seconds()


def unit_of_times(heading: Heading, values: np.ndarray) -> tuple[float, bool]:
    """Seconds in one of the unit of times, and whether that had to be guessed from their size."""
    told = _time_unit(heading.unit) or (_time_unit(heading.name) if heading.name in BARE_UNITS else None)
    if told:
        return told, False
    size = abs(float(values[0])) if len(values) else 0.0
    return next(((unit, True) for least, unit in EPOCHS if size >= least), (1.0, False))


def rate_in_words(lines: Sequence[str]) -> float:
    """The rate that a line such as ``Sample Rate = 250 Hz`` says; 0 where none does."""
    for line in lines:
        for name, number, unit in RATE_IN_WORDS.findall(line):
            found = rate_named(name, number, unit)
            if found:
                return found
    return 0.0


def rate_named(name: str, value: object, unit: str = "") -> float:
    """The rate that a value called ``name`` says, if that is a usual name of a rate or of a period;
    else 0.

    Args:
        name: such as ``fs``, ``sampling rate (Hz)`` or ``dt``.
        value: a number, or text of one.
        unit: of the value; empty: as the name says, or else Hz or seconds.

    Returns:
        Samples a second; 0 where the name is none of a rate, or the value no positive number.
    """
    heading = read_heading(name)
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return 0.0
    unit = unit or heading.unit
    if not (np.isfinite(number) and number > 0):
        return 0.0
    if heading.name in RATES:
        return number * (hertz_in(unit) or 1.0)
    return 1 / (number * (_time_unit(unit) or 1.0)) if heading.name in PERIODS and number > 1e-300 else 0.0


def _roles_by_values(table: np.ndarray) -> Roles:
    """Of a table without headings: a first column that counts the rows, or that rises as evenly as times do."""
    columns = tuple(range(table.shape[1]))
    if len(columns) < 2 or len(table) < FEWEST_ROWS:
        return Roles(columns)
    first = table[:, 0]
    if counts_up(first):
        return Roles(columns[1:], notes=("its first column counts the rows and was taken for no channel",))
    rate, _ = steady_rate(first) if np.isfinite(first).all() else (0.0, 0)
    if rate > 1:
        return Roles(columns[1:], 0, notes=("its first column rises evenly and was taken for times in seconds",))
    return Roles(columns)


def _rising(headings: Sequence[Heading], table: np.ndarray) -> list[int]:
    """Columns in a unit of time that rise as evenly as times do, whatever they are called."""
    timed = (k for k, heading in enumerate(headings) if heading.unit and seconds_in(heading.unit))
    return [k for k in timed if steady_rate(table[:, k])[0]]


def _constant_rate(heading: Heading, values: np.ndarray) -> float:
    """The rate that a column of one number says by its name."""
    constant = len(values) > 0 and bool((values == values[0]).all())
    return rate_named(heading.text, values[0]) if constant else 0.0


def _time_unit(text: str) -> float | None:
    return 1.0 if text.startswith("hh:mm") else seconds_in(text)


def _named(seconds: float) -> str:
    names = {1.0: "seconds", 1e-3: "milliseconds", 1e-6: "microseconds", 1e-9: "nanoseconds", 60.0: "minutes"}
    return names.get(seconds, f"{seconds:g} s")


def _last_digit(times: np.ndarray) -> float:
    """The largest power of ten of which all times are multiples; 0 where there is none."""
    relative = times - times[0]
    size = float(np.abs(times).max())
    for digits in range(10):
        scaled = relative * 10.0**digits
        if np.abs(scaled - np.round(scaled)).max() < max(1e-3, 4 * np.finfo(np.float64).eps * size * 10.0**digits):
            return 10.0**-digits
    return 0.0
