from __future__ import annotations

import pytest

from maskrcnn.data.parsing.units import hertz_in, millimetres_in, read_heading, seconds_in


@pytest.mark.parametrize("text, name, unit", [
    ("time", "time", ""), ("Time [ms]", "time", "ms"), ("time_ms", "time", "ms"), ("timeMs", "time", "ms"),
    ("Begin Time (s)", "begintime", "s"), ("'Elapsed time'", "elapsedtime", ""), ("t/us", "t", "us"),
    ("onset in seconds", "onset", "seconds"), ("rate_hz", "rate", "hz"), ("start_sample", "startsample", ""),
    ("event_label", "eventlabel", ""), ("", "", ""), ("[ms]", "ms", ""), ("Unnamed: 0", "unnamed0", ""),
])  # fmt: skip
def test_headings_are_a_name_and_a_unit(text, name, unit):
    heading = read_heading(text)
    assert (heading.name, heading.unit) == (name, unit)


@pytest.mark.parametrize("names, size", [
    (("mm", "millimeter", "millimetres", "Millimeters", "mm."), 1.0),
    (("µm", "μm", "um", "\\u00B5m", "micron", "microns", "micrometers", "micrometre"), 1e-3),
    (("nm", "nanometers", "nanometre"), 1e-6), (("inch", "inches", "in"), 25.4), (("m", "meters"), 1e3),
])  # fmt: skip
def test_lengths_in_singular_and_plural(names, size):
    assert {millimetres_in(name) for name in names} == {size}


def test_units_of_something_else():
    assert millimetres_in("pixel") is None and millimetres_in("") is None and seconds_in("mm") is None
    assert seconds_in("milliseconds") == seconds_in("msecs") == 1e-3 and hertz_in("kHz") == 1e3
