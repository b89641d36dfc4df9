"""Writes a video frame by frame at the times of its frames, with the sound of the file they came from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.checks import needed_package
from maskrcnn.errors import UsageError
from maskrcnn.files import atomic_write
from maskrcnn.video.reading.clip import About

TICKS = Fraction(1, 90_000)  # of a second, in which times are written
OPTIONS = {
    "libx264": {"crf": "21", "preset": "veryfast"},
    "mpeg4": {"qscale": "4"},
    "libvpx-vp9": {"crf": "28", "b": "0", "deadline": "realtime", "cpu-used": "5", "row-mt": "1"},
    "prores_ks": {"profile": "4444", "alpha_bits": "8"},
}
ITU709 = 1  # of FFmpeg's numbers of colour spaces, primaries and curves alike


@dataclass(frozen=True)
class Form:
    """A kind of file.

    Attributes:
        container: as FFmpeg calls it.
        codecs: of pictures; the first that this FFmpeg has is taken.
        pixels: as they are encoded.
        channels: as frames are given: ``rgb24``, or ``rgba`` where some is transparent.
        played: codecs of sound that it holds as they are.
        sound: the codec of other sound; empty: it is left out, and that is said.
    """

    container: str
    codecs: tuple[str, ...]
    pixels: str
    channels: str = "rgb24"
    played: tuple[str, ...] = ("aac", "mp3", "ac3", "eac3", "opus", "flac", "alac")
    sound: str = "aac"


MP4 = Form("mp4", ("libx264", "libopenh264", "mpeg4"), "yuv420p")
WEBM = Form("webm", ("libvpx-vp9",), "yuva420p", "rgba", ("opus", "vorbis"), "")
PRORES = Form("mov", ("prores_ks",), "yuva444p10le", "rgba", ("aac", "mp3", "ac3", "alac"))


class Encoded:
    """A video that is whole when it is closed, and not there before.

    Args:
        path: of the file.
        about: the video that its frames come from: rate, shape of pixels and sound are taken from there.
        form: of the file.
    """

    def __init__(self, path: Path, about: About, form: Form = MP4) -> None:
        self.av = needed_package("av", "write videos", "video")
        self.path, self.about, self.form = path, about, form
        self.stack = ExitStack()
        self.container: Any = None
        self.stream: Any = None
        self.sound: Iterator[tuple[float, Any]] = iter(())
        self.ahead: tuple[float, Any] | None = None
        self.first, self.last, self.length = 0.0, -1, 0.0

    def add(self, image: np.ndarray, time: float) -> None:
        """Write the next frame.

        Args:
            image: uint8 ``[H, W, 3]``, or 4 channels where the form has them; of the size of the first.
            time: at which it is shown, in seconds of the video that it comes from, later than that of the last.
        """
        if self.container is None:
            self._begin(image.shape[0], image.shape[1], time)
        frame = self.av.VideoFrame.from_ndarray(even(image), format=self.form.channels)
        frame = frame.reformat(format=self.form.pixels, dst_colorspace="ITU709")
        ticks = max(self.last + 1, round((time - self.first) / TICKS))
        frame.pts, frame.time_base, self.last = ticks, TICKS, ticks
        self.container.mux(self.stream.encode(frame))
        self._add_sound(float(ticks * TICKS))

    def close(self, whole: bool = True) -> None:
        """End the file, or leave nothing of it where it is not ``whole``."""
        if self.container is None:
            return
        container, self.container = self.container, None
        try:
            if whole:
                container.mux(self.stream.encode(None))
                self.container = container
                self._add_sound(float(self.last * TICKS) + 1 / self.about.rate)
        finally:
            self.container = None
            container.close()
            if whole:
                self.stack.close()
            else:
                self._leave_nothing()

    def _leave_nothing(self) -> None:
        with suppress(_NotWhole), self.stack:
            raise _NotWhole

    def _begin(self, height: int, width: int, time: float) -> None:
        beside = self.stack.enter_context(atomic_write(self.path))
        form = self.form
        options = {"movflags": "+faststart"} if form.container in ("mp4", "mov") else {}
        self.container = self.av.open(str(beside), "w", format=form.container, options=options)
        codec = next((name for name in form.codecs if name in self.av.codecs_available), None)
        if codec is None:
            raise UsageError(
                f"This FFmpeg has none of {', '.join(form.codecs)}, so no {form.container} can be written."
            )
        rate = Fraction(self.about.rate).limit_denominator(1001)
        self.stream = self.container.add_stream(codec, rate=rate or 25, options=OPTIONS.get(codec, {}))
        self.stream.width, self.stream.height = width + width % 2, height + height % 2
        self.stream.pix_fmt = form.pixels
        context = self.stream.codec_context
        context.time_base = TICKS
        context.colorspace = context.color_primaries = context.color_trc = ITU709
        if self.about.aspect != 1:
            context.sample_aspect_ratio = self.about.aspect
        self.first = time
        if self.about.file is not None:
            self.sound = self._packets(self.about.file, self.about.begins + time)
            self.ahead = next(self.sound, None)

    def _add_sound(self, until: float) -> None:
        while self.ahead is not None and self.ahead[0] <= until:
            self.container.mux(self.ahead[1])
            self.ahead = next(self.sound, None)

    def _packets(self, file: Path, begins: float) -> Iterator[tuple[float, Any]]:
        """The sound of a file from a time on, as packets of a stream of ours, each with the second it begins at."""
        source = self.stack.enter_context(self.av.open(str(file)))
        stream = source.streams.audio[0]
        name = stream.codec_context.name if stream.codec_context is not None else ""
        if name.removesuffix("float") in self.form.played:
            own = self.container.add_stream_from_template(stream)
            yield from self._copied(source, stream, own, begins)
        elif name and not self.form.sound:
            self.about.note(f"{self.path.name} has no sound: {self.form.container} does not hold {name}.")
        elif name:
            own = self.container.add_stream(self.form.sound, rate=stream.codec_context.sample_rate or 48_000)
            yield from self._encoded(source, stream, own, begins)
        else:
            self.about.note(f"{file}: its sound is of a kind that this FFmpeg does not know, and is left out.")

    def _copied(self, source: Any, stream: Any, own: Any, begins: float) -> Iterator[tuple[float, Any]]:
        shift = round(begins / stream.time_base)
        try:
            for packet in source.demux(stream):
                if packet.dts is None or packet.pts < shift:
                    continue
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                packet.stream = own
                yield float(packet.pts * stream.time_base), packet
        except self.av.error.FFmpegError:
            self.about.note(f"{self.about.file}: its sound is cut off or damaged; what could be read of it was copied.")

    def _encoded(self, source: Any, stream: Any, own: Any, begins: float) -> Iterator[tuple[float, Any]]:
        """The same of sound that mp4 does not hold, encoded anew."""
        resampler = self.av.AudioResampler("fltp", own.layout.name, own.rate)
        try:
            for frame in source.decode(stream):
                time = float(frame.pts * frame.time_base) - begins if frame.pts is not None else 0.0
                if time < 0:
                    continue
                frame.pts = round(time / frame.time_base)
                for part in resampler.resample(frame):
                    yield from ((time, packet) for packet in own.encode(part))
        except self.av.error.FFmpegError:
            self.about.note(f"{self.about.file}: its sound is cut off or damaged; what could be read of it was copied.")
        yield from ((0.0, packet) for packet in own.encode(None))


class _NotWhole(Exception):
    """Ends the writing of a file that nobody wants."""


def even(image: np.ndarray) -> np.ndarray:
    """An image whose height and width are even, as H.264 wants them: the last row or column is repeated."""
    odd = [(0, side % 2) for side in image.shape[:2]]
    return np.ascontiguousarray(np.pad(image, (*odd, (0, 0)), "edge") if any(end for _, end in odd) else image)
