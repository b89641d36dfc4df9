"""From what a user names to opened videos: files, folders of frames, streams and cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskrcnn.data.parsing.input_names import stream_of
from maskrcnn.files import is_folder
from maskrcnn.modalities.images.read.find import images_by_stem, is_image
from maskrcnn.modalities.images.read.pages import list_pages
from maskrcnn.video.reading.clip import Clip, Part
from maskrcnn.video.reading.container import Container
from maskrcnn.video.reading.names import find_clips, natural
from maskrcnn.video.reading.pictures import Pictures

MOVING = (".gif",)  # pictures that FFmpeg plays; of other files with pages, each page is a frame
CAMERA = "/dev/video"


@dataclass(frozen=True)
class Source:
    """A video that is there.

    Attributes:
        path: of the file or the folder of frames, or what was typed for a stream or camera.
        frames: the pictures that it is made of; empty for a file, a stream or a camera.
    """

    path: Path
    frames: tuple[Path, ...] = ()

    @property
    def stem(self) -> str:
        """By which its results are called."""
        stream = stream_of(self.path)
        if stream:
            words = "".join(sign if sign.isalnum() else "-" for sign in stream.partition("://")[2] or Path(stream).name)
            return words.strip("-") or "stream"
        return self.path.name if self.frames and is_folder(self.path) else self.path.stem

    @property
    def is_live(self) -> bool:
        """Whether its frames come by the clock, so that nobody can look at them a second time."""
        return bool(stream_of(self.path))

    def open(self, part: Part | None = None) -> Clip:
        """Its frames. Raises DataError where there are none to see, UsageError without PyAV."""
        if stream := stream_of(self.path):
            return Container(stream, part, "v4l2" if stream.startswith(CAMERA) else None)
        return Pictures(str(self.path), self.frames, part) if self.frames else Container(self.path, part)


def sources_of(paths: Sequence[Path], exclude: Path | None = None, video: bool = False) -> list[Source]:
    """The videos among ``paths``, and those of folders with their subfolders.

    Args:
        paths: that were named.
        exclude: a folder that is never read, such as that of the results.
        video: pictures are frames: those of a folder are one video, and so are those that were named from one folder; a
            GIF and a file of several pages are one each.

    Returns:
        The videos, in the order in which they were named.
    """
    found: dict[Path, Source] = {}
    for path in paths:
        frames = _frames_in(path) if video and is_folder(path) else []
        if frames:
            found[path] = Source(path, tuple(frames))
        elif stream_of(path):
            found[path] = Source(path)
        elif video and is_image(path):
            _add_picture(found, path)
        else:
            found.update((clip, Source(clip)) for clip in find_clips([path], exclude))
    return list(found.values())


def without(paths: Sequence[Path], sources: Sequence[Source]) -> list[Path]:
    """Of ``paths`` those that are no video of ``sources``, nor frames of one; folders that hold videos stay."""
    taken = {path for source in sources for path in (source.path, *source.frames)}
    return [path for path in paths if path not in taken]


def _frames_in(folder: Path) -> list[Path]:
    return sorted(images_by_stem(folder).values(), key=lambda path: natural(path.name))


def _add_picture(found: dict[Path, Source], path: Path) -> None:
    pages = list_pages(path)
    if path.suffix.lower() in MOVING:
        found[path] = Source(path)
    elif len(pages) > 1:
        found[path] = Source(path, tuple(pages))
    else:
        before = found[path.parent].frames if path.parent in found else ()
        found[path.parent] = Source(path.parent, (*before, path))
