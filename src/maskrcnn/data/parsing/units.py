"""Units of time and of length by the names that people and programs write, and headings such as ``Time [ms]``."""

from __future__ import annotations

import re
from dataclasses import dataclass

SECONDS = {
    "s": 1.0, "sec": 1.0, "second": 1.0, "ms": 1e-3, "msec": 1e-3, "milli": 1e-3, "millisec": 1e-3,
    "millisecond": 1e-3, "us": 1e-6, "usec": 1e-6, "microsec": 1e-6, "microsecond": 1e-6, "ns": 1e-9, "nsec": 1e-9,
    "nanosec": 1e-9, "nanosecond": 1e-9, "min": 60.0, "minute": 60.0, "h": 3600.0, "hr": 3600.0, "hour": 3600.0,
}  # fmt: skip
MILLIMETRES = {
    "m": 1e3, "meter": 1e3, "dm": 100.0, "decimeter": 100.0, "cm": 10.0, "centimeter": 10.0, "mm": 1.0,
    "millimeter": 1.0, "um": 1e-3, "micron": 1e-3, "micrometer": 1e-3, "mkm": 1e-3, "nm": 1e-6, "nanometer": 1e-6,
    "pm": 1e-9, "picometer": 1e-9, "å": 1e-7, "a": 1e-7, "angstrom": 1e-7, "ångström": 1e-7, "in": 25.4, "inch": 25.4,
    "inche": 25.4, '"': 25.4,
}  # fmt: skip
HERTZ = {"hz": 1.0, "hertz": 1.0, "khz": 1e3, "kilohertz": 1e3, "mhz": 1e6, "megahertz": 1e6, "sp": 1.0}
BRACKETED = re.compile(r"(?P<name>.*?)\s*[(\[{]\s*(?P<unit>[^)\]}]*?)\s*[)\]}]\s*")
BEHIND = re.compile(r"(?P<name>.*?)\s*(?:[\s_\-./:]|\bin\b|,)\s*(?P<unit>[^\s_\-./:,]+)")
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
NO_LETTER = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Heading:
    """What the heading of a column says.

    Attributes:
        text: as it is written, without space and quotes around it.
        name: small letters and digits only: ``begintime`` of ``Begin Time (s)``.
        unit: as it is written, in small letters; empty where there is none.
    """

    text: str
    name: str
    unit: str = ""


def seconds_in(unit: str) -> float | None:
    """Seconds in one of a unit of time; None for anything else."""
    return _known(SECONDS, unit)


def millimetres_in(unit: str) -> float | None:
    """Millimetres in one of a unit of length; None for pixels and what is not known."""
    return _known(MILLIMETRES, unit)


def hertz_in(unit: str) -> float | None:
    """Hertz in one of a unit of frequency; None for anything else."""
    return _known(HERTZ, unit)


def read_heading(text: str) -> Heading:
    """The heading of a column: ``Time [ms]``, ``time_ms``, ``timeMs`` and ``time/ms`` are ``time`` in ``ms``.

    A word is a unit where it stands in brackets, or where it is one of time or frequency and a name stands before it.
    """
    plain = text.strip().strip("'\"").strip()
    bracketed = BRACKETED.fullmatch(plain)
    if bracketed and bracketed["name"]:
        return Heading(plain, _letters(bracketed["name"]), bracketed["unit"].strip("'\" ").lower())
    for spelling in (plain, CAMEL.sub("_", plain)):  # the k of kHz is no word
        behind = BEHIND.fullmatch(spelling)
        if behind and behind["name"] and (seconds_in(behind["unit"]) or hertz_in(behind["unit"])):
            return Heading(plain, _letters(behind["name"]), behind["unit"].lower())
    return Heading(plain, _letters(plain))


def _letters(text: str) -> str:
    return NO_LETTER.sub("", text).lower()


def _known(table: dict[str, float], unit: str) -> float | None:
    """Of ``unit`` or its singular. ImageJ writes Greek letters as six characters, others as one of two letters."""
    plain = unit.replace("\\u00B5", "u").replace("\\u00b5", "u").strip().strip(".").lower()
    plain = re.sub(r"[µμ]", "u", plain).replace("metre", "meter")
    singular = plain.removesuffix("s") if len(plain) > 2 else plain
    return table.get(plain, table.get(singular))
