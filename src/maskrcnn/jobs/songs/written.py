"""What is written of a mix: the sound, its table and its picture."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskrcnn.checks import needed_package
from maskrcnn.files import atomic_write
from maskrcnn.songs.arranging import Change, Part
from maskrcnn.songs.mixing import Samples
from maskrcnn.songs.picture import draw_mix

COLUMNS = ("source", "from", "to", "at", "seconds", "tempo", "tempo_factor", "key", "semitones", "share", "score")


@dataclass(frozen=True)
class Row:
    """A part of the mix: its song, its bars, how it was changed, the second at which it begins, and its length."""

    source: Path
    part: Part
    change: Change
    at: float
    seconds: float

    def cells(self) -> tuple[str, ...]:
        """In the order of :data:`COLUMNS`."""
        part, phrase = self.part, self.part.phrase
        numbers = (f"{part.start:.3f}", f"{part.stop:.3f}", f"{self.at:.3f}", f"{self.seconds:.3f}")
        tempo = (f"{part.tempo:.2f}", f"{self.change.factor:.4f}")
        key = (part.heard.key, str(self.change.semitones))
        return (str(self.source), *numbers, *tempo, *key, f"{phrase.share:.4f}", f"{phrase.score:.4f}")


def write_mix(out: Path, mix: Samples, rate: float, starts: Sequence[int], rows: Sequence[Row]) -> None:
    """Write a mix, and beside it its table and its picture, each whole or not at all.

    Args:
        out: of the sound, ``.wav`` or ``.flac``.
        mix: ``[C, T]``.
        rate: samples a second.
        starts: the sample at which each part begins.
        rows: of the parts.
    """
    soundfile = needed_package("soundfile", "write songs", "songs")
    out.parent.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(row.source.stem for row in rows))
    songs = [names.index(row.source.stem) for row in rows]
    with (
        atomic_write(out) as sound,
        atomic_write(out.with_suffix(".csv")) as table,
        atomic_write(out.with_suffix(".png")) as picture,
    ):
        soundfile.write(str(sound), mix.T, round(rate), subtype="PCM_24", format=out.suffix[1:].upper())
        with table.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([COLUMNS, *(row.cells() for row in rows)])
        draw_mix(mix, rate, starts, songs, names).save(picture, format="PNG")
