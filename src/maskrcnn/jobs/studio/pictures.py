"""The images of a project as a page shows them: whole, in tiles of a pyramid where they are large, and small."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from maskrcnn.errors import DataError
from maskrcnn.modalities.images.read.pictures import (
    DEEP_MODES,
    deep_values,
    image_shape,
    open_header,
    outer_values,
    read_record_image,
)
from maskrcnn.structures import Record

TILED = 4096  # pixels of the longer side from which on an image is served in tiles
TILE = 512  # pixels of a tile's side
SMALL = 192  # pixels of the longer side of a small picture
QUALITY = 92
SHOWN_BY_BROWSERS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
KEPT_SMALL, KEPT_LARGE = 1000, 8
MOST_DRAFTED = 3  # levels that a JPEG can be unpacked at


@dataclass(frozen=True)
class Picture:
    """A picture that is sent.

    Attributes:
        media: its media type.
        content: its bytes, or the file in which they lie.
    """

    media: str
    content: bytes | Path


class Kept:
    """The latest few of things that take a while to make. Several threads may ask."""

    def __init__(self, most: int) -> None:
        self._most, self._mutex = most, threading.Lock()
        self._things: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable) -> Any:
        """What is kept under ``key``, or None."""
        with self._mutex:
            if key in self._things:
                self._things.move_to_end(key)
            return self._things.get(key)

    def put(self, key: Hashable, thing: Any) -> Any:
        """Keep a thing; the oldest goes where there are too many."""
        with self._mutex:
            self._things[key] = thing
            while len(self._things) > self._most:
                self._things.popitem(last=False)
        return thing


@dataclass(frozen=True)
class Window:
    """The values of a grey image of more than 8 bits that are shown as black and as white.

    Attributes:
        low: black.
        high: white.
    """

    low: float
    high: float


class Pictures:
    """Reads images and makes of them what a page shows."""

    def __init__(self) -> None:
        self._small, self._pyramids, self._depths = Kept(KEPT_SMALL), Kept(KEPT_LARGE), Kept(KEPT_SMALL)
        self._reading = threading.Lock()

    def depth(self, path: Path, shape: tuple[int, int]) -> tuple[float, float, float, float] | None:
        """Of a grey image of more than 8 bits its least value, those shown as black and white, and its largest.

        Args:
            path: of its file.
            shape: its height and width.

        Returns:
            These four; None of any other image, and of one that cannot be read.
        """
        found = self._depths.get((path, shape))
        if found is None:
            try:
                with open_header(path) as image:
                    is_deep = image.mode in DEEP_MODES
                values = deep_values(path, shape) if is_deep else None
            except Exception:  # decoders meet broken bytes with errors of every kind; reading it says which
                values = None
            known = () if values is None else (float(values.min()), *outer_values(values), float(values.max()))
            found = self._depths.put((path, shape), known)
        return found or None

    def whole(self, path: Path, shape: tuple[int, int], window: Window | None = None) -> Picture:
        """The image as it is labelled: the file itself where a browser shows it so.

        Args:
            path: of its file.
            shape: height and width on which it is labelled.
            window: of a grey image of more than 8 bits; by default between its outer percentiles.

        Returns:
            What is sent.

        Raises:
            DataError: it cannot be read.
        """
        media = _media_as_it_is(path, shape)
        if media:
            return Picture(media, path)
        is_photo = path.suffix.lower() in (".jpg", ".jpeg", ".mpo")
        return _packed(Image.fromarray(_pixels(path, shape, window)), is_photo)

    def tile(
        self, path: Path, shape: tuple[int, int], place: tuple[int, int, int], window: Window | None = None
    ) -> Picture:
        """A tile of a large image.

        Args:
            path: of its file.
            shape: its height and width.
            place: level, column and row of the tile, from 0; level 0 has the image's own pixels, each further one
                half as many along each side.
            window: see :meth:`whole`.

        Returns:
            What is sent.

        Raises:
            DataError: there is no such tile, or the image cannot be read.
        """
        (level, column, row), count, side = place, 1, max(shape)
        while side > TILE:
            count, side = count + 1, (side + 1) // 2
        if not 0 <= level < count:
            raise DataError(f"{path.name} has {count} levels of tiles.")
        with self._reading:
            image = self._level(path, shape, level, window)
        left, top = column * TILE, row * TILE
        if not (0 <= left < image.width and 0 <= top < image.height):
            raise DataError(f"{path.name} has no tile {column}, {row} at level {level}.")
        cut = image.crop((left, top, min(left + TILE, image.width), min(top + TILE, image.height)))
        return _packed(cut, path.suffix.lower() in (".jpg", ".jpeg"))

    def _level(self, path: Path, shape: tuple[int, int], level: int, window: Window | None) -> Image.Image:
        """The image with a pixel for 2 to the ``level`` of its own along each side."""
        key = (path, shape, level, window)
        image = self._pyramids.get(key)
        if image is None:
            if level == 0:
                image = Image.fromarray(_pixels(path, shape, window))
            elif level <= MOST_DRAFTED and _media_as_it_is(path, shape) == "image/jpeg":
                image = _drafted(path, shape, level)
            else:
                image = self._level(path, shape, level - 1, window).reduce(2)
            self._pyramids.put(key, image)
        return image  # type: ignore[no-any-return]

    def small(self, path: Path, shape: tuple[int, int], box: tuple[int, int, int, int] | None = None) -> Picture:
        """A small picture of the image, or of a part of it.

        Args:
            path: of its file.
            shape: its height and width.
            box: x1, y1, x2, y2 of the part; None: all of it.

        Returns:
            What is sent.

        Raises:
            DataError: it cannot be read.
        """
        key = (path, shape, box)
        kept = self._small.get(key)
        if kept is not None:
            return kept  # type: ignore[no-any-return]
        if box is None and _media_as_it_is(path, shape) == "image/jpeg":
            with open_header(path) as image:
                image.draft("RGB", (SMALL * 2, SMALL * 2))  # decodes a fraction of it
                image.load()
        else:
            pixels = _pixels(path, shape)
            image = Image.fromarray(pixels if box is None else pixels[box[1] : box[3], box[0] : box[2]])
        image = image.convert("RGB")
        image.thumbnail((SMALL, SMALL))
        return self._small.put(key, _packed(image, True))  # type: ignore[no-any-return]


def _media_as_it_is(path: Path, shape: tuple[int, int]) -> str:
    """The media type of a file that browsers show exactly as it is labelled; else nothing."""
    try:
        with open_header(path) as image:
            form, mode, size = image.format or "", image.mode, (image.height, image.width)
    except Exception:  # decoders meet broken bytes with errors of every kind; reading it says which
        return ""
    if form not in SHOWN_BY_BROWSERS or mode in (*DEEP_MODES, "CMYK", "YCCK") or "transparency" in mode:
        return ""
    turned = image_shape(path) != size or image_shape(path, upright=False) != size
    return "" if turned or size != shape or mode.endswith("A") else SHOWN_BY_BROWSERS[form]


def _drafted(path: Path, shape: tuple[int, int], level: int) -> Image.Image:
    """A JPEG unpacked at a half, a quarter or an eighth of its size, which takes a part of the time and memory."""
    with open_header(path) as image:
        image.draft("RGB", (max(1, shape[1] >> level), max(1, shape[0] >> level)))
        found = image.convert("RGB")
    sides = (-(-shape[1] // 2**level), -(-shape[0] // 2**level))
    return found if found.size == sides else found.resize(sides)


def _pixels(path: Path, shape: tuple[int, int], window: Window | None = None) -> np.ndarray:
    """uint8 ``[H, W, 3]``."""
    values = None if window is None else deep_values(path, shape)
    if window is not None and values is not None:
        shown = (values - window.low) * (255 / max(window.high - window.low, 1e-12))
        return np.repeat(np.clip(shown, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
    record = Record(str(path), 0, path.name, shape, np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
    samples = read_record_image(record)
    return np.ascontiguousarray(samples.permute(1, 2, 0).numpy().astype(np.uint8))


def _packed(image: Image.Image, is_photo: bool) -> Picture:
    file = io.BytesIO()
    if is_photo:
        image.save(file, "JPEG", quality=QUALITY, subsampling=0)
    else:
        image.save(file, "PNG", compress_level=1)
    return Picture("image/jpeg" if is_photo else "image/png", file.getvalue())
