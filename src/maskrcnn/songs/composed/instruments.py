"""The sounds of synthetic songs: a note of each instrument as samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Wave = npt.NDArray[np.float64]
RELEASE, ATTACK = 0.05, 0.004  # seconds in which a note goes, and comes
RINGS = {"bell": 0.9, "pad": 0.3}  # seconds that a note lasts beyond its length
PAN = {
    "pad": -0.2,
    "bass": 0.0,
    "bell": 0.25,
    "hat": 0.3,
    "whistle": -0.3,
    "pluck": 0.15,
    "square": 0.15,
    "flute": 0.15,
}


def frequency(midi: float) -> float:
    """Hz of a MIDI number; 69 is 440."""
    return float(440 * 2 ** ((midi - 69) / 12))


def play(instrument: str, seconds: float, midi: float, rate: int, random: np.random.Generator) -> Wave:
    """One note, ``[T]``, about -1..1.

    Args:
        instrument: one of :data:`SOUNDS`.
        seconds: how long it is held; some instruments ring on.
        midi: its pitch; drums have none.
        rate: samples a second.
        random: of the noise in drums.

    Returns:
        The samples.
    """
    seconds += RINGS.get(instrument, 0.0)
    t = np.arange(max(int(seconds * rate), 1)) / rate
    wave = SOUNDS[instrument](t, frequency(midi), rate, random)
    ends = np.clip((seconds - t) / RELEASE, 0, 1) * np.clip(t / ATTACK, 0, 1)
    return np.asarray(wave * ends)


def _harmonics(t: Wave, pitch: float, rate: int, fall: float, step: int = 1, most: int = 12) -> Wave:
    wave = np.zeros_like(t)
    for k in range(1, most + 1, step):
        if k * pitch < 0.45 * rate:
            wave += np.sin(2 * np.pi * k * pitch * t) / k**fall
    return wave


def _pad(t: Wave, pitch: float, rate: int, random: np.random.Generator) -> Wave:
    slow = np.clip(t / 0.06, 0, 1)
    return slow * (_harmonics(t, pitch, rate, 1.6, most=6) + _harmonics(t, pitch * 1.004, rate, 1.6, most=6)) / 2


def _bass(t: Wave, pitch: float, rate: int, random: np.random.Generator) -> Wave:
    return np.exp(-3 * t) * _harmonics(t, pitch, rate, 1.3, most=8)


def _pluck(t: Wave, pitch: float, rate: int, random: np.random.Generator) -> Wave:
    return np.exp(-5 * t) * _harmonics(t, pitch, rate, 1.0)


def _square(t: Wave, pitch: float, rate: int, random: np.random.Generator) -> Wave:
    return 0.7 * np.exp(-1.5 * t) * _harmonics(t, pitch, rate, 1.2, step=2)


def _flute(t: Wave, pitch: float, rate: int, random: np.random.Generator) -> Wave:
    return np.clip(t / 0.03, 0, 1) * _harmonics(t, pitch, rate, 2.2, most=4)


def _whistle(t: Wave, pitch: float, rate: int, random: np.random.Generator) -> Wave:
    return np.sin(2 * np.pi * pitch * t + 0.8 * np.sin(2 * np.pi * 5.5 * t))


def _bell(t: Wave, pitch: float, rate: int, random: np.random.Generator) -> Wave:
    """Frequency modulation at an inharmonic ratio (Chowning 1973)."""
    depth = 4.0 * np.exp(-4 * t)
    return np.exp(-3 * t) * np.sin(2 * np.pi * pitch * t + depth * np.sin(2 * np.pi * 3.5 * pitch * t))


def _kick(t: Wave, pitch: float, rate: int, random: np.random.Generator) -> Wave:
    sweep = 50 * t + 110 * (1 - np.exp(-30 * t)) / 30
    return np.exp(-9 * t) * np.sin(2 * np.pi * sweep) + 0.3 * np.exp(-200 * t) * random.standard_normal(len(t))


def _snare(t: Wave, pitch: float, rate: int, random: np.random.Generator) -> Wave:
    return np.exp(-18 * t) * (0.5 * random.standard_normal(len(t)) + 0.6 * np.sin(2 * np.pi * 190 * t))


def _hat(t: Wave, pitch: float, rate: int, random: np.random.Generator) -> Wave:
    noise = random.standard_normal(len(t))
    return np.exp(-45 * t) * np.diff(noise, prepend=0.0)


SOUNDS: dict[str, Callable[[Wave, float, int, np.random.Generator], Wave]] = {
    "pad": _pad,
    "bass": _bass,
    "pluck": _pluck,
    "square": _square,
    "flute": _flute,
    "whistle": _whistle,
    "bell": _bell,
    "kick": _kick,
    "snare": _snare,
    "hat": _hat,
}
