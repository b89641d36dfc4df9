"""Composes synthetic songs: their beats, keys and the sections that appeal are known."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass

import numpy as np

from maskrcnn.checks import needed_package
from maskrcnn.files import atomic_write
from maskrcnn.jobs.events import Progress, Tell, tell_nobody
from maskrcnn.jobs.songs.options import ComposeSongsOptions
from maskrcnn.songs.composed.song import RATE, compose_song

SYNTHETIC = "Synthetic: composed by maskrcnn compose songs"


@dataclass(frozen=True)
class ComposedSongs:
    """What was made: songs, how many of them appeal, seconds and sections in all, and sections that appeal."""

    songs: int
    appealing: int
    seconds: float
    sections: int
    best: int


def compose_songs(options: ComposeSongsOptions, tell: Tell = tell_nobody) -> ComposedSongs:
    """Write synthetic songs, a table of their labels, and what is known of them.

    Song k follows from ``options.seed`` and k alone.

    Args:
        options: how many, and where.
        tell: is given :class:`Progress` after each song.

    Returns:
        How much was made.

    Raises:
        UsageError: options that cannot be followed.
    """
    options.check()
    soundfile = needed_package("soundfile", "write songs", "signals")
    (options.out / "songs").mkdir(parents=True, exist_ok=True)
    names = np.random.default_rng(options.seed).permutation(options.count)  # a name's number gives no label away
    truths = {}
    for k in range(options.count):
        name = f"songs/synthetic_{names[k]:04d}.wav"
        song = compose_song(np.random.default_rng([options.seed, k]), bool(k % 2))
        shape = {"samplerate": RATE, "channels": 2, "subtype": "PCM_16", "format": "WAV"}
        with atomic_write(options.out / name) as temporary, soundfile.SoundFile(str(temporary), "w", **shape) as file:
            file.title, file.comment = f"Synthetic song {names[k]:04d}", f"{SYNTHETIC}, seed {options.seed}."
            file.write(song.wave.T)
        truths[name] = {**song.truth(), "seconds": round(song.wave.shape[1] / RATE, 3)}
        tell(Progress("composing", k + 1, options.count))
    truths = dict(sorted(truths.items()))
    with atomic_write(options.out / "labels.csv") as temporary, temporary.open("w", newline="") as table:
        csv.writer(table).writerows([("file", "appeal"), *((name, int(own["appeal"])) for name, own in truths.items())])
    with atomic_write(options.out / "songs.json") as temporary:
        temporary.write_text(json.dumps({"made": SYNTHETIC, "seed": options.seed, "songs": truths}, indent=1))
    sections = [section for own in truths.values() for section in own["sections"]]
    return ComposedSongs(
        options.count,
        sum(own["appeal"] for own in truths.values()),
        sum(own["seconds"] for own in truths.values()),
        len(sections),
        sum(section["appeals"] for section in sections),
    )
