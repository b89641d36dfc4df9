"""Annotation files of WFDB records, read from the description of the MIT format.

(https://physionet.org/physiotools/wag/annot-5.htm.) Pairs of bytes, low byte first: the upper 6 bits are a code, the
lower 10 a number. Most codes are annotations, whose number is the time since the one before; a few belong to the
annotation before them. The reader of the package ``wfdb`` never returns from notes about the file that it does not
know, so this one takes its place.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path

from maskrcnn.errors import DataError
from maskrcnn.modalities.signals.signal import checked_rate

SKIP, NUM, SUB, CHN, AUX = 59, 60, 61, 62, 63
NOTE = 22
# Symbol of code k; the unused ones are empty.
SYMBOLS = ("", *"NLRaVFJASEj/Q~", "", "|", "", *'sT*D"=pB^t+u?![]en@xf()r')
RESOLUTION = re.compile(r"## time resolution:\s*([0-9.]+)")


@dataclass(frozen=True)
class Marks:
    """Annotations in the order of the file.

    Attributes:
        samples: where each lies.
        symbols: what it is, such as ``N``, ``(``, ``p``; empty for codes without one.
        numbers: the field ``num``.
        rate: samples a second in which ``samples`` count, where the file says it.
    """

    samples: list[int]
    symbols: list[str]
    numbers: list[int]
    rate: float | None


def read_marks(path: Path) -> Marks:
    """The annotations of a file; notes about the file itself are left out.

    Raises:
        DataError: no such file, or one that is no annotation file or is cut off.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}); check the name.") from error
    time = number = at = 0
    rate, ended = None, False
    found: list[tuple[int, str, int]] = []
    while at + 2 <= len(content) and not ended:
        (word,) = struct.unpack_from("<H", content, at)
        code, value = word >> 10, word & 0x3FF
        at += 2
        if code == SKIP and at + 4 <= len(content):
            high, low = struct.unpack_from("<hH", content, at)
            time += high * 65536 + low
            at += 4
        elif code == NUM:
            number = (value & 0xFF) - (value & 0x80) * 2
            found[-1:] = [(*mark[:2], number) for mark in found[-1:]]
        elif code == AUX:
            note = RESOLUTION.match(content[at : at + value].decode("latin-1"))
            rate = float(note[1]) if note and re.fullmatch(r"\d+\.?\d*", note[1]) else rate
            at += value + value % 2
        elif word == 0:
            ended = True
        elif code not in (SKIP, SUB, CHN):
            time += value
            if code:  # 0 only lets time go on
                found.append((time, SYMBOLS[code] if code < len(SYMBOLS) else "", number))
    if not ended or at > len(content):
        raise DataError(f"{path} is no annotation file, or is cut off before its end; copy or download it again.")
    marks = [mark for mark in found if mark[:2] != (0, SYMBOLS[NOTE])]
    if any(sample < 0 for sample, *_ in marks):
        raise DataError(f"{path} has annotations before the record begins; it is damaged: download it again.")
    samples, symbols, numbers = (list(column) for column in zip(*marks)) if marks else ([], [], [])
    return Marks(samples, symbols, numbers, checked_rate(path, rate) if rate else None)
