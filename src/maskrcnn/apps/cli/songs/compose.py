"""maskrcnn compose songs"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from maskrcnn.apps.cli.console import Screen, conclude
from maskrcnn.checks import counted
from maskrcnn.jobs.songs.options import ComposeSongsOptions


@dataclass(frozen=True)
class ComposeSongs(ComposeSongsOptions):
    """Compose synthetic songs to try `fuse` on: chords, a melody, a bass and drums, in keys and tempi of their own.
    Half of them have sections that appeal, in which a bell plays a motif; songs.json says where, and beats and keys
    too. Written `maskrcnn compose songs OUT`, too."""

    out: Annotated[Path, tyro.conf.Positional, arg(metavar="OUT")]

    def run(self) -> int:
        self.check()
        from maskrcnn.jobs.songs.compose import compose_songs

        with Screen() as screen:
            made = compose_songs(self, screen)
        conclude(
            f"{counted(made.songs, 'synthetic song')} ({made.seconds / 60:.1f} minutes) are in {self.out / 'songs'}; "
            f"{made.appealing} appeal, by {made.best} of all {made.sections} sections. To learn from the labels of "
            f"whole songs: maskrcnn train {self.out / 'songs'} --labels {self.out / 'labels.csv'}"
        )
        return 0
