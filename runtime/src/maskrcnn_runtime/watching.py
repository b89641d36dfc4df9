"""A camera or a clip, frame by frame: what is seen, followed and counted, a record a frame."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn_runtime.boxes import Array
from maskrcnn_runtime.errors import RuntimeFault
from maskrcnn_runtime.pictures import Model
from maskrcnn_runtime.tracking import Tracker
from maskrcnn_runtime.writing import entries_of

DEVICE = "/dev/video"
LIVE = ("rtsp://", "http://", "https://", "udp://")


def watch(source: str, model: Model, score: float, most: int = 0) -> Iterator[dict[str, Any]]:
    """Look at frame after frame.

    Of something that goes on by itself, a camera or a stream, the newest frame is looked at and those that came in the
    meantime are dropped; of a clip every frame.

    Args:
        source: ``/dev/video0``, a clip, or an address.
        model: that looks.
        score: least score of an object.
        most: frames to look at; 0: all.

    Yields:
        ``frame``, ``time`` (seconds since the first), ``objects`` with their ``track``, and ``counts``: how many
        objects of each class have been seen so far.

    Raises:
        RuntimeFault: the extra ``camera`` is not installed, or the source cannot be opened.
    """
    tracker = Tracker()
    live = source.startswith((DEVICE, *LIVE))
    frames = _decoded(source)
    for count, (index, at, image) in enumerate(_newest(frames) if live else frames, 1):
        found = model(image, score)
        numbers = tracker(found)
        objects = entries_of(model, found, image.shape[:2], outlines=False)
        counts = {model.class_names[label - 1]: number for label, number in sorted(tracker.counts.items())}
        objects = [{"track": number, **own} for number, own in zip(numbers, objects)]
        yield {"frame": index, "time": round(at, 3), "objects": objects, "counts": counts}
        if most and count >= most:
            return


def _decoded(source: str) -> Iterator[tuple[int, float, Array]]:
    """Each frame's number, its time in seconds and its pixels, uint8 ``[H, W, 3]``."""
    try:
        import av
    except ImportError:
        raise RuntimeFault("To watch, av must be installed: pip install 'maskrcnn-runtime[camera]'.") from None
    if not source.startswith(LIVE) and not Path(source).exists():
        raise RuntimeFault(f"{source} does not exist; a camera is /dev/video0 on most computers.")
    try:
        kind = "v4l2" if source.startswith(DEVICE) else None
        with av.open(source, format=kind) as container:
            if not container.streams.video:
                raise RuntimeFault(f"{source} shows no pictures.")
            begun = time.monotonic()
            for index, frame in enumerate(container.decode(video=0)):
                at = time.monotonic() - begun if frame.time is None else float(frame.time)
                yield index, at, np.ascontiguousarray(frame.to_ndarray(format="rgb24"))
    except av.error.FFmpegError as error:
        raise RuntimeFault(f"{source} cannot be read ({error.strerror}); check the camera or the file.") from None


def _newest(frames: Iterator[tuple[int, float, Array]]) -> Iterator[tuple[int, float, Array]]:
    """The newest frame each time one is asked for; a thread reads on, so that none waits in the camera."""
    latest: list[Any] = []
    come = threading.Condition()

    def read() -> None:
        last: Any = None
        try:
            for frame in frames:
                with come:
                    latest[:] = [frame]
                    come.notify()
        except RuntimeFault as error:
            last = error
        with come:
            latest.append(last)
            come.notify()

    threading.Thread(target=read, daemon=True).start()
    while True:
        with come:
            come.wait_for(lambda: latest)
            frame = latest.pop(0)
        if frame is None:
            return
        if isinstance(frame, RuntimeFault):
            raise frame
        yield frame
