"""A folder of frames, or the pages of a file, as a video."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from maskrcnn.errors import DataError
from maskrcnn.modalities.images.read.pictures import read_image
from maskrcnn.video.reading.clip import About, ClipFrame, Part

FPS = 25.0  # of pictures, which say none


class Pictures:
    """Pictures one after another, ``part.fps`` of them a second.

    Args:
        name: of the whole, for sentences.
        files: of the frames, in their order.
        part: which frames are looked at.

    Raises:
        DataError: none of them can be read.
    """

    def __init__(self, name: str, files: Sequence[Path], part: Part | None = None) -> None:
        self.name, self.files = name, tuple(files)
        part = part or Part()
        self.rate = part.fps or FPS
        self.part = Part(part.every, part.start, part.end)
        first = next((image for _, image in self._readable()), None)
        if first is None:
            raise DataError(f"None of the {len(self.files)} pictures of {name} can be read.")
        wanted = sum(map(self._wanted, range(len(self.files))))
        names = tuple(file.name for file in self.files)
        self.about = About((first.shape[0], first.shape[1]), self.rate, wanted, names=names)

    def __iter__(self) -> Iterator[ClipFrame]:
        height, width = self.about.size
        for index, image in self._readable():
            if self._wanted(index):
                if image.shape[:2] != self.about.size:
                    self.about.note(
                        f"{self.name}: its pictures are not of one size; from {self.files[index].name} on they are "
                        f"scaled to {width} x {height} pixels, those of the first."
                    )
                    image = np.asarray(Image.fromarray(image).resize((width, height)))
                yield ClipFrame(index, index / self.rate, image)

    def close(self) -> None:
        """Nothing stays open."""

    def _wanted(self, index: int) -> bool:
        time = index / self.rate
        return not self.part.ends_before(time) and self.part.wants(index, time, None)

    def _readable(self) -> Iterator[tuple[int, np.ndarray]]:
        for index, file in enumerate(self.files):
            try:
                pixels = read_image(file, 3)
            except DataError as error:
                if hasattr(self, "about"):
                    self.about.note(f"A frame of {self.name} is left out: {error}")
                continue
            yield index, pixels.clamp(0, 255).round().byte().movedim(0, -1).contiguous().numpy()
