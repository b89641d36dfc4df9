"""Videos of a few frames in which coloured squares move, and a detector that finds them by their colour."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch

from maskrcnn.model_info import ModelInfo
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances
from tiny import tiny_config

HEIGHT, WIDTH = 48, 64
COLOURS = {"red": (230, 20, 20), "green": (20, 230, 20), "blue": (20, 20, 230)}
GREY = 128


def scene(count: int, height: int = HEIGHT, width: int = WIDTH, squares: int = 2) -> list[np.ndarray]:
    """Frames ``[H, W, 3]`` on grey: each square goes its own way, there and back."""
    frames = []
    for k in range(count):
        frame = np.full((height, width, 3), GREY, np.uint8)
        for which, colour in enumerate(list(COLOURS.values())[:squares]):
            way = width - 16
            x = abs((k * (which + 1) + 8 * which) % (2 * way) - way)
            y = 4 + 14 * which
            frame[y : y + 12, x : x + 12] = colour
        frames.append(frame)
    return frames


def save_clip(
    path: Path,
    frames: Sequence[np.ndarray],
    rate: int = 10,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    times: Sequence[float] | None = None,
    sound: str = "",
    rotation: int = 0,
    format: str | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a video; ``times`` in seconds, ``sound`` the codec of a tone as long as the video."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(
        str(path), "w", format=format, options={"movflags": "+faststart"} if path.suffix == ".mp4" else {}
    ) as out:
        stream = out.add_stream(codec, rate=rate, options=options or {})
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], pix_fmt
        if rotation:
            stream.set_display_rotation(rotation)
        stream.codec_context.time_base = Fraction(1, 1000) if times else Fraction(1, rate)
        tone = out.add_stream(sound, rate=48_000) if sound else None
        packets: list[Any] = []
        for k, pixels in enumerate(frames):
            layout = "rgba" if pixels.shape[-1] == 4 else "rgb24"
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=layout).reformat(format=pix_fmt)
            frame.pts = round(times[k] * 1000) if times else k
            frame.time_base = stream.codec_context.time_base
            packets += stream.encode(frame)
        packets += stream.encode(None)
        if tone is not None:
            packets += _tone(tone, len(frames) / rate)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            out.mux(packet)
    return path


def _tone(stream: Any, seconds: float) -> list[Any]:
    import av

    packets: list[Any] = []
    samples = (0.2 * np.sin(np.arange(round(seconds * 48_000)) * 0.06)).astype(np.float32)
    resampler = av.AudioResampler(stream.format.name, "mono", 48_000)
    for start in range(0, len(samples), 1024):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
        for part in resampler.resample(frame):
            packets += stream.encode(part)
    return packets + list(stream.encode(None))


def read_video(path: Path) -> tuple[list[np.ndarray], list[float], list[str]]:
    """Frames, their seconds, and the kinds of streams of a file."""
    import av

    with av.open(str(path)) as file:
        kinds = [f"{stream.type} {stream.codec_context.name}" for stream in file.streams]
        frames = list(file.decode(video=0))
        return [frame.to_ndarray(format="rgb24") for frame in frames], [float(frame.time) for frame in frames], kinds


class ColourDetector:
    """Stands for a predictor: a square of each colour is an object of the class of that name.

    Args:
        stop: after so many looks it is interrupted.
    """

    def __init__(self, stop: int | None = None) -> None:
        self.info = ModelInfo(dataclasses.replace(tiny_config(), num_classes=3), tuple(COLOURS), (11, 12, 13))
        self.looks, self.stop = 0, stop

    def with_options(self, **options: Any) -> ColourDetector:
        return self

    def predict(self, images: Sequence[torch.Tensor]) -> list[Instances]:
        return [self(image) for image in images]

    def __call__(self, image: torch.Tensor) -> Instances:
        if self.looks == self.stop:
            raise KeyboardInterrupt
        self.looks += 1
        pixels = image.movedim(0, -1).numpy().astype(int)
        masks, labels = [], []
        for label, colour in enumerate(COLOURS.values(), 1):
            mask = (np.abs(pixels - colour) < 70).all(-1)
            if mask.any():
                masks.append(mask)
                labels.append(label)
        regions = Regions.from_masks(masks, pixels.shape[:2])
        boxes = torch.from_numpy(regions.boxes()).float()
        return Instances(
            boxes, torch.tensor(labels, dtype=torch.int64), torch.full((len(labels),), 0.9), regions=regions
        )
