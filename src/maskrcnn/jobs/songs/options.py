"""What ``maskrcnn compose songs`` and ``maskrcnn fuse`` are asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from maskrcnn.checkpoints.lookup import check_model_name
from maskrcnn.checks import at_least, between, needed_package, new_folder, not_a_folder, parse_time, usable_device
from maskrcnn.errors import UsageError
from maskrcnn.files import exists, why_missing

SONGS = 100  # made where nobody says how many
SHORTEST = 10.0  # seconds of a mix
SUFFIXES = (".wav", ".flac")
TO_FUSE = "find beats and mix songs"


@dataclass(frozen=True)
class ComposeSongsOptions:
    """How many synthetic songs are made, and where."""

    out: Path
    """Folder for the songs, empty or new: songs/, labels.csv (the label of each song) and songs.json (what is known of
    it)."""
    count: int = SONGS
    """How many to make; every second one appeals."""
    seed: int = 0
    """The same seed makes the same songs."""

    def check(self) -> None:
        """Raise UsageError for options that cannot be followed, and a folder that will not do."""
        at_least("count", self.count, 1)
        at_least("seed", self.seed, 0)
        new_folder(self.out, "the songs")
        needed_package("soundfile", "write songs", "signals")


@dataclass(frozen=True)
class FuseOptions:
    """The songs, who judges them, and what the mix is like."""

    inputs: tuple[Path, ...] = ()
    """Songs: files, or folders of them."""
    model: str | None = None
    """Says which parts are best: a model that was trained on labels of whole songs."""
    out: Path = Path("mix.wav")
    """The mix, .wav or .flac; its table (.csv) and picture (.png) lie beside it."""
    length: str = "3m"
    """About how long the mix becomes, as in 3m or 90s."""
    label: str = ""
    """Of a model of several labels: the one that parts must speak for."""
    tempo: float = 8.0
    """Percent by which the tempo of a part may be changed; 0: none is."""
    semitones: int = 2
    """By which the key of a part may be moved; 0: none is."""
    loudness: float = -16.0
    """Of the mix, in LUFS (EBU R 128)."""
    device: str = "cpu"
    """Where the model runs: cpu, cuda or mps."""

    @property
    def seconds(self) -> float:
        """The length that is asked for; a number alone is of seconds."""
        text = self.length.strip()
        if re.fullmatch(r"(\d+:)?\d+:\d\d(\.\d+)?", text):
            return float(sum(float(part) * 60**k for k, part in enumerate(reversed(text.split(":")))))
        try:
            return parse_time(f"{text}s" if text.replace(".", "", 1).isdigit() else text)
        except UsageError:
            raise UsageError(f"--length takes minutes or seconds, as in 3m, 90s or 2:30, not {text}.") from None

    def check(self) -> None:
        """Raise UsageError or DataError for options that cannot be followed and files that are not there."""
        if not self.inputs:
            raise UsageError("Name the songs first, as in maskrcnn fuse songs/ --model runs/songs/best.safetensors.")
        for path in self.inputs:
            if not exists(path):
                raise UsageError(why_missing(path))
        if self.model is None:
            raise UsageError(
                "--model names who judges: a model of labels of whole songs, made by maskrcnn train SONGS --labels "
                "labels.csv."
            )
        check_model_name(self.model)
        at_least("length", self.seconds, SHORTEST)
        between("tempo", self.tempo, 0, 25)
        between("semitones", self.semitones, 0, 6)
        between("loudness", self.loudness, -40, -8)
        if self.out.suffix.lower() not in SUFFIXES:
            raise UsageError(f"{self.out} is no name for a mix: it must end in .wav or .flac.")
        not_a_folder(self.out)
        usable_device(self.device)
        for module in ("soundfile", "librosa", "pyloudnorm"):
            needed_package(module, TO_FUSE, "songs")
