"""Reading photos and other 2-D images, whatever their mode, depth or state, into tensors of the range 0..255."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from maskrcnn.data.parsing.size_limit import check_size
from maskrcnn.data.parsing.unsupported import how_to_export
from maskrcnn.errors import DataError
from maskrcnn.files import exists, is_folder, why_missing
from maskrcnn.modalities.images.read.deep_colours import deep_colours, shown_colours
from maskrcnn.modalities.images.read.find import PDF
from maskrcnn.modalities.images.read.pages import page_of, read_pdf_page
from maskrcnn.structures import Record

DEEP_MODES = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
ALPHA_MODES = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})
PILLOW_MODES = {1: "L", 3: "RGB"}
OUTER_PERCENT = 0.1
BYTES_A_PIXEL = 20  # of memory while a picture is read: as it lies in the file, on white, and as RGB
PILLOW = threading.Lock()  # held while Pillow's own limit is off
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that exchange rows and columns


def read_image(path: str | Path, channels: int = 3, apply_exif: bool = True) -> Tensor:
    """Read one image as ``[C, H, W]`` with values 0..255: uint8, or float32 if the file holds more than 8 bits.

    Palette, CMYK, grey and 1-bit images become RGB (or grey for ``channels=1``); what is transparent is shown on white,
    as viewers show it. Of a file of several frames the first counts; ``paper.pdf#3`` and ``stack.tif#3`` are pages.
    Grey of more than 8 bits (16-bit, 32-bit, float) is scaled by its own range, because a 12-bit camera stores 0..4095
    in 16 bits: its 0.1st and 99.9th percentiles become 0 and 255, so that a hot pixel does not darken the image.

    Args:
        path: of the image file.
        channels: 3 for RGB, 1 for grey.
        apply_exif: turn the image upright as its EXIF orientation says.

    Returns:
        ``[C, H, W]``, 0..255: uint8, or float32 if the file holds more than 8 bits.

    Raises:
        DataError: where the file cannot be read as an image, or is too large; the sentence names it.
        ValueError: for other numbers of channels.
    """
    if channels not in PILLOW_MODES:
        raise ValueError(f"read_image gives 1 or 3 channels, not {channels}.")
    file, page = page_of(path)
    try:
        if file.suffix.lower() == PDF:
            return picture_samples(Image.fromarray(read_pdf_page(file, page or 1)), channels)
        with open_picture(file, path) as image:
            if page:
                image.seek(page - 1)
            deep = deep_colours(file, image)
            if deep is not None:
                pixels = shown_colours(deep, channels, _orientation(image) if apply_exif else 1)
            else:
                if apply_exif:
                    ImageOps.exif_transpose(image, in_place=True)
                pixels = _deep_pixels(image) if image.mode in DEEP_MODES else _pixels(image, channels)
    except DataError:
        raise
    except Exception as error:  # decoders meet broken bytes with errors of every kind
        raise _unreadable(file, error) from error
    return _as_samples(pixels, channels)


def picture_samples(image: Image.Image, channels: int = 3) -> Tensor:
    """A picture that Pillow has opened, as :func:`read_image` gives it, but not turned as EXIF says.

    Raises:
        ValueError: for other numbers of channels.
    """
    if channels not in PILLOW_MODES:
        raise ValueError(f"A picture has 1 or 3 channels, not {channels}.")
    return _as_samples(_deep_pixels(image) if image.mode in DEEP_MODES else _pixels(image, channels), channels)


def _as_samples(pixels: np.ndarray, channels: int) -> Tensor:
    """``[C, H, W]`` of pixels ``[H, W]`` or ``[H, W, 3]``."""
    tensor = torch.from_numpy(pixels)
    if tensor.ndim == 2:
        return tensor.expand(channels, -1, -1).contiguous()
    return tensor.permute(2, 0, 1)  # stays channels-last in memory, which is resized fastest


def read_record_image(record: Record, channels: int = 3) -> Tensor:
    """The image of a record as :func:`read_image` gives it, in the frame in which the record's boxes were drawn.

    Some annotation tools ignore the EXIF orientation: an image that fits its record only unturned is left unturned.

    Raises:
        DataError: where the image cannot be read or has another size than its labels say.
    """
    image = read_image(record.source, channels)
    expected = record.spatial_shape
    if expected is None or tuple(image.shape[1:]) == expected:
        return image
    unturned = read_image(record.source, channels, apply_exif=False)
    if tuple(unturned.shape[1:]) == expected:
        return unturned
    (height, width), (rows, columns) = expected, image.shape[1:]
    raise DataError(
        f"{record.source} is {columns} x {rows} pixels but its labels were drawn on {width} x {height}; "
        "use the image that was labelled."
    )


def image_shape(path: str | Path, upright: bool = True) -> tuple[int, int]:
    """``(height, width)`` of an image, upright or as it is stored, from the file's header alone.

    Raises:
        DataError: where the file is not an image.
    """
    try:
        with open_header(path) as image:
            width, height = image.size
            orientation = _orientation(image) if upright else 1
    except Exception as error:
        raise _unreadable(path, error) from error
    return (width, height) if orientation in SIDEWAYS else (height, width)


@contextmanager
def open_picture(
    source: str | Path | BinaryIO, name: object = None, packed: int | None = None
) -> Iterator[Image.Image]:
    """A picture whose header was read, and which is not too large to be unpacked.

    Args:
        source: a file, or what one holds.
        name: of the file in which it lies, for the sentence; None: ``source``.
        packed: bytes in which it lies; None: those of the file ``source``.

    Yields:
        The picture; its pixels are not read yet.

    Raises:
        DataError: it holds more pixels than are allowed, see :mod:`maskrcnn.data.parsing.size_limit`.
        Exception: whatever Pillow makes of a broken file.
    """
    with open_header(source) as image:
        check_size(str(name or source), image.width * image.height, "pixels", BYTES_A_PIXEL, packed)
        yield image


def open_header(source: str | Path | BinaryIO) -> Image.Image:
    """As :func:`PIL.Image.open`, however large the picture: its own limit cannot be set for one call."""
    with PILLOW:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(source)
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _pixels(image: Image.Image, channels: int) -> np.ndarray:
    """8-bit pixels ``[H, W]`` or ``[H, W, 3]``."""
    if image.mode in ALPHA_MODES or "transparency" in image.info:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        image = Image.alpha_composite(white, layer)
    return np.array(image if image.mode == PILLOW_MODES[channels] else image.convert(PILLOW_MODES[channels]))


def _deep_pixels(image: Image.Image) -> np.ndarray:
    """Float32 grey ``[H, W]`` scaled to 0..255 between its outer percentiles; a uniform image becomes 0."""
    values = np.array(image, dtype=np.float32)
    np.nan_to_num(values, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = outer_values(values)
    values -= np.float32(low)
    values *= np.float32(255 / max(high - low, 1e-12))
    return np.clip(values, 0, 255, out=values)


def outer_values(values: np.ndarray) -> tuple[float, float]:
    """The 0.1st and 99.9th percentiles, which are shown as black and white; the extremes where both are one."""
    low, high = np.percentile(values, (OUTER_PERCENT, 100 - OUTER_PERCENT)).tolist()
    return (low, high) if low < high else (float(values.min()), float(values.max()))


def deep_values(path: str | Path, spatial_shape: tuple[int, int]) -> np.ndarray | None:
    """The values of a grey image of more than 8 bits as its file has them, which :func:`read_image` scales.

    Args:
        path: of an image that can be read.
        spatial_shape: height and width of the frame in which it is labelled.

    Returns:
        Float32 ``[H, W]``; None of an image of any other kind.

    Raises:
        DataError: where the file cannot be read as an image.
    """
    file, page = page_of(path)
    if file.suffix.lower() == PDF:
        return None
    try:
        with open_picture(file, path) as image:
            if page:
                image.seek(page - 1)
            if deep_colours(file, image) is not None or image.mode not in DEEP_MODES:
                return None
            upright = np.array(ImageOps.exif_transpose(image), dtype=np.float32)
            values = upright if upright.shape == spatial_shape else np.array(image, dtype=np.float32)
    except DataError:
        raise
    except Exception as error:  # decoders meet broken bytes with errors of every kind
        raise _unreadable(file, error) from error
    return np.nan_to_num(values, copy=False, nan=0.0, posinf=0.0, neginf=0.0)


def _orientation(image: Image.Image) -> int:
    """Of EXIF, 1 to 8, from what stands before the pixels: the PNG reader's own would decode all of them."""
    value = Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1)
    return value if isinstance(value, int) else 1


def _unreadable(path: str | Path, error: Exception) -> DataError:
    """The one sentence for an image that does not open."""
    if not exists(Path(path)):
        return DataError(why_missing(path))
    if is_folder(Path(path)):
        return DataError(f"{path} is a folder; name an image file.")
    if Path(path).stat().st_size == 0:
        return DataError(f"{path} is empty (0 bytes); copy or download it again.")
    if told := how_to_export(Path(path)):
        return DataError(f"{path} {told}")
    if isinstance(error, UnidentifiedImageError):
        return DataError(f"{path} is not an image in a format that can be read; save it as PNG or JPEG.")
    if "truncated" in str(error):
        return DataError(f"{path} is cut off before its end; copy or download it again.")
    return DataError(f"{path} is damaged ({error}); save or download it again.")
