"""maskrcnn convert"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.progress import Progress
from tyro.conf import arg

from maskrcnn.apps.cli.console import Data, MaxPixels, console, say, tell_failures, tell_problems
from maskrcnn.checks import counted, new_folder
from maskrcnn.data.parsing.paths import refuse_missing


@dataclass(frozen=True)
class Convert:
    """Write labelled data in another format, with their images, and say what that format cannot hold."""

    data: Data
    """Labelled images: COCO, LabelMe, Pascal VOC, YOLO, VIA, CVAT, Label Studio, Datumaro, label maps, class maps or
    mask files; DATA:val is the split of that name."""
    out: Annotated[Path, tyro.conf.Positional, arg(metavar="OUT")]
    """Folder for the result, empty or new; `maskrcnn train OUT` then works."""
    to: Literal["coco", "yolo", "labelme", "label-maps"]
    """Format to write. coco holds everything; the others say what is lost."""
    max_pixels: MaxPixels = None
    """Open no file of more pixels, voxels or samples than this: its header is asked before it is unpacked. By default
    what fits into free memory, and into 1.25 GiB where a file packs more than 64 of them into a byte."""
    link: bool = False
    """Give the images second names (hard links) instead of copying them."""
    outside: bool = False
    """Also take along pictures that lie outside the folder of their labels."""

    def run(self) -> int:
        refuse_missing(self.data)  # before anything loads torch, so that a slip costs no seconds
        new_folder(self.out, "the converted data")
        from maskrcnn.jobs.convert import convert
        from maskrcnn.modalities.open import open_dataset

        data = open_dataset(self.data)
        tell_problems(data.problems)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("converting", total=len(data))
            show = lambda count: progress.update(task, completed=count)  # noqa: E731
            done = convert(data, self.out, self.to, self.link, show, self.outside)
        for what, count in sorted(done.lost.items()):
            say(f"note: {count} {what}.")
        classes = f"{len(data.class_names)} class{'' if len(data.class_names) == 1 else 'es'}"
        kind = "masks" if data.has_masks else "boxes"
        print(
            f"{counted(done.images, 'image')} with {counted(done.objects, 'object')} ({kind}) of {classes} are in "
            f"{self.out} as {self.to}."
        )
        return tell_failures(done.failures)
