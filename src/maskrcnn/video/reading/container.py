"""Frames of a video file, a stream or a camera, decoded by PyAV (FFmpeg)."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.checks import needed_package
from maskrcnn.errors import DataError, reason
from maskrcnn.video.reading.clip import About, ClipFrame, Part

PATIENCE = 15.0  # seconds in which a stream or a camera may say nothing
USUAL_RATE = 25.0  # frames a second, where a file says none
MOST_BOXES = 10_000  # of a file whose index is looked for
TRANSPARENT = ("yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya", "pal8")
NO_INDEX = (
    "{} has no index (moov), which cameras write at the very end: its recording was broken off, or it was not copied "
    "whole; copy it again, or mend it with a tool such as untrunc."
)
HDR = {16: "PQ", 18: "HLG"}  # FFmpeg's numbers of transfer functions


class Container:
    """A video that FFmpeg opens.

    Args:
        source: the path of a file, or the address of a stream or camera.
        part: which frames are looked at.
        format: of the source, where its name does not tell.

    Raises:
        DataError: it cannot be opened, or shows nothing.
        UsageError: PyAV is not installed.
    """

    def __init__(self, source: str | Path, part: Part | None = None, format: str | None = None) -> None:
        self.av = needed_package("av", "read videos", "video")
        self.name, self.part = str(source), part or Part()
        live = not isinstance(source, Path)
        self.container = self._open(format, live)
        if not self.container.streams.video:
            kinds = sorted({stream.type for stream in self.container.streams})
            self.close()
            raise DataError(_why_no_pictures(self.name, kinds))
        self.stream = self.container.streams.video[0]
        self.errors = 0  # packets that could not be decoded
        self.count = 0  # frames that were decoded
        self.frames = self._decoded()
        try:
            self.first = next(self.frames)
        except StopIteration:
            self.close()
            raise DataError(f"{self.name} is damaged: not one frame of it can be decoded.") from None
        self.about = self._about(source if isinstance(source, Path) else None)

    def __iter__(self) -> Iterator[ClipFrame]:
        last: float | None = None
        before = -1.0
        for index, frame in enumerate(self._all()):
            time = self._time(frame, index)
            time = time if time > before else before + 1e-3  # what runs backwards is shown one after another
            before = time
            if self.part.ends_before(time):
                break
            if self.part.wants(index, time, last):
                last = time
                yield ClipFrame(index, time, self._pixels(frame, index))
        else:
            self._say_what_is_missing()

    def close(self) -> None:
        """Let go of the file."""
        self.container.close()

    def _all(self) -> Iterator[Any]:
        first, self.first = self.first, None
        yield first
        del first
        yield from self.frames

    def _open(self, format: str | None, live: bool) -> Any:
        options = {"rtsp_transport": "tcp"} if self.name.startswith("rtsp") else {}
        try:
            return self.av.open(self.name, format=format, options=options, timeout=PATIENCE if live else None)
        except (self.av.error.FFmpegError, OSError, ValueError, UnicodeError) as error:
            raise DataError(_why_not_opened(self.name, live, error)) from None

    def _decoded(self) -> Iterator[Any]:
        """All frames that can be decoded; what cannot is passed over and counted."""
        packets = self.container.demux(self.stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (self.av.error.FFmpegError, OSError):
                self.errors += 1
                return
            try:
                decoded = packet.decode()
            except (self.av.error.FFmpegError, OSError):
                self.errors += 1
                continue
            for frame in decoded:
                self.count += 1
                yield frame

    def _about(self, file: Path | None) -> About:
        frame, stream = self.first, self.stream
        quarter = self._turns(frame)
        size = (frame.width, frame.height) if quarter % 2 else (frame.height, frame.width)
        rate = float(stream.average_rate or stream.guessed_rate or 0) or USUAL_RATE
        aspect = Fraction(stream.sample_aspect_ratio or 1) or Fraction(1)
        sound = file if self.container.streams.audio else None
        begins = float(frame.pts * frame.time_base) if frame.pts is not None else 0.0
        about = About(size, rate, self._expected(rate), sound, begins, 1 / aspect if quarter % 2 else aspect)
        about.live = file is None
        if frame.interlaced_frame:
            about.note(
                f"{self.name} is interlaced: what moves has combed edges, which the model sees too; deinterlace it "
                "first for cleaner masks."
            )
        if curve := HDR.get(int(frame.color_trc or 0)):
            about.note(f"{self.name} is HDR video ({curve}), shown here without tone mapping: colours look pale.")
        return about

    def _expected(self, rate: float) -> int:
        """How many frames will be looked at, as far as the header tells."""
        total, part = self._in_file(rate), self.part
        if not total:
            return 0
        start, end = part.start * rate, total if part.end is None else min(total, part.end * rate)
        step = max(part.every, rate / part.fps if part.fps else 1)
        return max(1, math.ceil((end - start) / step - 1e-6))

    def _in_file(self, rate: float) -> int:
        """Frames of the file, as its header says; 0 where it says nothing."""
        stream, container = self.stream, self.container
        if stream.frames:
            return int(stream.frames)
        if stream.duration:
            return round(float(stream.duration * stream.time_base) * rate)
        return round(container.duration / self.av.time_base * rate) if container.duration else 0

    def _time(self, frame: Any, index: int) -> float:
        if frame.pts is None:
            return index / self.about.rate
        return float(frame.pts * frame.time_base) - self.about.begins

    def _turns(self, frame: Any) -> int:
        """Quarter turns, against the clock, after which the frame is upright."""
        return round(getattr(frame, "rotation", 0) / 90) % 4

    def _pixels(self, frame: Any, index: int) -> np.ndarray:
        turns, (height, width) = self._turns(frame), self.about.size
        shape = (height, width) if turns % 2 else (width, height)
        if shape != (frame.width, frame.height):
            self.about.note(
                f"{self.name}: its frames change their size at frame {index}; from there on they are scaled to "
                f"{width} x {height} pixels, those of the first."
            )
        see_through = frame.format.name.startswith(TRANSPARENT)
        size = {"width": shape[0], "height": shape[1]}
        pixels = frame.to_ndarray(format="rgba" if see_through else "rgb24", **size)
        if see_through:
            pixels = on_white(pixels)
        return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels

    def _say_what_is_missing(self) -> None:
        expected = self._in_file(self.about.rate) if not self.about.live else 0
        # A header may count a frame or two more than are shown.
        if self.errors or self.count < 0.98 * expected - 2:
            of = f" of {expected}" if expected > self.count else ""
            self.about.note(f"{self.name} is cut off or damaged: {self.count}{of} frames could be read.")


def on_white(pixels: np.ndarray) -> np.ndarray:
    """Uint8 ``[H, W, 4]`` as it looks on white paper, ``[H, W, 3]``."""
    opaque = pixels[..., 3:].astype(np.uint16)
    shown = (pixels[..., :3] * opaque + 255 * (255 - opaque) + 127) // 255
    return shown.astype(np.uint8)


def _why_no_pictures(name: str, kinds: list[str]) -> str:
    if not kinds and os.path.isfile(name) and _lacks_index(Path(name)):  # noqa: PTH113 - no stream is a file
        return NO_INDEX.format(name)
    return f"{name} holds no pictures, {'only sound' if kinds == ['audio'] else 'so it is no video'}."


def _why_not_opened(name: str, live: bool, error: Exception) -> str:
    words = str(getattr(error, "strerror", None) or reason(error))
    if name.startswith("/dev/") and not os.path.exists(name):  # noqa: PTH110 - no file of the user's
        return f"There is no camera {name}: connect one, or name a video file."
    if live:
        return f"{name} cannot be opened ({words}); check that it is there and sends pictures."
    if _lacks_index(Path(name)):
        return NO_INDEX.format(name)
    return f"{name} is no video that can be read ({words}); open it in a player to see whether it is whole."


def _lacks_index(path: Path) -> bool:
    """Whether a file begins as mp4 and mov do, but nothing in it says where its frames are."""
    size = path.stat().st_size
    with path.open("rb") as file:
        place, kinds = 0, list[bytes]()
        while place + 8 <= size and len(kinds) < MOST_BOXES:
            file.seek(place)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            place += length
            if length < 8 or place > size:
                break
            kinds.append(head[4:8])  # of what is there whole
    return kinds[:1] == [b"ftyp"] and b"moov" not in kinds
