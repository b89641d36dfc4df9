"""A synthetic song as samples, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from maskrcnn.songs.composed.instruments import PAN, play
from maskrcnn.songs.composed.score import BEATS, Score, write_score

RATE = 22050  # samples a second
SILENCE, TAIL = (0.1, 0.6), 1.5  # seconds before the first beat, and after the last bar
LOUD = 0.12  # root mean square of a song before its own gain,
GAIN = 4.0  # dB up or down: songs are not equally loud
PEAK = 0.89  # of 1, that no sample passes
HISS = 0.0008


@dataclass(frozen=True)
class Song:
    """A synthetic song.

    Attributes:
        wave: float32 ``[2, T]``, -1..1, left and right.
        score: what is played.
        start: seconds before its first beat.
        appeals: the label of the whole song.
    """

    wave: npt.NDArray[np.float32]
    score: Score
    start: float
    appeals: bool

    def beats(self) -> list[float]:
        """Seconds of each beat, the first of the next bar behind the last one included."""
        return [self.start + k * 60 / self.score.tempo for k in range(self.score.bars * BEATS + 1)]

    def truth(self) -> dict[str, Any]:
        """What is known: tempo, key, and in seconds beats, downbeats and sections, with those that appeal and why."""
        beats = [round(beat, 4) for beat in self.beats()]
        sections = [
            {
                "kind": own.kind,
                "from": beats[own.first * BEATS],
                "to": beats[(own.first + own.bars) * BEATS],
                "appeals": own.appeals,
                "why": own.why,
            }
            for own in self.score.sections
        ]
        return {
            "synthetic": True,
            "appeal": self.appeals,
            "tempo": self.score.tempo,
            "key": self.score.key,
            "sections": sections,
            "downbeats": beats[::BEATS],
            "beats": beats,
        }


def compose_song(random: np.random.Generator, appeals: bool) -> Song:
    """Draw a song and play it.

    Args:
        random: what is drawn comes from.
        appeals: whether one or two of its sections appeal.

    Returns:
        The song, between one and three minutes long.
    """
    score = write_score(random, appeals)
    beat, start = 60 / score.tempo, float(random.uniform(*SILENCE))
    wave = np.zeros((2, int((start + score.bars * BEATS * beat + TAIL) * RATE)))
    known: dict[tuple[str, float, float], npt.NDArray[np.float64]] = {}
    for instrument, at, length, midi, loud in score.notes:
        key = (instrument, length, midi)
        if key not in known:
            known[key] = play(instrument, length * beat, midi, RATE, random)
        first = round((start + at * beat) * RATE)
        own = loud * known[key][: wave.shape[1] - first]
        pan = PAN.get(instrument, 0.0)
        wave[0, first : first + len(own)] += own * np.sqrt(1 - pan)
        wave[1, first : first + len(own)] += own * np.sqrt(1 + pan)
    wave += HISS * random.standard_normal(wave.shape)
    wave *= LOUD / np.sqrt(np.mean(wave**2)) * 10 ** (random.uniform(-GAIN, GAIN) / 20)
    return Song((wave * min(1.0, PEAK / np.abs(wave).max())).astype(np.float32), score, start, appeals)
