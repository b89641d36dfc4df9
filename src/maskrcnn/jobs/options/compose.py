"""What ``maskrcnn compose`` is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from maskrcnn.checks import CLIPS, at_least, existing_folder, new_folder


@dataclass(frozen=True)
class ComposeOptions:
    """The clips of spoken words, and how many recordings are composed of them."""

    folder: Path
    """Clips named LABEL_SPEAKER_TAKE.wav, such as 7_jackson_12.wav."""
    out: Path
    """Folder for the recordings, empty or new; `maskrcnn train OUT` then works."""
    speakers: tuple[str, ...] = ()
    """Whose clips to take; a recording is of one speaker, and they take turns."""
    count: int = 200
    """How many recordings of 3 to 10 words to make, about 5 seconds each."""
    seed: int = 0
    """The same seed makes the same recordings."""

    def check(self) -> None:
        """Raise UsageError or DataError for options that cannot be followed and folders that will not do."""
        at_least("count", self.count, 1)
        at_least("seed", self.seed, 0)
        existing_folder(self.folder, CLIPS)
        new_folder(self.out, "the recordings")
