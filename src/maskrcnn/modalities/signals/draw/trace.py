"""A curve drawn by columns of pixels: each shows everything that the curve does in it, so that no peak is lost."""

from __future__ import annotations

import numpy as np

from maskrcnn.drawing.colours import Color

HALF_LINE = 0.75  # pixels of the final picture: half the width of a line
FLAT_RANGE = 1e-12  # a range below that is a constant's


def column_extremes(values: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and highest point, in each column, of the line that joins the samples.

    Sample k lies at k + 0.5, the middle of what it covers. Samples that are NaN are gaps.

    Args:
        values: float ``[T]``.
        edges: ascending float ``[W + 1]``, where columns begin and end, in samples.

    Returns:
        Low and high, float ``[W]`` each; NaN in a column of a gap or outside the recording.
    """
    first, last = max(int(edges[0]) - 2, 0), min(int(edges[-1]) + 3, len(values))
    values, edges = values[first:last].astype(np.float64), edges - first
    at_edges = np.interp(edges, np.arange(len(values)) + 0.5, values)
    at_edges[(edges < 0) | (edges > len(values))] = np.nan
    low, high = np.fmin(at_edges[:-1], at_edges[1:]), np.fmax(at_edges[:-1], at_edges[1:])
    starts = np.ceil(edges - 0.5).astype(np.int64).clip(0, len(values))
    holds = starts[1:] > starts[:-1]  # columns with a sample of their own; between them none is left out
    if holds.any():
        inside, bounds = values[: starts[-1]], starts[:-1][holds]
        low[holds] = np.fmin(low[holds], np.fmin.reduceat(inside, bounds))
        high[holds] = np.fmax(high[holds], np.fmax.reduceat(inside, bounds))
    low[(edges[1:] <= 0) | (edges[:-1] >= len(values))] = np.nan
    return low, np.where(np.isnan(low), np.nan, high)


def widen(top: np.ndarray, bottom: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows ``[W]`` between which a line runs, a column wider on either side, lest its steep parts look thin."""
    shifted = [(np.roll(top, step), np.roll(bottom, step)) for step in (-1, 1)]
    for step, (above, below) in zip((-1, 0), shifted):
        above[step] = below[step] = np.nan  # what a roll brings around
    (left_top, left_bottom), (right_top, right_bottom) = shifted
    gap = np.isnan(top)
    top = np.fmin(top, np.fmin(left_top, right_top))
    bottom = np.fmax(bottom, np.fmax(left_bottom, right_bottom))
    return np.where(gap, np.nan, top), np.where(gap, np.nan, bottom)


def trace_coverage(low: np.ndarray, high: np.ndarray, height: int, half_line: float) -> np.ndarray:
    """How much of each pixel a line covers, float32 ``[height, W]``, 0..1.

    Args:
        low: the row, counted downwards, at which the line begins in each column, ``[W]``; NaN: no line.
        high: the row at which it ends.
        height: rows of the picture.
        half_line: half the line's width in pixels.

    Returns:
        The part of each pixel.
    """
    top, bottom = (low - half_line).clip(0, height - 1), (high + half_line).clip(1, height)
    rows = np.arange(height)[:, None]
    covered = np.minimum(bottom, rows + 1) - np.maximum(top, rows)
    coverage: np.ndarray = np.nan_to_num(covered.clip(0, 1)).astype(np.float32)
    return coverage


def clear_tint(width: int) -> np.ndarray:
    """A tint for each column, float32 ``[width, 4]``: what it adds (red, green, blue) and how much it lets through."""
    return np.tile(np.array([0, 0, 0, 1], dtype=np.float32), (width, 1))


def tint_columns(tint: np.ndarray, span: tuple[float, float], color: Color, opacity: float) -> None:
    """Blend a colour over a tint; a column covered in part gets that part.

    Args:
        tint: see :func:`clear_tint`.
        span: left and right end in columns, as exact as they are known.
        color: red, green, blue, 0..255.
        opacity: of the colour, 0..1.
    """
    left, right = max(span[0], 0.0), min(span[1], float(len(tint)))
    if right <= left:
        return
    columns = np.arange(int(left), int(np.ceil(right)))
    part = ((np.minimum(columns + 1, right) - np.maximum(columns, left)) * opacity).astype(np.float32)
    window = tint[columns[0] : columns[-1] + 1]
    window += part[:, None] * (np.array([*color, 0], np.float32) - window)


def apply_tint(picture: np.ndarray, tint: np.ndarray) -> None:
    """Lay the tint of each column over all rows of a picture ``[H, W, 3]``."""
    picture *= tint[:, 3:]
    picture += tint[:, :3]


def paint_trace(picture: np.ndarray, coverage: np.ndarray, colors: np.ndarray) -> None:
    """Draw a line of a colour for each column, ``colors`` ``[W, 3]``, where it covers a picture
    ``[H, W, 3]``.

    Args:
        picture: float32 ``[H, W, 3]``, 0..255; it is changed.
        coverage: ``[H, W]``, 0..1.
        colors: ``[W, 3]``, 0..255.
    """
    picture += coverage[..., None] * (colors[None].astype(np.float32) - picture)


def column_means(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The mean of each channel over the samples that a column touches, float ``[C, W]``; for pictures of many channels.

    Args:
        values: ``[C, T]``.
        edges: as for :func:`column_extremes`; columns outside the recording get NaN.
    """
    count = values.shape[1]
    first = np.floor(edges[:-1]).astype(np.int64).clip(0, count)
    last = np.maximum(np.ceil(edges[1:]).astype(np.int64).clip(0, count), first)
    sums = np.concatenate([np.zeros((len(values), 1)), np.nancumsum(values, axis=1, dtype=np.float64)], axis=1)
    size = np.where(last > first, last - first, np.nan)
    means: np.ndarray = (sums[:, last] - sums[:, first]) / size
    return means


def value_range(values: np.ndarray, strip: float) -> float:
    """The range that a channel ``[T]`` needs in each strip of so many samples, so that all are drawn at one scale.

    It holds every sample, unless a few of them reach so far that the rest would be a flat line: then those are cut off.
    """
    bounds = np.ceil(np.arange(strip, len(values), strip)).astype(np.int64)
    parts = [part[np.isfinite(part)] for part in np.split(values, bounds)]
    widest = max((float(part.max() - part.min()) for part in parts if part.size), default=0.0)
    usual = max((float(np.ptp(np.quantile(part, (0.001, 0.999)))) for part in parts if part.size), default=0.0)
    return widest if widest <= 3 * usual or usual < FLAT_RANGE else 3 * usual
