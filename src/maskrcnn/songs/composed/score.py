"""What a synthetic song plays: its key, tempo, sections and notes, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BEATS = 4  # of a bar
TEMPI = (86.0, 128.0)  # beats a minute, each as likely
MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)  # semitones of the scale
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FORMS = (  # sections and their bars
    (("intro", 4), ("verse", 8), ("chorus", 8), ("verse", 8), ("chorus", 8), ("outro", 4)),
    (("intro", 4), ("verse", 8), ("chorus", 8), ("bridge", 4), ("verse", 8), ("chorus", 8), ("outro", 4)),
    (("intro", 4), ("chorus", 8), ("verse", 8), ("bridge", 8), ("chorus", 8), ("outro", 4)),
    (("verse", 8), ("bridge", 4), ("verse", 8), ("chorus", 8), ("verse", 8), ("chorus", 4)),
)
CHORDS = {  # degrees of the scale, one a bar
    "intro": ((0, 0, 3, 4), (0, 5, 3, 4)),
    "verse": ((0, 5, 3, 4), (0, 3, 0, 4), (5, 3, 0, 4)),
    "chorus": ((0, 4, 5, 3), (3, 4, 0, 5), (0, 3, 5, 4)),
    "bridge": ((3, 0, 3, 4), (5, 1, 3, 4)),
    "outro": ((0, 3, 4, 0), (3, 4, 0, 0)),
}
PLAYED = {  # how loud pad, bass, lead and drums are
    "intro": (1.0, 0.6, 0.0, 0.5),
    "verse": (0.8, 1.0, 0.8, 0.8),
    "chorus": (1.0, 1.0, 1.0, 1.0),
    "bridge": (1.0, 0.8, 0.7, 0.6),
    "outro": (1.0, 0.8, 0.4, 0.5),
}
LEADS = ("pluck", "square", "flute")
MOTIF = (4, 2, 5, 4, 7, 4, 2, 0)  # degrees above the tonic, an eighth each: what the bell plays where a section appeals
APPEALING = ("verse", "chorus", "bridge")  # kinds of which some may appeal
DISTRACTED = 0.5  # of the other sections of these kinds: another instrument plays the motif, or the bell's range

Note = tuple[str, float, float, float, float]  # instrument, beat, length in beats, MIDI number, amplitude


@dataclass(frozen=True)
class Section:
    """A section of a song.

    Attributes:
        kind: such as ``verse``.
        first: its first bar.
        bars: how many it has.
        appeals: whether the bell plays its motif.
        why: what it is that appeals, or what is there to mislead.
    """

    kind: str
    first: int
    bars: int
    appeals: bool
    why: str


@dataclass(frozen=True)
class Score:
    """What is played.

    Attributes:
        tempo: beats a minute.
        tonic: 0..11 from C.
        minor: the mode.
        sections: in their order.
        notes: all of them.
    """

    tempo: float
    tonic: int
    minor: bool
    sections: tuple[Section, ...]
    notes: tuple[Note, ...]

    @property
    def key(self) -> str:
        return f"{NAMES[self.tonic]} {'minor' if self.minor else 'major'}"

    @property
    def bars(self) -> int:
        return sum(section.bars for section in self.sections)


def write_score(random: np.random.Generator, appeals: bool) -> Score:
    """Draw a song.

    Args:
        random: what is drawn comes from.
        appeals: whether one or two of its sections appeal; else none does.

    Returns:
        What is played.
    """
    tempo, tonic = round(float(random.uniform(*TEMPI)), 2), int(random.integers(12))
    minor = bool(random.random() < 0.5)
    sections = _sections(random, appeals)
    chords = {kind: own[int(random.integers(len(own)))] for kind, own in CHORDS.items()}
    lead = LEADS[int(random.integers(len(LEADS)))]
    tunes = {kind: _tune(random) for kind in CHORDS}
    band = Band(tonic, MINOR if minor else MAJOR, lead)
    notes: list[Note] = []
    for section in sections:
        for bar in range(section.bars):
            chord = chords[section.kind][bar % 4]
            notes += band.bar(section, (section.first + bar) * BEATS, chord, tunes[section.kind][bar % 4], bar)
    return Score(tempo, tonic, minor, tuple(sections), tuple(notes))


def _sections(random: np.random.Generator, appeals: bool) -> list[Section]:
    form = FORMS[int(random.integers(len(FORMS)))]
    able = [k for k, (kind, _) in enumerate(form) if kind in APPEALING]
    best = set(random.choice(able, int(random.integers(1, 3)), replace=False).tolist()) if appeals else set()
    sections, first = [], 0
    for k, (kind, bars) in enumerate(form):
        why = "a bell plays the motif" if k in best else ""
        if k in able and not why and random.random() < DISTRACTED:
            why = ("the lead plays the motif", "a whistle plays other notes as high")[int(random.integers(2))]
        sections.append(Section(kind, first, bars, k in best, why))
        first += bars
    return sections


def _tune(random: np.random.Generator) -> list[list[tuple[float, float, int]]]:
    """Of four bars: beat, length and degree above the chord's root of each note of a melody."""
    bars = []
    for _ in range(4):
        at, degree, bar = 0.0, int(random.choice([0, 2, 4])), []
        while at < BEATS:
            length = min(float(random.choice([0.5, 1.0, 1.5])), BEATS - at)
            if random.random() < 0.85:
                bar.append((at, length, degree))
            degree = int(np.clip(degree + random.integers(-2, 3), -2, 7))
            at += length
        bars.append(bar)
    return bars


@dataclass(frozen=True)
class Band:
    """Who plays: a pad, a bass, a lead, drums, and in some sections a bell, a second lead or a whistle."""

    tonic: int
    scale: tuple[int, ...]
    lead: str

    def pitch(self, degree: int, octave: int) -> float:
        """The MIDI number of a degree of the scale, 0 is the tonic."""
        return 12.0 * (octave + 1) + self.tonic + self.scale[degree % 7] + 12 * (degree // 7)

    def bar(
        self, section: Section, at: float, chord: int, tune: list[tuple[float, float, int]], number: int
    ) -> list[Note]:
        """Write the notes of a bar.

        Args:
            section: that the bar is of.
            at: the beat at which it begins.
            chord: the degree of its root.
            tune: beat, length and degree above the root of each note of the melody.
            number: of the bar in its section.

        Returns:
            The notes, those of each instrument together.
        """
        pad, bass, lead, drums = PLAYED[section.kind]
        notes: list[Note] = [("pad", at, BEATS, self.pitch(chord + step, 3), 0.10 * pad) for step in (0, 2, 4)]
        for eighth in range(2 * BEATS):
            loud = 0.34 if eighth == 0 else 0.24 if eighth % 4 == 0 else 0.16
            notes.append(("bass", at + eighth / 2, 0.45, self.pitch(chord, 1), loud * bass))
        if lead:
            notes += [
                (self.lead, at + beat, long * 0.9, self.pitch(chord + degree, 4), 0.15 * lead)
                for beat, long, degree in tune
            ]
        notes += self._drums(at, drums, section.kind in ("chorus", "verse"), number == section.bars - 1)
        return notes + self._extra(section, at)

    def _drums(self, at: float, loud: float, full: bool, last: bool) -> list[Note]:
        notes: list[Note] = [("kick", at, 0.5, 0, 0.55 * loud), ("kick", at + 2, 0.5, 0, 0.45 * loud)]
        if full:
            notes += [("snare", at + 1, 0.5, 0, 0.28 * loud), ("snare", at + 3, 0.5, 0, 0.28 * loud)]
        if last:
            notes += [("snare", at + 3.5, 0.25, 0, 0.2 * loud), ("snare", at + 3.75, 0.25, 0, 0.2 * loud)]
        return notes + [("hat", at + k / 2, 0.25, 0, (0.10 if k % 2 else 0.06) * loud) for k in range(2 * BEATS)]

    def _extra(self, section: Section, at: float) -> list[Note]:
        if section.appeals:
            return [("bell", at + k / 2, 1.0, self.pitch(d, 5), 0.15) for k, d in enumerate(MOTIF)]
        if "lead" in section.why:
            return [(self.lead, at + k / 2, 0.5, self.pitch(d, 5), 0.11) for k, d in enumerate(MOTIF)]
        if "whistle" in section.why:
            return [("whistle", at + k, 1.0, self.pitch(d, 5), 0.11) for k, d in enumerate((0, 4, 2, 6))]
        return []
