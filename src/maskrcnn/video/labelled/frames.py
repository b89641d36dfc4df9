"""The frames of labelled sequences, and frames as a video."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.checks import needed_package
from maskrcnn.errors import DataError
from maskrcnn.files import is_folder
from maskrcnn.modalities.images.read.find import images_by_stem
from maskrcnn.modalities.images.read.pictures import read_image

RATE = Fraction(24)  # frames a second of what says none
QUALITY = "16"  # crf of x264: hardly told from the original


def frames_of(path: Path | Sequence[Path]) -> Iterator[np.ndarray]:
    """The frames of a video, or of a folder of pictures in the order of the numbers in their names.

    Args:
        path: of the file or the folder; or of each picture.

    Yields:
        uint8 ``[H, W, 3]``, RGB.

    Raises:
        DataError: there are none, or the file cannot be read.
        UsageError: PyAV is not installed.
    """
    if not isinstance(path, Path) or is_folder(path):
        for picture in _pictures(path) if isinstance(path, Path) else path:
            yield read_image(picture).numpy().transpose(1, 2, 0).astype(np.uint8)
        return
    av = _av()
    try:
        with av.open(str(path)) as container:
            container.streams.video[0].thread_type = "AUTO"
            for frame in container.decode(video=0):
                yield frame.to_ndarray(format="rgb24")
    except (av.FFmpegError, OSError, IndexError) as error:
        raise DataError(f"{path} cannot be read as a video ({error}); copy or convert it again.") from error


def _pictures(folder: Path) -> list[Path]:
    """In the order of the numbers in their names."""
    pictures = images_by_stem(folder)
    if not pictures:
        raise DataError(f"{folder} has no pictures to take for frames.")
    return [pictures[stem] for stem in sorted(pictures, key=_natural)]


def frame_rate(path: Path | None) -> Fraction:
    """Frames a second of a video; 24 of what says none."""
    if path is None or is_folder(path):
        return RATE
    av = _av()
    try:
        with av.open(str(path)) as container:
            rate = container.streams.video[0].average_rate
    except (av.FFmpegError, OSError, IndexError):
        return RATE
    return Fraction(rate) if rate else RATE


def write_video(path: Path, frames: Iterable[np.ndarray], rate: Fraction) -> None:
    """Write frames as H.264 in MP4.

    Args:
        path: of the file.
        frames: uint8 ``[H, W, 3]``, RGB, of even sides, all of one size.
        rate: frames a second.
    """
    av = _av()
    stream: Any = None
    with av.open(str(path), "w", format="mp4") as container:
        for frame in frames:
            if stream is None:
                stream = container.add_stream("libx264", rate=rate, options={"crf": QUALITY})
                stream.height, stream.width, stream.pix_fmt = *frame.shape[:2], "yuv420p"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        if stream is not None:
            container.mux(stream.encode(None))


def _av() -> Any:
    return needed_package("av", "read and write videos", "video")


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Numbers in names by their value."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name)]
