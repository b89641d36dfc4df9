"""Which parts of songs make a mix, in which order, and how far tempo and key are brought together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from maskrcnn.songs.listening import Heard
from maskrcnn.songs.phrases import Phrase

FIFTH = 0.04  # of the tempo: what a step on the circle of fifths weighs as much as
AGAIN = 0.5  # the same, of a song that follows itself


@dataclass(frozen=True)
class Part:
    """A part of a song that is in the mix.

    Attributes:
        song: which one, 0..
        phrase: its bars.
        heard: what is heard of the song.
    """

    song: int
    phrase: Phrase
    heard: Heard

    @property
    def start(self) -> float:
        """Seconds of the song."""
        return float(self.heard.downbeats[self.phrase.first])

    @property
    def stop(self) -> float:
        return float(self.heard.downbeats[self.phrase.stop])

    @property
    def beats(self) -> int:
        return 4 * (self.phrase.stop - self.phrase.first)

    @property
    def tempo(self) -> float:
        """Beats a minute of these bars."""
        return 60 * self.beats / (self.stop - self.start)


@dataclass(frozen=True)
class Change:
    """How a part is changed: times as fast, and semitones up or down."""

    factor: float = 1.0
    semitones: int = 0


def choose(songs: Sequence[tuple[Heard, Sequence[Phrase]]], seconds: float) -> list[Part]:
    """Choose parts until a mix is long enough: the best of each song, then the second of each, and so on.

    Within a round the parts that contribute most come first. Parts that speak against the label are taken only where
    nothing in any song speaks for it.

    Args:
        songs: of each what is heard and its phrases, the best first.
        seconds: of the mix.

    Returns:
        The parts, in the order in which they were chosen.
    """
    able = any(phrase.score > 0 for _, phrases in songs for phrase in phrases)
    chosen: list[Part] = []
    length = 0.0
    for turn in range(max((len(phrases) for _, phrases in songs), default=0)):
        rounds = [Part(k, own[turn], heard) for k, (heard, own) in enumerate(songs) if turn < len(own)]
        for part in sorted(rounds, key=lambda part: -part.phrase.score):
            if length >= seconds:
                return chosen
            if part.phrase.score > 0 or not able:
                chosen.append(part)
                length += part.stop - part.start
    return chosen


def order(parts: Sequence[Part]) -> list[Part]:
    """Bring parts into an order in which neighbours are close in tempo and key and of different songs.

    From each part the nearest is taken next; of all these orders the one with the shortest way stays.

    Args:
        parts: of the mix.

    Returns:
        The same parts.
    """
    best: tuple[float, list[int]] = (float("inf"), [])
    for begin in range(len(parts)):
        way, left, total = [begin], set(range(len(parts))) - {begin}, 0.0
        while left:
            near = min(left, key=lambda k: (_distance(parts[way[-1]], parts[k]), k))
            total += _distance(parts[way[-1]], parts[near])
            way.append(near)
            left.remove(near)
        best = min(best, (total, way))
    return [parts[k] for k in best[1]]


def _distance(a: Part, b: Part) -> float:
    fifths = abs(a.heard.fifths - b.heard.fifths)
    tempo = max(a.tempo, b.tempo) / min(a.tempo, b.tempo) - 1
    return tempo + FIFTH * min(fifths, 12 - fifths) + AGAIN * (a.song == b.song)


def common_tempo(parts: Sequence[Part], most: float) -> float:
    """The tempo that most parts can be brought to, and of these tempi the one that changes them least.

    Args:
        parts: of the mix.
        most: the part of its tempo by which a part may become faster or slower, 0.08 for 8 %.

    Returns:
        Beats a minute.
    """

    def cost(tempo: float) -> tuple[int, float]:
        off = [abs(tempo / part.tempo - 1) for part in parts]
        return sum(own > most for own in off), sum(min(own, most) for own in off)

    tempi = [part.tempo for part in parts]
    middles = [(a + b) / 2 for a in tempi for b in tempi]
    return min(middles, key=cost)


def changes(parts: Sequence[Part], most: float, semitones: int) -> list[Change]:
    """How each part is changed so that tempo and key of all come together, within limits.

    A tempo beyond the limit stays as it is. Keys are brought to the mix's own or to its neighbour on the circle of
    fifths, by the fewest semitones; a key that the limit does not allow for stays as it is.

    Args:
        parts: of the mix.
        most: see :func:`common_tempo`.
        semitones: by which a key may be moved.

    Returns:
        A change for each part.
    """
    tempo = common_tempo(parts, most)
    factors = [tempo / part.tempo if abs(tempo / part.tempo - 1) <= most else 1.0 for part in parts]
    ways = [[shift_to(part.heard.fifths, key, semitones) for part in parts] for key in range(12)]
    shifts = min(ways, key=lambda own: (own.count(None), sum(abs(shift or 0) for shift in own)))
    return [Change(factor, shift or 0) for factor, shift in zip(factors, shifts)]


def shift_to(own: int, key: int, most: int) -> int | None:
    """How far to move a key so that it lies at another one or next to it on the circle of fifths.

    Args:
        own: its place on the circle, 0..11.
        key: the place to come to.
        most: semitones that are allowed, up or down.

    Returns:
        The fewest semitones; None where as many as are allowed do not do.
    """
    for shift in sorted(range(-most, most + 1), key=lambda shift: (abs(shift), shift)):
        if (own + 7 * shift - key) % 12 in (0, 1, 11):
            return shift
    return None
