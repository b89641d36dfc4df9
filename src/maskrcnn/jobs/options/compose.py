"""What ``maskrcnn compose`` is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from maskrcnn.checks import CLIPS, at_least, existing_folder, needed_package, new_folder
from maskrcnn.errors import UsageError
from maskrcnn.video.labelled.layout import LabelledSequence, labelled_sequences

RECORDINGS, SEQUENCES = 200, 12  # made where nobody says how many


@dataclass(frozen=True)
class ComposeOptions:
    """What is composed of, and how much is made."""

    folder: Path
    """Clips of a word each, named LABEL_SPEAKER_TAKE.wav, such as 7_jackson_12.wav; or videos/NAME.mp4 with
    masks/NAME/00000.png and so on, the object of each frame."""
    out: Path
    """Folder for the recordings or sequences, empty or new; `maskrcnn train OUT` or `maskrcnn evaluate OUT` then
    works."""
    speakers: tuple[str, ...] = ()
    """Of words: whose clips to take; a recording is of one speaker, and they take turns."""
    sequences: tuple[str, ...] = ()
    """Of videos: which of them to take; they take turns at being what the others' objects are pasted into."""
    count: int | None = None
    """How many to make: recordings of 3 to 10 words, about 5 seconds each, or sequences."""
    frames: int = 90
    """Of videos: frames of a sequence at most."""
    seed: int = 0
    """The same seed makes the same recordings and sequences."""

    def check(self) -> None:
        """Raise UsageError or DataError for options that cannot be followed and folders that will not do."""
        at_least("count", self.count, 1)
        at_least("frames", self.frames, 1)
        at_least("seed", self.seed, 0)
        existing_folder(self.folder, f"{CLIPS}, or with videos/ and masks/")
        inside = self.sequences_inside()
        new_folder(self.out, "the sequences" if inside else "the recordings")
        if inside and self.speakers:
            raise UsageError(f"--speakers is for clips of words, and {self.folder} holds videos: use --sequences.")
        if not inside and self.sequences:
            raise UsageError(f"--sequences is for videos, of which {self.folder} has none with masks/NAME/00000.png.")
        if inside:
            needed_package("av", "compose videos", "video")

    def sequences_inside(self) -> list[LabelledSequence]:
        """The labelled sequences in the folder; none where it holds clips of words."""
        return labelled_sequences(self.folder)

    def how_many(self) -> int:
        """Recordings or sequences to make."""
        return self.count or (SEQUENCES if self.sequences_inside() else RECORDINGS)
